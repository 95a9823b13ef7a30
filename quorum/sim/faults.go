package sim

import (
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/quorum"
)

// mischief does something bad, again and again.
func (w *world) mischief() {
	if w.calm {
		return
	}
	w.misfortune()
	w.after(w.between(10*time.Millisecond, 1500*time.Millisecond), w.mischief)
}

// misfortune does one bad thing, or ends one.
func (w *world) misfortune() {
	if w.calm {
		return
	}
	n := w.nodes[w.rnd.IntN(len(w.nodes))]
	faults := []func(*node){
		w.crashOne, w.crashOne, w.crashLeader, w.crashLeader, w.crashAll, w.restart, w.restart, w.restart, w.restart,
		w.isolate, w.split, w.oneWay, w.mend, w.mend, w.mend,
		w.slowDisk, w.failDisk, w.pause, w.jump, w.resign, w.breakLinks, w.purge, w.purge, w.wipe, w.diverge,
	}
	faults[w.rnd.IntN(len(faults))](n)
}

func (w *world) crashOne(n *node) {
	n.crash()
	w.after(w.between(time.Millisecond, 3*time.Second), n.start)
}

func (w *world) crashLeader(n *node) {
	for _, l := range w.nodes {
		if l.up && l.core.Role().Leader == l.id {
			n = l
		}
	}
	w.crashOne(n)
}

// resign stops a server in good order.
func (w *world) resign(n *node) {
	w.logf("%d resigns", n.id)
	n.leaving = true
	n.step(quorum.Resign{})
	w.after(w.between(2*time.Second, 5*time.Second), func() {
		n.crash()
		n.start()
	})
}

// crashAll is a power failure.
func (w *world) crashAll(*node) {
	if w.chance(0.5) {
		return
	}
	for _, n := range w.nodes {
		w.crashOne(n)
	}
}

func (w *world) restart(n *node) {
	if !n.up && !n.disk.wiped {
		n.start()
	}
}

func (w *world) isolate(n *node) {
	w.logf("%d is cut off", n.id)
	for _, o := range w.nodes {
		if o != n {
			w.cut[[2]int64{n.id, o.id}], w.cut[[2]int64{o.id, n.id}] = true, true
		}
	}
	w.dropVotes()
}

// split divides the servers at random, now and then with a bridge.
func (w *world) split(bridge *node) {
	side := make(map[int64]bool)
	for _, n := range w.nodes {
		side[n.id] = w.chance(0.5)
	}
	withBridge := w.chance(0.3)
	w.logf("split %v, bridge %v", side, withBridge)
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			if side[a.id] != side[b.id] && !(withBridge && (a == bridge || b == bridge)) {
				w.cut[[2]int64{a.id, b.id}] = true
			}
		}
	}
	w.dropVotes()
}

// oneWay stops what one server says from reaching another.
func (w *world) oneWay(n *node) {
	o := w.nodes[w.rnd.IntN(len(w.nodes))]
	if o != n {
		w.logf("%d does not reach %d", n.id, o.id)
		w.cut[[2]int64{n.id, o.id}] = true
	}
}

// dropVotes lets servers notice a partition, or not.
func (w *world) dropVotes() {
	if w.chance(0.5) {
		return
	}
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			if w.cut[[2]int64{a.id, b.id}] {
				w.after(w.between(0, time.Second), func() { a.step(quorum.Unreachable{Server: b.id}) })
			}
		}
	}
}

func (w *world) mend(*node) {
	if len(w.cut) == 0 {
		return
	}
	w.logf("partitions end")
	for _, a := range w.nodes {
		for _, b := range w.nodes {
			if w.cut[[2]int64{a.id, b.id}] {
				a.step(quorum.Reachable{Server: b.id})
			}
		}
	}
	clear(w.cut)
	w.flow()
}

func (w *world) slowDisk(n *node) {
	n.disk.extra = w.between(0, 2*time.Second)
	w.logf("disk of %d is slower by %v", n.id, n.disk.extra)
	w.after(w.between(0, 3*time.Second), func() { n.disk.extra = 0 })
}

// failDisk makes a server exit at its next sync.
func (w *world) failDisk(n *node) {
	n.disk.fail = true
	w.after(w.between(2*time.Second, 6*time.Second), func() {
		n.disk.fail = false
		w.restart(n)
	})
}

func (w *world) pause(n *node) {
	n.pausedUntil = w.now + w.between(0, 3*time.Second)
	w.logf("%d pauses until %v", n.id, n.pausedUntil)
}

// diverge makes a server find out that its tree contradicts the leader's.
func (w *world) diverge(n *node) {
	w.logf("tree of %d contradicts the leader's", n.id)
	n.step(quorum.Diverged{})
}

// jump moves a server's clock, back too.
func (w *world) jump(n *node) {
	by := w.between(0, 10*time.Second)
	if w.chance(0.3) {
		by = -by / 10
	}
	n.skew += by
	w.logf("clock of %d jumps by %v", n.id, by)
	n.step(quorum.Tick{})
}

func (w *world) breakLinks(n *node) {
	for _, l := range slices.Clone(w.links) {
		if (l.ends[0].node == n || l.ends[1].node == n) && w.chance(0.7) {
			w.logf("link %d breaks", l.id)
			w.breakEnd(l.ends[0])
			w.breakEnd(l.ends[1])
		}
	}
}

// purge removes the older part of a log, up to a snapshot. A voter's snapshots
// hold only what is committed; an observer may have had other habits, so that
// it cannot go back as far as it is told to.
func (w *world) purge(n *node) {
	d := &n.disk
	if d.busy || len(d.hist) == 0 {
		return
	}
	at := d.hist[w.rnd.IntN(len(d.hist))]
	if n.observer || has(w.check.history, at) {
		d.logFrom = max(d.logFrom, at.zxid)
	}
}

// wipe loses a disk. No more servers than an ensemble can spare are without
// their data at a time, and one that lost it comes back after the others have
// had time to notice: what the lost disk had promised cannot be kept.
func (w *world) wipe(n *node) {
	if w.chance(0.5) {
		return
	}
	without := 1
	for _, o := range w.nodes {
		if o != n && !o.observer && (o.disk.wiped || len(w.check.ghosts[o.id]) > 0 && !w.restored(o)) {
			without++
		}
	}
	if !n.observer && without > (w.voters-1)/2 {
		return
	}
	n.crash()
	w.logf("%d loses its disk", n.id)
	if !n.observer {
		w.check.ghosts[n.id] = mergeGhost(w.check.ghosts[n.id], n.disk.hist)
	}
	n.disk.image = image{wiped: true}
	w.after(w.between(5*time.Second, 10*time.Second), n.start)
}

// mergeGhost keeps the longer of two histories.
func mergeGhost(a, b []rec) []rec {
	if len(a) > len(b) {
		return a
	}
	return b
}

// restored tells whether a wiped server has all again that was committed when
// it was wiped.
func (w *world) restored(n *node) bool {
	for _, r := range w.check.ghosts[n.id] {
		if has(w.check.history, r) && !has(n.disk.hist, r) {
			return false
		}
	}
	return true
}

// heal ends all faults.
func (w *world) heal() {
	w.logf("faults end")
	w.calm = true
	w.mend(nil)
	for _, n := range w.nodes {
		n.disk.extra, n.disk.fail, n.pausedUntil = 0, false, min(n.pausedUntil, w.now)
		n.start()
	}
}
