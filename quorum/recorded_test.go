package quorum

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// recorded is one connection between a learner and a leader, both of them
// Apache's, from testdata/recorded. The program that wrote it down is
// TestRecordPackets in compat_tests/ensemble.
type recorded struct {
	learner, leader int64
	observer        bool
	packets         []heard
}

// heard is a packet of either side.
type heard struct {
	fromLearner bool
	proto.QuorumPacket
}

// theLink is the connection that was recorded, otherLink that of a learner who
// makes the leader's quorum.
const (
	theLink   Link = 1
	otherLink Link = 2
)

func readRecorded(t *testing.T, file string) *recorded {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	r := &recorded{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		s := scenario{t: t, args: map[string]string{}}
		for _, w := range words {
			key, value, _ := strings.Cut(w, "=")
			s.args[key] = value
		}
		switch words[0] {
		case "#":
		case ">", "<":
			p := s.packet(words[1])
			if p.Type == proto.PacketPing && words[0] == ">" && p.Data == nil {
				p.Data = []byte{}
			}
			r.packets = append(r.packets, heard{words[0] == ">", p})
		default:
			r.learner, r.leader, r.observer = s.num("learner"), s.num("leader"), s.args["observer"] == "true"
		}
	}
	return r
}

// zxids are those of the packets of some types from one side.
func (r *recorded) zxids(fromLearner bool, types ...proto.PacketType) (zxids []int64) {
	for _, p := range r.packets {
		if p.fromLearner == fromLearner && slices.Contains(types, p.Type) {
			zxids = append(zxids, p.Zxid)
		}
	}
	return zxids
}

// first returns the first packet of some types.
func (r *recorded) first(t *testing.T, types ...proto.PacketType) *proto.QuorumPacket {
	t.Helper()
	for i := range r.packets {
		if slices.Contains(types, r.packets[i].Type) {
			return &r.packets[i].QuorumPacket
		}
	}
	t.Fatalf("there is no %v", types)
	return nil
}

// side is a Core in the place of one of the two, and what it has done.
type side struct {
	t    *testing.T
	core *Core
	now  time.Duration

	sent    []proto.QuorumPacket // on theLink
	applied []int64
	closed  []string
	queries []SnapshotQuery
}

func (s *side) step(in Input) {
	s.t.Helper()
	if err := s.core.Step(s.now, in); err != nil {
		s.t.Fatalf("%T: %v", in, err)
	}
	for {
		out := s.core.Ready()
		for _, m := range out.Send {
			if m.Link == theLink {
				s.sent = append(s.sent, m.Packet)
			}
		}
		for _, e := range out.Apply {
			s.applied = append(s.applied, e.Zxid)
		}
		for _, c := range out.Close {
			s.closed = append(s.closed, c.Reason)
		}
		s.queries = append(s.queries, out.Snapshots...)
		if len(out.Disk) == 0 {
			return
		}
		if err := s.core.Step(s.now, Persisted{Op: out.Disk[len(out.Disk)-1].Seq}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *side) receive(link Link, p proto.QuorumPacket) { s.step(Received{Link: link, Packet: p}) }

// said are the zxids of what the Core has sent of some types.
func (s *side) said(types ...proto.PacketType) (zxids []int64) {
	for _, p := range s.sent {
		if slices.Contains(types, p.Type) {
			zxids = append(zxids, p.Zxid)
		}
	}
	return zxids
}

func recordedConfig(id int64, observer bool) Config {
	return Config{
		ID: id, Verifier: NewMajority(1, 2, 3), Observer: observer,
		Tick: 2 * time.Second, InitTicks: 10, SyncTicks: 5, MinNotify: 200 * time.Millisecond, MaxNotify: time.Minute,
		CommitLogCount: 500, Seed: 1,
	}
}

// isTxn tells whether a zxid is a transaction's, and not an epoch's beginning.
func isTxn(zxid int64) bool { return Counter(zxid) != 0 }

// only are the zxids that a test is about.
func only(zxids []int64, keep func(int64) bool) (some []int64) {
	for _, z := range zxids {
		if keep(z) {
			some = append(some, z)
		}
	}
	return some
}

// TestRecordedLeaders lets the core take the place of Apache's learner: what
// Apache's leader has said, in its order, brings it to serve, and it answers as
// Apache's learner has.
func TestRecordedLeaders(t *testing.T) {
	eachRecorded(t, func(t *testing.T, r *recorded) {
		s := r.asLearner(t)
		for _, p := range r.packets {
			if !p.fromLearner {
				s.receive(theLink, p.QuorumPacket)
			}
			if len(s.closed) > 0 {
				t.Fatalf("at %s 0x%x: %v", p.Type, p.Zxid, s.closed)
			}
		}
		if s.core.Role().Phase != Broadcast {
			t.Fatalf("it does not serve: %+v", s.core.Role())
		}
		r.compareAnswers(t, s)
		sync := r.first(t, proto.PacketDiff, proto.PacketTrunc, proto.PacketSnap)
		covered := func(z int64) bool { return sync.Type != proto.PacketSnap || z > sync.Zxid }
		want := only(r.zxids(false, proto.PacketCommit, proto.PacketInform), covered)
		got := only(s.applied, func(z int64) bool { return slices.Contains(want, z) })
		if !slices.Equal(got, want) {
			t.Errorf("applied %x\nof %x", got, want)
		}
	})
}

// compareAnswers holds what the core said beside what Apache's learner did. It
// may be ahead of that one, whose disk took time, or which was ended. Apache 3.8
// acknowledges also what was committed when it came; that counts for nothing.
func (r *recorded) compareAnswers(t *testing.T, s *side) {
	t.Helper()
	known := r.committedBefore()
	open := func(z int64) bool { return isTxn(z) && !slices.Contains(known, z) }
	for _, c := range []struct {
		what  string
		types []proto.PacketType
		keep  func(int64) bool
	}{
		{"introduces itself with", []proto.PacketType{proto.PacketFollowerInfo, proto.PacketObserverInfo, proto.PacketAckEpoch}, func(int64) bool { return true }},
		{"acknowledges the epoch with", []proto.PacketType{proto.PacketAck}, func(z int64) bool { return !isTxn(z) }},
		{"acknowledges", []proto.PacketType{proto.PacketAck}, open},
		{"answers pings with", []proto.PacketType{proto.PacketPing}, func(int64) bool { return true }},
	} {
		got, want := only(s.said(c.types...), c.keep), only(r.zxids(true, c.types...), c.keep)
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s %x, not %x", c.what, got, want)
		}
	}
}

// committedBefore are the transactions that were told as committed before
// NEWLEADER.
func (r *recorded) committedBefore() (zxids []int64) {
	for _, p := range r.packets {
		switch p.Type {
		case proto.PacketNewLeader:
			return zxids
		case proto.PacketCommit:
			zxids = append(zxids, p.Zxid)
		}
	}
	return zxids
}

func eachRecorded(t *testing.T, run func(*testing.T, *recorded)) {
	files, err := filepath.Glob("testdata/recorded/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("nothing was recorded", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { run(t, readRecorded(t, file)) })
	}
}

// asLearner is a Core that has what Apache's learner had, and has connected.
func (r *recorded) asLearner(t *testing.T) *side {
	t.Helper()
	hello := r.first(t, proto.PacketFollowerInfo, proto.PacketObserverInfo)
	ack := r.first(t, proto.PacketAckEpoch)
	sync := r.first(t, proto.PacketDiff, proto.PacketTrunc, proto.PacketSnap)
	d := jute.NewDecoder(ack.Data)
	rec := Recovered{AcceptedEpoch: Epoch(hello.Zxid), CurrentEpoch: int64(d.Int()), Zxid: ack.Zxid, TailBase: ack.Zxid}
	if rec.CurrentEpoch < 0 {
		rec.CurrentEpoch = Epoch(ack.Zxid)
	}
	if sync.Type == proto.PacketTrunc {
		rec.TailBase = sync.Zxid
		for z := sync.Zxid + 1; z <= ack.Zxid; z++ {
			rec.Tail = append(rec.Tail, Entry{Zxid: z})
		}
	}
	rec.Applied = rec.Zxid
	s := &side{t: t}
	var err error
	if s.core, err = New(0, recordedConfig(r.learner, r.observer), rec); err != nil {
		t.Fatal(err)
	}
	s.step(Tick{})
	for id := int64(1); id <= 3; id++ { // the others have elected a leader
		state := proto.Following
		if id == r.leader {
			state = proto.Leading
		}
		if id != r.learner {
			s.step(Notified{From: id, Notification: proto.Notification{State: state, Leader: r.leader, PeerEpoch: 9, Round: 9, Version: proto.NotificationVersion}})
		}
	}
	s.step(Connected{Link: theLink})
	return s
}

// TestRecordedLearners lets the core take the place of Apache's leader: it
// brings Apache's learner up to date with the same transactions, and takes all
// that this one has said, in its order.
func TestRecordedLearners(t *testing.T) {
	eachRecorded(t, func(t *testing.T, r *recorded) {
		s := r.asLeader(t)
		for i := range r.packets {
			p := &r.packets[i]
			switch {
			case p.fromLearner:
				s.receive(theLink, p.QuorumPacket)
			case p.Type == proto.PacketProposal:
				s.propose(p.Zxid)
			case p.Type == proto.PacketInform || p.Type == proto.PacketCommit:
				s.propose(p.Zxid)
				s.commit(p.Zxid)
			case p.Type == proto.PacketPing: // of what it has proposed, though an observer has not heard of it
				s.propose(p.Zxid)
				s.beat(p.Zxid)
			case p.Type == proto.PacketSnap:
				zxid := p.Zxid
				if !isTxn(zxid) {
					zxid = s.core.Committed() // Apache's tree has the epoch's zxid when that begins
				}
				s.step(SnapshotReady{Link: theLink, Zxid: zxid})
				s.step(SnapshotSent{Link: theLink})
			}
			if len(s.closed) > 0 {
				t.Fatalf("at packet %d, %s 0x%x: %v", i, p.Type, p.Zxid, s.closed)
			}
		}
		r.compareOrders(t, s)
	})
}

// compareOrders holds what the core told the learner beside what Apache's
// leader did. It may have committed more by now: here the third server is quick.
func (r *recorded) compareOrders(t *testing.T, s *side) {
	t.Helper()
	sync := r.first(t, proto.PacketDiff, proto.PacketTrunc, proto.PacketSnap)
	covered := func(z int64) bool { return sync.Type != proto.PacketSnap || z > sync.Zxid }
	for _, types := range [][]proto.PacketType{
		{proto.PacketLeaderInfo}, {proto.PacketSnap}, {proto.PacketTrunc}, {proto.PacketNewLeader}, {proto.PacketUpToDate},
		{proto.PacketProposal}, {proto.PacketCommit, proto.PacketInform},
	} {
		got, want := s.said(types...), r.zxids(false, types...)
		switch types[0] {
		case proto.PacketProposal, proto.PacketCommit:
			want = only(want, covered)
			got = got[:min(len(got), len(want))]
		case proto.PacketSnap:
			got, want = only(got, isTxn), only(want, isTxn)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %x\nand not %x", types, got, want)
		}
	}
	if got, want := len(s.said(proto.PacketDiff)), len(r.zxids(false, proto.PacketDiff)); got != want {
		t.Errorf("%d DIFF, and not %d", got, want)
	}
}

// propose lets the core propose all up to a zxid that it has not yet.
func (s *side) propose(zxid int64) {
	for z := max(s.core.LastZxid(), EpochStart(s.core.epoch())) + 1; z <= zxid; z++ {
		s.step(Propose{Entry: Entry{Zxid: z}})
	}
}

// commit lets the other follower acknowledge all up to a zxid.
func (s *side) commit(zxid int64) {
	for z := max(s.core.Committed(), EpochStart(s.core.epoch())) + 1; z <= zxid; z++ {
		s.receive(otherLink, proto.QuorumPacket{Type: proto.PacketAck, Zxid: z})
	}
}

// beat lets the leader ping, and the other follower answer.
func (s *side) beat(zxid int64) {
	s.now += time.Second
	s.step(Tick{})
	s.receive(otherLink, proto.QuorumPacket{Type: proto.PacketPing, Zxid: zxid, Data: []byte{}})
}

// asLeader is a Core that leads with another follower, and has what Apache's
// leader had when the learner came.
func (r *recorded) asLeader(t *testing.T) *side {
	t.Helper()
	epoch := Epoch(r.first(t, proto.PacketLeaderInfo).Zxid)
	sync := r.first(t, proto.PacketDiff, proto.PacketTrunc, proto.PacketSnap)
	has := r.first(t, proto.PacketAckEpoch).Zxid // the learner
	first := sync.Zxid
	if sync.Type == proto.PacketDiff {
		first = has
	}
	rec := Recovered{AcceptedEpoch: epoch - 1, CurrentEpoch: epoch - 1, TailBase: first}
	if Epoch(first) == epoch {
		rec.TailBase = EpochStart(epoch - 1)
	}
	rec.Zxid = rec.TailBase
	last := first // proposed by this leader before the learner came
	for _, p := range r.packets {
		if p.Type == proto.PacketNewLeader {
			break
		}
		switch {
		case p.Type != proto.PacketProposal || p.Zxid <= first:
		case Epoch(p.Zxid) < epoch:
			rec.Tail, rec.Zxid = append(rec.Tail, Entry{Zxid: p.Zxid}), p.Zxid
		default:
			last = p.Zxid
		}
	}
	rec.Applied = rec.Zxid
	cfg := recordedConfig(r.leader, false)
	cfg.ForceSnapshot = sync.Type == proto.PacketSnap
	s := &side{t: t}
	var err error
	if s.core, err = New(0, cfg, rec); err != nil {
		t.Fatal(err)
	}
	other := int64(1)
	for other == r.learner || other == r.leader {
		other++
	}
	s.lead(other, rec.Zxid, epoch)
	s.propose(last)
	s.commit(min(sync.Zxid, s.core.LastZxid()))
	if r.observer {
		s.commit(s.core.LastZxid())
	}
	return s
}

// lead makes the core lead, with one other follower.
func (s *side) lead(other, zxid, epoch int64) {
	s.t.Helper()
	s.step(Notified{From: other, Notification: proto.Notification{
		State: proto.Looking, Leader: s.core.cfg.ID, Zxid: zxid, PeerEpoch: epoch - 1, Round: 1, Version: proto.NotificationVersion}})
	s.now += time.Second
	s.step(Tick{})
	hello := proto.LearnerInfo{ServerID: other, Protocol: proto.LearnerProtocol}
	s.receive(otherLink, proto.QuorumPacket{Type: proto.PacketFollowerInfo, Zxid: EpochStart(epoch - 1), Data: hello.Append(nil)})
	s.receive(otherLink, proto.QuorumPacket{Type: proto.PacketAckEpoch, Zxid: zxid, Data: jute.AppendInt(nil, int32(epoch-1))})
	for _, q := range s.queries { // when snapshots are forced
		s.step(SnapshotReady{Link: q.Link, Zxid: zxid})
		s.step(SnapshotSent{Link: q.Link})
	}
	s.receive(otherLink, proto.QuorumPacket{Type: proto.PacketAck, Zxid: EpochStart(epoch)})
	if s.core.Role().Phase != Broadcast {
		s.t.Fatalf("it does not lead: %+v %v", s.core.Role(), s.closed)
	}
}
