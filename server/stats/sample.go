package stats

import "math"

// Sample is one metric at one moment, for exporters that need to know more
// than names and numbers.
type Sample struct {
	Def     *Def
	Key     string        // of a member of a set
	Value   Value         // of a counter or a gauge
	Summary *Distribution // of a summary; nil of others
}

// Distribution is what a summary has seen since the start, or between two
// moments. It belongs to whoever got it.
type Distribution struct {
	Count uint64
	Sum   float64 // in the unit of the metric
	hist  histogram
}

// distribution copies a tally.
func (t *tally) distribution(scale int64) *Distribution {
	d := &Distribution{Count: uint64(t.count), Sum: float64(t.sum) / float64(scale)}
	d.hist.merge(t.hist)
	return d
}

// Quantile returns the value that the fraction q of all values do not exceed,
// at most 3 % off; NaN where there are none.
func (d *Distribution) Quantile(q float64) float64 {
	total := d.hist.total()
	if total == 0 {
		return math.NaN()
	}
	return d.hist.ranked(max(uint64(math.Ceil(q*float64(total))), 1))
}

// Since returns what came after older, an earlier Distribution of the same
// summary. When the summary was reset in between, it returns all there is.
func (d *Distribution) Since(older *Distribution) *Distribution {
	recent := &Distribution{Count: d.Count, Sum: d.Sum}
	recent.hist.merge(&d.hist)
	if older != nil && older.Count <= d.Count {
		recent.Count -= older.Count
		recent.Sum -= older.Sum
		recent.hist.since(&older.hist)
	}
	return recent
}
