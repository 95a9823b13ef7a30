package throttle

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func TestCaps(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")
	mapped := netip.MustParseAddr("::ffff:10.0.0.1")
	zoned := netip.MustParseAddr("2001:db8::1%eth0")
	type take struct {
		addr netip.Addr
		want error
	}
	tests := []struct {
		name           string
		total, perAddr int
		takes          []take
	}{
		{"per address", 0, 2, []take{{a, nil}, {mapped, nil}, {a, ErrPerAddr}, {b, nil}, {zoned, nil}, {b, ErrPerAddr}}},
		{"total", 2, 0, []take{{a, nil}, {a, nil}, {b, ErrTotal}}},
		{"total first", 2, 2, []take{{a, nil}, {a, nil}, {a, ErrTotal}}},
		{"none", 0, 0, []take{{a, nil}, {a, nil}, {a, nil}}},
		{"negative is none", -1, -1, []take{{a, nil}, {a, nil}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCaps(tt.total, tt.perAddr)
			for round := range 2 { // what is released can be taken again
				var taken []netip.Addr
				for i, k := range tt.takes {
					err := c.Take(k.addr)
					if !errors.Is(err, k.want) || (err == nil) != (k.want == nil) {
						t.Fatalf("round %d, take %d: %v, want %v", round, i, err, k.want)
					}
					if err == nil {
						taken = append(taken, k.addr)
					}
				}
				if c.Open() != len(taken) {
					t.Errorf("%d open, want %d", c.Open(), len(taken))
				}
				for _, addr := range taken {
					c.Release(addr)
				}
				if c.Open() != 0 || len(c.byAddr) != 0 {
					t.Errorf("left behind: %d, %v", c.Open(), c.byAddr)
				}
			}
		})
	}
}

// blueStep sets the clock and the next random number, and makes one request.
type blueStep struct {
	atMs   int64
	random float64
	kind   Kind
	want   bool
	drop   float64 // probability after it
	lacks  int64   // tokens missing after it
}

func TestBlue(t *testing.T) {
	def := DefaultBlueConfig()
	tests := []struct {
		name  string
		set   func(*BlueConfig)
		steps []blueStep
	}{
		{"off", func(*BlueConfig) {}, []blueStep{{0, 0, NewSession, true, 0, 0}, {0, 0, NewSession, true, 0, 0}}},
		{"bucket", func(c *BlueConfig) { c.Tokens, c.FillTimeMs, c.FillCount = 2, 10, 1 }, []blueStep{
			{0, 0, NewSession, true, 0, 1},
			{0, 0, Renewal, true, 0, 2},
			{0, 0, NewSession, false, 0, 2},
			{10, 0, NewSession, false, 0, 2}, // fills only once more than the fill time has passed
			{11, 0, NewSession, true, 0, 2},
			{50, 0, NewSession, true, 0, 1}, // 39 ms bring 3, the bucket holds 2
		}},
		{"weights", func(c *BlueConfig) { c.Tokens, c.FillTimeMs, c.Weighted = 2, 1000, true }, []blueStep{
			{0, 0, NewSession, true, 0, 3},
			{0, 0, Renewal, true, 0, 5},
			{0, 0, Renewal, false, 0, 5},
			{0, 0, NewLocal, true, 0, 6},
			{0, 0, NewLocal, false, 0, 6},
			{1001, 0, NewSession, true, 0, 6}, // the fill count weighs too
		}},
		{"random drops", func(c *BlueConfig) {
			c.Tokens, c.FillTimeMs, c.FillCount, c.FreezeTimeMs = 1, 1000, 1, 10
			c.DropIncrease, c.DropDecrease = 0.5, 0.25
		}, []blueStep{
			{0, 0, NewSession, true, 0, 1},
			{10, 0, NewSession, false, 0, 1},    // not yet: the freeze time has to be over
			{11, 0.9, NewSession, false, .5, 1}, // survives the dice, finds no token
			{22, 0, NewSession, false, 1, 1},
			{33, 0.99, NewSession, false, 1, 1},
			{2000, 0.5, NewSession, false, .75, 0}, // full again, but dropped
			{2005, 0.8, NewSession, true, .75, 1},
			{4000, 0.9, NewSession, true, .5, 1},
		}},
		{"decrease ratio", func(c *BlueConfig) {
			c.Tokens, c.FillTimeMs, c.FillCount, c.FreezeTimeMs = 4, 1, 0, 0
			c.DropIncrease, c.DropDecrease, c.DecreaseRatio = 1, 1, 0.6
		}, []blueStep{
			{0, 0, NewSession, true, 0, 1}, {0, 0, NewSession, true, 0, 2}, {0, 0, NewSession, true, 0, 3}, {0, 0, NewSession, true, 0, 4},
			{1, 1, NewSession, false, 1, 4},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var now int64
			var random float64
			cfg := def
			cfg.NowMs, cfg.Random = func() int64 { return now }, func() float64 { return random }
			tt.set(&cfg)
			b, err := NewBlue(cfg)
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range tt.steps {
				now, random = s.atMs, s.random
				if got := b.Admit(s.kind); got != s.want || b.DropProbability() != s.drop || b.Deficit() != s.lacks {
					t.Fatalf("step %d: %v, drop %v, lacks %d; want %+v", i, got, b.DropProbability(), b.Deficit(), s)
				}
			}
		})
	}
}

func TestBlueDecreaseRatio(t *testing.T) {
	for missing, want := range map[int64]float64{0: 0, 2: 0, 3: .5, 4: 1} { // 4 * 0.6 rounds to 2
		cfg := DefaultBlueConfig()
		cfg.Tokens, cfg.FreezeTimeMs, cfg.DropIncrease, cfg.DropDecrease, cfg.DecreaseRatio = 4, 0, 0.5, 0.5, 0.6
		cfg.NowMs = func() int64 { return 0 }
		b, err := NewBlue(cfg)
		if err != nil {
			t.Fatal(err)
		}
		b.tokens, b.drop = 4-missing, .5
		if b.adjust(1); b.drop != want {
			t.Errorf("%d missing: %v, want %v", missing, b.drop, want)
		}
	}
}

func TestBlueConfig(t *testing.T) {
	zero := func() int64 { return 0 }
	for _, bad := range []BlueConfig{{Tokens: 1, NowMs: zero}, {Tokens: -1, FillTimeMs: 1, NowMs: zero}, {FillTimeMs: 1, FillCount: -1, NowMs: zero}} {
		if _, err := NewBlue(bad); !errors.Is(err, ErrBlue) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	weights := []struct{ global, renew, local, wantGlobal, wantRenew, wantLocal int }{
		{3, 2, 1, 3, 2, 1}, {0, 0, 0, 3, 2, 1}, {-1, -1, -1, 3, 2, 1}, {1, 1, 5, 5, 5, 5}, {0, 4, 5, 3, 5, 5},
	}
	for _, w := range weights {
		cfg := BlueConfig{GlobalWeight: w.global, RenewWeight: w.renew, LocalWeight: w.local}
		cfg.normalizeWeights()
		if cfg.GlobalWeight != w.wantGlobal || cfg.RenewWeight != w.wantRenew || cfg.LocalWeight != w.wantLocal {
			t.Errorf("%+v: %d %d %d", w, cfg.GlobalWeight, cfg.RenewWeight, cfg.LocalWeight)
		}
	}
	cfg := BlueConfig{Tokens: 5, FillTimeMs: 1, FillCount: math.MaxInt32, NowMs: zero}
	b, err := NewBlue(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.tokens = 0
	if b.fill(math.MaxInt64 / 2); b.tokens != 5 {
		t.Errorf("overflow leaves %d tokens", b.tokens)
	}
}

func TestLarge(t *testing.T) {
	l := NewLarge(100, 1000)
	steps := []struct {
		name string
		ok   bool
		want bool
		held int64
	}{
		{"small fits", l.Fits(100), true, 0},
		{"small is not counted", l.Take(100), true, 0},
		{"huge does not fit", l.Fits(1001), false, 0},
		{"large fits", l.Fits(600), true, 0},
		{"large", l.Take(600), true, 600},
		{"second does not fit", l.Fits(401), false, 600},
		{"second is refused", l.Take(401), false, 600},
		{"second just fits", l.Take(400), true, 1000},
	}
	if l.Bytes() != 1000 {
		t.Errorf("%d bytes held", l.Bytes())
	}
	for _, s := range steps {
		if s.ok != s.want {
			t.Errorf("%s: %v", s.name, s.ok)
		}
	}
	l.Done(100)
	l.Done(600)
	l.Done(400)
	if l.Bytes() != 0 || !l.Fits(1000) {
		t.Errorf("%d bytes held at the end", l.Bytes())
	}
}

func TestLargeSettings(t *testing.T) {
	for _, threshold := range []int{-1, 0, -2} {
		if l := NewLarge(threshold, 10); !l.Fits(1<<30) || !l.Take(1<<30) || l.Bytes() != 0 {
			t.Errorf("threshold %d is not off", threshold)
		}
	}
	for _, size := range []int{0, -1} {
		if l := NewLarge(1, size); !l.Fits(DefaultLargeMaxBytes) || l.Fits(DefaultLargeMaxBytes+1) {
			t.Errorf("size %d is not the default", size)
		}
	}
}

func TestStaleRule(t *testing.T) {
	tests := []struct {
		rule   StaleRule
		op     proto.Op
		closed bool
		ageMs  int64
		want   bool
	}{
		{StaleRule{}, proto.OpGetData, true, 9999, false},
		{StaleRule{Connection: true}, proto.OpGetData, true, 0, true},
		{StaleRule{Connection: true}, proto.OpGetData, false, 9999, false},
		{StaleRule{Connection: true}, proto.OpCloseSession, true, 0, false},
		{StaleRule{Latency: true}, proto.OpGetData, true, 1000, false},
		{StaleRule{Latency: true}, proto.OpGetData, false, 1001, true},
		{StaleRule{Latency: true}, proto.OpCloseSession, false, 1001, false},
	}
	for _, tt := range tests {
		if got := tt.rule.Stale(tt.op, tt.closed, tt.ageMs, 1000); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

func TestOutstandingLimit(t *testing.T) {
	for voters, want := range map[int]int{1: 1000, 2: 1000, 3: 500, 5: 250} {
		if got := OutstandingLimit(1000, voters); got != want {
			t.Errorf("%s: %d", fmt.Sprint(voters), got)
		}
	}
}
