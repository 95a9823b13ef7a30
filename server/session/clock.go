package session

import "time"

// MonotonicMs starts a clock in ms that never goes back. It continues where
// the clock of an Apache server on the same machine stands, so that session
// ids go on growing across a change of servers.
func MonotonicMs() func() int64 {
	base, start := uptimeMs(), time.Now()
	return func() int64 { return base + time.Since(start).Milliseconds() }
}
