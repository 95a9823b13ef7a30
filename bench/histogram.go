package bench

import (
	"math/bits"
	"time"
)

// Values below 1<<subBits have a bucket each; above, every power of two is
// divided into 1<<subBits buckets of equal width, so that a bucket is at most
// 0.8 % of its value wide.
const (
	subBits    = 7
	subBuckets = 1 << subBits
	maxBits    = 42 // 2^42 ns are 73 minutes: above, values are clamped
	numBuckets = (maxBits - subBits + 1) * subBuckets
	maxValue   = int64(1)<<maxBits - 1
)

// Histogram counts durations in log-linear buckets. Its size is fixed and
// recording does not allocate. It belongs to one goroutine at a time.
type Histogram struct {
	counts [numBuckets]int64
	total  int64
	sum    int64 // nanoseconds
	max    int64 // nanoseconds, exact
}

// Record counts one duration in nanoseconds; a negative one counts as 0.
func (h *Histogram) Record(ns int64) {
	ns = min(max(ns, 0), maxValue)
	h.counts[bucketOf(ns)]++
	h.total++
	h.sum += ns
	h.max = max(h.max, ns)
}

// Merge adds what o has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.sum += o.sum
	h.max = max(h.max, o.max)
}

// Count returns how many durations were recorded.
func (h *Histogram) Count() int64 { return h.total }

// Max returns the longest duration, exactly.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Mean returns the average; 0 when nothing was recorded.
func (h *Histogram) Mean() time.Duration {
	if h.total == 0 {
		return 0
	}
	return time.Duration(h.sum / h.total)
}

// Quantile returns a duration that the fraction q of all that was recorded
// does not exceed: the upper end of the bucket where the fraction is reached,
// never above [Histogram.Max]. It is 0 when nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := min(max(int64(q*float64(h.total)+0.5), 1), h.total)
	var seen int64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return time.Duration(min(bucketEnd(i), h.max))
		}
	}
	return h.Max()
}

func bucketOf(ns int64) int {
	if ns < subBuckets {
		return int(ns)
	}
	exp := bits.Len64(uint64(ns)) - 1 - subBits
	return exp<<subBits + int(ns>>exp)
}

// bucketEnd is the largest value that falls into bucket i.
func bucketEnd(i int) int64 {
	if i < subBuckets {
		return int64(i)
	}
	exp := i>>subBits - 1
	sub := int64(i) - int64(exp)<<subBits
	return (sub+1)<<exp - 1
}
