package quorum

import (
	"errors"
	"fmt"
	"slices"
)

// ErrGroups means that groups or weights do not describe the voters.
var ErrGroups = errors.New("quorum: invalid groups")

// Verifier says which sets of servers are quorums. It never changes: a new
// configuration is a new Verifier.
type Verifier interface {
	// Voters returns the ids that may be counted. Do not modify it.
	Voters() Set
	// Weight returns a voter's weight. A server of weight 0 is never elected;
	// neither is one that is no voter, whose weight is 0.
	Weight(id int64) int64
	// Quorum tells whether the voters in acked are a quorum. It does not
	// allocate. Ids that are no voters count for nothing.
	Quorum(acked Set) bool
}

// Majority is the rule that more than half of the voters are a quorum.
type Majority struct{ voters Set }

// NewMajority returns the majority rule over the given voters.
func NewMajority(voters ...int64) *Majority { return &Majority{voters: NewSet(voters...)} }

// Voters implements Verifier.
func (m *Majority) Voters() Set { return m.voters }

// Weight implements Verifier: every voter weighs 1.
func (m *Majority) Weight(id int64) int64 {
	if m.voters.Has(id) {
		return 1
	}
	return 0
}

// Quorum implements Verifier.
func (m *Majority) Quorum(acked Set) bool {
	n := 0
	for _, id := range acked {
		if m.voters.Has(id) {
			n++
		}
	}
	return n > len(m.voters)/2
}

// Hierarchical is the rule of groups and weights: a group is won by more than
// half of its weight, a quorum wins more than half of the groups. Groups of
// no weight do not count. Both halves are integer divisions, as in Apache's
// QuorumHierarchical.
type Hierarchical struct {
	voters  Set
	weights []int64 // by position in voters
	group   []int   // by position in voters: index into needed
	needed  []int64 // per group: half of its weight, to be exceeded
	counted int     // groups whose weight is not 0
}

// NewHierarchical returns the rule for groups (group number to members) and
// weights (1 where none is given). The members of all groups are the voters.
// A server in two groups and a negative weight are ErrGroups; the weight of a
// server in no group, an observer's, is of no effect.
func NewHierarchical(groups map[int64][]int64, weights map[int64]int64) (*Hierarchical, error) {
	h := &Hierarchical{}
	memberOf := make(map[int64]int)
	for i, number := range sortedKeys(groups) {
		for _, id := range groups[number] {
			if _, twice := memberOf[id]; twice {
				return nil, fmt.Errorf("%w: server %d is in two groups", ErrGroups, id)
			}
			memberOf[id] = i
		}
	}
	for _, id := range sortedKeys(weights) {
		if weights[id] < 0 {
			return nil, fmt.Errorf("%w: weight.%d=%d is negative", ErrGroups, id, weights[id])
		}
	}
	h.voters = sortedKeys(memberOf)
	h.needed = make([]int64, len(groups))
	for _, id := range h.voters {
		weight, given := weights[id]
		if !given {
			weight = 1
		}
		h.weights = append(h.weights, weight)
		h.group = append(h.group, memberOf[id])
		h.needed[memberOf[id]] += weight
	}
	for i, total := range h.needed {
		if total > 0 {
			h.counted++
		}
		h.needed[i] = total / 2
	}
	return h, nil
}

func sortedKeys[V any](m map[int64]V) Set {
	keys := make(Set, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Voters implements Verifier.
func (h *Hierarchical) Voters() Set { return h.voters }

// Weight implements Verifier.
func (h *Hierarchical) Weight(id int64) int64 {
	if at, ok := slices.BinarySearch(h.voters, id); ok {
		return h.weights[at]
	}
	return 0
}

// Quorum implements Verifier.
func (h *Hierarchical) Quorum(acked Set) bool {
	won := 0
	for g := range h.needed {
		var weight int64
		for _, id := range acked {
			if at, ok := slices.BinarySearch(h.voters, id); ok && h.group[at] == g {
				weight += h.weights[at]
			}
		}
		if weight > h.needed[g] {
			won++
		}
	}
	return won > h.counted/2
}

// Oracle breaks the tie of an ensemble of two: asked when one of them is
// alone, it says whether that one may go on. Apache's is the first character
// of the file at oraclePath, '1' for yes. Grants must not wait: it answers
// with what was last read.
type Oracle interface{ Grants() bool }

// OracleMajority is the majority rule for two voters with an oracle to ask.
// Its Quorum stays the majority's; whoever finds no quorum asks Override.
type OracleMajority struct {
	Majority
	oracle Oracle
}

// NewOracleMajority returns the rule over the given voters.
func NewOracleMajority(oracle Oracle, voters ...int64) *OracleMajority {
	return &OracleMajority{Majority: *NewMajority(voters...), oracle: oracle}
}

// Override tells whether one server of two may act as a quorum: only with no
// follower connected, and only when the oracle grants it.
func (o *OracleMajority) Override(followers int) bool {
	return len(o.voters) == 2 && followers == 0 && o.oracle.Grants()
}
