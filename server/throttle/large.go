package throttle

import "sync/atomic"

// The defaults of largeRequestThreshold and largeRequestMaxBytes.
const (
	LargeOff             = -1
	DefaultLargeMaxBytes = 100 << 20
)

// Large bounds the memory of all large requests together. A request that does
// not fit costs its connection.
type Large struct {
	threshold int64 // set once: requests above it are large; -1: none is
	maxBytes  int64 // set once
	bytes     atomic.Int64
}

// NewLarge takes largeRequestThreshold and largeRequestMaxBytes. As in Apache
// a threshold of 0 or below -1 counts as -1, which is off, and a maximum
// below 1 as the default.
func NewLarge(threshold, maxBytes int) *Large {
	if threshold == 0 || threshold < LargeOff {
		threshold = LargeOff
	}
	if maxBytes <= 0 {
		maxBytes = DefaultLargeMaxBytes
	}
	return &Large{threshold: int64(threshold), maxBytes: int64(maxBytes)}
}

func (l *Large) isLarge(n int) bool { return l.threshold != LargeOff && int64(n) > l.threshold }

// Fits tells, when the length of a frame is known but not yet its bytes,
// whether there is room for it.
func (l *Large) Fits(n int) bool { return !l.isLarge(n) || l.bytes.Load()+int64(n) <= l.maxBytes }

// Take counts a frame that has arrived. False means that there was no room.
// Done undoes a Take that succeeded, when the request has its answer.
func (l *Large) Take(n int) bool {
	if !l.isLarge(n) {
		return true
	}
	if l.bytes.Add(int64(n)) > l.maxBytes {
		l.bytes.Add(-int64(n))
		return false
	}
	return true
}

// Done gives back what Take counted for a frame of n bytes.
func (l *Large) Done(n int) {
	if l.isLarge(n) {
		l.bytes.Add(-int64(n))
	}
}

// Bytes is how much large requests hold.
func (l *Large) Bytes() int64 { return l.bytes.Load() }
