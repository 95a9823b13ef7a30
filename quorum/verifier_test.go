package quorum

import (
	"errors"
	"math/bits"
	"testing"
)

func hierarchical(t *testing.T, groups map[int64][]int64, weights map[int64]int64) *Hierarchical {
	t.Helper()
	h, err := NewHierarchical(groups, weights)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestQuorum(t *testing.T) {
	nine := map[int64][]int64{1: {1, 2, 3}, 2: {4, 5, 6}, 3: {7, 8, 9}}
	twoCentres := map[int64][]int64{1: {1, 2}, 2: {3, 4}}
	tests := []struct {
		name string
		v    Verifier
		set  Set
		want bool
	}{
		{"one of one", NewMajority(1), NewSet(1), true},
		{"none of one", NewMajority(1), nil, false},
		{"none of none", NewMajority(), nil, false},
		{"one of two", NewMajority(1, 2), NewSet(1), false},
		{"two of two", NewMajority(1, 2), NewSet(1, 2), true},
		{"one of three", NewMajority(1, 2, 3), NewSet(2), false},
		{"two of three", NewMajority(1, 2, 3), NewSet(3, 2), true},
		{"all of three without one", NewMajority(1, 2, 3), NewSet(1, 2, 3).Without(2), true},
		{"all of two without one", NewMajority(1, 2), NewSet(1, 2).Without(2), false},
		{"two of four", NewMajority(1, 2, 3, 4), NewSet(1, 4), false},
		{"strangers do not count", NewMajority(1, 2, 3), NewSet(2, 7, 8), false},
		{"a voter named twice counts once", NewMajority(1, 2, 2, 3), NewSet(2, 2), false},
		{"two of three in two of three groups", hierarchical(t, nine, nil), NewSet(1, 2, 4, 5), true},
		{"one whole group and one of each other", hierarchical(t, nine, nil), NewSet(1, 2, 3, 4, 7), false},
		{"five servers in the wrong places", hierarchical(t, nine, nil), NewSet(1, 4, 7, 8, 9), false},
		{"a heavy server wins its group alone", hierarchical(t, nine, map[int64]int64{1: 3, 4: 3}), NewSet(1, 4), true},
		{"half of a group's weight is not enough", hierarchical(t, nine, map[int64]int64{1: 2, 4: 2}), NewSet(1, 4), false},
		{"one of two groups is not enough", hierarchical(t, twoCentres, nil), NewSet(1, 2), false},
		{"a group without weight does not count",
			hierarchical(t, twoCentres, map[int64]int64{3: 0, 4: 0}), NewSet(1, 2), true},
		{"a group without weight cannot be won",
			hierarchical(t, twoCentres, map[int64]int64{3: 0, 4: 0}), NewSet(3, 4), false},
		{"strangers carry no weight", hierarchical(t, twoCentres, nil), NewSet(1, 2, 8, 9), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.v.Quorum(tt.set); got != tt.want {
				t.Errorf("Quorum(%v) = %v", tt.set, got)
			}
		})
	}
}

// TestQuorumsIntersect is what every rule exists for: two quorums share a
// voter, so a set and what it leaves out are never both quorums.
func TestQuorumsIntersect(t *testing.T) {
	groups := map[int64][]int64{1: {1, 2, 3}, 2: {4, 5}, 3: {6, 7}}
	rules := map[string]Verifier{
		"majority of 5": NewMajority(1, 2, 3, 4, 5),
		"majority of 6": NewMajority(1, 2, 3, 4, 5, 6),
		"groups":        hierarchical(t, groups, nil),
		"weights":       hierarchical(t, groups, map[int64]int64{1: 5, 4: 0, 6: 2}),
	}
	for name, v := range rules {
		voters := v.Voters()
		for mask := range 1 << len(voters) {
			var in, out Set
			for i, id := range voters {
				if mask>>i&1 == 1 {
					in = in.Add(id)
				} else {
					out = out.Add(id)
				}
			}
			if v.Quorum(in) && v.Quorum(out) {
				t.Errorf("%s: both %v and %v are quorums", name, in, out)
			}
			if bits.OnesCount(uint(mask)) == len(voters) && !v.Quorum(in) {
				t.Errorf("%s: all voters are no quorum", name)
			}
		}
	}
}

func TestWeights(t *testing.T) {
	h := hierarchical(t, map[int64][]int64{1: {1, 2}}, map[int64]int64{2: 0, 9: 4})
	for id, want := range map[int64]int64{1: 1, 2: 0, 9: 0} {
		if got := h.Weight(id); got != want {
			t.Errorf("Weight(%d) = %d, want %d", id, got, want)
		}
	}
	if m := NewMajority(1); m.Weight(1) != 1 || m.Weight(2) != 0 {
		t.Error("a majority's voters weigh 1, others 0")
	}
}

func TestInvalidGroups(t *testing.T) {
	if _, err := NewHierarchical(map[int64][]int64{1: {1, 2}, 2: {2, 3}}, nil); !errors.Is(err, ErrGroups) {
		t.Errorf("server in two groups: %v", err)
	}
	if _, err := NewHierarchical(map[int64][]int64{1: {1}}, map[int64]int64{1: -1}); !errors.Is(err, ErrGroups) {
		t.Errorf("negative weight: %v", err)
	}
}

type oracle bool

func (o oracle) Grants() bool { return bool(o) }

func TestOracleMajority(t *testing.T) {
	tests := []struct {
		name      string
		v         *OracleMajority
		followers int
		want      bool
	}{
		{"alone and granted", NewOracleMajority(oracle(true), 1, 2), 0, true},
		{"alone and refused", NewOracleMajority(oracle(false), 1, 2), 0, false},
		{"not alone", NewOracleMajority(oracle(true), 1, 2), 1, false},
		{"not two", NewOracleMajority(oracle(true), 1, 2, 3), 0, false},
	}
	for _, tt := range tests {
		if got := tt.v.Override(tt.followers); got != tt.want {
			t.Errorf("%s: Override(%d) = %v", tt.name, tt.followers, got)
		}
		if tt.v.Quorum(NewSet(1)) {
			t.Errorf("%s: one server is a quorum without asking", tt.name)
		}
	}
}

func TestSet(t *testing.T) {
	s := NewSet(3, 1, 2, 3)
	s = s.Remove(2).Add(7).Add(1).Remove(9)
	if want := (Set{1, 3, 7}); len(s) != 3 || !s.Has(1) || !s.Has(3) || !s.Has(7) || s.Has(2) {
		t.Errorf("set is %v, want %v", s, want)
	}
}
