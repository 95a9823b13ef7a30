package throttle

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// RequestsConfig holds the bounds on requests in process. Names in
// parentheses are Apache's properties, after "zookeeper.".
type RequestsConfig struct {
	Outstanding  int  // above it, connections with unanswered requests are not read (globalOutstandingLimit, 1000); see OutstandingLimit
	MaxInProcess int  // at it, further requests wait; 0 is off (request_throttle_max_requests)
	StallMs      int  // pause between two looks while waiting (request_throttle_stall_time, 100)
	DropStale    bool // stale requests are dropped instead of waiting (request_throttle_drop_stale, true)
	OpWaitMs     int  // a request that waited longer is refused with ErrThrottledOp; 0 is off (throttled_op_wait_time)

	NowMs func() int64 // monotonic
}

// OutstandingLimit is the share of one server in globalOutstandingLimit: with
// more than two voters it is divided by all but one of them.
func OutstandingLimit(global, voters int) int {
	if voters > 2 {
		return global / (voters - 1)
	}
	return global
}

// Verdict is what becomes of a request.
type Verdict int

// The verdicts. Submit and Refuse count the request as in process until Done.
const (
	Submit Verdict = iota // process it
	Refuse                // it waited too long: process it as one that is answered with proto.ErrThrottledOp
	Drop                  // no answer; close its connection, so that no later request of it is processed either
)

// Request is what the throttle needs to know of a request.
type Request interface {
	Op() proto.Op
	ArrivedMs() int64 // on the clock of RequestsConfig
	Stale() bool      // see StaleRule
}

// Requests counts the requests in process and holds back what is too much.
// Each connection calls Enter before it submits a request, and Done is called
// when the request has been answered.
type Requests struct {
	cfg RequestsConfig // set once

	inProcess atomic.Int64
	queued    atomic.Int64 // requests inside Enter; 0 unless MaxInProcess is set
	stalls    atomic.Int64
	stale     atomic.Int64
	paused    atomic.Int64 // connections inside Pause

	// turn holds a token while a request waits for room; the others queue
	// on it, so that nobody overtakes.
	turn chan struct{}
	room chan struct{} // holds one token after a Done that made room

	mu     sync.Mutex
	resume *sync.Cond // on mu: a request is done, or the end has come

	closing sync.Once
	closed  chan struct{}
}

// NewRequests starts with nothing in process.
func NewRequests(cfg RequestsConfig) *Requests {
	r := &Requests{cfg: cfg, turn: make(chan struct{}, 1), room: make(chan struct{}, 1), closed: make(chan struct{})}
	r.resume = sync.NewCond(&r.mu)
	return r
}

// Enter waits until there is room for the request. After Close it drops.
func (r *Requests) Enter(q Request) Verdict {
	if r.cfg.MaxInProcess > 0 {
		r.queued.Add(1)
		r.turn <- struct{}{}
		ok := r.waitForRoom(q)
		r.queued.Add(-1)
		if ok {
			r.inProcess.Add(1) // within the turn: the count cannot pass the maximum
		}
		<-r.turn
		if r.paused.Load() > 0 {
			r.wakePaused() // the queue is shorter now
		}
		if !ok {
			return Drop
		}
	} else {
		r.inProcess.Add(1)
	}
	if r.cfg.OpWaitMs > 0 && throttlable(q.Op()) && r.cfg.NowMs()-q.ArrivedMs() > int64(r.cfg.OpWaitMs) {
		return Refuse
	}
	return Submit
}

// throttlable tells whether a request may be refused for having waited.
func throttlable(op proto.Op) bool {
	return op != proto.OpPing && op != proto.OpCloseSession && op != proto.OpCreateSession
}

// waitForRoom returns false when the request is to be dropped.
func (r *Requests) waitForRoom(q Request) bool {
	for {
		if r.cfg.DropStale && q.Stale() {
			r.stale.Add(1)
			return false
		}
		if r.isClosed() {
			return false
		}
		if r.inProcess.Load() < int64(r.cfg.MaxInProcess) {
			return true
		}
		r.stalls.Add(1)
		r.stall()
	}
}

// stall waits until a request is done, but not longer than StallMs.
func (r *Requests) stall() {
	timer := time.NewTimer(time.Duration(r.cfg.StallMs) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-r.room:
	case <-timer.C:
	case <-r.closed:
	}
}

func (r *Requests) isClosed() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}

// Done takes a request out that Enter has let in.
func (r *Requests) Done() {
	r.inProcess.Add(-1)
	if r.cfg.MaxInProcess > 0 {
		select {
		case r.room <- struct{}{}:
		default:
		}
	}
	if r.paused.Load() > 0 {
		r.wakePaused()
	}
}

func (r *Requests) wakePaused() {
	r.mu.Lock()
	r.resume.Broadcast()
	r.mu.Unlock()
}

// Over tells whether a connection with own unanswered requests should not be
// read: it has some, and the server has more than its limit. Requests that
// the client does not number above 0 (pings, setWatches) are none of its own.
func (r *Requests) Over(own int64) bool {
	limit := int64(r.cfg.Outstanding)
	return own > 0 && (limit < r.queued.Load() || limit < r.inProcess.Load())
}

// Pause returns once the connection may be read again, or after Close. own is
// its number of unanswered requests; it has to go down before Done is called.
func (r *Requests) Pause(own *atomic.Int64) {
	if !r.Over(own.Load()) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused.Add(1) // before the look: a Done in between then waits for mu
	defer r.paused.Add(-1)
	for r.Over(own.Load()) && !r.isClosed() {
		r.resume.Wait()
	}
}

// Close lets everybody go who waits.
func (r *Requests) Close() {
	r.closing.Do(func() { close(r.closed) })
	r.wakePaused()
}

// InProcess counts the requests that have entered and are not done.
func (r *Requests) InProcess() int64 { return r.inProcess.Load() }

// Queued counts the requests that wait to enter.
func (r *Requests) Queued() int64 { return r.queued.Load() }

// Paused counts the connections that are held back in Pause.
func (r *Requests) Paused() int64 { return r.paused.Load() }

// Stalls counts the pauses made in Enter (request_throttle_wait_count).
func (r *Requests) Stalls() int64 { return r.stalls.Load() }

// StaleDropped counts the requests dropped as stale (stale_requests_dropped).
func (r *Requests) StaleDropped() int64 { return r.stale.Load() }
