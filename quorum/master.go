package quorum

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// isMaster tells whether this server is what Apache calls an observer master: a
// follower that serves observers. They get what is committed, from its
// history, and cost the leader nothing; what their clients ask for, the server
// passes on as its own.
func (c *Core) isMaster() bool {
	return c.cfg.ServeObservers && !c.cfg.Observer && c.follow != nil && c.follow.step == stepServing
}

// welcome begins with an observer of a follower, which need not wait for
// anybody's agreement.
func (c *Core) welcome(l *learner) {
	if len(c.learners) == 0 {
		c.follow.beatAt = c.now + c.cfg.Tick/2
	}
	c.learners = append(c.learners, l)
	c.sendLeaderInfo(l)
}

func (c *Core) masterDeadline() time.Duration {
	if len(c.learners) == 0 {
		return math.MaxInt64
	}
	return c.nextDue(c.follow.beatAt)
}

// masterOnTime gives up observers that are late, and pings the others every
// half tick.
func (c *Core) masterOnTime() {
	if len(c.learners) == 0 {
		return
	}
	c.dropLate()
	if c.now >= c.follow.beatAt {
		c.follow.beatAt = c.now + c.cfg.Tick/2
		c.dropSilent()
		c.pingLearners(0, c.hist.committed)
	}
}

// nextDue returns the earliest of at and the deadlines of all learners.
func (c *Core) nextDue(at time.Duration) time.Duration {
	for _, l := range c.learners {
		if l.deadline != 0 {
			at = min(at, l.deadline)
		}
	}
	return at
}

// dropLate gives up the learners of which a packet is overdue.
func (c *Core) dropLate() {
	if c.nextDue(math.MaxInt64) > c.now {
		return
	}
	for _, l := range slices.Clone(c.learners) {
		if l.deadline != 0 && c.now >= l.deadline {
			c.drop(l, "no answer in time")
		}
	}
}

// dropSilent gives up the learners that say nothing, or do not acknowledge
// what they were sent.
func (c *Core) dropSilent() {
	for _, l := range slices.Clone(c.learners) {
		switch {
		case l.stage == stageServing && c.now-l.heard > c.syncLimit():
			c.drop(l, "silent for syncLimit")
		case l.sample != 0 && c.now-l.sampleAt > c.syncLimit():
			c.drop(l, fmt.Sprintf("did not acknowledge 0x%x within syncLimit", l.sample))
		}
	}
}
