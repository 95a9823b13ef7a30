package stats

// The metrics in this file have their numbers in the shards, which
// Server.Reset starts anew: their own reset has nothing to do.

// summedCounter is a counter that all shards have a part of.
type summedCounter func() int64

func (c summedCounter) emit(d *Def, sink Sink) { sink(d.Name, Int(c())) }
func (c summedCounter) sample(d *Def, key string, visit func(*Sample)) {
	visit(&Sample{Def: d, Key: key, Value: Int(c())})
}
func (c summedCounter) reset() {}

// summedLatency is a summary that all shards have a part of.
type summedLatency struct {
	server *Server
	of     func(*shard) *tally
}

func (l summedLatency) sum() tally {
	all := newTally()
	for i := range l.server.shards {
		sh := &l.server.shards[i]
		sh.mu.Lock()
		all.merge(l.of(sh))
		sh.mu.Unlock()
	}
	return all
}

func (l summedLatency) emit(d *Def, sink Sink) {
	all := l.sum()
	all.emit(d.Name, nsPerMs, d.advanced(), sink)
}

func (l summedLatency) sample(d *Def, key string, visit func(*Sample)) {
	all := l.sum()
	visit(&Sample{Def: d, Key: key, Summary: all.distribution(nsPerMs)})
}

func (l summedLatency) reset() {}

// summedReads is a set of summaries that all shards have a part of.
type summedReads struct{ server *Server }

func (r summedReads) sum(d *Def) *Set[*Summary] {
	all := newSet(func() *Summary { return newSummary(d) })
	for i := range r.server.shards {
		sh := &r.server.shards[i]
		sh.mu.Lock()
		for name, t := range sh.readsPerName {
			all.Of(name).t.merge(t)
		}
		sh.mu.Unlock()
	}
	return all
}

func (r summedReads) emit(d *Def, sink Sink) { r.sum(d).emit(d, sink) }
func (r summedReads) sample(d *Def, key string, visit func(*Sample)) {
	r.sum(d).sample(d, key, visit)
}
func (r summedReads) reset() {}
