package quorum

import (
	"math/rand/v2"
	"testing"
)

func TestCommitment(t *testing.T) {
	type ack struct {
		server, zxid, committed int64
		advanced                bool
	}
	groups := map[int64][]int64{1: {1, 2, 3}, 2: {4, 5, 6}, 3: {7, 8, 9}}
	tests := []struct {
		name  string
		v     Verifier
		start int64
		acks  []ack
	}{
		{"alone: durable is committed", NewMajority(1), 10, []ack{
			{1, 11, 11, true}, {1, 15, 15, true}, {1, 15, 15, false}, {1, 14, 15, false},
		}},
		{"alone: others do not count", NewMajority(1), 10, []ack{{2, 11, 10, false}, {1, 11, 11, true}}},
		{"nothing at or below the start", NewMajority(1, 2, 3), 10, []ack{
			{1, 9, 10, false}, {2, 10, 10, false}, {3, 10, 10, false},
		}},
		{"three: two must reach it", NewMajority(1, 2, 3), 0, []ack{
			{1, 4, 0, false}, {2, 2, 2, true}, {3, 3, 3, true}, {2, 9, 4, true}, {3, 8, 8, true},
		}},
		{"five: the third highest", NewMajority(1, 2, 3, 4, 5), 0, []ack{
			{1, 5, 0, false}, {2, 4, 0, false}, {3, 3, 3, true}, {4, 9, 4, true}, {5, 9, 5, true},
		}},
		{"observers do not count", NewMajority(1, 2, 3), 0, []ack{
			{1, 1, 0, false}, {8, 1, 0, false}, {9, 1, 0, false}, {3, 1, 1, true},
		}},
		{"groups: two of three groups by weight", mustGroups(groups), 0, []ack{
			{1, 5, 0, false}, {2, 5, 0, false}, {3, 5, 0, false}, {4, 4, 0, false}, {5, 3, 3, true}, {9, 5, 3, false}, {8, 5, 5, true},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCommitment(tt.v, tt.start)
			for i, a := range tt.acks {
				committed, advanced := c.Acked(a.server, a.zxid)
				if committed != a.committed || advanced != a.advanced {
					t.Fatalf("ack %d: Acked(%d, %d) = %d, %v, want %d, %v",
						i, a.server, a.zxid, committed, advanced, a.committed, a.advanced)
				}
			}
			if want := tt.acks[len(tt.acks)-1].committed; c.Committed() != want {
				t.Errorf("Committed() = %d, want %d", c.Committed(), want)
			}
		})
	}
}

func mustGroups(groups map[int64][]int64) *Hierarchical {
	h, err := NewHierarchical(groups, nil)
	if err != nil {
		panic(err)
	}
	return h
}

// TestForget: an acknowledgement taken back no longer helps to commit, and
// what is committed stays so.
func TestForget(t *testing.T) {
	c := NewCommitment(NewMajority(1, 2, 3), 0)
	c.Acked(1, 5)
	c.Acked(2, 3)
	c.Forget(1)
	if committed, advanced := c.Acked(2, 5); advanced || committed != 3 {
		t.Errorf("committed %d by one server and a forgotten acknowledgement", committed)
	}
	if committed, advanced := c.Acked(1, 4); !advanced || committed != 4 {
		t.Errorf("Acked after Forget = %d, %v, want 4", committed, advanced)
	}
	c.Forget(9) // a stranger
}

// TestCommitmentIsExact compares every answer with the definition: the highest
// zxid for which those that reached it are a quorum.
func TestCommitmentIsExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	groups := mustGroups(map[int64][]int64{1: {1, 2}, 2: {3, 4, 5}, 3: {6}})
	for _, v := range []Verifier{NewMajority(1), NewMajority(1, 2, 3, 4), NewMajority(1, 2, 3, 4, 5), groups} {
		c := NewCommitment(v, 0)
		acked := map[int64]int64{}
		for range 3000 {
			server := 1 + rnd.Int64N(6)
			acked[server] += rnd.Int64N(4)
			var want int64
			for zxid := acked[server] + 8; zxid > 0 && want == 0; zxid-- {
				var at Set
				for id, z := range acked {
					if z >= zxid {
						at = at.Add(id)
					}
				}
				if v.Quorum(at) {
					want = zxid
				}
			}
			want = max(want, c.Committed())
			if got, _ := c.Acked(server, acked[server]); got != want {
				t.Fatalf("Acked(%d, %d) = %d, want %d; acknowledged %v", server, acked[server], got, want, acked)
			}
		}
	}
}

func TestAckedDoesNotAllocate(t *testing.T) {
	for _, v := range []Verifier{NewMajority(1), NewMajority(1, 2, 3), mustGroups(map[int64][]int64{1: {1, 2, 3}})} {
		c := NewCommitment(v, 0)
		zxid := int64(0)
		if n := testing.AllocsPerRun(100, func() {
			zxid++
			for _, server := range v.Voters() {
				c.Acked(server, zxid)
			}
		}); n != 0 {
			t.Errorf("%d voters: %v allocations per transaction", len(v.Voters()), n)
		}
	}
}

func BenchmarkAcked(b *testing.B) {
	for name, v := range map[string]Verifier{"1": NewMajority(1), "3": NewMajority(1, 2, 3), "5": NewMajority(1, 2, 3, 4, 5)} {
		b.Run(name, func(b *testing.B) {
			c := NewCommitment(v, 0)
			for zxid := int64(1); b.Loop(); zxid++ {
				for _, server := range v.Voters() {
					c.Acked(server, zxid)
				}
			}
		})
	}
}
