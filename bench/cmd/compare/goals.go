package main

// A measure is one kind of figure that a row yields.
type measure string

const (
	opsPerSec measure = "ops/s"
	cpuPer100 measure = "server CPU-s per 100k"
	p99Micros measure = "p99 µs"
	clientCPU measure = "client CPU-s per 100k"
	allMillis measure = "all notified ms"
	itemBytes measure = "bytes each"
	startMs   measure = "start ms"
	rssMB     measure = "resident MB"
	pauseMs   measure = "longest pause ms"
	readMs    measure = "longest read ms"
	writeMs   measure = "longest write ms"
	lateMs    measure = "longest delay in the generator ms"
	snapshots measure = "snapshots"

	goneMs     measure = "ephemerals gone ms"
	failoverMs measure = "first write ms"
	rejoinMs   measure = "rejoined ms"
	beforeRate measure = "ops/s before"
	frozenRate measure = "ops/s frozen"
	thawedRate measure = "ops/s thawed"
	downRate   measure = "ops/s down"
	slowdown   measure = "slower at worst %"
)

// measures are all, in the order in which they are printed.
var measures = []measure{opsPerSec, allMillis, startMs, pauseMs, readMs, writeMs, lateMs, snapshots,
	goneMs, failoverMs, rejoinMs, beforeRate, frozenRate, thawedRate, downRate, slowdown,
	p99Micros, cpuPer100, clientCPU, itemBytes, rssMB}

// A goal is what Meerkat should reach: a multiple of Apache's figure, an
// absolute value, or both; 0 means that there is none.
type goal struct {
	atLeast float64 // times Apache's, for what should be high
	atMost  float64 // times Apache's, for what should be low
	limit   float64 // at most this, in the measure's unit
}

// below is the goal of being better than Apache by any amount.
var below = goal{atMost: 1}

// reached tells whether ours meets the goal; apache is 0 when it was not
// measured, and then nothing is known about multiples of it.
func (g goal) reached(ours, apache float64) (reached, known bool) {
	if g.atLeast+g.atMost > 0 && apache == 0 {
		return false, false
	}
	return (g.atLeast == 0 || ours >= g.atLeast*apache) &&
		(g.atMost == 0 || ours <= g.atMost*apache) &&
		(g.limit == 0 || ours <= g.limit), true
}
