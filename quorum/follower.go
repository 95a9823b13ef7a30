package quorum

import (
	"fmt"
	"math"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// A leader that was just elected may not listen yet: the first tries follow
// one another quickly. Together they take as long as Apache's, which are 5
// tries 100 ms apart.
const (
	dialTries        = 8
	dialMinPause     = 10 * time.Millisecond
	defaultDialPause = 100 * time.Millisecond
)

// step is how far this server has come with its leader.
type step uint8

const (
	stepDial      step = iota // no link yet
	stepInfo                  // FOLLOWERINFO sent, LEADERINFO awaited
	stepPromise               // the new epoch is being saved; ACKEPOCH follows
	stepSync                  // DIFF, TRUNC or SNAP awaited
	stepHistory               // the leader's history arrives, up to NEWLEADER
	stepPersist               // NEWLEADER came; the history is being saved
	stepEpochFile             // then the current epoch; the ACK follows
	stepAcked                 // UPTODATE awaited
	stepServing
)

// following is the state of a follower or an observer.
type following struct {
	leader int64
	via    int64 // the server dialled: the leader, or a master
	link   Link
	step   step

	tries  int
	dialAt time.Duration // next try; 0: one is under way
	limit  time.Duration // for the next packet, or for connecting

	epoch   int64         // the leader's
	promise bool          // the epoch was new to us: our promise counts
	logOp   uint64        // last operation on the history that NEWLEADER ends
	fileOp  uint64        // saves the current epoch
	beatAt  time.Duration // next ping to its observers, if there are any
	acked   int64         // proposals up to here need no ACK any more
	within  int64         // zxid of the snapshot that began the synchronisation; 0 without one
}

func (c *Core) startFollowing(leader int64) {
	state := proto.Following
	if c.cfg.Observer {
		state = proto.Observing
	}
	limit := c.initLimit()
	if c.cfg.ConnectTicks > 0 {
		limit = c.cfg.Tick * time.Duration(c.cfg.ConnectTicks)
	}
	c.follow = &following{leader: leader, limit: c.now + limit}
	c.repair.asked = false
	if wait := c.reconnectWait(); wait > 0 {
		c.follow.dialAt = c.now + wait
		c.follow.limit += wait
	} else {
		c.dial()
	}
	c.setRole(Role{State: state, Phase: Discovery, Leader: leader})
}

// reconnectWait keeps a crowd of observers from one server, each for some time.
func (c *Core) reconnectWait() time.Duration {
	if !c.cfg.Observer || c.cfg.ReconnectDelay <= 0 || c.nextMaster != 0 {
		return 0
	}
	return time.Duration(c.rnd.Int64N(int64(c.cfg.ReconnectDelay)))
}

// dial asks for a connection to the leader, or to the next master.
func (c *Core) dial() {
	c.follow.dialAt = 0
	c.out.Dial, c.out.DialMaster = c.follow.leader, false
	if n := len(c.masters); n > 0 {
		c.out.Dial, c.out.DialMaster = c.masters[c.nextMaster], true
		c.nextMaster = (c.nextMaster + 1) % n
	}
	c.follow.via = c.out.Dial
}

// giveUp leaves the leader.
func (c *Core) giveUp(reason string) {
	if link := c.follow.link; link != 0 {
		c.close(link, reason)
	}
	c.look(reason)
}

func (f *following) deadline() time.Duration {
	switch {
	case f.step == stepPromise:
		return math.MaxInt64 // this disk is slow, not the leader
	case f.step == stepDial && f.dialAt != 0:
		return min(f.dialAt, f.limit)
	}
	return f.limit
}

func (f *following) onTime(c *Core) {
	switch {
	case c.now >= f.limit && f.step != stepPromise:
		c.giveUp("the leader is silent")
	case f.step == stepDial && f.dialAt != 0 && c.now >= f.dialAt:
		c.dial()
	}
}

func (f *following) dialFailed(c *Core) {
	if f.step != stepDial || f.dialAt != 0 {
		return
	}
	f.tries++
	if f.tries >= max(dialTries, len(c.masters)) {
		c.giveUp("the leader cannot be reached")
		return
	}
	longest := c.cfg.DialPause
	if longest == 0 {
		longest = defaultDialPause
	}
	f.dialAt = c.now + min(dialMinPause<<min(f.tries-1, 20), longest)
}

func (f *following) connected(c *Core, link Link) {
	if f.step != stepDial {
		c.close(link, "already connected")
		return
	}
	f.link, f.step, f.limit = link, stepInfo, c.now+c.initLimit()
	hello := proto.PacketFollowerInfo
	if c.cfg.Observer {
		hello = proto.PacketObserverInfo
	}
	info := proto.LearnerInfo{ServerID: c.cfg.ID, Protocol: proto.LearnerProtocol, ConfigVersion: c.cfg.ConfigVersion}
	c.send(link, proto.QuorumPacket{Type: hello, Zxid: EpochStart(c.accepted), Data: info.Append(nil)})
}

// extend waits for the next packet anew.
func (f *following) extend(c *Core) {
	f.limit = c.now + c.initLimit()
	if f.step >= stepAcked {
		f.limit = c.now + c.syncLimit()
	}
}

// received handles a packet from the leader.
func (f *following) received(c *Core, p *proto.QuorumPacket) {
	f.extend(c)
	switch p.Type {
	case proto.PacketLeaderInfo:
		f.leaderInfo(c, p)
	case proto.PacketDiff, proto.PacketTrunc, proto.PacketSnap:
		f.begin(c, p)
	case proto.PacketPing:
		if f.step == stepServing { // as Apache: the leader counts on it
			// Null data instead of no sessions ends the link: Apache's leader
			// reads the answer without looking.
			c.send(f.link, proto.QuorumPacket{Type: proto.PacketPing, Zxid: p.Zxid, Data: []byte{}, Auth: p.Auth})
		}
	case proto.PacketRevalidate, proto.PacketSync:
		if f.step == stepServing {
			c.out.FromLeader = append(c.out.FromLeader, *p)
		}
	default:
		if f.step < stepHistory {
			c.giveUp(violation(p, "before DIFF, TRUNC or SNAP"))
			return
		}
		f.history(c, p)
	}
}

func (f *following) leaderInfo(c *Core, p *proto.QuorumPacket) {
	f.epoch = Epoch(p.Zxid)
	if f.step != stepInfo || f.epoch < c.accepted {
		c.giveUp(violation(p, "accepted epoch is %d", c.accepted))
		return
	}
	f.step = stepPromise
	if f.epoch > c.accepted {
		f.promise = true
		c.saveAccepted(f.epoch)
	}
	f.persisted(c) // the same epoch may be durable already
}

// begin makes this server's history one that the leader's continues.
func (f *following) begin(c *Core, p *proto.QuorumPacket) {
	if f.step != stepSync || (c.claim() == -1 || c.repair.asked) && p.Type != proto.PacketSnap {
		c.giveUp(violation(p, "not asked for"))
		return
	}
	switch p.Type {
	case proto.PacketDiff:
	case proto.PacketTrunc:
		if !f.truncate(c, p.Zxid) {
			return
		}
	case proto.PacketSnap:
		c.hist.reset(p.Zxid)
		f.within = p.Zxid
		c.diskLog(DiskOp{Kind: OpInstall, Zxid: p.Zxid, Link: f.link, Rebuild: true}, p.Zxid)
		c.needSnapshot = false
	}
	c.repairEnds(p.Type == proto.PacketSnap)
	f.step = stepHistory
	c.setRole(Role{State: c.role.State, Phase: Synchronization, Leader: f.leader, Epoch: f.epoch, Via: f.via})
	c.apply(c.hist.last())
}

// truncate drops what the leader lacks. Memory may begin above the place: then
// the shell finds out whether the log has it.
func (f *following) truncate(c *Core, zxid int64) bool {
	if zxid >= c.hist.base && !c.hist.holds(zxid) {
		c.needSnapshot = true
		c.giveUp(fmt.Sprintf("told to truncate to 0x%x, which is not in the log", zxid))
		return false
	}
	if zxid != c.hist.last() {
		c.diskLog(DiskOp{Kind: OpTruncate, Zxid: zxid, Rebuild: c.hist.truncate(zxid)}, zxid)
	}
	return true
}

// history handles all that comes after the first packet of synchronisation.
func (f *following) history(c *Core, p *proto.QuorumPacket) {
	if f.repeats(p) {
		return
	}
	switch p.Type {
	case proto.PacketProposal:
		f.proposal(c, p.Zxid, p.Data)
	case proto.PacketCommit, proto.PacketCommitAndActivate:
		f.commit(c, p)
	case proto.PacketInform:
		if f.proposal(c, p.Zxid, p.Data) {
			f.commit(c, p)
		}
	case proto.PacketInformAndActivate:
		if len(p.Data) < 8 {
			c.giveUp(violation(p, "without a leader"))
		} else if f.proposal(c, p.Zxid, p.Data[8:]) {
			f.commit(c, p)
		}
	case proto.PacketNewLeader:
		if f.step != stepHistory || p.Zxid != EpochStart(f.epoch) {
			c.giveUp(violation(p, "epoch is %d", f.epoch))
			return
		}
		f.step, f.logOp = stepPersist, c.ops
		f.acked = c.hist.committed
		f.persisted(c)
	case proto.PacketUpToDate:
		f.upToDate(c, p)
	default:
		c.giveUp(violation(p, "from a leader"))
	}
}

// repeats tells whether a packet is about a transaction that is in the
// snapshot already. Apache's leader begins to forward before it takes the
// snapshot, so that what is committed in between comes once more.
func (f *following) repeats(p *proto.QuorumPacket) bool {
	switch p.Type {
	case proto.PacketProposal, proto.PacketCommit, proto.PacketCommitAndActivate, proto.PacketInform, proto.PacketInformAndActivate:
		return f.step == stepHistory && p.Zxid <= f.within
	}
	return false
}

func (f *following) proposal(c *Core, zxid int64, data []byte) bool {
	if last := c.hist.last(); !follows(last, zxid) {
		c.giveUp(fmt.Sprintf("0x%x was proposed after 0x%x", zxid, last))
		return false
	}
	c.appendEntry(Entry{Zxid: zxid, Data: data})
	return true
}

// commit must be of the first transaction that is not committed yet: anything
// else means that one was lost on the way.
func (f *following) commit(c *Core, p *proto.QuorumPacket) {
	next := c.hist.after(c.hist.committed)
	if len(next) == 0 || next[0].Zxid != p.Zxid {
		c.giveUp(violation(p, "committed up to 0x%x, proposed up to 0x%x", c.hist.committed, c.hist.last()))
		return
	}
	c.apply(p.Zxid)
	c.inform(next[0])
	c.hist.trim(c.cfg.CommitLogCount, c.durable)
}

func (f *following) upToDate(c *Core, p *proto.QuorumPacket) {
	if f.step != stepAcked {
		c.giveUp(violation(p, "before the ACK of NEWLEADER"))
		return
	}
	f.step = stepServing
	c.send(f.link, proto.QuorumPacket{Type: proto.PacketAck, Zxid: EpochStart(f.epoch)})
	c.vote.epoch = f.epoch
	c.setRole(Role{State: c.role.State, Phase: Broadcast, Leader: f.leader, Epoch: f.epoch, Via: f.via})
}

// persisted goes on when the disk has caught up: first the promise of an
// epoch; then the leader's history, the epoch file, the ACK of NEWLEADER,
// strictly in this order; then an ACK for each proposal.
func (f *following) persisted(c *Core) {
	if f.step == stepPromise && c.persisted >= c.acceptedOp {
		f.step, f.limit = stepSync, c.now+c.initLimit()
		c.send(f.link, f.ackEpoch(c))
	}
	if f.step == stepPersist && c.persisted >= f.logOp {
		f.step = stepEpochFile
		f.fileOp = c.saveCurrent(f.epoch)
	}
	if f.step == stepEpochFile && c.persisted >= f.fileOp {
		f.step, f.limit = stepAcked, c.now+c.syncLimit()
		c.send(f.link, proto.QuorumPacket{Type: proto.PacketAck, Zxid: EpochStart(f.epoch)})
	}
	if f.step >= stepAcked && !c.cfg.Observer {
		for _, e := range c.hist.after(f.acked) {
			if e.Zxid > c.durable {
				break
			}
			c.send(f.link, proto.QuorumPacket{Type: proto.PacketAck, Zxid: e.Zxid})
			f.acked = e.Zxid
		}
	}
}

// ackEpoch promises to follow no earlier epoch. A promise made before is not
// made again: two leaders of one epoch could each count it.
func (f *following) ackEpoch(c *Core) proto.QuorumPacket {
	epoch := int32(-1)
	if f.promise {
		epoch = int32(c.current)
	}
	zxid := c.claim()
	if c.repairBegins() {
		zxid = -1 // what Apache's leaders, too, answer by a snapshot
	}
	return proto.QuorumPacket{Type: proto.PacketAckEpoch, Zxid: zxid, Data: jute.AppendInt(nil, epoch)}
}
