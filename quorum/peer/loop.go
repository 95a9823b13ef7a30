package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// loop steps the core and does what it decides. All fields belong to its
// goroutine.
type loop struct {
	p         *Peer
	core      *quorum.Core
	timer     *time.Timer
	track     tracker
	resigned  bool
	over      bool
	dials     uint64             // numbers them, so that a late answer is known
	cancel    context.CancelFunc // of the last dial
	snapshots map[quorum.Link]*pendingSnapshot

	// early are the first packets of learners that heard of this server's
	// election before it was over here.
	early map[quorum.Link]quorum.Received

	// While the tree is being loaded again, what it gets next waits here, and
	// the role with it: rebuild is the operation that does it.
	rebuild uint64
	held    []heldBack
	// installs are links whose snapshot the disk has been told to install.
	installs map[quorum.Link]bool
}

// heldBack is to be done to the machine later.
type heldBack struct {
	do    func()
	apply bool // it changes the tree
}

// pendingSnapshot is on its way to a learner: being taken, then waiting for
// the core to send it, then being sent. It is closed when its link has ended.
type pendingSnapshot struct {
	cancel   context.CancelFunc
	snapshot Snapshot // nil while it is being taken
}

func newLoop(p *Peer, core *quorum.Core) loop {
	track := tracker{lostAt: p.start, observe: p.cfg.Observe, ways: latencies{written: p.cfg.Written, observe: p.cfg.Observe, each: p.cfg.ObserveEach}}
	return loop{p: p, core: core, track: track, cancel: func() {}, snapshots: make(map[quorum.Link]*pendingSnapshot), installs: make(map[quorum.Link]bool), early: make(map[quorum.Link]quorum.Received)}
}

func (l *loop) run() {
	defer close(l.p.done)
	l.timer = time.NewTimer(math.MaxInt64)
	defer l.timer.Stop()
	defer func() {
		l.cancel()
		l.p.leader.Store(0)
	}()
	l.act()
	for !l.over {
		select {
		case in := <-l.p.inbox:
			l.takeIn(in)
		case <-l.p.writer.report:
			l.diskNews()
		case in := <-l.p.asides:
			_ = l.step(in)
		case <-l.timer.C:
			_ = l.step(quorum.Tick{})
		case <-l.p.ctx.Done():
			return
		}
	}
}

// maxGather bounds what one round of the loop takes in: packets and inputs,
// but for the rest of a burst.
const maxGather = 512

// takeIn feeds the core what has come, and what waits behind it, and then does
// what all that led to, so that what it says goes out together.
func (l *loop) takeIn(in any) {
	for n := 1; ; n++ {
		switch in := in.(type) {
		case func():
			in()
		case quorum.LinkGone:
			l.forget(in.Link)
			_ = l.feed(in)
		case quorum.Received:
			l.received(in)
		case burst:
			n += len(in.packets) - 1
			for _, p := range in.packets {
				l.received(quorum.Received{Link: in.link, Packet: p})
			}
		case []quorum.Input:
			l.submitted(in)
		case quorum.Input:
			_ = l.feed(in)
		}
		if n >= maxGather || l.over {
			break
		}
		select {
		case in = <-l.p.inbox:
			continue
		default:
		}
		break
	}
	l.act()
}

// submitted feeds the core a batch, and says what it refuses.
func (l *loop) submitted(batch []quorum.Input) {
	for _, in := range batch {
		err := l.feed(in)
		var part *quorum.Refused
		switch {
		case errors.As(err, &part):
			l.p.cfg.Machine.Refused(quorum.Proposals{Entries: part.Rest}, part.Err)
		case err != nil:
			l.p.cfg.Machine.Refused(in, err)
		}
	}
}

// feed steps the core. A change of roles is acted on at once, so that what
// came before it is told before it.
func (l *loop) feed(in quorum.Input) error {
	err := l.core.Step(time.Since(l.p.start), in)
	if l.core.Turned() {
		l.act()
	}
	return err
}

// earlyWait is for how long a learner waits for this server to find out that it
// leads. An Apache learner finds no listener then, and tries for as long.
const earlyWait = 500 * time.Millisecond

// received feeds the core a packet. A server that looks for a leader may be
// about to learn that it is elected; whoever knows that already must not be
// turned away, or it would look again while this one waits for followers.
func (l *loop) received(in quorum.Received) {
	l.track.ways.received(&in)
	hello := in.Packet.Type == proto.PacketFollowerInfo || in.Packet.Type == proto.PacketObserverInfo
	if !hello || l.core.Role().State != proto.Looking {
		_ = l.feed(in)
		return
	}
	l.early[in.Link] = in
	time.AfterFunc(earlyWait, func() { l.p.post(func() { l.admit(in.Link) }) })
}

// admit feeds the core what a learner said early.
func (l *loop) admit(link quorum.Link) {
	if in, waits := l.early[link]; waits {
		delete(l.early, link)
		_ = l.step(in)
	}
}

// diskNews tells the core what has become durable.
func (l *loop) diskNews() {
	persisted, failed, err := l.p.writer.news()
	if err != nil {
		l.p.err = err
		l.over = true
		return
	}
	if failed {
		// What waits to be applied continues a history that was not made. The
		// core lets nothing more be applied until a snapshot is installed.
		l.held = slices.DeleteFunc(l.held, func(h heldBack) bool { return h.apply })
		_ = l.step(quorum.TruncateFailed{})
	}
	if l.rebuild != 0 && persisted >= l.rebuild {
		l.rebuild = 0
		for _, h := range l.held {
			h.do()
		}
		l.held = nil
	}
	l.track.ways.persisted(persisted, l.core.Role().State == proto.Leading, l.p.cfg.Core.ID)
	_ = l.step(quorum.Persisted{Op: persisted})
}

// step feeds the core; the error is of a refused Propose or Confirm.
func (l *loop) step(in quorum.Input) error {
	err := l.core.Step(time.Since(l.p.start), in)
	l.act()
	return err
}

// act does what the core has decided. Nothing of it blocks, but for the disk
// writer when far too much waits there.
func (l *loop) act() {
	out := l.core.Ready()
	l.track.ready(&out, l.core)
	for i := range out.Disk {
		op := &out.Disk[i]
		if op.Kind == quorum.OpInstall {
			l.installs[op.Link] = true
		}
		if op.Rebuild {
			l.rebuild = op.Seq
		}
	}
	if len(out.Disk) > 0 {
		l.p.writer.add(out.Disk)
	}
	if len(out.Apply) > 0 {
		l.inOrder(heldBack{func() { l.p.cfg.Machine.Apply(out.Apply) }, true})
	}
	for _, v := range out.Votes {
		l.p.election.Send(v.To, v.Notification)
	}
	for i := range out.Send {
		l.send(&out.Send[i])
		l.track.sent(&out.Send[i], l.core)
	}
	for _, c := range out.Close {
		l.p.cfg.Links.Log.Info().Uint64("link", uint64(c.Link)).Str("reason", c.Reason).Msg("quorum connection closed")
		l.forget(c.Link)
		l.p.links.Break(c.Link)
	}
	l.tell(&out) // behind what is sent: a SYNC that is passed on stands behind the commits
	if out.Role != nil {
		l.role(*out.Role)
	}
	if out.Dial != 0 {
		l.dial(out.Dial, out.DialMaster)
	}
	l.ask(&out)
	l.core.Recycle(&out)
	l.timer.Reset(max(0, l.core.Deadline()-time.Since(l.p.start)))
}

// tell hands on what is not about the tree.
func (l *loop) tell(out *quorum.Ready) {
	m := l.p.cfg.Machine
	if len(out.Confirmed) > 0 {
		l.inOrder(heldBack{func() { m.Confirmed(out.Confirmed) }, false})
	}
	if len(out.Learners) > 0 {
		l.inOrder(heldBack{func() {
			for _, e := range out.Learners {
				if e.Gone {
					m.LearnerGone(e.Link)
				} else {
					m.FromLearner(e.Link, e.Server, e.Observer, e.Packet)
				}
			}
		}, false})
	}
	if len(out.FromLeader) > 0 {
		l.inOrder(heldBack{func() {
			for _, p := range out.FromLeader {
				m.FromLeader(p)
			}
		}, false})
	}
}

// inOrder does something to the machine, after a rebuild that is under way.
func (l *loop) inOrder(h heldBack) {
	if l.rebuild != 0 {
		l.held = append(l.held, h)
		return
	}
	h.do()
}

func (l *loop) role(r quorum.Role) {
	if r.Phase == quorum.Discovery && !l.track.looking() {
		// Its election was over in the same step: the machine is told that there
		// was one.
		l.role(quorum.Role{State: proto.Looking, Reason: r.Reason})
	}
	l.track.role(r, time.Now())
	if r.State == proto.Looking {
		l.cancelDial()
		l.over = l.over || l.resigned
	} else if len(l.early) > 0 {
		links := slices.Sorted(maps.Keys(l.early))
		l.p.wg.Go(func() { // behind what is being done now
			for _, link := range links {
				l.p.post(func() { l.admit(link) })
			}
		})
	}
	l.p.leader.Store(uint64(l.core.LeaderLink()))
	l.inOrder(heldBack{func() { l.p.cfg.Machine.Role(r) }, false})
}

func (l *loop) cancelDial() {
	l.cancel()
	l.dials++
	l.cancel = func() {}
}

// dial asks for a link to a leader or a master. The answer to a dial that was given up
// meanwhile is not for the core.
func (l *loop) dial(server int64, master bool) {
	l.cancelDial()
	ctx, cancel := context.WithCancel(l.p.ctx)
	l.cancel = cancel
	number := l.dials
	l.p.links.Dial(ctx, server, master, func(link quorum.Link, err error) {
		l.p.post(func() {
			switch {
			case number != l.dials && err == nil:
				l.p.links.Break(link)
			case number != l.dials:
			case err != nil:
				_ = l.step(quorum.DialFailed{})
			default:
				_ = l.step(quorum.Connected{Link: link})
			}
		})
	})
}

// send hands a message to its link, with what comes from disk or tree.
func (l *loop) send(m *quorum.Message) {
	switch {
	case m.LogTo > m.LogFrom:
		l.sendLog(m.Link, m.LogFrom, m.LogTo)
	case m.Packet.Type == proto.PacketSnap:
		l.sendSnapshot(m.Link, m.Packet)
	case m.Packet.Type == proto.PacketPing && m.Packet.Data != nil:
		m.Packet.Data = append(m.Packet.Data, l.p.cfg.Machine.Touches()...) // stays not nil
		fallthrough
	default:
		l.p.links.Send(m.Link, Outgoing{Packet: m.Packet})
	}
}

func (l *loop) sendLog(link quorum.Link, from, to int64) {
	l.p.links.Send(link, Outgoing{Stream: func(w io.Writer) error { return writeLog(w, l.p.cfg.Disk, from, to) }})
}

var errLogHole = errors.New("the log no longer holds what was promised")

// writeLog writes a PROPOSAL and a COMMIT for each transaction in (from, to].
func writeLog(w io.Writer, disk Disk, from, to int64) error {
	var b []byte
	last := from
	err := disk.ReadLog(from, to, func(e quorum.Entry) error {
		proposal := proto.QuorumPacket{Type: proto.PacketProposal, Zxid: e.Zxid, Data: e.Data}
		commit := proto.QuorumPacket{Type: proto.PacketCommit, Zxid: e.Zxid}
		b = commit.Append(proposal.Append(b[:0]))
		last = e.Zxid
		_, err := w.Write(b)
		return err
	})
	if err == nil && last != to {
		err = fmt.Errorf("%w: ends at 0x%x, not 0x%x", errLogHole, last, to)
	}
	return err
}

func (l *loop) sendSnapshot(link quorum.Link, packet proto.QuorumPacket) {
	s := l.snapshots[link]
	if s == nil || s.snapshot == nil {
		l.p.links.Drop(link)
		return
	}
	snapshot := s.snapshot
	l.p.links.Send(link, Outgoing{
		Packet: packet,
		Stream: func(w io.Writer) error {
			if _, err := snapshot.WriteTo(w); err != nil {
				return err
			}
			_, err := w.Write(jute.AppendString(nil, snapshotSignature))
			return err
		},
		Sent: func() { l.p.deliver(quorum.SnapshotSent{Link: link}) },
	})
}

// ask starts what the core wants to know of disk and tree.
func (l *loop) ask(out *quorum.Ready) {
	for _, q := range out.Queries {
		l.p.wg.Go(func() { l.p.deliver(quorum.LogFound{Link: q.Link, Reach: l.p.cfg.Disk.Reach(q)}) })
	}
	for _, q := range out.Snapshots {
		ctx, cancel := context.WithCancel(l.p.ctx)
		pending := &pendingSnapshot{cancel: cancel}
		l.snapshots[q.Link] = pending
		l.p.wg.Go(func() { l.takeSnapshot(ctx, q, pending) })
	}
}

// takeSnapshot runs on a goroutine of its own.
func (l *loop) takeSnapshot(ctx context.Context, q quorum.SnapshotQuery, pending *pendingSnapshot) {
	s, err := l.p.cfg.Machine.Snapshot(ctx, q.AtLeast)
	if err != nil {
		if ctx.Err() == nil {
			l.p.cfg.Links.Log.Warn().Err(err).Msg("no snapshot for a learner")
		}
		l.p.links.Drop(q.Link)
		return
	}
	taken := l.p.post(func() {
		if l.snapshots[q.Link] != pending { // the link has gone
			_ = s.Close()
			return
		}
		pending.snapshot = s
		_ = l.step(quorum.SnapshotReady{Link: q.Link, Zxid: s.Zxid()})
	})
	if !taken {
		_ = s.Close()
	}
}

// forget gives up what is being prepared for a link.
func (l *loop) forget(link quorum.Link) {
	delete(l.early, link)
	if s := l.snapshots[link]; s != nil {
		s.cancel()
	}
}

// ended cleans up after a link that nothing uses any more.
func (l *loop) ended(link quorum.Link) {
	if s := l.snapshots[link]; s != nil {
		delete(l.snapshots, link)
		s.cancel()
		if s.snapshot != nil {
			_ = s.snapshot.Close()
		}
	}
	if !l.installs[link] {
		l.p.cfg.Disk.Unstage(link)
	}
	delete(l.installs, link)
}

// closeSnapshots runs when the loop and all links have ended.
func (l *loop) closeSnapshots() {
	for link := range l.snapshots {
		l.ended(link)
	}
}
