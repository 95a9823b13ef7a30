package quorum

import (
	"fmt"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// maxQueries bounds how often a learner's place in the log is looked up anew
// because the memory of the log has moved on meanwhile; then it gets a
// snapshot.
const maxQueries = 3

// committedEnd is the zxid up to which a learner may be brought. Before the
// broadcast begins the whole history counts: the quorum that accepts it
// commits it.
func (c *Core) committedEnd() int64 {
	if c.lead != nil && c.lead.tally == nil {
		return c.hist.last()
	}
	return c.hist.committed
}

// synchronise brings a learner up to date. What the learner acknowledged on
// an earlier link no longer counts, for it may be told now to drop some of
// it; it will acknowledge again what it gets again.
func (c *Core) synchronise(l *learner, reach *LogReach) {
	if reach != nil && l.stage != stageDisk {
		return
	}
	if reach != nil && reach.UpTo != c.hist.base {
		reach = nil // memory has moved on since the disk was asked
	}
	if c.lead != nil && c.lead.tally != nil {
		c.lead.tally.Forget(l.id)
	}
	end := c.committedEnd()
	window := c.hist.entries[:c.hist.index(end+1)]
	plan := planSync(l.last, c.hist.base, window, reach, c.cfg.ForceSnapshot || l.queries > maxQueries)
	switch plan.Mode {
	case 0:
		l.stage, l.deadline = stageDisk, 0
		l.queries++
		c.out.Queries = append(c.out.Queries, LogQuery{Link: l.link, Peer: l.last, UpTo: c.hist.base})
	case proto.PacketSnap:
		if c.crowded(l, plan.Mode) {
			return
		}
		// All that the learner may have helped to commit is at or below
		// the committed end, so nothing committed is lost with its old log.
		l.stage, l.deadline = stageDisk, 0
		l.atLeast = end
		c.out.Snapshots = append(c.out.Snapshots, SnapshotQuery{Link: l.link, AtLeast: l.atLeast})
	default:
		if c.crowded(l, plan.Mode) {
			return
		}
		c.send(l.link, proto.QuorumPacket{Type: plan.Mode, Zxid: plan.Zxid})
		if plan.DiskTo > plan.DiskFrom {
			c.out.Send = append(c.out.Send, Message{Link: l.link, LogFrom: plan.DiskFrom, LogTo: plan.DiskTo})
		}
		c.forward(l, plan.From)
		l.deadline = c.now + c.initLimit()
	}
}

// crowded notes how a learner is brought up to date, and turns an observer away
// when too many are at the same time.
func (c *Core) crowded(l *learner, mode proto.PacketType) bool {
	limit := c.cfg.MaxDiffSyncs
	if mode == proto.PacketSnap {
		limit = c.cfg.MaxSnapSyncs
	}
	others := 0
	for _, o := range c.learners {
		if o != l && o.mode != 0 && o.stage < stageAcked && (o.mode == proto.PacketSnap) == (mode == proto.PacketSnap) {
			others++
		}
	}
	if l.observer && limit > 0 && others >= limit {
		c.drop(l, fmt.Sprintf("%d learners are brought up to date already", others))
		return true
	}
	l.mode = mode
	return false
}

// sendSnapshot goes on when the shell has a snapshot exact as of zxid.
func (c *Core) sendSnapshot(l *learner, zxid int64) {
	if l.stage != stageDisk {
		return
	}
	if zxid < l.atLeast || zxid < c.hist.base || zxid > c.committedEnd() {
		c.drop(l, fmt.Sprintf("snapshot at 0x%x is not within 0x%x and what memory holds", zxid, l.atLeast))
		return
	}
	c.send(l.link, proto.QuorumPacket{Type: proto.PacketSnap, Zxid: zxid})
	c.forward(l, zxid)
	l.deadline = 0 // until the snapshot has been sent
}

// forward sends the history above from, then NEWLEADER. From here on the
// learner gets all that happens, in the same order as everyone.
func (c *Core) forward(l *learner, from int64) {
	end := c.committedEnd()
	for _, e := range c.hist.after(from) {
		if e.Zxid > end && l.observer {
			break
		}
		c.send(l.link, proposal(e))
		if e.Zxid <= end {
			c.send(l.link, proto.QuorumPacket{Type: proto.PacketCommit, Zxid: e.Zxid})
		}
	}
	l.stage, l.sent = stageSync, c.hist.last()
	c.send(l.link, proto.QuorumPacket{Type: proto.PacketNewLeader, Zxid: EpochStart(c.epoch()), Data: []byte(c.cfg.ConfigText)})
}

func proposal(e Entry) proto.QuorumPacket {
	return proto.QuorumPacket{Type: proto.PacketProposal, Zxid: e.Zxid, Data: e.Data}
}
