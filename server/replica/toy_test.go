package replica

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/quorum"
	"github.com/meerkat-zk/meerkat/quorum/peer"
)

// toyTree is a tree that remembers every transaction.
type toyTree struct {
	zxid    int64
	entries []quorum.Entry
}

func (t *toyTree) last() int64 {
	if n := len(t.entries); n > 0 {
		return max(t.zxid, t.entries[n-1].Zxid)
	}
	return t.zxid
}

// toySnapshot is a toyTree on its way to disk or learner.
type toySnapshot struct {
	*toyTree
	closed func()
}

func (s toySnapshot) Zxid() int64            { return s.last() }
func (s toySnapshot) Digest() (uint64, bool) { return uint64(len(s.entries)), true }
func (s toySnapshot) Close()                 { s.closed() }

func (s toySnapshot) WriteTo(w io.Writer) (int64, error) {
	b := jute.AppendInt(nil, int32(len(s.entries)))
	for _, e := range s.entries {
		b = jute.AppendBuffer(jute.AppendLong(b, e.Zxid), e.Data)
	}
	n, err := w.Write(jute.AppendString(b, "/"))
	return int64(n), err
}

func decodeToy(r *jute.Reader) (*toyTree, error) {
	t := &toyTree{}
	for n := r.Int(); n > 0 && r.Err() == nil; n-- {
		t.entries = append(t.entries, quorum.Entry{Zxid: r.Long(), Data: r.Buffer()})
	}
	if r.String() != "/" {
		r.Fail(errors.New("no end"))
	}
	return t, r.Err()
}

// toy is the server around a tree: Trees, Machine and State in one.
type toy struct {
	store *persistence.Store // set once
	t     testing.TB         // set once

	mu        sync.Mutex
	applied   sync.Cond // on mu
	tree      *toyTree
	history   uint64 // of tree
	role      quorum.Role
	committed []quorum.Entry // applied while broadcasting: clients have seen it
	open      int            // snapshots

	swapped, reloaded int
}

func newToy(t testing.TB, store *persistence.Store) *toy {
	m := &toy{store: store, t: t, tree: &toyTree{}}
	m.applied.L = &m.mu
	return m
}

func (m *toy) Reset() { m.tree = &toyTree{} }

func (m *toy) DecodeSnapshot(r *jute.Reader) error {
	tree, err := decodeToy(r)
	if err == nil {
		m.tree = tree
	}
	return err
}

func (m *toy) SnapshotDigest(int64, int32, uint64) {}

func (m *toy) Replay(e *proto.Entry) error {
	m.tree.entries = append(m.tree.entries, quorum.Entry{Zxid: e.Header.Zxid, Data: e.Append(nil)})
	return nil
}

func (m *toy) Decode(zxid int64, r *jute.Reader) (Tree, error) {
	tree, err := decodeToy(r)
	if err != nil {
		return nil, err
	}
	tree.zxid = zxid
	return stagedToy{m, tree}, nil
}

// stagedToy is a tree that is not served yet.
type stagedToy struct {
	m    *toy
	tree *toyTree
}

func (s stagedToy) Snapshot() Snapshot { return s.m.snapshotOf(s.tree) }

func (m *toy) snapshotOf(tree *toyTree) toySnapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.snapshotLocked(tree)
}

func (m *toy) snapshotLocked(tree *toyTree) toySnapshot {
	m.open++
	return toySnapshot{&toyTree{zxid: tree.zxid, entries: slices.Clone(tree.entries)}, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.open--
	}}
}

func (m *toy) Swap(t Tree, zxid int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.swapped++
	m.tree, m.history = t.(stagedToy).tree, m.store.History()
	if m.tree.last() != zxid {
		m.t.Errorf("a tree at 0x%x is swapped in as 0x%x", m.tree.last(), zxid)
	}
}

func (m *toy) Reload(recover func(persistence.State) (persistence.Recovered, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reloaded++
	m.tree = &toyTree{}
	found, err := recover(m)
	m.tree.zxid, m.history = found.Zxid, m.store.History()
	return err
}

func (m *toy) Apply(entries []quorum.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		if last := m.tree.last(); e.Zxid <= last {
			m.t.Errorf("0x%x is applied after 0x%x", e.Zxid, last)
		}
		m.tree.entries = append(m.tree.entries, quorum.Entry{Zxid: e.Zxid, Data: bytes.Clone(e.Data)})
	}
	if m.role.Phase == quorum.Broadcast {
		m.committed = append(m.committed, entries...)
	}
	m.applied.Broadcast()
}

func (m *toy) Role(r quorum.Role) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.role = r
}

func (m *toy) Confirmed([]uint64)          {}
func (m *toy) Refused(quorum.Input, error) {}

// There are no sessions.
func (m *toy) FromLearner(quorum.Link, int64, bool, proto.QuorumPacket) {}
func (m *toy) LearnerGone(quorum.Link)                                  {}
func (m *toy) FromLeader(proto.QuorumPacket)                            {}
func (m *toy) Touches() []byte                                          { return []byte{} }

func (m *toy) Snapshot(ctx context.Context, atLeast int64) (peer.Snapshot, error) {
	stop := context.AfterFunc(ctx, m.applied.Broadcast)
	defer stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.tree.last() < atLeast {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m.applied.Wait()
	}
	return linkSnapshot{m.snapshotLocked(m.tree)}, nil
}

type linkSnapshot struct{ toySnapshot }

func (s linkSnapshot) Close() error {
	s.toySnapshot.Close()
	return nil
}

// save writes a snapshot, as a server does now and then.
func (m *toy) save() error {
	m.mu.Lock()
	snapshot, history := m.snapshotLocked(m.tree), m.history
	m.mu.Unlock()
	defer snapshot.Close()
	_, err := m.store.SaveSnapshotOf(history, snapshot)
	return err
}

func storeConfig(fs vfs.FS) persistence.Config {
	return persistence.Config{
		FS: fs, DataDir: "/data", Autocreate: true, ForceSync: true, DBAutocreate: true, PreallocBytes: 8 << 10, ReserveBytes: 4 << 10,
		DigestEnabled: true, SerializeLastZxid: true, RetryEvery: time.Hour, Log: zerolog.Nop(),
	}
}

// member is one server's disk and tree.
type member struct {
	fs    *vfs.Mem
	store *persistence.Store
	toy   *toy
	disk  *Disk
	found quorum.Recovered
}

// openMember starts on a disk, as a server does.
func openMember(t testing.TB, cfg persistence.Config, factor float64) (*member, error) {
	store, err := persistence.Open(cfg)
	if err != nil {
		return nil, err
	}
	m := &member{fs: cfg.FS.(*vfs.Mem), store: store, toy: newToy(t, store)}
	found, err := store.Recover(m.toy)
	m.toy.tree.zxid = found.Zxid
	if err == nil && found.NeedsSnapshot && found.Zxid >= 0 {
		err = m.toy.save()
	}
	if err == nil {
		m.found, err = Recovered(store, found, 5, 1<<20)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	m.disk = NewDisk(Config{Store: store, Trees: m.toy, SnapshotSizeFactor: factor, Log: zerolog.Nop()})
	return m, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustOpen(t testing.TB, cfg persistence.Config, factor float64) *member {
	t.Helper()
	m, err := openMember(t, cfg, factor)
	must(t, err)
	t.Cleanup(func() { _ = m.store.Close() })
	return m
}

// txn is a transaction as the log holds it; who tells two of one zxid apart.
func txn(zxid int64, who int32) quorum.Entry {
	e := proto.Entry{
		Header: proto.TxnHeader{Zxid: zxid, Cxid: who, Type: proto.OpSetData},
		Txn:    &proto.SetDataTxn{Path: "/a", Data: bytes.Repeat([]byte{byte(zxid)}, 100+int(zxid%7)*30)},
	}
	return quorum.Entry{Zxid: zxid, Data: e.Append(nil)}
}

func sameEntries(a, b []quorum.Entry) bool {
	return slices.EqualFunc(a, b, func(x, y quorum.Entry) bool { return x.Zxid == y.Zxid && bytes.Equal(x.Data, y.Data) })
}
