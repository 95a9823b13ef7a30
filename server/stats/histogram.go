package stats

import (
	"math"
	"math/bits"
)

// histogram counts values: each below 64 by itself, larger ones in 32 steps
// for each doubling, so at most 3 % off. Apache keeps a random sample of 4096
// values instead, which costs more and says less.
//
// The zero histogram is empty. Its memory comes in parts as values do, for
// most histograms know few sizes of them.
type histogram struct {
	parts [histogramSize / partSize]*[partSize]uint64
}

const (
	partSize      = 32
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

func (h *histogram) add(v int64) { h.addMany(v, 1) }

// addMany counts n times v.
func (h *histogram) addMany(v int64, n uint64) {
	slot := slotOf(v)
	part := h.parts[slot/partSize]
	if part == nil {
		part = new([partSize]uint64)
		h.parts[slot/partSize] = part
	}
	part[slot%partSize] += n
}

func (h *histogram) merge(o *histogram) {
	for i, part := range o.parts {
		switch {
		case part == nil:
		case h.parts[i] == nil:
			kept := *part
			h.parts[i] = &kept
		default:
			for j, n := range part {
				h.parts[i][j] += n
			}
		}
	}
}

// since takes away what older, an earlier state of the same histogram, has.
func (h *histogram) since(older *histogram) {
	for i, part := range older.parts {
		if part == nil || h.parts[i] == nil {
			continue
		}
		for j, n := range part {
			h.parts[i][j] -= min(n, h.parts[i][j])
		}
	}
}

func (h *histogram) total() uint64 {
	var total uint64
	for _, part := range h.parts {
		if part != nil {
			for _, n := range part {
				total += n
			}
		}
	}
	return total
}

// quantiles returns the values below which the fractions qs of all values
// lie, rounded; qs ascend. Between two neighbours it interpolates as the
// library does that Apache uses.
func (h *histogram) quantiles(qs []float64) []int64 {
	total := h.total()
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
	for i, part := range h.parts {
		if part == nil {
			continue
		}
		for j, n := range part {
			if rank <= n {
				return valueOf(i*partSize + j)
			}
			rank -= n
		}
	}
	return 0
}
