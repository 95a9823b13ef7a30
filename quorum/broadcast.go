package quorum

import (
	"fmt"
	"math"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// propose replicates a transaction: to the log and to the learners side by
// side.
func (c *Core) propose(e Entry) error {
	if c.lead == nil || c.lead.tally == nil || c.retired {
		return ErrNotLeading
	}
	last := max(c.hist.last(), EpochStart(c.lead.epoch))
	if e.Zxid != last+1 {
		return fmt.Errorf("%w: 0x%x proposed after 0x%x", ErrOrder, e.Zxid, last)
	}
	if Counter(e.Zxid) == math.MaxUint32 {
		c.stepDown("the epoch has no zxid left")
		return ErrNotLeading
	}
	c.appendEntry(e)
	for _, l := range c.learners {
		if l.stage < stageSync || l.observer {
			continue
		}
		c.send(l.link, proposal(e))
		l.sent = e.Zxid
		if l.sample == 0 && l.stage >= stageAcked {
			l.sample, l.sampleAt = e.Zxid, c.now
		}
	}
	return nil
}

// proposeAll replicates transactions up to the first that is refused.
func (c *Core) proposeAll(entries []Entry) error {
	for i := range entries {
		if err := c.propose(entries[i]); err != nil {
			return &Refused{Rest: entries[i:], Err: err}
		}
	}
	return nil
}

// acked handles an ACK: first that of NEWLEADER, later those of proposals.
func (c *Core) acked(l *learner, p *proto.QuorumPacket) {
	start := EpochStart(c.epoch())
	switch {
	case l.stage == stageSync && p.Zxid == start:
		l.stage, l.deadline = stageAcked, 0
		if l.voter && c.lead != nil {
			c.lead.accepting = c.lead.accepting.Add(l.id)
			c.establish()
		}
		c.sendUpToDate(l)
	case l.stage < stageAcked:
		c.drop(l, violation(p, "before the ACK of NEWLEADER"))
	case Counter(p.Zxid) == 0 || l.observer:
		// The ACK of UPTODATE says nothing new, and an observer's nothing.
	default:
		c.ackedProposal(l, p)
	}
}

// ackedProposal counts an acknowledgement. It counts for all that came before,
// so one that leaves something out must not be counted at all: the learner's
// log has a hole. What is committed needs no acknowledgement.
func (c *Core) ackedProposal(l *learner, p *proto.QuorumPacket) {
	upTo := max(l.acked, c.hist.committed, EpochStart(c.lead.epoch))
	if p.Zxid > l.sent || p.Zxid > upTo+1 {
		c.drop(l, violation(p, "acknowledged up to 0x%x, proposed up to 0x%x", upTo, l.sent))
		return
	}
	l.acked = max(l.acked, p.Zxid)
	if l.sample != 0 && l.acked >= l.sample {
		l.sample = 0
		if l.acked < l.sent {
			l.sample, l.sampleAt = l.sent, c.now
		}
	}
	if c.lead.tally == nil {
		return
	}
	if committed, advanced := c.lead.tally.Acked(l.id, p.Zxid); advanced {
		c.commit(committed)
	}
}

// commitAlone commits what is durable here while an oracle lets this server
// act without the other one.
func (c *Core) commitAlone() {
	if c.lead != nil && c.durable > c.hist.committed && c.override(c.synced()) {
		c.commit(c.durable)
	}
}

// commit tells everyone that the history up to zxid is committed.
func (c *Core) commit(zxid int64) {
	before := c.hist.committed
	for _, e := range c.hist.after(before) {
		if e.Zxid > zxid {
			break
		}
		c.inform(e)
	}
	c.apply(zxid)
	c.hist.trim(c.cfg.CommitLogCount, c.durable)
	c.confirm()
	c.leaveIfDone()
}

// inform tells the learners that a transaction is committed.
func (c *Core) inform(e Entry) {
	for _, l := range c.learners {
		switch {
		case l.stage < stageSync:
		case l.observer:
			c.send(l.link, proto.QuorumPacket{Type: proto.PacketInform, Zxid: e.Zxid, Data: e.Data})
		default:
			c.send(l.link, proto.QuorumPacket{Type: proto.PacketCommit, Zxid: e.Zxid})
		}
	}
}

// resign makes this server leave, a leader as soon as nothing is outstanding.
func (c *Core) resign() {
	if c.retired {
		return
	}
	c.retired, c.resting = true, false
	switch {
	case c.lead != nil && c.lead.tally == nil:
		c.stepDown("resigned")
	case c.lead != nil:
		c.lead.limit = c.now + c.syncLimit()
		c.leaveIfDone()
	case c.follow != nil:
		c.giveUp("resigned")
	}
}

// leaveIfDone ends a resigning leader's term. Everyone has been told by now
// what is committed: that goes out ahead of the end of each link.
func (c *Core) leaveIfDone() {
	if c.retired && (c.hist.committed == c.hist.last() || c.now >= c.lead.limit) {
		c.stepDown("resigned")
	}
}
