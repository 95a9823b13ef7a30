package quorum

import "github.com/meerkat-zk/meerkat/jute/proto"

// probe is a ping on its way to a learner and back.
type probe struct {
	round uint64
	zxid  int64 // which the answer repeats
}

// confirmation waits until a quorum has answered a round of pings, and, for a
// learner's sync, until a transaction is committed.
type confirmation struct {
	id    uint64 // of the leader's own; unused for a learner's
	round uint64 // 0: the sync needs none
	zxid  int64
}

// ping begins a new round. Only a learner that has been told UPTODATE answers,
// and it answers in order: so the answers tell which rounds they are for.
func (c *Core) ping() {
	ld := c.lead
	ld.round++
	ld.wanted = false
	// As Apache's, whose last zxid is the epoch's when that begins.
	c.pingLearners(ld.round, max(c.hist.last(), EpochStart(ld.epoch)))
}

func (c *Core) pingLearners(round uint64, zxid int64) {
	for _, l := range c.learners {
		if l.stage < stageSync {
			continue
		}
		c.send(l.link, proto.QuorumPacket{Type: proto.PacketPing, Zxid: zxid})
		if l.stage == stageServing {
			l.probes = append(l.probes, probe{round: round, zxid: zxid})
		}
	}
}

// pong handles the answer to a ping. Whoever gave it had not yet promised
// another leader's epoch, so no such leader can have committed anything before the
// ping was sent, if a quorum gives it.
func (c *Core) pong(l *learner, p *proto.QuorumPacket) {
	if len(l.probes) == 0 || l.probes[0].zxid != p.Zxid {
		c.drop(l, violation(p, "answers no ping"))
		return
	}
	l.answered, l.ponged = l.probes[0].round, p.Zxid
	l.probes = l.probes[1:]
	if len(p.Data) > 0 {
		c.handOn(l, p)
	}
	if c.lead != nil {
		c.confirm()
	}
}

// answered returns the latest round that a quorum has answered.
func (c *Core) answered() uint64 {
	var best uint64
	for _, candidate := range c.learners {
		if !candidate.voter || candidate.answered <= best {
			continue
		}
		alive := NewSet(c.cfg.ID)
		for _, l := range c.learners {
			if l.voter && l.answered >= candidate.answered {
				alive = alive.Add(l.id)
			}
		}
		if c.cfg.Verifier.Quorum(alive) {
			best = candidate.answered
		}
	}
	return best
}

// alone tells whether this server needs nobody's answer.
func (c *Core) alone() bool {
	return c.cfg.Verifier.Quorum(NewSet(c.cfg.ID)) || c.override(c.synced())
}

// freshRound returns a round that begins now or later. While one is under way
// the next waits for it, so that many requests share few pings.
func (c *Core) freshRound() uint64 {
	ld := c.lead
	if c.answered() >= ld.round {
		c.ping()
		return ld.round
	}
	ld.wanted = true
	return ld.round + 1
}

// confirmRequested begins to find out whether this server still leads.
func (c *Core) confirmRequested(id uint64) error {
	if c.lead == nil || c.lead.tally == nil {
		return ErrNotLeading
	}
	c.lead.confirms = append(c.lead.confirms, confirmation{id: id, round: c.freshRound()})
	c.confirm()
	return nil
}

// settleRequested waits for what has been proposed so far.
func (c *Core) settleRequested(id uint64) error {
	if c.lead == nil || c.lead.tally == nil {
		return ErrNotLeading
	}
	c.lead.settles = append(c.lead.settles, confirmation{id: id, zxid: c.hist.last()})
	c.settle()
	return nil
}

// settle answers the settles whose transactions are committed.
func (c *Core) settle() {
	ld := c.lead
	for len(ld.settles) > 0 && ld.settles[0].zxid <= c.hist.committed {
		c.out.Confirmed = append(c.out.Confirmed, ld.settles[0].id)
		ld.settles = ld.settles[1:]
	}
}

// syncRequested queues a learner's sync behind what has been proposed so far.
func (c *Core) syncRequested(l *learner, confirm bool) {
	if l.stage < stageServing {
		return
	}
	s := confirmation{zxid: c.hist.last()}
	if confirm {
		s.round = c.freshRound()
	}
	l.syncs = append(l.syncs, s)
	c.confirm()
}

// confirm answers everything that has waited long enough.
func (c *Core) confirm() {
	ld := c.lead
	c.settle()
	if len(ld.confirms) == 0 && !ld.wanted && !c.anySync() {
		return
	}
	round, alone := c.answered(), c.alone()
	done := func(w confirmation) bool {
		return (alone || w.round <= round) && w.zxid <= c.hist.committed
	}
	for len(ld.confirms) > 0 && done(ld.confirms[0]) {
		c.out.Confirmed = append(c.out.Confirmed, ld.confirms[0].id)
		ld.confirms = ld.confirms[1:]
	}
	for _, l := range c.learners {
		for len(l.syncs) > 0 && done(l.syncs[0]) {
			l.syncs = l.syncs[1:]
			c.send(l.link, proto.QuorumPacket{Type: proto.PacketSync})
		}
	}
	if ld.wanted && round >= ld.round {
		c.ping()
	}
}

func (c *Core) anySync() bool {
	for _, l := range c.learners {
		if len(l.syncs) > 0 {
			return true
		}
	}
	return false
}
