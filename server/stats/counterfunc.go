package stats

import "sync/atomic"

// countFunc is a counter that is kept elsewhere. Its owner counts from the
// start; reset makes the number so far the new zero.
type countFunc struct {
	value func() int64
	base  atomic.Int64
}

// CounterFunc sets where the counter of that name gets its value.
func (r *Registry) CounterFunc(name string, value func() int64) {
	r.set(name, KindCounter, &countFunc{value: value})
}

func (c *countFunc) emit(d *Def, sink Sink) { sink(d.Name, Int(c.value()-c.base.Load())) }
func (c *countFunc) reset()                 { c.base.Store(c.value()) }
