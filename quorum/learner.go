package quorum

import (
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

// learner is this server's view of one that it brings and keeps up to date: a
// leader's of each follower and observer, or a follower's of an observer.
type learner struct {
	link     Link
	id       int64
	observer bool
	voter    bool
	accepted int64 // epoch it told when it connected
	last     int64 // last zxid it told in ACKEPOCH
	stage    stage
	mode     proto.PacketType // how it is, or was, brought up to date; 0: not decided
	queries  int              // times its place in the log was asked for
	atLeast  int64            // the snapshot it waits for must hold this
	acked    int64            // highest zxid it acknowledged
	sent     int64            // last zxid proposed to it

	heard    time.Duration // last packet from it
	deadline time.Duration // when the packet that is due must have come; 0: none is due
	// A proposal that it has not acknowledged yet, and since when; 0: none.
	sample   int64
	sampleAt time.Duration
	syncs    []confirmation // a SYNC is due for each, in order
	probes   []probe        // pings it has not answered yet
	answered uint64         // latest round of pings that it answered
	ponged   int64          // last zxid that it repeated in an answer
}

func (c *Core) withLearner(link Link, f func(*learner)) {
	for _, l := range c.learners {
		if l.link == link {
			f(l)
			return
		}
	}
}

// withoutLearner forgets a learner, and tells those who got packets from it.
func (c *Core) withoutLearner(link Link) {
	c.learners = slices.DeleteFunc(c.learners, func(l *learner) bool {
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

// fromLearner handles a packet that came to the leader, or to a follower that
// serves observers.
func (c *Core) fromLearner(link Link, p *proto.QuorumPacket) {
	known := false
	c.withLearner(link, func(l *learner) {
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

func (c *Core) sendLeaderInfo(l *learner) {
	if l.stage != stageInfo {
		return
	}
	l.stage, l.deadline = stageEpoch, c.now+c.initLimit()
	c.send(l.link, proto.QuorumPacket{Type: proto.PacketLeaderInfo, Zxid: EpochStart(c.epoch()),
		Data: jute.AppendInt(nil, proto.LearnerProtocol)})
}

func (c *Core) sendUpToDate(l *learner) {
	if l.stage == stageAcked && (c.lead == nil || c.lead.tally != nil) {
		l.stage, l.heard = stageServing, c.now
		c.send(l.link, proto.QuorumPacket{Type: proto.PacketUpToDate, Zxid: -1})
	}
}
