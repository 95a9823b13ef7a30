package throttle

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
)

// ErrBlue means settings that the token bucket cannot work with.
var ErrBlue = errors.New("throttle: connection throttle")

// Kind is what a client asks for in its connect request.
type Kind int

// The kinds, which may weigh differently.
const (
	NewSession Kind = iota // a new session that all servers know
	NewLocal               // a new local session
	Renewal                // a session that exists already
)

// BlueConfig holds the properties connection_throttle_*.
type BlueConfig struct {
	Tokens        int     // size of the bucket; 0 turns the throttle off
	FillTimeMs    int     // FillCount tokens come back in this time; at least 1
	FillCount     int     // at least 0
	FreezeTimeMs  int     // time between two changes of the drop probability; -1: nothing is dropped at random
	DropIncrease  float64 // added to the drop probability while the bucket is empty
	DropDecrease  float64 // subtracted while no more than DecreaseRatio of the bucket is missing
	DecreaseRatio float64

	Weighted     bool // a connection takes as many tokens as its kind weighs, instead of one; Tokens and FillCount count new sessions then
	GlobalWeight int  // NewSession
	RenewWeight  int  // Renewal
	LocalWeight  int  // NewLocal

	NowMs  func() int64   // monotonic
	Random func() float64 // in [0,1); nil is the global source
}

// DefaultBlueConfig is Apache's default, which is off.
func DefaultBlueConfig() BlueConfig {
	return BlueConfig{
		FillTimeMs: 1, FillCount: 1, FreezeTimeMs: -1, DropIncrease: 0.02, DropDecrease: 0.002,
		GlobalWeight: 3, RenewWeight: 2, LocalWeight: 1,
	}
}

// Blue is a token bucket for connect requests. It lets bursts pass and bounds
// the rate. Who comes late in every round would starve under constant load;
// so with a freeze time it also drops at random, with a probability that
// rises while the bucket is empty and falls while it is full (BLUE: A New
// Class of Active Queue Management Algorithms).
type Blue struct {
	cfg BlueConfig // set once; Tokens and FillCount already weighted

	mu         sync.Mutex
	tokens     int64   // guarded by mu: left in the bucket
	filledMs   int64   // guarded by mu: when tokens last came back
	adjustedMs int64   // guarded by mu: when drop last could change
	drop       float64 // guarded by mu: probability
}

// NewBlue starts with a full bucket. The error wraps ErrBlue.
func NewBlue(cfg BlueConfig) (*Blue, error) {
	if cfg.Tokens < 0 || cfg.FillTimeMs < 1 || cfg.FillCount < 0 {
		return nil, fmt.Errorf("%w: tokens %d and fill count %d must not be negative, fill time %d ms must be at least 1",
			ErrBlue, cfg.Tokens, cfg.FillCount, cfg.FillTimeMs)
	}
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	cfg.normalizeWeights()
	if cfg.Weighted {
		cfg.Tokens *= cfg.GlobalWeight
		cfg.FillCount *= cfg.GlobalWeight
	}
	now := cfg.NowMs()
	return &Blue{cfg: cfg, tokens: int64(cfg.Tokens), filledMs: now, adjustedMs: now}, nil
}

// normalizeWeights keeps Apache's order: a local session is the lightest, and
// what is not positive has its default.
func (cfg *BlueConfig) normalizeWeights() {
	byDefault := DefaultBlueConfig()
	local := cfg.LocalWeight // as configured: Apache compares before it corrects
	heavier := func(w, def int) int {
		if w <= 0 {
			return def
		}
		return max(w, local)
	}
	cfg.GlobalWeight = heavier(cfg.GlobalWeight, byDefault.GlobalWeight)
	cfg.RenewWeight = heavier(cfg.RenewWeight, byDefault.RenewWeight)
	if local <= 0 {
		cfg.LocalWeight = byDefault.LocalWeight
	}
}

// need is how many tokens a connection takes.
func (b *Blue) need(k Kind) int64 {
	switch {
	case !b.cfg.Weighted:
		return 1
	case k == NewSession:
		return int64(b.cfg.GlobalWeight)
	case k == NewLocal:
		return int64(b.cfg.LocalWeight)
	}
	return int64(b.cfg.RenewWeight)
}

// Admit takes tokens for a connect request. False means to close it.
func (b *Blue) Admit(k Kind) bool {
	if b.cfg.Tokens == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.cfg.NowMs()
	b.fill(now)
	if b.cfg.FreezeTimeMs != -1 {
		b.adjust(now)
		if b.cfg.Random() < b.drop {
			return false
		}
	}
	need := b.need(k)
	if b.tokens < need {
		return false
	}
	b.tokens -= need
	return true
}

// fill puts tokens back for the time that has passed. Callers hold mu.
func (b *Blue) fill(now int64) {
	passed := now - b.filledMs
	if passed <= int64(b.cfg.FillTimeMs) {
		return
	}
	b.filledMs = now
	size := int64(b.cfg.Tokens)
	if count := int64(b.cfg.FillCount); count > 0 && passed > math.MaxInt64/count {
		b.tokens = size
		return
	}
	refill := passed * int64(b.cfg.FillCount) / int64(b.cfg.FillTimeMs)
	b.tokens = min(size, b.tokens+min(refill, size))
}

// adjust changes the drop probability, at most once per freeze time. Callers
// hold mu.
func (b *Blue) adjust(now int64) {
	if now-b.adjustedMs <= int64(b.cfg.FreezeTimeMs) {
		return
	}
	b.adjustedMs = now
	missing := float64(b.cfg.Tokens) - float64(b.tokens)
	switch {
	case b.tokens == 0 && b.drop < 1:
		b.drop = min(b.drop+b.cfg.DropIncrease, 1)
	case missing <= math.Floor(float64(b.cfg.Tokens)*b.cfg.DecreaseRatio+0.5) && b.drop > 0:
		b.drop = max(b.drop-b.cfg.DropDecrease, 0)
	}
}

// Deficit is how many tokens the bucket lacks (connection_token_deficit).
func (b *Blue) Deficit() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(b.cfg.Tokens) - b.tokens
}

// DropProbability is the chance of the next connection to be dropped at
// random (connection_drop_probability).
func (b *Blue) DropProbability() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.drop
}
