package stats

import (
	"math"
	"math/bits"
)

// histogram counts values: each below 64 by itself, larger ones in 32 steps
// for each doubling, so at most 3 % off. Apache keeps a random sample of 4096
// values instead, which costs more and says less.
type histogram [histogramSize]uint64

const (
	exactValues   = 64
	stepsPerPower = 32
	histogramSize = exactValues + 26*stepsPerPower
	histogramMax  = 1<<32 - 1 // larger values count as this
)

// slotOf is the slot that counts v.
func slotOf(v int64) int {
	if v < exactValues {
		return int(max(v, 0))
	}
	v = min(v, histogramMax)
	shift := bits.Len64(uint64(v)) - 6
	return exactValues + (shift-1)*stepsPerPower + int(v>>shift) - stepsPerPower
}

// valueOf is the middle of the values that a slot counts.
func valueOf(slot int) float64 {
	if slot < exactValues {
		return float64(slot)
	}
	shift := (slot-exactValues)/stepsPerPower + 1
	low := uint64((slot-exactValues)%stepsPerPower+stepsPerPower) << shift
	return float64(low) + float64(uint64(1)<<shift-1)/2
}

func (h *histogram) add(v int64) { h[slotOf(v)]++ }

func (h *histogram) merge(o *histogram) {
	for i, n := range o {
		h[i] += n
	}
}

// quantiles returns the values below which the fractions qs of all values
// lie, rounded; qs ascend. Between two neighbours it interpolates as the
// library does that Apache uses.
func (h *histogram) quantiles(qs []float64) []int64 {
	var total uint64
	for _, n := range h {
		total += n
	}
	out := make([]int64, len(qs))
	if total == 0 {
		return out
	}
	for i, q := range qs {
		pos := q * float64(total+1)
		low := min(max(uint64(pos), 1), total)
		high := min(low+1, total)
		if pos < 1 || pos >= float64(total) {
			high, pos = low, 0
		}
		a, b := h.ranked(low), h.ranked(high)
		out[i] = int64(math.Floor(a + (pos-math.Floor(pos))*(b-a) + 0.5))
	}
	return out
}

// ranked returns the value that is number rank in order, counted from 1.
func (h *histogram) ranked(rank uint64) float64 {
	for slot, n := range h {
		if rank <= n {
			return valueOf(slot)
		}
		rank -= n
	}
	return 0
}
