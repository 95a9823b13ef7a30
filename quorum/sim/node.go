package sim

import (
	"math"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// commitLog is small, so that learners soon fall behind what memory holds.
const commitLog = 8

// node is a server: a core and a shell that does what the core decides.
type node struct {
	w        *world
	id       int64
	observer bool

	up          bool
	life        int // counts starts
	core        *quorum.Core
	disk        disk
	tree        []rec         // applied
	skew        time.Duration // of its clock
	fastest     time.Duration // the largest skew so far: the core's time never goes back
	pausedUntil time.Duration
	dialToken   int
	wakeAt      time.Duration // earliest Tick scheduled; 0: none
	role        quorum.Role
	asked       uint64
	questions   map[uint64]int   // how much was committed when Confirm was asked for
	settles     map[uint64]int64 // the last zxid proposed when Settle was asked for
	leaving     bool             // was told to resign
	shown       int              // records of the tree found to agree with the history
}

// start begins a life with what the disk holds.
func (n *node) start() {
	if n.up {
		return
	}
	w := n.w
	n.up = true
	n.life++
	n.disk.queue, n.disk.busy, n.disk.broken, n.disk.fail, n.disk.extra = nil, false, false, false, 0
	n.disk.staged = make(map[quorum.Link][]rec)
	n.pausedUntil, n.wakeAt, n.shown, n.leaving = 0, 0, 0, false
	cfg := quorum.Config{
		ID: n.id, Verifier: w.verifier, Observer: n.observer,
		Tick: 100 * time.Millisecond, InitTicks: 10, SyncTicks: 5,
		MinNotify: 50 * time.Millisecond, MaxNotify: 800 * time.Millisecond, Settle: 20 * time.Millisecond,
		ObserverDelay: 20 * time.Millisecond, CommitLogCount: commitLog,
		ForceSnapshot: w.chance(0.1), Seed: w.rnd.Uint64(),
		ServeObservers: w.masters, MaxSnapSyncs: 1 + w.rnd.IntN(3), MaxDiffSyncs: 1 + w.rnd.IntN(3),
	}
	if n.observer && w.masters && w.chance(0.7) {
		cfg.Masters, cfg.ReconnectDelay = w.verifier.Voters(), 20*time.Millisecond
	}
	rec := n.recover()
	n.skew = w.between(0, time.Hour)
	n.fastest = n.skew
	w.logf("%d starts: last 0x%x, epochs %d/%d", n.id, rec.Zxid, rec.AcceptedEpoch, rec.CurrentEpoch)
	core, err := quorum.New(w.now+n.skew, cfg, rec)
	if err != nil {
		w.fail("server %d does not start: %v", n.id, err)
	}
	n.core, n.role, n.questions, n.settles = core, quorum.Role{}, make(map[uint64]int), make(map[uint64]int64)
	n.act()
}

// recover chooses how much of the log is in memory at the start.
func (n *node) recover() quorum.Recovered {
	im := &n.disk.image
	r := quorum.Recovered{Zxid: im.last(), AcceptedEpoch: im.accepted, CurrentEpoch: im.current, TailBase: -1}
	n.tree = nil
	if im.wiped {
		r.Applied = -1
		return r
	}
	from := len(im.hist) - n.w.rnd.IntN(min(len(im.hist), 2*commitLog)+1)
	r.TailBase = 0
	if from > 0 {
		r.TailBase = im.hist[from-1].zxid
	}
	for _, t := range im.hist[from:] {
		r.Tail = append(r.Tail, entry(t))
	}
	r.Applied = r.Zxid
	if n.w.chance(0.5) { // the tree as of a snapshot, the rest of the log to come
		r.Applied = r.TailBase
	}
	n.tree = upTo(im.hist, r.Applied)
	return r
}

// step feeds the core, unless the server is stopped for a while. The error is
// of a refused proposal.
func (n *node) step(in quorum.Input) error {
	w := n.w
	if !n.up {
		return nil
	}
	if n.pausedUntil > w.now {
		life := n.life
		w.at(n.pausedUntil, func() {
			if n.life == life {
				_ = n.step(in)
			}
		})
		return nil
	}
	w.res.Steps++
	if w.trace != nil {
		if _, tick := in.(quorum.Tick); !tick {
			w.logf("%d <- %s", n.id, describe(in))
		}
	}
	err := n.core.Step(w.now+n.skew, in)
	if n.skew >= n.fastest && n.core.Deadline() <= w.now+n.skew {
		w.fail("server %d wants to be woken at once, for ever", n.id)
	}
	n.fastest = max(n.fastest, n.skew)
	n.act()
	return err
}

func (n *node) notify(in quorum.Notified) {
	if n.up {
		n.step(in)
	}
}

// propose makes up a transaction, if this server says that it leads.
func (n *node) propose() {
	if !n.up || n.pausedUntil > n.w.now {
		return
	}
	role := n.core.Role()
	if role.State != proto.Leading || role.Phase != quorum.Broadcast {
		return
	}
	zxid := max(n.core.LastZxid(), quorum.EpochStart(role.Epoch)) + 1
	n.w.nextValue++
	r := rec{zxid: zxid, value: n.w.nextValue}
	if n.step(quorum.Propose{Entry: entry(r)}) == nil {
		n.w.check.proposed(n, r)
	}
}

// confirm asks a server that believes to lead whether it does. When it is told
// so, it must show all that was committed when it asked.
func (n *node) confirm() {
	if !n.up || n.pausedUntil > n.w.now {
		return
	}
	n.asked++
	committed := len(n.w.check.history)
	n.questions[n.asked] = committed
	if n.step(quorum.Confirm{ID: n.asked}) != nil {
		delete(n.questions, n.asked)
	}
}

// settle wants to be told when all that was proposed is committed.
func (n *node) settle() {
	if !n.up || n.pausedUntil > n.w.now {
		return
	}
	n.asked++
	n.settles[n.asked] = n.core.LastZxid()
	if n.step(quorum.Settle{ID: n.asked}) != nil {
		delete(n.settles, n.asked)
	}
}

// settled is told that; what was proposed must have been applied.
func (n *node) settled(id uint64) {
	last := n.settles[id]
	delete(n.settles, id)
	n.w.res.Settled++
	if at := search(n.tree, last); last > 0 && at == len(n.tree) {
		n.w.fail("leader %d settles 0x%x before it is applied", n.id, last)
	}
}

// act does what the core has decided.
func (n *node) act() {
	w := n.w
	out := n.core.Ready()
	for _, op := range out.Disk {
		n.disk.queue = append(n.disk.queue, op)
		if op.Rebuild {
			n.rebuild(op)
		}
	}
	for _, r := range out.Apply {
		n.tree = append(n.tree, record(r)) // whoever shares it has a capped slice
	}
	if len(out.Apply) > 0 {
		w.check.showed(n) // in the role that it still has
	}
	if out.Role != nil {
		n.role = *out.Role
		if n.role.State == proto.Leading && n.role.Phase == quorum.Broadcast {
			w.check.established(n)
		}
		w.check.showed(n)
		w.logf("%d is %s/%s of %d, epoch %d (%s)", n.id, out.Role.State, out.Role.Phase, out.Role.Leader, out.Role.Epoch, out.Role.Reason)
		if out.Role.State == proto.Looking {
			n.dialToken++
			if n.leaving {
				w.after(0, n.crash) // what was said goes out, what was not synced is lost
			}
		}
		if !w.calm && w.chance(w.nervous) {
			w.after(w.between(0, 2*w.slowNet+2*w.slowSync), w.misfortune)
		}
	}
	for _, id := range out.Confirmed {
		if _, is := n.settles[id]; is {
			n.settled(id)
			continue
		}
		w.res.Confirmed++
		if committed := n.questions[id]; len(n.tree) < committed {
			w.fail("leader %d is confirmed and shows %d of %d committed transactions", n.id, len(n.tree), committed)
		}
		delete(n.questions, id)
	}
	n.talk(&out)
	n.core.Recycle(&out)
	n.flush()
	n.wake()
}

// rebuild loads the tree again after the history was cut or replaced.
func (n *node) rebuild(op quorum.DiskOp) {
	if op.Kind == quorum.OpInstall {
		n.tree = n.disk.staged[op.Link]
	} else {
		n.tree = upTo(n.tree, op.Zxid)
	}
	n.shown = 0
}

func (n *node) talk(out *quorum.Ready) {
	w := n.w
	for _, v := range out.Votes {
		w.vote(n, v)
	}
	for _, m := range out.Send {
		if e := w.find(n, m.Link); e != nil {
			n.sendOn(e.link.other(e), m)
		}
	}
	for _, c := range out.Close {
		w.logf("%d closes link %d: %s", n.id, c.Link, c.Reason)
		if e := w.find(n, c.Link); e != nil {
			w.closeEnd(e)
		}
	}
	if out.Dial != 0 {
		n.dialToken++
		w.dial(n, out.Dial, out.DialMaster, n.dialToken)
	}
	for _, q := range out.Queries {
		w.after(w.latency(), func() { n.step(quorum.LogFound{Link: q.Link, Reach: n.reach(q)}) })
	}
	for _, q := range out.Snapshots {
		w.after(w.latency(), func() { n.snapshot(q) })
	}
}

// sendOn puts a message on a link; what is to come from disk is read here.
func (n *node) sendOn(to *end, m quorum.Message) {
	if m.LogTo > m.LogFrom {
		for _, r := range upTo(n.disk.hist, m.LogTo)[search(n.disk.hist, m.LogFrom+1):] {
			n.w.carry(to, delivery{packet: proto.QuorumPacket{Type: proto.PacketProposal, Zxid: r.zxid, Data: entry(r).Data}})
			n.w.carry(to, delivery{packet: proto.QuorumPacket{Type: proto.PacketCommit, Zxid: r.zxid}})
		}
		return
	}
	d := delivery{packet: m.Packet}
	if m.Packet.Type == proto.PacketSnap {
		d.snapshot = upTo(n.tree, m.Packet.Zxid)
		n.w.after(n.w.between(time.Millisecond, 300*time.Millisecond), func() { n.step(quorum.SnapshotSent{Link: m.Link}) })
	}
	n.w.carry(to, d)
}

// reach answers what the log holds.
func (n *node) reach(q quorum.LogQuery) quorum.LogReach {
	d := &n.disk
	r := quorum.LogReach{UpTo: q.UpTo, Prev: -1, Complete: d.logFrom <= q.Peer}
	at := search(d.hist, q.Peer+1)
	if at < len(d.hist) {
		r.Next = d.hist[at].zxid
	}
	switch {
	case at > 0 && d.hist[at-1].zxid >= d.logFrom:
		r.Prev = d.hist[at-1].zxid
	case at == 0 && d.logFrom == 0:
		r.Prev = 0
	}
	return r
}

func (n *node) snapshot(q quorum.SnapshotQuery) {
	// The tree is somewhere behind what it has been handed.
	zxid := q.AtLeast
	for at := search(n.tree, q.AtLeast+1); at < len(n.tree) && n.w.chance(0.5); at++ {
		zxid = n.tree[at].zxid
	}
	n.step(quorum.SnapshotReady{Link: q.Link, Zxid: zxid})
}

// flush syncs all that is queued at once, as the log writer does.
func (n *node) flush() {
	w, d := n.w, &n.disk
	if d.busy || len(d.queue) == 0 {
		return
	}
	d.busy = true
	life, count := n.life, len(d.queue)
	w.after(w.between(50*time.Microsecond, w.slowSync)+d.extra, func() {
		if !n.up || n.life != life {
			return
		}
		if d.fail {
			w.logf("%d: fsync fails", n.id)
			n.crash()
			return
		}
		batch := d.queue[:count]
		d.queue, d.busy = d.queue[count:], false
		failed := false
		for i := range batch {
			failed = !d.do(&batch[i], -1) || failed
		}
		if failed {
			w.logf("%d: the log does not reach back to where it should be cut", n.id)
			n.step(quorum.TruncateFailed{})
		}
		n.step(quorum.Persisted{Op: batch[count-1].Seq})
		n.flush()
	})
}

// crash loses what was not synced, except for some of it that had been written.
func (n *node) crash() {
	w, d := n.w, &n.disk
	if !n.up {
		return
	}
	w.res.Crashes++
	survive := w.rnd.IntN(len(d.queue) + 1)
	n.up = false
	for i := range survive {
		part := -1
		if i == survive-1 && d.queue[i].Kind == quorum.OpAppend {
			part = w.rnd.IntN(len(d.queue[i].Entries) + 1)
		}
		if !d.do(&d.queue[i], part) {
			break
		}
	}
	w.logf("%d crashes, %d of %d operations survive", n.id, survive, len(d.queue))
	d.queue = nil
	prompt := w.promptly || w.chance(0.7)
	for _, l := range w.links {
		for _, e := range l.ends {
			if e.node != n || !e.open {
				continue
			}
			e.open = false
			if prompt {
				w.carry(l.other(e), delivery{gone: true})
			}
		}
	}
	w.tidy()
	for _, other := range w.nodes {
		if other != n && prompt && !w.isCut(n, other) {
			w.after(w.latency(), func() { other.step(quorum.Unreachable{Server: n.id}) })
		}
	}
}

// wake schedules the Tick that the core asks for.
func (n *node) wake() {
	w := n.w
	deadline := n.core.Deadline()
	if deadline == math.MaxInt64 {
		return // and the clock may be behind the world's
	}
	at := deadline - n.skew
	if n.wakeAt > w.now && n.wakeAt <= at {
		return
	}
	n.wakeAt = max(at, w.now+time.Microsecond)
	life, when := n.life, n.wakeAt
	w.at(when, func() {
		if n.up && n.life == life && n.wakeAt == when {
			n.wakeAt = 0
			n.step(quorum.Tick{})
		}
	})
}
