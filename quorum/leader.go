package quorum

import (
	"fmt"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// leading is a leader's state. Its life is four quorums, one after another:
// of servers that told their epoch, that promised the new one, that have the
// leader's history, and that keep answering.
type leading struct {
	began      time.Duration
	epoch      int64
	summary    ballot         // epoch and zxid with which it was elected
	connecting Set            // voters that told their accepted epoch
	highest    int64          // of these epochs
	epochOp    uint64         // saves the new epoch as accepted; 0 until it is chosen
	electing   Set            // voters that promised the new epoch and are not ahead
	elected    bool           // they are a quorum: the history is this leader's
	currentOp  uint64         // saves the new epoch as current
	accepting  Set            // voters that have the leader's history on disk
	limit      time.Duration  // for the next quorum; once established, for resigning
	tally      *Commitment    // nil until established
	beatAt     time.Duration  // next ping
	check      bool           // whether the next beat checks the quorum too
	round      uint64         // of pings
	wanted     bool           // another round is to begin as soon as this one is answered
	confirms   []confirmation // of this server itself, in order
	settles    []confirmation // of this server itself, in order; they need no round
	lost       Set            // voters that look for another leader, or have one
}

func (c *Core) startLeading() {
	c.lead = &leading{
		summary:    ballot{epoch: c.current, zxid: c.hist.last()},
		connecting: NewSet(c.cfg.ID),
		highest:    max(c.accepted, c.highestSeen),
		limit:      c.now + c.initLimit(),
		began:      c.now,
	}
	// Whatever it ends with becomes the history of the new epoch.
	c.setRole(Role{State: proto.Leading, Phase: Discovery, Leader: c.cfg.ID})
	c.chooseEpoch()
}

// stepDown ends leadership; what was proposed and not committed stays in the
// log and is for the next leader to decide about.
func (c *Core) stepDown(reason string) {
	c.look(reason)
}

// introduce begins with a new learner. An older link of the same server is
// dead even if nobody has noticed.
func (c *Core) introduce(link Link, p *proto.QuorumPacket) {
	ld := c.lead
	info, told := proto.DecodeLearnerInfo(p.Data)
	if !told {
		info.ServerID = c.nextID
		c.nextID--
	}
	switch {
	case info.Protocol < proto.LearnerProtocol:
		c.close(link, "learner is older than Apache 3.4")
		return
	case info.ConfigVersion > c.cfg.ConfigVersion:
		c.close(link, fmt.Sprintf("learner's configuration 0x%x is later than ours", info.ConfigVersion))
		return
	case ld == nil && p.Type != proto.PacketObserverInfo:
		c.close(link, "this server does not lead, it serves observers only")
		return
	}
	for _, old := range slices.Clone(c.learners) {
		if old.id == info.ServerID {
			c.drop(old, "replaced by a newer connection")
		}
	}
	l := &learner{
		link: link, id: info.ServerID, accepted: Epoch(p.Zxid), heard: c.now,
		observer: p.Type == proto.PacketObserverInfo,
	}
	l.voter = !l.observer && c.cfg.Verifier.Voters().Has(l.id)
	if ld == nil {
		c.welcome(l)
		return
	}
	c.highestSeen = max(c.highestSeen, l.accepted)
	if ld.epochOp != 0 && l.accepted > ld.epoch && l.voter {
		// It could never follow this epoch, and would be lost to the ensemble
		// for as long as this leader lives.
		c.close(link, "its accepted epoch is later than ours")
		c.stepDown(fmt.Sprintf("server %d has accepted epoch %d, ours is %d", l.id, l.accepted, ld.epoch))
		return
	}
	c.learners = append(c.learners, l)
	ld.lost = ld.lost.Remove(l.id)
	if ld.epochOp == 0 {
		if l.voter {
			ld.connecting = ld.connecting.Add(l.id)
		}
		ld.highest = max(ld.highest, l.accepted)
		c.chooseEpoch()
	} else if c.persisted >= ld.epochOp {
		c.sendLeaderInfo(l)
	}
}

// chooseEpoch picks an epoch above all that a quorum has accepted. Nobody is
// told before it is on this disk: a leader that forgot it could use it twice.
func (c *Core) chooseEpoch() {
	ld := c.lead
	if !c.cfg.Verifier.Quorum(ld.connecting) && !c.override(len(c.learners)) {
		return
	}
	ld.epoch = ld.highest + 1
	c.saveAccepted(ld.epoch)
	ld.epochOp = c.acceptedOp
	ld.limit = c.now + c.initLimit()
}

func (c *Core) leaderPersisted() {
	ld := c.lead
	switch {
	case ld.epochOp == 0 || c.persisted < ld.epochOp:
		return
	case !ld.electing.Has(c.cfg.ID):
		ld.electing = ld.electing.Add(c.cfg.ID)
		for _, l := range c.learners {
			c.sendLeaderInfo(l)
		}
		c.finishElection()
	case ld.elected && c.persisted >= ld.currentOp && !ld.accepting.Has(c.cfg.ID):
		// Operations are in order, so its whole history is durable as well.
		ld.accepting = ld.accepting.Add(c.cfg.ID)
		c.establish()
	case ld.tally != nil:
		if committed, advanced := ld.tally.Acked(c.cfg.ID, c.durable); advanced {
			c.commit(committed)
		}
		c.commitAlone()
	}
}

// ackEpoch counts a promise. Who is ahead of the leader must not follow it, as
// long as it may have something committed that the leader lacks; once a quorum
// is not ahead, it cannot have.
func (c *Core) ackEpoch(l *learner, p *proto.QuorumPacket) {
	ld := c.lead
	if l.stage != stageEpoch || len(p.Data) < 4 {
		c.drop(l, violation(p, "not asked for, or without an epoch"))
		return
	}
	d := jute.NewDecoder(p.Data)
	epoch := int64(d.Int())
	l.last, l.stage, l.deadline = p.Zxid, stageAgreed, 0
	if ld == nil || ld.elected {
		c.synchronise(l, nil)
		return
	}
	if epoch == -1 {
		return // it had promised this epoch before, perhaps to somebody else
	}
	if epoch > ld.summary.epoch || epoch == ld.summary.epoch && l.last > ld.summary.zxid {
		c.drop(l, fmt.Sprintf("server %d is ahead of the leader: epoch %d, zxid 0x%x", l.id, epoch, l.last))
		return
	}
	if l.last != -1 && l.voter {
		ld.electing = ld.electing.Add(l.id)
		c.finishElection()
	}
}

func (c *Core) finishElection() {
	ld := c.lead
	if !ld.electing.Has(c.cfg.ID) || !c.cfg.Verifier.Quorum(ld.electing) && !c.override(len(c.learners)) {
		return
	}
	ld.elected = true
	ld.limit = c.now + c.initLimit()
	ld.currentOp = c.saveCurrent(ld.epoch)
	c.apply(c.hist.last()) // a learner's snapshot must hold the whole history
	c.setRole(Role{State: proto.Leading, Phase: Synchronization, Leader: c.cfg.ID, Epoch: ld.epoch})
	for _, l := range slices.Clone(c.learners) {
		if l.stage == stageAgreed {
			c.synchronise(l, nil)
		}
	}
}

// establish begins the broadcast once a quorum has the leader's history on
// disk: with that, the history is committed, and clients may see it.
func (c *Core) establish() {
	ld := c.lead
	if ld.tally != nil || !ld.accepting.Has(c.cfg.ID) || !c.cfg.Verifier.Quorum(ld.accepting) && !c.override(c.synced()) {
		return
	}
	ld.tally = NewCommitment(c.cfg.Verifier, EpochStart(ld.epoch))
	ld.beatAt, ld.check = c.now+c.cfg.Tick/2, false
	c.vote.epoch = ld.epoch
	c.setRole(Role{State: proto.Leading, Phase: Broadcast, Leader: c.cfg.ID, Epoch: ld.epoch})
	for _, l := range c.learners {
		c.sendUpToDate(l)
	}
}

func (c *Core) synced() int {
	n := 0
	for _, l := range c.learners {
		if l.voter && l.stage >= stageAcked {
			n++
		}
	}
	return n
}

func (c *Core) leaderDeadline() time.Duration {
	ld := c.lead
	at := ld.limit
	switch {
	case ld.tally != nil && c.retired:
		at = min(at, ld.beatAt)
	case ld.tally != nil:
		at = ld.beatAt
	}
	return c.nextDue(at)
}

// leadOnTime gives up learners that are late, and leadership without a quorum.
func (c *Core) leadOnTime() {
	ld := c.lead
	c.dropLate()
	switch {
	case ld.tally == nil && c.now >= ld.limit:
		c.stepDown("no quorum within initLimit")
	case ld.tally == nil && c.hopeless():
		c.stepDown(ReasonHopeless)
	case ld.tally != nil && c.retired && c.now >= ld.limit:
		c.leaveIfDone()
	case ld.tally != nil && c.now >= ld.beatAt:
		c.beat()
	}
}

// beat pings the learners, every half tick, and checks at every other beat
// that a quorum has answered within syncLimit.
func (c *Core) beat() {
	ld := c.lead
	if ld.check {
		alive := NewSet(c.cfg.ID)
		for _, l := range c.learners {
			if l.voter && c.now-l.heard <= c.patience(l) {
				alive = alive.Add(l.id)
			}
		}
		if !c.cfg.Verifier.Quorum(alive) && !c.override(len(alive)-1) {
			c.stepDown(fmt.Sprintf("only servers %v answered within syncLimit", alive))
			return
		}
		if c.commitAlone(); c.lead == nil {
			return // it was resigning, and is done
		}
	}
	ld.check, ld.beatAt = !ld.check, c.now+c.cfg.Tick/2
	c.dropSilent()
	c.ping()
}

// patience is how long a learner may be silent and still be counted.
func (c *Core) patience(l *learner) time.Duration {
	if l.stage < stageServing {
		return c.initLimit() + c.syncLimit()
	}
	return c.syncLimit()
}
