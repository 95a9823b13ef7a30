package quorum

import (
	"errors"
	"fmt"
	"time"
)

// ErrConfig means that a Config or a Recovered contradicts itself.
var ErrConfig = errors.New("quorum: invalid configuration")

// Config is what a Core is told once. The durations that Apache counts in
// ticks are given in ticks here too.
type Config struct {
	ID       int64    // this server; above 0
	Verifier Verifier // who votes, and what a quorum is
	Observer bool     // peerType=observer: learns, never votes

	Tick          time.Duration // tickTime
	InitTicks     int           // initLimit: to connect, to agree on an epoch, to synchronise
	SyncTicks     int           // syncLimit: silence after which a peer is given up
	MinNotify     time.Duration // first wait for votes before sending one's own again (200 ms)
	MaxNotify     time.Duration // to which that wait doubles (60 s)
	Settle        time.Duration // wait for a better vote once a quorum agrees (200 ms)
	ObserverDelay time.Duration // an observer that lost its leader waits up to this (200 ms)
	// ServeObservers lets observers connect to this server when it follows,
	// and be brought and kept up to date by it (observerMasterPort).
	ServeObservers bool

	// Masters are the servers that an observer connects to in turn, in an order
	// of its own, instead of the leader; see ServeObservers. Nil: the leader.
	Masters []int64
	// ReconnectDelay is how long at most an observer waits before it connects
	// to the leader, or before it tries the first of its Masters again
	// (observer.reconnectDelayMs).
	ReconnectDelay time.Duration
	// ConnectTicks is how long a learner may take to connect; 0 is InitTicks
	// (connectToLearnerMasterLimit). DialPause is the longest pause between
	// two tries, the first ones follow more quickly; 0 is 100 ms
	// (leaderConnectDelayDuringRetryMs).
	ConnectTicks int
	DialPause    time.Duration
	// EpochWait makes a leader give up that has waited for so long for the
	// epochs of a quorum when one of its voters looks for a leader again; 0 is
	// never (leader.maxTimeToWaitForEpoch, whose 0 is 1 here). It always gives
	// up at once when no quorum is left that could come.
	EpochWait time.Duration
	// MaxSnapSyncs and MaxDiffSyncs bound how many learners are brought up to
	// date at a time by a snapshot, and by transactions. Followers are counted
	// and always served; an observer beyond the bound is turned away, to come
	// back. 0 is no bound (leader.maxConcurrentSnapSyncs, ...DiffSyncs).
	MaxSnapSyncs, MaxDiffSyncs int

	// ForceSnapshot brings every learner up to date by a snapshot.
	ForceSnapshot bool
	// CommitLogCount is how many committed transactions are kept in memory
	// for learners that fell behind (commitLogCount, 500).
	CommitLogCount int
	// ConfigText is what goes out in notifications and in NEWLEADER, and
	// ConfigVersion the version in it.
	ConfigText    string
	ConfigVersion int64
	// Seed of the only random choices, an observer's delays and the order of
	// its masters.
	Seed uint64
}

// Recovered is what a server finds on its disk when it starts.
type Recovered struct {
	// Zxid is the last one in log or snapshot; -1 when there is nothing, not
	// even the first snapshot. A server with -1 votes for nobody and is
	// counted by nobody until a leader has brought it up to date: its disk
	// may have been lost together with what it had acknowledged.
	Zxid int64
	// Applied is the last zxid that the tree holds, at most Zxid.
	Applied int64
	// AcceptedEpoch is the highest epoch promised to a leader, CurrentEpoch
	// the last whose leader's history this server has.
	AcceptedEpoch, CurrentEpoch int64
	// Tail is the end of the log, without holes, up to Zxid, and TailBase the
	// zxid just before its first. It reaches back to Applied at least.
	Tail     []Entry
	TailBase int64
}

// Entry is a transaction: the encoded proto.Entry and its zxid. Data is never
// modified, by the core or by anyone it is handed to.
type Entry struct {
	Zxid int64
	Data []byte
}

func (c *Config) validate() error {
	switch {
	case c.ID <= 0:
		return fmt.Errorf("%w: server id %d", ErrConfig, c.ID)
	case c.Verifier == nil || len(c.Verifier.Voters()) == 0:
		return fmt.Errorf("%w: no voters", ErrConfig)
	case c.Observer && c.Verifier.Voters().Has(c.ID):
		return fmt.Errorf("%w: server %d is an observer and a voter", ErrConfig, c.ID)
	case c.Tick <= 0 || c.InitTicks <= 0 || c.SyncTicks <= 0:
		return fmt.Errorf("%w: tick %v, initLimit %d, syncLimit %d: all must be positive", ErrConfig, c.Tick, c.InitTicks, c.SyncTicks)
	case c.MinNotify <= 0 || c.MaxNotify < c.MinNotify || c.Settle < 0 || c.ObserverDelay < 0:
		return fmt.Errorf("%w: waits for votes of %v to %v, settling %v", ErrConfig, c.MinNotify, c.MaxNotify, c.Settle)
	case c.ReconnectDelay < 0 || c.ConnectTicks < 0 || c.DialPause < 0 || c.EpochWait < 0 || c.MaxSnapSyncs < 0 || c.MaxDiffSyncs < 0:
		return fmt.Errorf("%w: a limit below 0", ErrConfig)
	case len(c.Masters) > 0 && !c.Observer:
		return fmt.Errorf("%w: server %d has masters but is no observer", ErrConfig, c.ID)
	case c.CommitLogCount < 1:
		return fmt.Errorf("%w: commitLogCount %d", ErrConfig, c.CommitLogCount)
	}
	return nil
}

func (r *Recovered) validate() error {
	if r.Zxid < -1 || r.Applied > r.Zxid {
		return fmt.Errorf("%w: last zxid 0x%x, applied 0x%x", ErrConfig, r.Zxid, r.Applied)
	}
	if r.AcceptedEpoch < r.CurrentEpoch {
		return fmt.Errorf("%w: accepted epoch %d is less than current epoch %d", ErrConfig, r.AcceptedEpoch, r.CurrentEpoch)
	}
	if r.Zxid >= 0 && Epoch(r.Zxid) > r.AcceptedEpoch {
		return fmt.Errorf("%w: last zxid 0x%x is of a later epoch than the accepted %d", ErrConfig, r.Zxid, r.AcceptedEpoch)
	}
	if r.TailBase > r.Applied {
		return fmt.Errorf("%w: log tail begins after 0x%x, applied is 0x%x", ErrConfig, r.TailBase, r.Applied)
	}
	last := r.TailBase
	for _, e := range r.Tail {
		if !follows(last, e.Zxid) {
			return fmt.Errorf("%w: 0x%x after 0x%x in the log", ErrConfig, e.Zxid, last)
		}
		last = e.Zxid
	}
	if last != r.Zxid {
		return fmt.Errorf("%w: log tail ends at 0x%x, not at 0x%x", ErrConfig, last, r.Zxid)
	}
	return nil
}

// Epoch returns the epoch that a zxid is of.
func Epoch(zxid int64) int64 { return zxid >> 32 }

// Counter returns a zxid's place within its epoch; the first transaction has 1.
func Counter(zxid int64) uint32 { return uint32(zxid) }

// EpochStart returns the zxid before the first transaction of an epoch.
func EpochStart(epoch int64) int64 { return epoch << 32 }

// follows tells whether next may come right after last in a history: the next
// of the same epoch, or the first of a later one.
func follows(last, next int64) bool {
	return next == last+1 || Epoch(next) > Epoch(last) && Counter(next) == 1
}
