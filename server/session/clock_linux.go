package session

import (
	"time"

	"golang.org/x/sys/unix"
)

// uptimeMs is the time since the machine started. Java's nanoTime counts
// from the same point.
func uptimeMs() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return time.Now().UnixMilli()
	}
	return ts.Nano() / int64(time.Millisecond)
}
