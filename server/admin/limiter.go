package admin

import (
	"sync"
	"time"
)

// limiter lets one through for each interval, counted from the last that was
// the first of its interval.
type limiter struct {
	interval time.Duration // set once
	now      func() time.Time

	mu    sync.Mutex
	since time.Time // mu: when the interval began; zero before the first
	spent bool      // mu
}

func newLimiter(interval time.Duration, now func() time.Time) *limiter {
	return &limiter{interval: interval, now: now, since: now()}
}

// allow tells whether one more may pass.
func (l *limiter) allow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.now(); now.Sub(l.since) > l.interval {
		l.since, l.spent = now, false
	}
	if l.spent {
		return false
	}
	l.spent = true
	return true
}
