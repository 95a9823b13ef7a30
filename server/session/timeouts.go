package session

// Timeouts are the bounds of what a client may ask for, in ms. Both are set
// once.
type Timeouts struct {
	MinMs, MaxMs int32
}

// NewTimeouts applies the defaults: -1 means 2 ticks and 20 ticks.
func NewTimeouts(tickMs, minMs, maxMs int32) Timeouts {
	if minMs == -1 {
		minMs = 2 * tickMs
	}
	if maxMs == -1 {
		maxMs = 20 * tickMs
	}
	return Timeouts{MinMs: minMs, MaxMs: maxMs}
}

// Clamp turns the timeout that a client asks for into the one it gets.
func (t Timeouts) Clamp(askedMs int32) int32 { return min(max(askedMs, t.MinMs), t.MaxMs) }
