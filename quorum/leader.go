package quorum

import (
	"fmt"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// stage is how far one learner has come with this leader.
type stage uint8

const (
	stageInfo    stage = iota // said who it is; waits for the epoch
	stageEpoch                // LEADERINFO sent, ACKEPOCH awaited
	stageAgreed               // ACKEPOCH came; waits until a quorum has agreed
	stageDisk                 // the shell was asked for its log or a snapshot
	stageSync                 // everything up to NEWLEADER sent, its ACK awaited
	stageAcked                // has the leader's history; waits until a quorum has
	stageServing              // UPTODATE sent
)

// learner is the leader's view of one link.
type learner struct {
	link     Link
	id       int64
	observer bool
	voter    bool
	accepted int64 // epoch it told when it connected
	last     int64 // last zxid it told in ACKEPOCH
	stage    stage
	queries  int   // times its place in the log was asked for
	atLeast  int64 // the snapshot it waits for must hold this
	acked    int64 // highest zxid it acknowledged
	sent     int64 // last zxid proposed to it

	heard    time.Duration // last packet from it
	deadline time.Duration // when the packet that is due must have come; 0: none is due
	// A proposal that it has not acknowledged yet, and since when; 0: none.
	sample   int64
	sampleAt time.Duration
	syncs    []confirmation // a SYNC is due for each, in order
	probes   []probe        // pings it has not answered yet
	answered uint64         // latest round of pings that it answered
}

// leading is a leader's state. Its life is four quorums, one after another:
// of servers that told their epoch, that promised the new one, that have the
// leader's history, and that keep answering.
type leading struct {
	epoch      int64
	summary    ballot // epoch and zxid with which it was elected
	connecting Set    // voters that told their accepted epoch
	highest    int64  // of these epochs
	epochOp    uint64 // saves the new epoch as accepted; 0 until it is chosen
	electing   Set    // voters that promised the new epoch and are not ahead
	elected    bool   // they are a quorum: the history is this leader's
	currentOp  uint64 // saves the new epoch as current
	accepting  Set    // voters that have the leader's history on disk
	learners   []*learner
	limit      time.Duration  // for the next quorum; once established, for resigning
	tally      *Commitment    // nil until established
	beatAt     time.Duration  // next ping
	check      bool           // whether the next beat checks the quorum too
	nextID     int64          // of learners that do not tell theirs
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
		nextID:     -1,
	}
	// Whatever it ends with becomes the history of the new epoch.
	c.setRole(Role{State: proto.Leading, Phase: Discovery, Leader: c.cfg.ID})
	c.chooseEpoch()
}

// stepDown ends leadership; what was proposed and not committed stays in the
// log and is for the next leader to decide about.
func (c *Core) stepDown(reason string) {
	for _, l := range c.lead.learners {
		c.close(l.link, reason)
	}
	c.look(reason)
}

func (ld *leading) withLearner(link Link, f func(*learner)) {
	if ld == nil {
		return
	}
	for _, l := range ld.learners {
		if l.link == link {
			f(l)
			return
		}
	}
}

// withoutLearner forgets a learner, and tells those who got packets from it.
func (c *Core) withoutLearner(link Link) {
	c.lead.learners = slices.DeleteFunc(c.lead.learners, func(l *learner) bool {
		if l.link == link && l.stage >= stageAcked {
			c.out.Learners = append(c.out.Learners, LearnerEvent{Link: l.link, Server: l.id, Observer: l.observer, Gone: true})
		}
		return l.link == link
	})
}

// drop breaks a learner off. Its acknowledgements count until it comes back.
func (c *Core) drop(l *learner, reason string) {
	c.close(l.link, reason)
	c.withoutLearner(l.link)
}

// handOn passes a packet to those who care for sessions.
func (c *Core) handOn(l *learner, p *proto.QuorumPacket) {
	c.out.Learners = append(c.out.Learners, LearnerEvent{Link: l.link, Server: l.id, Observer: l.observer, Packet: *p})
}

// fromLearner handles a packet that came to the leader.
func (c *Core) fromLearner(link Link, p *proto.QuorumPacket) {
	known := false
	c.lead.withLearner(link, func(l *learner) {
		known = true
		l.heard = c.now
		switch p.Type {
		case proto.PacketAckEpoch:
			c.ackEpoch(l, p)
		case proto.PacketAck:
			c.acked(l, p)
		case proto.PacketPing:
			c.pong(l, p)
		case proto.PacketRequest, proto.PacketRevalidate:
			if l.stage < stageAcked {
				c.drop(l, violation(p, "before the ACK of NEWLEADER"))
				return
			}
			c.handOn(l, p)
		default:
			c.drop(l, violation(p, "from a learner"))
		}
	})
	if known {
		return
	}
	if p.Type != proto.PacketFollowerInfo && p.Type != proto.PacketObserverInfo {
		c.close(link, violation(p, "first packet of a learner"))
		return
	}
	c.introduce(link, p)
}

// introduce begins with a new learner. An older link of the same server is
// dead even if nobody has noticed.
func (c *Core) introduce(link Link, p *proto.QuorumPacket) {
	ld := c.lead
	info, told := proto.DecodeLearnerInfo(p.Data)
	if !told {
		info.ServerID = ld.nextID
		ld.nextID--
	}
	switch {
	case info.Protocol < proto.LearnerProtocol:
		c.close(link, "learner is older than Apache 3.4")
		return
	case info.ConfigVersion > c.cfg.ConfigVersion:
		c.close(link, fmt.Sprintf("learner's configuration 0x%x is later than ours", info.ConfigVersion))
		return
	}
	for _, old := range slices.Clone(ld.learners) {
		if old.id == info.ServerID {
			c.drop(old, "replaced by a newer connection")
		}
	}
	l := &learner{
		link: link, id: info.ServerID, accepted: Epoch(p.Zxid), heard: c.now,
		observer: p.Type == proto.PacketObserverInfo,
	}
	l.voter = !l.observer && c.cfg.Verifier.Voters().Has(l.id)
	c.highestSeen = max(c.highestSeen, l.accepted)
	if ld.epochOp != 0 && l.accepted > ld.epoch && l.voter {
		// It could never follow this epoch, and would be lost to the ensemble
		// for as long as this leader lives.
		c.close(link, "its accepted epoch is later than ours")
		c.stepDown(fmt.Sprintf("server %d has accepted epoch %d, ours is %d", l.id, l.accepted, ld.epoch))
		return
	}
	ld.learners = append(ld.learners, l)
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
	if !c.cfg.Verifier.Quorum(ld.connecting) && !c.override(len(ld.learners)) {
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
		for _, l := range ld.learners {
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

func (c *Core) sendLeaderInfo(l *learner) {
	if l.stage != stageInfo {
		return
	}
	l.stage, l.deadline = stageEpoch, c.now+c.initLimit()
	c.send(l.link, proto.QuorumPacket{Type: proto.PacketLeaderInfo, Zxid: EpochStart(c.lead.epoch),
		Data: jute.AppendInt(nil, proto.LearnerProtocol)})
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
	if ld.elected {
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
	if !ld.electing.Has(c.cfg.ID) || !c.cfg.Verifier.Quorum(ld.electing) && !c.override(len(ld.learners)) {
		return
	}
	ld.elected = true
	ld.limit = c.now + c.initLimit()
	ld.currentOp = c.saveCurrent(ld.epoch)
	c.apply(c.hist.last()) // a learner's snapshot must hold the whole history
	c.setRole(Role{State: proto.Leading, Phase: Synchronization, Leader: c.cfg.ID, Epoch: ld.epoch})
	for _, l := range slices.Clone(ld.learners) {
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
	for _, l := range ld.learners {
		c.sendUpToDate(l)
	}
}

func (c *Core) sendUpToDate(l *learner) {
	if l.stage == stageAcked && c.lead.tally != nil {
		l.stage, l.heard = stageServing, c.now
		c.send(l.link, proto.QuorumPacket{Type: proto.PacketUpToDate, Zxid: -1})
	}
}

func (c *Core) synced() int {
	n := 0
	for _, l := range c.lead.learners {
		if l.voter && l.stage >= stageAcked {
			n++
		}
	}
	return n
}

func (ld *leading) next(retired bool) time.Duration {
	at := ld.limit
	switch {
	case ld.tally != nil && retired:
		at = min(at, ld.beatAt)
	case ld.tally != nil:
		at = ld.beatAt
	}
	for _, l := range ld.learners {
		if l.deadline != 0 {
			at = min(at, l.deadline)
		}
	}
	return at
}

// leadOnTime gives up learners that are late, and leadership without a quorum.
func (c *Core) leadOnTime() {
	ld := c.lead
	for _, l := range slices.Clone(ld.learners) {
		if l.deadline != 0 && c.now >= l.deadline {
			c.drop(l, "no answer in time")
		}
	}
	switch {
	case ld.tally == nil && c.now >= ld.limit:
		c.stepDown("no quorum within initLimit")
	case ld.tally == nil && c.hopeless():
		c.stepDown("too few servers are left that could follow")
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
		for _, l := range ld.learners {
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
	for _, l := range slices.Clone(ld.learners) {
		switch {
		case l.stage == stageServing && c.now-l.heard > c.syncLimit():
			c.drop(l, "silent for syncLimit")
		case l.sample != 0 && c.now-l.sampleAt > c.syncLimit():
			c.drop(l, fmt.Sprintf("did not acknowledge 0x%x within syncLimit", l.sample))
		}
	}
	c.ping()
}

// patience is how long a learner may be silent and still be counted.
func (c *Core) patience(l *learner) time.Duration {
	if l.stage < stageServing {
		return c.initLimit() + c.syncLimit()
	}
	return c.syncLimit()
}
