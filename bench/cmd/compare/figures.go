package main

import "slices"

// figures are what was measured: by contender, row and measure, one value per
// round.
type figures map[string]map[string]map[measure][]float64

func (f figures) add(contender, row string, m measure, value float64) {
	if f[contender] == nil {
		f[contender] = map[string]map[measure][]float64{}
	}
	if f[contender][row] == nil {
		f[contender][row] = map[measure][]float64{}
	}
	f[contender][row][m] = append(f[contender][row][m], value)
}

// median returns the middle of the rounds; ok is false when there were none.
func (f figures) median(contender, row string, m measure) (value float64, ok bool) {
	v := f[contender][row][m]
	return median(v), len(v) > 0
}

// median returns the middle, or the mean of the two in the middle; 0 for
// nothing.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}
