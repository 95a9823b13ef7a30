package bench

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsAreContiguousAndNarrow(t *testing.T) {
	for i := range numBuckets - 1 {
		end := bucketEnd(i)
		if bucketOf(end) != i || bucketOf(end+1) != i+1 {
			t.Fatalf("bucket %d ends at %d, which falls into %d; the next value into %d",
				i, end, bucketOf(end), bucketOf(end+1))
		}
		if width := bucketEnd(i+1) - end; float64(width) > 1+0.008*float64(end+1) {
			t.Fatalf("bucket %d is %d wide at %d", i+1, width, end)
		}
	}
	if last := bucketEnd(numBuckets - 1); last != maxValue {
		t.Fatalf("the last bucket ends at %d, not %d", last, maxValue)
	}
}

func TestQuantilesAgainstSortedValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var whole, half Histogram
	values := make([]int64, 20_000)
	for i := range values {
		values[i] = int64(1000 * rng.ExpFloat64() * float64(1+rng.IntN(2000)))
		if i%2 == 0 {
			whole.Record(values[i])
		} else {
			half.Record(values[i])
		}
	}
	whole.Merge(&half)
	slices.Sort(values)
	for _, q := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := values[min(max(int(q*float64(len(values))+0.5)-1, 0), len(values)-1)]
		got := int64(whole.Quantile(q))
		if got < exact || float64(got) > 1+1.008*float64(exact) {
			t.Errorf("quantile %v is %d, the sorted values say %d", q, got, exact)
		}
	}
	if whole.Count() != int64(len(values)) || int64(whole.Max()) != values[len(values)-1] {
		t.Errorf("count %d, max %v", whole.Count(), whole.Max())
	}
}

func TestHistogramEdges(t *testing.T) {
	var h Histogram
	if h.Quantile(0.99) != 0 || h.Mean() != 0 || h.Max() != 0 {
		t.Error("an empty histogram is not all zero")
	}
	h.Record(-5)
	h.Record(1 << 50)
	if h.Quantile(0.5) != 0 || h.Max() != time.Duration(maxValue) || h.Count() != 2 {
		t.Errorf("p50 %v, max %v, count %d", h.Quantile(0.5), h.Max(), h.Count())
	}
}
