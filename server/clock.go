package server

import "time"

// clock is the server's view of time: a wall clock for what is stored, and a
// monotonic one for what is measured.
type clock struct{ start time.Time }

func newClock() clock { return clock{start: time.Now()} }

func (c clock) now() time.Time { return time.Now() }

// wallMs is the time that transactions carry, in ms since the Unix epoch.
func (c clock) wallMs() int64 { return time.Now().UnixMilli() }

// nanos is monotonic, since the server was made.
func (c clock) nanos() int64 { return int64(time.Since(c.start)) }
