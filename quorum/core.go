package quorum

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrNotLeading refuses a proposal: this server does not lead, or not yet.
var ErrNotLeading = errors.New("quorum: not the leader")

// ErrOrder refuses a proposal whose zxid does not follow the last one.
var ErrOrder = errors.New("quorum: zxid out of order")

// Refused is the error of a Proposals input: Rest was not proposed.
type Refused struct {
	Rest []Entry
	Err  error // ErrNotLeading or ErrOrder
}

// Error implements error.
func (r *Refused) Error() string {
	return fmt.Sprintf("%d proposals from 0x%x on: %v", len(r.Rest), r.Rest[0].Zxid, r.Err)
}

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Err }

// Core decides everything about one server's part in the ensemble. It is
// stepped by one goroutine: call Step with what happened, then do what Ready
// returns, and call Step with a Tick when the time of Deadline has come.
//
// Time is the time since some moment in the past. When it seems to go back,
// it is taken to stand still.
type Core struct {
	cfg Config
	now time.Duration
	rnd *rand.Rand
	out Ready

	hist history
	// accepted is the highest epoch promised, from the moment it was decided;
	// nothing is said about it before acceptedOp is durable.
	accepted   int64
	acceptedOp uint64
	// current is the epoch on disk.
	current int64
	// highestSeen is the highest accepted epoch that any learner told. A
	// leader's epoch must exceed it, or that learner could never follow.
	highestSeen int64
	// needSnapshot is set while what is on this disk cannot be repaired.
	needSnapshot bool
	repair       repair
	masters      []int64 // of an observer, in its own order
	nextMaster   int     // whose turn it is

	ops       uint64 // last disk operation asked for
	persisted uint64 // last one reported durable
	durable   int64  // zxid up to which the log is durable
	pending   []pendingOp

	role  Role
	vote  ballot // of the last election that ended
	elect election
	lead  *leading // while State is Leading
	// learners are those that this server keeps up to date, in the order they
	// came: a leader's, or a follower's observers.
	learners []*learner
	nextID   int64      // of learners that do not tell theirs, downwards
	follow   *following // while State is Following or Observing
	restAt   time.Duration
	resting  bool // an observer waits before it looks for a leader again
	retired  bool // this server is about to stop
}

// pendingOp is what becomes true when a disk operation is durable: where the
// log ends, or, with an epoch, what the current epoch is.
type pendingOp struct {
	op    uint64
	end   int64
	epoch int64
}

// New returns a Core that looks for a leader from the first Ready on.
func New(now time.Duration, cfg Config, rec Recovered) (*Core, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := rec.validate(); err != nil {
		return nil, err
	}
	c := &Core{
		cfg:      cfg,
		now:      now,
		rnd:      rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.ID))),
		hist:     newHistory(&rec),
		accepted: rec.AcceptedEpoch,
		current:  rec.CurrentEpoch,
		durable:  rec.Zxid,
		nextID:   -1,
	}
	// A crash between the log and the epoch file of a synchronisation leaves
	// transactions of an epoch that is not the current one. The first of them
	// was logged after everything that epoch began with, so the epoch counts.
	if last := Epoch(c.hist.last()); last > c.current {
		c.saveCurrent(last)
	}
	c.masters = slices.Clone(cfg.Masters)
	c.rnd.Shuffle(len(c.masters), func(i, j int) { c.masters[i], c.masters[j] = c.masters[j], c.masters[i] })
	c.look("started")
	return c, nil
}

// Step tells the core what happened at the given time. It returns an error
// only for what it refuses: a Propose, Proposals, a Settle or a Confirm.
func (c *Core) Step(now time.Duration, in Input) error {
	c.now = max(c.now, now)
	var err error
	switch in := in.(type) {
	case Tick:
	case Notified:
		c.notified(in.From, in.Notification)
	case Unreachable:
		c.elect.reach(in.Server, false)
		c.settleVotes()
		if f := c.follow; f != nil && f.leader == in.Server && f.step == stepDial {
			c.giveUp("the leader is gone")
		}
	case Reachable:
		c.elect.reach(in.Server, true)
	case Propose:
		err = c.propose(in.Entry)
	case Proposals:
		err = c.proposeAll(in.Entries)
	case Settle:
		err = c.settleRequested(in.ID)
	case Persisted:
		c.onPersisted(in.Op)
	case Confirm:
		err = c.confirmRequested(in.ID)
	case Resign:
		c.resign()
	case StepDown:
		if c.lead != nil {
			c.stepDown(in.Reason)
		}
	case Diverged:
		c.diverged()
	case TruncateFailed:
		c.needSnapshot = true
		if c.follow != nil {
			c.giveUp("the log cannot be repaired")
		}
	default:
		c.linkInput(in)
	}
	c.onTime()
	return err
}

// linkInput handles what happens to quorum connections.
func (c *Core) linkInput(in Input) {
	switch in := in.(type) {
	case Connected:
		if c.follow != nil {
			c.follow.connected(c, in.Link)
		} else {
			c.close(in.Link, "no longer following")
		}
	case DialFailed:
		if c.follow != nil {
			c.follow.dialFailed(c)
		}
	case Received:
		c.received(in.Link, &in.Packet)
	case LinkGone:
		if c.follow != nil && c.follow.link == in.Link {
			c.follow.link = 0
			c.giveUp("connection to the leader broke")
		} else {
			c.withoutLearner(in.Link)
		}
	case LogFound:
		c.withLearner(in.Link, func(l *learner) { c.synchronise(l, &in.Reach) })
	case SnapshotReady:
		c.withLearner(in.Link, func(l *learner) { c.sendSnapshot(l, in.Zxid) })
	case SnapshotSent:
		c.withLearner(in.Link, func(l *learner) {
			if l.stage == stageSync {
				l.deadline = c.now + c.initLimit()
			}
		})
	case Alive:
		c.withLearner(in.Link, func(l *learner) { l.heard = c.now })
		if c.follow != nil && c.follow.link == in.Link {
			c.follow.extend(c)
		}
	case SyncRequested:
		if c.lead != nil {
			c.withLearner(in.Link, func(l *learner) { c.syncRequested(l, in.Confirm) })
		}
	}
}

func (c *Core) received(link Link, p *proto.QuorumPacket) {
	switch {
	case c.follow != nil && c.follow.link == link:
		c.follow.received(c, p)
	case c.lead != nil || c.isMaster():
		c.fromLearner(link, p)
	case p.Type == proto.PacketFollowerInfo || p.Type == proto.PacketObserverInfo:
		c.close(link, "not leading")
	}
}

// Ready returns what has been decided since the last call.
func (c *Core) Ready() Ready {
	out := c.out
	c.out = Ready{}
	return out
}

// Recycle takes the memory of r.Send back for the next Ready; r.Send must not
// be used any more. Calling it is not required.
func (c *Core) Recycle(r *Ready) {
	const most = 4096 // messages: a crowd that joins at once leaves nothing behind
	if len(c.out.Send) == 0 && cap(r.Send) <= most {
		clear(r.Send)
		c.out.Send = r.Send[:0]
	}
	r.Send = nil
}

// Turned tells whether the role has changed since the last Ready.
func (c *Core) Turned() bool { return c.out.Role != nil }

// Deadline returns when the next Tick is due; after every Step that is later
// than the time of the Step.
func (c *Core) Deadline() time.Duration {
	switch {
	case c.lead != nil:
		return c.leaderDeadline()
	case c.follow != nil:
		return min(c.follow.deadline(), c.masterDeadline())
	case c.resting:
		return c.restAt
	case c.retired:
		return math.MaxInt64
	}
	return c.elect.deadline()
}

func (c *Core) onTime() {
	switch {
	case c.lead != nil:
		c.leadOnTime()
	case c.follow != nil:
		if c.masterOnTime(); c.follow != nil {
			c.follow.onTime(c)
		}
	case c.resting:
		if c.now >= c.restAt {
			c.resting = false
			c.startElection()
		}
	case c.retired:
	default:
		c.electOnTime()
	}
}

// Role returns what the server is now.
func (c *Core) Role() Role { return c.role }

// LastZxid returns the last zxid of this server's history, durable or not.
func (c *Core) LastZxid() int64 { return c.hist.last() }

// claim is the last zxid with which this server votes: -1 when it has nothing
// to vote for, or nothing that it could build on.
func (c *Core) claim() int64 {
	if c.needSnapshot {
		return -1
	}
	return c.hist.last()
}

// LeaderLink returns the link to the leader that this server serves clients
// with, 0 while there is none.
func (c *Core) LeaderLink() Link {
	if c.follow != nil && c.follow.step == stepServing {
		return c.follow.link
	}
	return 0
}

// epoch returns that of the leader, be it this server or another one.
func (c *Core) epoch() int64 {
	if c.lead != nil {
		return c.lead.epoch
	}
	return c.follow.epoch
}

// Committed returns the highest zxid known to be committed; it is certain in
// Broadcast only.
func (c *Core) Committed() int64 { return c.hist.committed }

func (c *Core) setRole(r Role) {
	if c.out.Role != nil && r.Reason == "" {
		r.Reason = c.out.Role.Reason // an election that is over at once
	}
	c.role = r
	c.out.Role = &r
}

// look leaves the present role, if there is one, and starts an election.
func (c *Core) look(reason string) {
	lost := c.follow != nil && c.cfg.Observer
	for _, l := range c.learners {
		c.close(l.link, reason)
	}
	c.lead, c.follow, c.learners = nil, nil, nil
	c.out.Dial, c.out.DialMaster = 0, false
	c.setRole(Role{State: proto.Looking, Phase: Election, Reason: reason})
	if c.retired {
		return
	}
	if lost && c.cfg.ObserverDelay > 0 {
		// A crowd of observers must not fall upon a new leader all at once.
		c.resting, c.restAt = true, c.now+time.Duration(c.rnd.Int64N(int64(c.cfg.ObserverDelay)))
		return
	}
	c.startElection()
}

func (c *Core) initLimit() time.Duration { return c.cfg.Tick * time.Duration(c.cfg.InitTicks) }
func (c *Core) syncLimit() time.Duration { return c.cfg.Tick * time.Duration(c.cfg.SyncTicks) }

func (c *Core) send(link Link, p proto.QuorumPacket) {
	c.out.Send = append(c.out.Send, Message{Link: link, Packet: p})
}

func (c *Core) close(link Link, reason string) {
	c.out.Close = append(c.out.Close, Closing{Link: link, Reason: reason})
}

func (c *Core) disk(op DiskOp) uint64 {
	c.ops++
	op.Seq = c.ops
	c.out.Disk = append(c.out.Disk, op)
	return op.Seq
}

// diskLog is disk for operations after which the log ends at the given zxid.
func (c *Core) diskLog(op DiskOp, end int64) {
	c.pending = append(c.pending, pendingOp{op: c.disk(op), end: end})
}

// appendEntry adds to the history and to the log. Entries of one Ready share
// one operation.
func (c *Core) appendEntry(e Entry) {
	c.hist.append(e)
	if n := len(c.out.Disk); n > 0 && c.out.Disk[n-1].Kind == OpAppend {
		c.out.Disk[n-1].Entries = append(c.out.Disk[n-1].Entries, e)
		c.pending[len(c.pending)-1].end = e.Zxid
		return
	}
	c.diskLog(DiskOp{Kind: OpAppend, Entries: []Entry{e}}, e.Zxid)
}

func (c *Core) saveAccepted(epoch int64) {
	c.accepted = epoch
	c.acceptedOp = c.disk(DiskOp{Kind: OpAcceptedEpoch, Epoch: epoch})
}

// saveCurrent is asked for only when the history of that epoch's leader is
// durable: a log that is behind its epoch would win elections it must lose.
func (c *Core) saveCurrent(epoch int64) uint64 {
	op := c.disk(DiskOp{Kind: OpCurrentEpoch, Epoch: epoch})
	c.pending = append(c.pending, pendingOp{op: op, epoch: epoch})
	return op
}

func (c *Core) onPersisted(op uint64) {
	if op <= c.persisted || op > c.ops {
		return
	}
	c.persisted = op
	for len(c.pending) > 0 && c.pending[0].op <= op {
		if epoch := c.pending[0].epoch; epoch != 0 {
			c.current = epoch
		} else {
			c.durable = c.pending[0].end
		}
		c.pending = c.pending[1:]
	}
	switch {
	case c.lead != nil:
		c.leaderPersisted()
	case c.follow != nil:
		c.follow.persisted(c)
	}
	c.hist.trim(c.cfg.CommitLogCount, c.durable)
}

// apply commits the history up to zxid and hands it to the tree.
func (c *Core) apply(zxid int64) {
	c.out.Apply = append(c.out.Apply, c.hist.commit(zxid)...)
}

// violation describes a packet that the protocol does not allow here.
func violation(p *proto.QuorumPacket, format string, args ...any) string {
	return fmt.Sprintf("unexpected %s 0x%x: %s", p.Type, p.Zxid, fmt.Sprintf(format, args...))
}
