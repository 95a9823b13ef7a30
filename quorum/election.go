package quorum

import (
	"math"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ballot is one server's vote.
type ballot struct {
	leader, zxid, epoch int64
	round               int64
	state               proto.PeerState
	version             int32
}

// agrees is Apache's equality of votes. Settled servers name the leader and its
// epoch; they may have voted in different rounds and seen different zxids.
func (b ballot) agrees(o ballot) bool {
	switch {
	case b.leader != o.leader:
		return false
	case b.state == proto.Looking || o.state == proto.Looking:
		return b.zxid == o.zxid && b.round == o.round && b.epoch == o.epoch
	case (b.version > 0) != (o.version > 0):
		return true
	}
	return b.epoch == o.epoch
}

// ballots are the last votes of several servers, ascending by sender.
type ballots []castBallot

type castBallot struct {
	from int64
	ballot
}

func (b ballots) find(from int64) (int, bool) {
	return slices.BinarySearchFunc(b, from, func(c castBallot, id int64) int {
		return int(min(max(c.from-id, -1), 1))
	})
}

func (b *ballots) put(from int64, v ballot) {
	at, found := b.find(from)
	if found {
		(*b)[at].ballot = v
		return
	}
	*b = slices.Insert(*b, at, castBallot{from, v})
}

func (b ballots) supporters(v ballot) Set {
	var s Set
	for _, c := range b {
		if v.agrees(c.ballot) {
			s = append(s, c.from)
		}
	}
	return s
}

// election is FastLeaderElection: everyone proposes the best server it knows
// of, and those who agree with a quorum are done.
type election struct {
	round    int64 // the logical clock; never goes back but to join a settled ensemble
	proposal ballot
	received ballots // votes of this round
	settled  ballots // votes of servers that have a leader, whatever the round
	lost     Set     // servers known to be unreachable

	wait     time.Duration // before the own vote is sent again, doubling
	resendAt time.Duration
	settleAt time.Duration // when the agreed proposal wins; 0 while there is none
}

func (e *election) reach(server int64, up bool) {
	if up {
		e.lost = e.lost.Remove(server)
	} else {
		e.lost = e.lost.Add(server)
	}
}

func (e *election) deadline() time.Duration {
	if e.settleAt != 0 {
		return min(e.settleAt, e.resendAt)
	}
	return e.resendAt
}

func (c *Core) isVoter() bool { return c.cfg.Verifier.Voters().Has(c.cfg.ID) }

// ownVote is what this server proposes before it has heard of a better one. A
// server that cannot be elected proposes what any other proposal beats.
func (c *Core) ownVote() ballot {
	b := ballot{leader: math.MinInt64, zxid: math.MinInt64, epoch: math.MinInt64, round: c.elect.round, version: proto.NotificationVersion}
	if c.isVoter() {
		b.leader = c.cfg.ID
	}
	if !c.cfg.Observer {
		b.zxid, b.epoch = c.claim(), c.current
	}
	return b
}

// better is the total order of votes: epoch, zxid, server.
func (c *Core) better(a, b ballot) bool {
	switch {
	case c.cfg.Verifier.Weight(a.leader) == 0:
		return false
	case a.epoch != b.epoch:
		return a.epoch > b.epoch
	case a.zxid != b.zxid:
		return a.zxid > b.zxid
	}
	return a.leader > b.leader
}

func (c *Core) startElection() {
	e := &c.elect
	e.round++
	e.received, e.settled = nil, nil
	e.proposal = c.ownVote()
	e.wait, e.resendAt, e.settleAt = c.cfg.MinNotify, c.now+c.cfg.MinNotify, 0
	c.castVotes()
	c.tallyVotes()
}

// castVotes sends the proposal to every voter, itself included: unless it has
// nothing on its disk, which makes its vote worthless.
func (c *Core) castVotes() {
	for _, id := range c.cfg.Verifier.Voters() {
		if id != c.cfg.ID {
			c.sendVote(id, c.elect.proposal)
		} else if c.claim() != -1 {
			c.elect.received.put(id, c.elect.proposal)
		}
	}
}

func (c *Core) sendVote(to int64, b ballot) {
	c.out.Votes = append(c.out.Votes, Vote{To: to, Notification: proto.Notification{
		State: c.role.State, Leader: b.leader, Zxid: b.zxid, Round: b.round, PeerEpoch: b.epoch,
		Version: proto.NotificationVersion, Config: c.cfg.ConfigText,
	}})
}

// notified decides who gets an answer, and passes on what the election needs.
func (c *Core) notified(from int64, n proto.Notification) {
	if from == c.cfg.ID || c.retired && c.role.State == proto.Looking {
		return
	}
	c.elect.reach(from, true)
	looking := c.role.State == proto.Looking
	if !c.cfg.Verifier.Voters().Has(from) {
		reply := c.vote
		if looking {
			reply = c.elect.proposal
		}
		reply.round = c.elect.round
		c.sendVote(from, reply)
		return
	}
	if !looking {
		if n.State == proto.Looking {
			c.sendVote(from, c.vote)
		}
		c.heardMeanwhile(from, &n)
		return
	}
	if c.resting || !c.cfg.Verifier.Voters().Has(n.Leader) {
		return
	}
	v := ballot{leader: n.Leader, zxid: n.Zxid, epoch: n.PeerEpoch, round: n.Round, state: n.State, version: n.Version}
	c.elect.resendAt = c.now + c.elect.wait
	switch n.State {
	case proto.Looking:
		c.lookingVote(from, v)
	case proto.Following, proto.Leading:
		c.settledVote(from, v)
	}
}

// heardMeanwhile notes what a vote says about its sender: that it looks for a
// leader in a later round than the one that made this one, or that it has
// another leader.
func (c *Core) heardMeanwhile(from int64, n *proto.Notification) {
	var movedOn bool
	switch n.State {
	case proto.Looking:
		movedOn = n.Round > c.vote.round
	case proto.Following, proto.Leading:
		movedOn = n.Leader != c.vote.leader
	}
	switch {
	case c.lead != nil && movedOn:
		c.lead.lost = c.lead.lost.Add(from)
		if wait := c.cfg.EpochWait; wait > 0 && c.lead.epochOp == 0 && c.now-c.lead.began >= wait {
			c.stepDown(ReasonDisloyal)
		}
	case c.lead != nil:
		c.lead.lost = c.lead.lost.Remove(from)
	case movedOn && c.follow != nil && c.follow.leader == from && c.follow.step == stepDial:
		c.giveUp("the leader looks for another one, or has one")
	}
}

// hopeless tells whether a leader that is not established waits in vain: too
// many servers cannot be reached, or look for another leader, or have one. It
// would lose all of initLimit. Whoever is connected is not lost.
func (c *Core) hopeless() bool {
	ld := c.lead
	hope := NewSet(c.cfg.ID)
	for _, id := range c.cfg.Verifier.Voters() {
		if !ld.lost.Has(id) && !c.elect.lost.Has(id) {
			hope = hope.Add(id)
		}
	}
	for _, l := range c.learners {
		hope = hope.Add(l.id)
	}
	return !c.cfg.Verifier.Quorum(hope) && !c.override(len(c.learners))
}

// lookingVote counts the vote of a server that looks for a leader too.
func (c *Core) lookingVote(from int64, v ballot) {
	e := &c.elect
	switch {
	case v.round < e.round:
		c.sendVote(from, e.proposal) // it lags behind: tell it the round
		return
	case c.claim() == -1 || v.zxid == -1:
		return // one of the two has lost its disk
	case v.round > e.round:
		e.round = v.round
		e.received = nil
		e.proposal = c.ownVote()
		c.adopt(v)
		c.castVotes()
	case c.better(v, e.proposal):
		c.adopt(v)
		c.castVotes()
	case c.better(e.proposal, v):
		// It may not have been looking yet when it was told: servers lose a
		// leader one after another. Apache's would find out only when the
		// wait for votes ends.
		c.sendVote(from, e.proposal)
	}
	e.received.put(from, v)
	c.tallyVotes()
}

func (c *Core) adopt(v ballot) {
	if c.better(v, c.elect.proposal) {
		p := &c.elect.proposal
		p.leader, p.zxid, p.epoch = v.leader, v.zxid, v.epoch
	}
	c.elect.settleAt = 0
}

// tallyVotes starts the wait for a still better vote once a quorum agrees.
func (c *Core) tallyVotes() {
	e := &c.elect
	if !c.cfg.Verifier.Quorum(e.received.supporters(e.proposal)) {
		e.settleAt = 0
		return
	}
	if e.settleAt == 0 {
		e.settleAt = max(c.now+c.cfg.Settle, 1) // 0 would mean none
	}
	c.settleVotes()
}

// settleVotes ends the wait early when every voter that can be reached agrees:
// then there is nobody from whom a better vote could come.
func (c *Core) settleVotes() {
	e := &c.elect
	if c.role.State != proto.Looking || c.resting || c.retired || e.settleAt == 0 {
		return
	}
	agreed := e.received.supporters(e.proposal)
	for _, id := range c.cfg.Verifier.Voters() {
		if !agreed.Has(id) && !e.lost.Has(id) {
			return
		}
	}
	c.decide(e.proposal)
}

// settledVote counts the vote of a server that has a leader. It is followed
// when a quorum names the same one and that one itself says that it leads.
func (c *Core) settledVote(from int64, v ballot) {
	e := &c.elect
	if v.round == e.round {
		unversioned := v
		unversioned.version = 0
		e.received.put(from, unversioned)
		if c.established(e.received, v) {
			c.decide(v)
			return
		}
	}
	e.settled.put(from, v)
	if c.established(e.settled, v) || c.oracleFollows(v) {
		e.round = v.round
		c.decide(v)
		return
	}
	if v.round == e.round {
		c.tallyVotes() // it may follow the one that this server is about to
	}
}

func (c *Core) established(votes ballots, v ballot) bool {
	if !c.cfg.Verifier.Quorum(votes.supporters(v)) {
		return false
	}
	if v.leader == c.cfg.ID {
		return v.round == c.elect.round
	}
	at, found := votes.find(v.leader)
	return found && votes[at].state == proto.Leading
}

// oracleFollows: of two servers the one that was away finds no quorum for the
// leader; when the oracle does not favour this server, the other one leads.
func (c *Core) oracleFollows(v ballot) bool {
	o, ok := c.cfg.Verifier.(*OracleMajority)
	return ok && len(o.voters) == 2 && v.state == proto.Leading && v.leader != c.cfg.ID && !o.oracle.Grants()
}

// override tells whether this server may act alone, because of an oracle.
func (c *Core) override(followers int) bool {
	o, ok := c.cfg.Verifier.(*OracleMajority)
	return ok && o.Override(followers)
}

func (c *Core) electOnTime() {
	e := &c.elect
	if e.settleAt != 0 && c.now >= e.settleAt {
		c.decide(e.proposal)
		return
	}
	if c.now < e.resendAt {
		return
	}
	c.castVotes()
	e.wait = min(2*e.wait, c.cfg.MaxNotify)
	e.resendAt = c.now + e.wait
	if e.proposal.leader == c.cfg.ID && c.override(0) {
		c.decide(e.proposal)
	}
}

// decide ends the election, and tells everyone: whoever began to look too late
// to hear the votes that led here would wait for them to be sent again.
func (c *Core) decide(v ballot) {
	c.vote = v
	c.vote.round = c.elect.round
	c.vote.version = proto.NotificationVersion
	c.elect.settleAt = 0
	if v.leader == c.cfg.ID {
		c.startLeading()
	} else {
		c.startFollowing(v.leader)
	}
	c.vote.state = c.role.State
	for _, id := range c.cfg.Verifier.Voters() {
		if id != c.cfg.ID && !c.cfg.Observer {
			c.sendVote(id, c.vote)
		}
	}
}
