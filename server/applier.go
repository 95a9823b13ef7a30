package server

import (
	"sync"
	"time"
)

// applyChunk bounds how many transactions are applied under one hold of the
// gate, and so how long a read can wait for it.
const applyChunk = 64

// applier applies committed transactions in zxid order. It is the only one
// that changes the tree.
type applier struct {
	srv       *Server
	committed *inbox[proposal]
	done      chan struct{} // closed when run has returned

	mu      sync.Mutex
	dirty   []*conn  // mu: outboxes that were appended to
	spare   []*conn  // mu: an emptied list to be filled again
	reached int64    // mu: zxid of the last transaction applied
	waiters []waiter // mu: those in await
}

// waiter is a goroutine that waits for a transaction to be applied.
type waiter struct {
	zxid    int64
	applied chan struct{}
}

func newApplier(srv *Server) *applier {
	return &applier{
		srv: srv, committed: newInbox[proposal](), done: make(chan struct{}), reached: srv.tree.LastZxid(),
	}
}

// run applies until the inbox is closed and empty.
func (a *applier) run() {
	defer close(a.done)
	for {
		batch := a.committed.take()
		if batch == nil {
			return
		}
		for rest := batch; len(rest) > 0; {
			n := min(len(rest), applyChunk)
			a.apply(rest[:n])
			rest = rest[n:]
		}
		a.committed.recycle(batch)
	}
}

// apply runs one chunk under the gate, then sends what it produced.
func (a *applier) apply(chunk []proposal) {
	srv := a.srv
	began := srv.clock.nanos()
	srv.gate.enterWrite()
	srv.meters.gateWait.Observe(time.Duration(srv.clock.nanos() - began))
	for i := range chunk {
		p := &chunk[i]
		result := srv.tree.Apply(&p.entry)
		if p.origin != nil {
			p.origin.applied(&p.entry, &result)
		}
		srv.sessionChanged(p)
	}
	srv.snapshots.begin()
	srv.gate.leaveWrite()
	a.wake(chunk[len(chunk)-1].entry.Header.Zxid)
	a.flush()
}

// await blocks until a transaction that was proposed is applied. It reports
// false when giveUp is closed before, or when that cannot happen any more,
// because the log has failed.
func (a *applier) await(zxid int64, giveUp <-chan struct{}) bool {
	a.mu.Lock()
	if a.reached >= zxid {
		a.mu.Unlock()
		return true
	}
	w := waiter{zxid: zxid, applied: make(chan struct{})}
	a.waiters = append(a.waiters, w)
	a.mu.Unlock()
	select {
	case <-w.applied:
		return true
	case <-giveUp:
		return false
	case <-a.done:
		return false
	}
}

// wake lets those go whose transaction is applied.
func (a *applier) wake(zxid int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reached = zxid
	waiting := a.waiters[:0]
	for _, w := range a.waiters {
		if w.zxid <= zxid {
			close(w.applied)
		} else {
			waiting = append(waiting, w)
		}
	}
	clear(a.waiters[len(waiting):])
	a.waiters = waiting
}

// flushSoon notes an outbox to be flushed after the chunk at hand.
func (a *applier) flushSoon(c *conn) {
	a.mu.Lock()
	a.dirty = append(a.dirty, c)
	a.mu.Unlock()
}

// flush lets each dirty outbox write in a goroutine of its own, which ends
// with the write: a client that does not read holds up nobody else.
func (a *applier) flush() {
	a.mu.Lock()
	dirty := a.dirty
	a.dirty, a.spare = a.spare[:0], nil
	a.mu.Unlock()
	for _, c := range dirty {
		c.dirty.Store(false)
		go func() { _ = c.flush() }() // a failed write has closed the connection
	}
	clear(dirty)
	a.mu.Lock()
	if a.spare == nil {
		a.spare = dirty[:0]
	}
	a.mu.Unlock()
}
