package stats

import "math"

// Sink takes one number of a dump.
type Sink func(name string, v Value)

// tally adds up values. Its owner synchronises. Values of time are in ns, and
// in ms when they leave; scale says how many of the one make one of the other.
type tally struct {
	count, sum int64
	min, max   int64      // meaningless while count is 0
	hist       *histogram // in what leaves; nil where values are only gathered
}

func newTally() tally { return tally{hist: new(histogram)} }

func (t *tally) add(v, scale int64) {
	if t.count == 0 {
		t.min, t.max = v, v
	} else {
		t.min, t.max = min(t.min, v), max(t.max, v)
	}
	t.count++
	t.sum += v
	if t.hist != nil {
		t.hist.add(v / scale)
	}
}

// addLatency is add for ns, with a division that costs little.
func (t *tally) addLatency(ns int64) {
	if t.count == 0 {
		t.min, t.max = ns, ns
	} else {
		t.min, t.max = min(t.min, ns), max(t.max, ns)
	}
	t.count++
	t.sum += ns
	t.hist.add(ns / nsPerMs)
}

func (t *tally) merge(o *tally) {
	if o.count == 0 {
		return
	}
	if t.count == 0 {
		t.min, t.max = o.min, o.max
	} else {
		t.min, t.max = min(t.min, o.min), max(t.max, o.max)
	}
	t.count += o.count
	t.sum += o.sum
	switch {
	case t.hist == nil:
	case o.hist != nil:
		t.hist.merge(o.hist)
	default: // of a few values that came together only the mean is known
		t.hist.addMany(o.sum/o.count, uint64(o.count))
	}
}

func (t *tally) reset() {
	if t.hist != nil {
		*t = newTally()
	} else {
		*t = tally{}
	}
}

// avg is the mean, with 4 digits behind the point.
func (t *tally) avg(scale int64) float64 {
	if t.count == 0 {
		return 0
	}
	return round4(float64(t.sum) / float64(t.count) / float64(scale))
}

// whole cuts a value to a whole number of what leaves.
func whole(v, scale int64) int64 { return int64(math.Floor(float64(v) / float64(scale))) }

// percentiles of an advanced summary.
var (
	percentiles     = []float64{0.5, 0.95, 0.99, 0.999}
	percentileNames = []string{"p50_", "p95_", "p99_", "p999_"}
)

// emit writes the numbers of a summary; percentiles are those of an advanced
// one.
func (t *tally) emit(name string, scale int64, advanced bool, sink Sink) {
	sink("avg_"+name, Float(t.avg(scale)))
	sink("min_"+name, Int(whole(t.min, scale)))
	sink("max_"+name, Int(whole(t.max, scale)))
	sink("cnt_"+name, Int(t.count))
	sink("sum_"+name, Int(whole(t.sum, scale)))
	if !advanced {
		return
	}
	for i, v := range t.hist.quantiles(percentiles) {
		sink(percentileNames[i]+name, Int(v))
	}
}
