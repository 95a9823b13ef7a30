package server

import "sync"

// gate orders what clients may see. Its write side is held by the applier
// while it mutates the tree and appends the events and replies that follow
// from the change; its read side by a connection while it looks something up,
// registers a watch and appends the reply.
//
// Invariant: lookup, registration and append of the reply never interleave
// with mutation and append of the events. A client arms a watch only when the
// reply arrives, so an event that overtook the reply would be lost, and a
// reply that overtook the event would show the new state first.
//
// It is a type of its own so that it can be striped for many cores without
// touching its callers.
type gate struct{ mu sync.RWMutex }

func (g *gate) enterRead()  { g.mu.RLock() }
func (g *gate) leaveRead()  { g.mu.RUnlock() }
func (g *gate) enterWrite() { g.mu.Lock() }
func (g *gate) leaveWrite() { g.mu.Unlock() }

// reader returns the read side as a lock, for snapshots.
func (g *gate) reader() sync.Locker { return g.mu.RLocker() }
