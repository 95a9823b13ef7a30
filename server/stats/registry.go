package stats

import (
	"fmt"
	"sync"
)

// metric is what a row of the table prints and how it starts anew.
type metric interface {
	emit(d *Def, sink Sink)
	sample(d *Def, key string, visit func(*Sample))
	reset()
}

// Registry holds the metrics of one server: from the start all counters and
// summaries of [Table], and the gauges that were set. Asking for a name that
// is not in the table, or for another kind than it is there, panics: both are
// mistakes in the program.
type Registry struct {
	mu      sync.RWMutex
	metrics map[string]metric // guarded by mu: by name
}

// NewRegistry makes a registry with everything at zero.
func NewRegistry() *Registry {
	r := &Registry{metrics: make(map[string]metric, len(Table))}
	for i := range Table {
		if m := Table[i].zero(); m != nil {
			r.metrics[Table[i].Name] = m
		}
	}
	return r
}

// zero makes the metric of a row; nil for a gauge.
func (d *Def) zero() metric {
	switch d.Kind {
	case KindCounter:
		return &Counter{}
	case KindCounterSet:
		return newSet(func() *Counter { return &Counter{} })
	case KindSummary, KindAdvanced:
		return newSummary(d)
	case KindSummarySet, KindAdvancedSet:
		return newSet(func() *Summary { return newSummary(d) })
	}
	return nil
}

func get[M metric](r *Registry, name string) M {
	r.mu.RLock()
	defer r.mu.RUnlock()
	m, ok := r.metrics[name].(M)
	if !ok {
		panic(fmt.Sprintf("stats: %q is no %T but %T", name, m, r.metrics[name]))
	}
	return m
}

// Counter returns the counter of that name.
func (r *Registry) Counter(name string) *Counter { return get[*Counter](r, name) }

// Summary returns the summary of that name.
func (r *Registry) Summary(name string) *Summary { return get[*Summary](r, name) }

// CounterSet returns the counters of that name.
func (r *Registry) CounterSet(name string) *Set[*Counter] { return get[*Set[*Counter]](r, name) }

// SummarySet returns the summaries of that name.
func (r *Registry) SummarySet(name string) *Set[*Summary] { return get[*Set[*Summary]](r, name) }

// Gauge sets where the gauge of that name gets its value; nil takes it away.
// A gauge whose function says false has no value at the moment.
func (r *Registry) Gauge(name string, value func() (Value, bool)) {
	if value == nil {
		r.set(name, KindGauge, nil)
		return
	}
	r.set(name, KindGauge, gauge(value))
}

// CountedBy lets somebody else count in the place of the counter of that
// name: value only grows. Nobody may have asked for the counter before.
func (r *Registry) CountedBy(name string, value func() int64) {
	r.set(name, KindCounter, &borrowed{value: value})
}

// IntGauge is Gauge for an integer that is always there.
func (r *Registry) IntGauge(name string, value func() int64) {
	r.Gauge(name, func() (Value, bool) { return Int(value()), true })
}

// GaugeSet sets where the gauges of that name get their values; nil takes
// them away.
func (r *Registry) GaugeSet(name string, values func() map[string]int64) {
	if values == nil {
		r.set(name, KindGaugeSet, nil)
		return
	}
	r.set(name, KindGaugeSet, gaugeSet(values))
}

// set puts a metric into the place of another.
func (r *Registry) set(name string, kind Kind, m metric) {
	d := Lookup(name)
	if d == nil || d.Kind != kind {
		panic(fmt.Sprintf("stats: %q is not in the table as %v", name, kind))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m == nil {
		delete(r.metrics, name)
		return
	}
	r.metrics[name] = m
}

// Each gives every number to sink, in the order of the table.
func (r *Registry) Each(sink Sink) {
	for i := range Table {
		d := &Table[i]
		r.mu.RLock()
		m := r.metrics[d.Name]
		r.mu.RUnlock()
		if m != nil {
			m.emit(d, sink)
		}
	}
}

// Samples gives every metric to visit, in the order of the table. A sample is
// valid during its call only.
func (r *Registry) Samples(visit func(*Sample)) {
	for i := range Table {
		d := &Table[i]
		r.mu.RLock()
		m := r.metrics[d.Name]
		r.mu.RUnlock()
		if m != nil {
			m.sample(d, "", visit)
		}
	}
}

// Reset sets everything but gauges to zero.
func (r *Registry) Reset() {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, m := range r.metrics {
		m.reset()
	}
}
