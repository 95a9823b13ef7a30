package exporter

import (
	"time"

	"github.com/meerkat-zk/meerkat/server/stats"
)

// The window of quantiles, and how far apart the states are that it is
// measured from.
const (
	windowLength = 10 * time.Minute
	windowStep   = 2 * time.Minute
)

// window remembers earlier states of one summary.
type window struct {
	states []state // the oldest first
}

type state struct {
	at   time.Time
	dist *stats.Distribution
}

// recent returns what dist has seen in the window, and remembers it for
// later.
func (w *window) recent(dist *stats.Distribution, now time.Time) *stats.Distribution {
	for len(w.states) >= 2 && now.Sub(w.states[1].at) >= windowLength {
		w.states = w.states[1:]
	}
	result := dist
	if len(w.states) > 0 && now.Sub(w.states[0].at) >= windowLength {
		result = dist.Since(w.states[0].dist)
	}
	if n := len(w.states); n == 0 || now.Sub(w.states[n-1].at) >= windowStep {
		w.states = append(w.states, state{now, dist})
	}
	return result
}
