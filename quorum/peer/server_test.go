package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// memServer is disk and tree of one server. The disk survives a crash but for
// what was not synced; the tree is loaded from it. A history is kept whole,
// though the log reaches back only to logFrom: below is the snapshot.
type memServer struct {
	mu       sync.Mutex
	applied  sync.Cond
	hist     []quorum.Entry // durable
	unsynced []quorum.Entry
	logFrom  int64
	wiped    bool
	accepted int64
	current  int64
	staged   map[quorum.Link][]quorum.Entry
	syncErr  error
	barrier  chan struct{} // Truncate waits until it is closed; nil: it does not
	astray   bool          // something was applied on top of what nobody else has

	tree  []quorum.Entry
	role  quorum.Role
	roles []quorum.Role

	confirmed   []uint64
	notes       []string // calls that are about sessions
	refused     int      // of the last proposals
	touched     []byte
	learnerLink quorum.Link // of the last FromLearner

	truncated, installed, read, snaps int
	openSnaps                         int
}

// unacknowledged is the data of a transaction that is on one server only.
const unacknowledged = "never acknowledged"

func newMemServer() *memServer {
	s := &memServer{staged: map[quorum.Link][]quorum.Entry{}}
	s.applied.L = &s.mu
	return s
}

// recover is a new start.
func (s *memServer) recover() quorum.Recovered {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsynced, s.staged, s.roles, s.role = nil, map[quorum.Link][]quorum.Entry{}, nil, quorum.Role{}
	s.truncated, s.installed, s.read, s.snaps = 0, 0, 0, 0
	s.tree = slices.Clone(s.hist)
	r := quorum.Recovered{Zxid: lastOf(s.hist), AcceptedEpoch: s.accepted, CurrentEpoch: s.current}
	if s.wiped {
		r.Zxid = -1
	}
	r.Applied, r.TailBase = r.Zxid, r.Zxid
	return r
}

func lastOf(hist []quorum.Entry) int64 {
	if len(hist) == 0 {
		return 0
	}
	return hist[len(hist)-1].Zxid
}

func at(hist []quorum.Entry, zxid int64) int {
	return sort.Search(len(hist), func(i int) bool { return hist[i].Zxid >= zxid })
}

func (s *memServer) Append(zxid int64, entry []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsynced = append(s.unsynced, quorum.Entry{Zxid: zxid, Data: entry})
	return nil
}

func (s *memServer) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.syncErr == nil {
		s.hist, s.unsynced = append(s.hist, s.unsynced...), nil
	}
	return s.syncErr
}

func (s *memServer) Truncate(zxid int64, rebuild bool) error {
	if s.barrier != nil {
		<-s.barrier
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unsynced) > 0 {
		return errors.New("truncation of a log that is not synced")
	}
	if zxid < s.logFrom {
		return ErrOutOfReach
	}
	s.truncated++
	s.hist = slices.Clone(s.hist[:at(s.hist, zxid+1)])
	if rebuild {
		s.tree = slices.Clone(s.hist)
	}
	return nil
}

func (s *memServer) Install(link quorum.Link, zxid int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	staged, found := s.staged[link]
	if !found || lastOf(staged) != zxid {
		return errors.New("not what was staged")
	}
	delete(s.staged, link)
	s.installed++
	s.hist, s.unsynced, s.logFrom, s.wiped = staged, nil, zxid, false
	s.tree = slices.Clone(staged)
	return nil
}

func (s *memServer) SetAcceptedEpoch(epoch int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = epoch
	return nil
}

func (s *memServer) SetCurrentEpoch(epoch int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = epoch
	return nil
}

func (s *memServer) Stage(link quorum.Link, _ int64, r *jute.Reader) error {
	var staged []quorum.Entry
	for n := r.Int(); n > 0 && r.Err() == nil; n-- {
		staged = append(staged, quorum.Entry{Zxid: r.Long(), Data: r.Buffer()})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged[link] = staged
	return r.Err()
}

func (s *memServer) Unstage(link quorum.Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.staged, link)
}

func (s *memServer) Reach(q quorum.LogQuery) quorum.LogReach {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := quorum.LogReach{UpTo: q.UpTo, Prev: -1, Complete: s.logFrom <= q.Peer}
	i := at(s.hist, q.Peer+1)
	if i < len(s.hist) {
		r.Next = s.hist[i].Zxid
	}
	switch {
	case i > 0 && s.hist[i-1].Zxid >= s.logFrom:
		r.Prev = s.hist[i-1].Zxid
	case i == 0 && s.logFrom == 0:
		r.Prev = 0
	}
	return r
}

func (s *memServer) ReadLog(from, to int64, yield func(quorum.Entry) error) error {
	s.mu.Lock()
	s.read++
	part := slices.Clone(s.hist[at(s.hist, from+1):at(s.hist, to+1)])
	s.mu.Unlock()
	for _, e := range part {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *memServer) Apply(entries []quorum.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.tree); n > 0 && string(s.tree[n-1].Data) == unacknowledged {
		s.astray = true
	}
	s.tree = append(s.tree, entries...)
	s.applied.Broadcast()
}

func (s *memServer) Role(r quorum.Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.role = r
	s.roles = append(s.roles, r)
}

func (s *memServer) Confirmed(ids []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirmed = append(s.confirmed, ids...)
}

func (s *memServer) Refused(in quorum.Input, err error) {
	if p, ok := in.(quorum.Proposals); ok {
		s.mu.Lock()
		s.refused = len(p.Entries)
		s.mu.Unlock()
	}
	s.note("refused %T: %v", in, err)
}

func (s *memServer) FromLearner(link quorum.Link, server int64, observer bool, p proto.QuorumPacket) {
	s.mu.Lock()
	s.learnerLink = link
	s.mu.Unlock()
	s.note("%d (observer %v): %s %x", server, observer, p.Type, p.Data)
}

func (s *memServer) LearnerGone(link quorum.Link) { s.note("link %d gone", link) }

// FromLeader notes how much the tree has by then.
func (s *memServer) FromLeader(p proto.QuorumPacket) {
	s.mu.Lock()
	last := lastOf(s.tree)
	s.mu.Unlock()
	s.note("leader: %s %x, tree 0x%x", p.Type, p.Data, last)
}

func (s *memServer) Touches() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := s.touched
	s.touched = nil
	return touched
}

func (s *memServer) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// noted returns what was noted since the last call.
func (s *memServer) noted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	notes := s.notes
	s.notes = nil
	return notes
}

func (s *memServer) leads() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.role.State == proto.Leading && s.role.Phase == quorum.Broadcast
}

func (s *memServer) Snapshot(ctx context.Context, atLeast int64) (Snapshot, error) {
	stop := context.AfterFunc(ctx, s.applied.Broadcast)
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for lastOf(s.tree) < atLeast {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.applied.Wait()
	}
	s.snaps++
	s.openSnaps++
	return &memSnapshot{server: s, tree: slices.Clone(s.tree)}, nil
}

type memSnapshot struct {
	server *memServer
	tree   []quorum.Entry
}

func (s *memSnapshot) Zxid() int64 { return lastOf(s.tree) }

func (s *memSnapshot) WriteTo(w io.Writer) (int64, error) {
	b := jute.AppendInt(nil, int32(len(s.tree)))
	for _, e := range s.tree {
		b = jute.AppendBuffer(jute.AppendLong(b, e.Zxid), e.Data)
	}
	n, err := w.Write(b)
	return int64(n), err
}

func (s *memSnapshot) Close() error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.openSnaps--
	return nil
}

func sameHistory(a, b []quorum.Entry) bool {
	return slices.EqualFunc(a, b, func(x, y quorum.Entry) bool { return x.Zxid == y.Zxid && bytes.Equal(x.Data, y.Data) })
}
