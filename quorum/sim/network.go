package sim

import (
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// link is a connection: two directions, each in order, until it breaks.
type link struct {
	id   quorum.Link
	ends [2]*end
}

// end is one server's end of a link.
type end struct {
	link  *link
	node  *node
	life  int // of the node, when the link was made
	open  bool
	last  time.Duration // latest delivery scheduled to this end
	way   []delivery    // what is on its way: one is delivered at each of those times
	queue []delivery    // what a partition holds back
}

type delivery struct {
	packet   proto.QuorumPacket
	snapshot []rec
	gone     bool // the other end was closed
}

func (l *link) other(e *end) *end {
	if l.ends[0] == e {
		return l.ends[1]
	}
	return l.ends[0]
}

func (w *world) latency() time.Duration { return w.between(100*time.Microsecond, w.slowNet) }

func (w *world) isCut(from, to *node) bool { return w.cut[[2]int64{from.id, to.id}] }

// carry brings something to an end of a link, or holds it back.
func (w *world) carry(to *end, d delivery) {
	from := to.link.other(to)
	if w.isCut(from.node, to.node) || len(to.queue) > 0 {
		to.queue = append(to.queue, d)
		return
	}
	to.last = max(to.last, w.now+w.latency())
	to.way = append(to.way, d)
	w.at(to.last, func() { w.deliver(to) })
}

// deliver hands over what is next on its way to an end.
func (w *world) deliver(to *end) {
	n := to.node
	if n.pausedUntil > w.now {
		to.last = max(to.last, n.pausedUntil)
		w.at(n.pausedUntil, func() { w.deliver(to) })
		return
	}
	d := to.way[0]
	to.way = to.way[1:]
	if !to.open || !n.up || n.life != to.life {
		if !d.gone && n.up {
			w.breakEnd(to.link.other(to)) // nobody is there any more
		}
		return
	}
	if d.gone {
		w.breakEnd(to)
		return
	}
	if d.packet.Type == proto.PacketSnap {
		n.disk.staged[to.link.id] = d.snapshot
	}
	n.step(quorum.Received{Link: to.link.id, Packet: d.packet})
}

// breakEnd tells a server that its link is gone.
func (w *world) breakEnd(e *end) {
	if !e.open {
		return
	}
	e.open = false
	w.after(w.latency(), func() {
		if e.node.up && e.node.life == e.life {
			e.node.step(quorum.LinkGone{Link: e.link.id})
		}
	})
	w.tidy()
}

// closeEnd is a server closing a link.
func (w *world) closeEnd(e *end) {
	if !e.open {
		return
	}
	e.open = false
	w.carry(e.link.other(e), delivery{gone: true})
	w.tidy()
}

func (w *world) tidy() {
	w.links = slices.DeleteFunc(w.links, func(l *link) bool { return !l.ends[0].open && !l.ends[1].open })
}

// flow releases what healed partitions held back.
func (w *world) flow() {
	for _, l := range slices.Clone(w.links) {
		for _, e := range l.ends {
			if len(e.queue) == 0 || w.isCut(l.other(e).node, e.node) {
				continue
			}
			held := e.queue
			e.queue = nil
			for _, d := range held {
				w.carry(e, d)
			}
		}
	}
}

// dial makes a link, if somebody at the other end leads, or serves observers.
func (w *world) dial(from *node, to int64, master bool, token int) {
	target := w.nodes[to-1]
	delay := 2 * w.latency()
	cut := w.isCut(from, target) || w.isCut(target, from)
	if cut {
		delay += 500 * time.Millisecond
	}
	life := from.life
	w.after(delay, func() {
		if !from.up || from.life != life || from.dialToken != token {
			return
		}
		if cut || !target.up || target.pausedUntil > w.now || !listens(target.core.Role(), master) {
			from.step(quorum.DialFailed{})
			return
		}
		w.nextLink++
		l := &link{id: w.nextLink}
		l.ends[0] = &end{link: l, node: from, life: from.life, open: true}
		l.ends[1] = &end{link: l, node: target, life: target.life, open: true}
		w.links = append(w.links, l)
		from.step(quorum.Connected{Link: l.id})
	})
}

func listens(r quorum.Role, master bool) bool {
	return r.State == proto.Leading || master && r.State == proto.Following && r.Phase == quorum.Broadcast
}

// vote carries a notification: perhaps late, perhaps never.
func (w *world) vote(from *node, v quorum.Vote) {
	if v.To < 1 || int(v.To) > len(w.nodes) {
		return
	}
	to := w.nodes[v.To-1]
	if w.isCut(from, to) || !w.calm && w.chance(0.05) {
		return
	}
	delay := w.latency()
	if !w.calm && w.chance(0.03) {
		delay += w.between(0, 400*time.Millisecond)
	}
	w.after(delay, func() { to.notify(quorum.Notified{From: from.id, Notification: v.Notification}) })
}

// find returns an open end of a link at a node.
func (w *world) find(n *node, id quorum.Link) *end {
	for _, l := range w.links {
		if l.id != id {
			continue
		}
		for _, e := range l.ends {
			if e.node == n && e.open {
				return e
			}
		}
	}
	return nil
}
