package sim

import (
	"fmt"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// checker knows what has been promised so far.
type checker struct {
	w       *world
	history []rec            // all that is committed, in order
	values  map[int64]uint64 // proposed, by zxid
	leaders map[int64]*node  // established, by epoch
	lives   map[int64]int    // of that leader
	ghosts  map[int64][]rec  // what wiped servers held, until they hold it again
}

func (c *checker) init(w *world) {
	c.w = w
	c.values = make(map[int64]uint64)
	c.leaders = make(map[int64]*node)
	c.lives = make(map[int64]int)
	c.ghosts = make(map[int64][]rec)
}

func (c *checker) proposed(n *node, r rec) {
	if _, twice := c.values[r.zxid]; twice {
		c.w.fail("server %d proposes 0x%x, which was proposed before", n.id, r.zxid)
	}
	c.values[r.zxid] = r.value
}

// showed is called when a server applied something or changed its role.
func (c *checker) showed(n *node) {
	if n.role.Phase != quorum.Broadcast {
		return
	}
	leads := n.role.State == proto.Leading
	for ; n.shown < len(n.tree); n.shown++ {
		r := n.tree[n.shown]
		switch {
		case n.shown < len(c.history):
			if c.history[n.shown] != r {
				c.w.fail("server %d shows 0x%x (%d) in place %d, others showed 0x%x (%d)",
					n.id, r.zxid, r.value, n.shown, c.history[n.shown].zxid, c.history[n.shown].value)
			}
		case !leads:
			c.w.fail("server %d shows 0x%x, which no leader has committed", n.id, r.zxid)
		default:
			c.commit(n, r)
		}
	}
}

func (c *checker) established(n *node) {
	epoch := n.role.Epoch
	if other, taken := c.leaders[epoch]; taken && (other != n || c.lives[epoch] != n.life) {
		c.w.fail("servers %d and %d both lead epoch %d", other.id, n.id, epoch)
	}
	c.leaders[epoch], c.lives[epoch] = n, n.life
	c.w.res.Leaders++
	// A leader may be slow to learn that it was established, and later ones
	// may have committed something by then.
	if before := search(c.history, quorum.EpochStart(epoch)); len(n.tree) < before {
		c.w.fail("leader %d of epoch %d lacks 0x%x, which is committed", n.id, epoch, c.history[len(n.tree)].zxid)
	}
}

func (c *checker) commit(n *node, r rec) {
	if value, known := c.values[r.zxid]; !known || value != r.value {
		c.w.fail("leader %d commits 0x%x (%d), which nobody proposed", n.id, r.zxid, r.value)
	}
	last := int64(0)
	if len(c.history) > 0 {
		last = c.history[len(c.history)-1].zxid
	}
	if r.zxid != last+1 && (quorum.Epoch(r.zxid) <= quorum.Epoch(last) || quorum.Counter(r.zxid) != 1) {
		c.w.fail("leader %d commits 0x%x right after 0x%x", n.id, r.zxid, last)
	}
	c.history = append(c.history, r)
	c.w.res.Committed++
	if !c.durable(r) {
		c.w.fail("leader %d commits 0x%x, which is durable on %s only", n.id, r.zxid, c.holders(r))
	}
}

// removed is called when records left a disk: those that are committed must
// still be held by a quorum.
func (c *checker) removed(n *node, gone []rec) {
	for _, r := range gone {
		if has(c.history, r) && !c.durable(r) {
			c.w.fail("server %d removes 0x%x, which is committed, and leaves it to %s", n.id, r.zxid, c.holders(r))
		}
	}
}

func (c *checker) holds(n *node, r rec) bool { return has(n.disk.hist, r) || has(c.ghosts[n.id], r) }

func (c *checker) durable(r rec) bool {
	var s quorum.Set
	for _, n := range c.w.nodes {
		if !n.observer && c.holds(n, r) {
			s = append(s, n.id)
		}
	}
	return c.w.verifier.Quorum(s)
}

func (c *checker) holders(r rec) string {
	var s []string
	for _, n := range c.w.nodes {
		if c.holds(n, r) {
			s = append(s, fmt.Sprint(n.id))
		}
	}
	return "[" + strings.Join(s, " ") + "]"
}

// whole wants everyone in Broadcast with one leader and the whole history.
func (c *checker) whole() {
	w := c.w
	leaders := 0
	var state []string
	ok := true
	for _, n := range w.nodes {
		role := n.core.Role()
		if role.State == proto.Leading {
			leaders++
		}
		if role.Phase != quorum.Broadcast || len(n.tree) < len(c.history)-10 {
			ok = false
		}
		state = append(state, fmt.Sprintf("%d: %s/%s of %d, epoch %d, last 0x%x, shows %d of %d",
			n.id, role.State, role.Phase, role.Leader, role.Epoch, n.core.LastZxid(), len(n.tree), len(c.history)))
	}
	if !ok || leaders != 1 {
		w.fail("the ensemble is not whole again:\n\t%s", strings.Join(state, "\n\t"))
	}
	if len(c.history) == 0 {
		w.fail("nothing was ever committed")
	}
	if last := c.history[len(c.history)-1]; quorum.Epoch(last.zxid) != w.leaderEpoch() {
		w.fail("the last leader, of epoch %d, committed nothing", w.leaderEpoch())
	}
}

func (w *world) leaderEpoch() int64 {
	for _, n := range w.nodes {
		if role := n.core.Role(); role.State == proto.Leading {
			return role.Epoch
		}
	}
	return 0
}

// describe is one line about an input, for the trace.
func describe(in quorum.Input) string {
	switch in := in.(type) {
	case quorum.Received:
		return fmt.Sprintf("link %d: %s 0x%x %x", in.Link, in.Packet.Type, in.Packet.Zxid, in.Packet.Data)
	case quorum.Notified:
		v := in.Notification
		return fmt.Sprintf("vote of %d: %s for %d, zxid 0x%x, epoch %d, round %d", in.From, v.State, v.Leader, v.Zxid, v.PeerEpoch, v.Round)
	}
	return fmt.Sprintf("%T %+v", in, in)
}
