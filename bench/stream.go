package bench

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// forever is a time that does not come.
const forever = math.MaxInt64

// A plan tells what every connection of the run does in one phase. Times are
// on the engine's clock.
type plan struct {
	source      func(i int) source // of connection i; nil: it does nothing
	window      int                // requests outstanding on one connection at most
	pace        *pace              // nil: a closed loop
	measureFrom int64              // requests due earlier are not counted
	until       int64              // no request is due from here on
	count       int64              // requests to be measured; negative: no limit
	// events is how many watch events to wait for; their latency runs from
	// eventsFrom.
	events     int
	eventsFrom *atomic.Int64
	tolerate   func(proto.ErrCode) bool // codes that are not errors here; nil: none
	last       bool                     // the server may hang up after its replies
}

// stream is the phase that sends requests. Each loop has its own.
type stream struct {
	plan
	loop  *loop
	quota int64 // of count, what this loop may still send; negative: no limit

	begun   bool  // the windows were filled once
	active  int   // connections whose source has not ended
	owed    int   // replies
	behind  int64 // paced: requests due that are not sent
	turn    int   // paced: whose turn it is
	nextDue int64 // paced: when that turn comes
	sources int   // connections that had a source at all

	latency [numClasses]Histogram
	codes   map[proto.ErrCode]int64 // of the replies that failed
	ignored int64                   // replies with a tolerated code
	event   Histogram               // latency of watch events
	late    Histogram               // paced: how late the loop itself was, without waiting for the window
	lastAt  int64                   // when the last measured reply or event came

	done   atomic.Int64 // replies and events, measured or not; read by the progress line
	failed atomic.Int64 // replies with an error; read by the progress line
}

func newStream(l *loop, p plan, quota int64, events int) *stream {
	s := &stream{plan: p, loop: l, quota: quota, codes: map[proto.ErrCode]int64{}}
	s.events = events
	for _, c := range l.conns {
		c.src, c.due, c.issued = nil, 0, 0
		if p.source != nil && c.state == open {
			c.src = p.source(c.index)
		}
		if c.src != nil {
			s.active++
		}
		if p.last && c.state == open {
			c.state = closing
		}
	}
	s.sources = s.active
	if s.pace != nil && len(l.conns) > 0 {
		s.nextDue = s.pace.due(0, l.conns[0].index)
	}
	return s
}

func (s *stream) tick(now int64) (int64, bool, error) {
	var wait int64
	var err error
	if s.pace != nil {
		wait, err = s.tickPaced(now)
	} else {
		wait, err = s.tickClosed(now)
	}
	return wait, err == nil && s.finished(now), err
}

// finished tells whether nothing will be sent and nothing is expected.
func (s *stream) finished(now int64) bool {
	return s.stopped(now) && s.owed == 0 && s.event.Count() >= int64(s.events)
}

func (s *stream) stopped(now int64) bool {
	switch {
	case s.quota == 0:
		return true
	case s.sources > 0 && s.active == 0:
		return true
	case s.pace != nil:
		return s.nextDue >= s.until && s.behind == 0
	case s.sources == 0 && s.until == forever:
		return true // this loop has nothing to send, and at most listens
	}
	return now >= s.until
}

// tickClosed fills the windows when the phase begins; afterwards replies do.
func (s *stream) tickClosed(now int64) (int64, error) {
	if !s.begun {
		s.begun = true
		for _, c := range s.loop.conns {
			if err := s.send(c, now); err != nil {
				return 0, err
			}
		}
	}
	if now >= s.until {
		return math.MaxInt64, nil
	}
	return s.until - now, nil
}

// tickPaced sends what has fallen due since the last time.
func (s *stream) tickPaced(now int64) (int64, error) {
	conns := s.loop.conns
	for s.nextDue <= now && s.nextDue < s.until {
		c := conns[s.turn]
		c.due++
		if c.src != nil {
			s.behind++
			if s.nextDue >= s.measureFrom && c.outstanding() < s.window {
				s.late.Record(now - s.nextDue)
			}
			if err := s.send(c, now); err != nil {
				return 0, err
			}
		}
		if s.turn++; s.turn == len(conns) {
			s.turn = 0
		}
		next := conns[s.turn]
		s.nextDue = s.pace.due(next.due, next.index)
	}
	if s.nextDue >= s.until {
		return math.MaxInt64, nil
	}
	return s.nextDue - s.loop.clock.now(), nil
}

// send writes what c may send now.
func (s *stream) send(c *conn, now int64) error {
	if s.pump(c, now); len(c.out) == 0 || c.blocked {
		return nil
	}
	return s.loop.flush(c)
}

// pump appends to c.out all that c may send now.
func (s *stream) pump(c *conn, now int64) {
	for c.src != nil && c.outstanding() < s.window && s.quota != 0 {
		at := now
		if s.pace != nil {
			if c.issued == c.due {
				return
			}
			at = s.pace.due(c.issued, c.index)
		} else if now >= s.until {
			return
		}
		var k class
		var ok bool
		if c.out, k, ok = c.src.next(c.out, xidOf(c.sent)); !ok {
			s.behind -= c.due - c.issued
			c.src = nil
			s.active--
			return
		}
		if s.pace != nil {
			c.issued++
			s.behind--
		}
		if s.quota > 0 && at >= s.measureFrom {
			s.quota--
		}
		c.push(slot{at: at, class: k})
		c.lastSent = now
		if s.owed == 0 {
			s.loop.heard = now // silence counts from the first unanswered request
		}
		s.owed++
	}
}

func (s *stream) replied(c *conn, sl slot, code proto.ErrCode, now int64) {
	s.owed--
	s.done.Store(s.done.Load() + 1)
	if sl.at >= s.measureFrom {
		s.latency[sl.class].Record(now - sl.at)
		s.lastAt = now
	}
	if code != proto.OK {
		s.refused(code)
	}
	s.pump(c, now)
}

func (s *stream) refused(code proto.ErrCode) {
	if s.tolerate != nil && s.tolerate(code) {
		s.ignored++
		return
	}
	s.codes[code]++
	s.failed.Add(1)
}

func (s *stream) notified(_ *conn, now int64) {
	if s.events == 0 {
		return // a stray event of an earlier phase
	}
	s.event.Record(now - s.eventsFrom.Load())
	s.lastAt = now
	s.done.Store(s.done.Load() + 1)
}

func (s *stream) opened(*conn, int64) {}

func (s *stream) waiting() int { return s.owed + max(s.events-int(s.event.Count()), 0) }

func (s *stream) count() (ops, failed int64) { return s.done.Load(), s.failed.Load() }

// tolerating makes a test for a few codes.
func tolerating(codes ...proto.ErrCode) func(proto.ErrCode) bool {
	return func(c proto.ErrCode) bool { return slices.Contains(codes, c) }
}
