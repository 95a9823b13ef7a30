package quorum

import "github.com/meerkat-zk/meerkat/jute/proto"

// LearnerStatus is what a leader, or a follower with observers, knows of one of
// its learners.
type LearnerStatus struct {
	Link     Link
	Server   int64 // negative for an observer without an id
	Observer bool
	Voter    bool
	// Synced: it has been told that it is up to date.
	Synced bool
	// Mode is how it is, or was, brought up to date: PacketDiff, PacketTrunc,
	// PacketSnap; 0 when that is not decided.
	Mode proto.PacketType
	// LastZxid is the last one that it is known to have: the last it
	// acknowledged, or for an observer, the last it repeated in a ping.
	LastZxid int64
}

// Learners returns the state of all learners, in the order they came.
func (c *Core) Learners() []LearnerStatus {
	all := make([]LearnerStatus, 0, len(c.learners))
	for _, l := range c.learners {
		all = append(all, LearnerStatus{
			Link: l.link, Server: l.id, Observer: l.observer, Voter: l.voter,
			Synced: l.stage == stageServing, Mode: l.mode, LastZxid: max(l.last, l.acked, l.ponged),
		})
	}
	return all
}

// PendingSyncs returns how many syncs of learners and of this leader's own
// clients wait for a transaction or for a quorum's word.
func (c *Core) PendingSyncs() int {
	if c.lead == nil {
		return 0
	}
	n := len(c.lead.confirms) + len(c.lead.settles)
	for _, l := range c.learners {
		n += len(l.syncs)
	}
	return n
}
