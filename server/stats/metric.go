package stats

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Counter only grows, until srst.
type Counter struct{ n atomic.Int64 }

// Add counts n more.
func (c *Counter) Add(n int64) { c.n.Add(n) }

// Value is the count.
func (c *Counter) Value() int64 { return c.n.Load() }

func (c *Counter) emit(d *Def, sink Sink) { sink(d.Name, Int(c.Value())) }
func (c *Counter) sample(d *Def, key string, visit func(*Sample)) {
	visit(&Sample{Def: d, Key: key, Value: Int(c.Value())})
}
func (c *Counter) reset() { c.n.Store(0) }

// borrowed is a counter that somebody else counts.
type borrowed struct {
	value func() int64 // set once
	base  atomic.Int64 // value at the last reset
}

func (b *borrowed) emit(d *Def, sink Sink) { sink(d.Name, Int(b.value()-b.base.Load())) }
func (b *borrowed) sample(d *Def, key string, visit func(*Sample)) {
	visit(&Sample{Def: d, Key: key, Value: Int(b.value() - b.base.Load())})
}
func (b *borrowed) reset() { b.base.Store(b.value()) }

// Summary keeps count, sum, least and greatest of its values, and percentiles
// if its row in the table is advanced.
type Summary struct {
	scale int64 // set once

	mu sync.Mutex
	t  tally // guarded by mu
}

func newSummary(d *Def) *Summary { return &Summary{scale: d.scale(), t: newTally()} }

// Add takes a plain number: a size, a count.
func (s *Summary) Add(v int64) {
	s.mu.Lock()
	s.t.add(v*s.scale, s.scale)
	s.mu.Unlock()
}

// Observe takes a time, for a summary in ms. Averages keep the fraction.
func (s *Summary) Observe(d time.Duration) {
	s.mu.Lock()
	s.t.add(int64(d)/(nsPerMs/s.scale), s.scale)
	s.mu.Unlock()
}

func (s *Summary) emit(d *Def, sink Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.emit(d.Name, s.scale, d.advanced(), sink)
}

func (s *Summary) sample(d *Def, key string, visit func(*Sample)) {
	s.mu.Lock()
	dist := s.t.distribution(s.scale)
	s.mu.Unlock()
	visit(&Sample{Def: d, Key: key, Summary: dist})
}

func (s *Summary) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.reset()
}

// The limits of a set, for its keys come from clients: beyond them values
// count under OtherKey.
const (
	MaxKeys     = 1000
	MaxKeyBytes = 256
	OtherKey    = "other"
)

// Set is one counter or summary per key.
type Set[M metric] struct {
	make func() M // set once

	mu sync.Mutex
	by map[string]M // guarded by mu
}

func newSet[M metric](create func() M) *Set[M] {
	return &Set[M]{make: create, by: map[string]M{}}
}

// Of returns the metric of a key.
func (s *Set[M]) Of(key string) M {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.by[key]; ok {
		return m
	}
	if len(key) > MaxKeyBytes || len(s.by) >= MaxKeys {
		key = OtherKey
		if m, ok := s.by[key]; ok {
			return m
		}
	}
	m := s.make()
	s.by[string([]byte(key))] = m // a copy: the key may be part of a frame
	return m
}

// keys lists the keys in order.
func (s *Set[M]) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]string, 0, len(s.by))
	for k := range s.by {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (s *Set[M]) emit(d *Def, sink Sink) {
	for _, key := range s.keys() {
		keyed := *d
		keyed.Name = key + "_" + d.Name
		s.Of(key).emit(&keyed, sink)
	}
}

func (s *Set[M]) sample(d *Def, _ string, visit func(*Sample)) {
	for _, key := range s.keys() {
		s.Of(key).sample(d, key, visit)
	}
}

// reset sets all to zero and keeps the keys, as Apache does.
func (s *Set[M]) reset() {
	for _, key := range s.keys() {
		s.Of(key).reset()
	}
}

// gauge is a number that somebody else knows.
type gauge func() (Value, bool)

func (g gauge) emit(d *Def, sink Sink) {
	if v, ok := g(); ok {
		sink(d.Name, v)
	}
}

func (g gauge) sample(d *Def, key string, visit func(*Sample)) {
	if v, ok := g(); ok {
		visit(&Sample{Def: d, Key: key, Value: v})
	}
}

func (g gauge) reset() {}

// gaugeSet is a gauge per key.
type gaugeSet func() map[string]int64

func (g gaugeSet) emit(d *Def, sink Sink) {
	g.sample(d, "", func(s *Sample) { sink(s.Key+"_"+d.Name, s.Value) })
}

func (g gaugeSet) sample(d *Def, _ string, visit func(*Sample)) {
	values := g()
	for _, k := range slices.Sorted(maps.Keys(values)) {
		visit(&Sample{Def: d, Key: k, Value: Int(values[k])})
	}
}

func (g gaugeSet) reset() {}
