package server

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// applyChunk bounds how many transactions are applied under one hold of the
// gate, and so how long a read can wait for it.
const applyChunk = 64

// applier applies committed transactions in zxid order. It is the only one
// that changes the tree. Whoever applies, mostly run, does so alone: see
// applyHere.
type applier struct {
	srv       *Server
	committed *inbox[proposal]
	done      chan struct{} // closed when run has returned
	broken    bool          // owned by whoever applies: a transaction could not be read
	direct    *direct       // owned by whoever applies
	writes    writeCounts   // owned by whoever applies

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
		srv: srv, committed: newInbox[proposal](), done: make(chan struct{}), reached: srv.tree.LastZxid(), direct: newDirect(),
		writes: writeCounts{set: srv.meters.writesPerName},
	}
}

// applyHere applies a few transactions in the goroutine of the only one who
// puts to the inbox, if everything before them is applied; false if not. That
// saves a lone write the way through another goroutine.
func (a *applier) applyHere(few []proposal) bool {
	if !a.committed.idle() {
		return false
	}
	a.apply(few)
	return true
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
			n := transactionsAhead(rest)
			if n > 0 {
				a.apply(rest[:n])
			} else {
				rest[0].aside.do()
				a.flush()
				n = 1
			}
			rest = rest[n:]
		}
		a.committed.recycle(batch)
	}
}

// transactionsAhead counts those that the batch begins with, up to a chunk.
func transactionsAhead(batch []proposal) int {
	n := 0
	for n < len(batch) && n < applyChunk && batch[n].aside == nil {
		n++
	}
	return n
}

// decode reads what was proposed elsewhere. It was checked when it came, so
// that an error here means a bug or broken memory: nothing can be applied
// any more.
func (a *applier) decode(chunk []proposal) error {
	for i := range chunk {
		p := &chunk[i]
		if p.raw == nil {
			continue
		}
		var err error
		if p.entry, err = proto.DecodeEntry(p.raw); err != nil {
			return fmt.Errorf("committed transaction: %w", err)
		}
	}
	return nil
}

// apply runs one chunk under the gate, then sends what it produced.
func (a *applier) apply(chunk []proposal) {
	srv := a.srv
	if a.broken {
		return
	}
	if err := a.decode(chunk); err != nil {
		a.broken = true
		srv.fail(err)
		return
	}
	began := srv.clock.nanos()
	srv.gate.enterWrite()
	entered := srv.clock.nanos()
	srv.meters.gateWait.Observe(time.Duration(entered - began))
	for i := range chunk {
		p := &chunk[i]
		ending := srv.endingEphemerals(&p.entry)
		result := srv.tree.Apply(&p.entry)
		srv.auditEphemerals(p.entry.Header.ClientID, ending)
		if p.raw != nil {
			p.origin = srv.claimant(&p.entry.Header)
		}
		if p.origin != nil {
			p.origin.applied(&p.entry, &result)
		}
		srv.sessionChanged(p)
	}
	srv.snapshots.begin()
	srv.gate.leaveWrite()
	srv.meters.applying.Observe(time.Duration(srv.clock.nanos() - entered))
	srv.meters.propagated(chunk, srv.clock.wallMs())
	a.writes.applied(chunk)
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

// moved says that the tree is another one now, as of a zxid.
func (a *applier) moved(zxid int64) { a.wake(zxid) }

// flushSoon notes an outbox to be flushed after the chunk at hand.
func (a *applier) flushSoon(c *conn) {
	a.mu.Lock()
	a.dirty = append(a.dirty, c)
	a.mu.Unlock()
}

// flushHere is how many outboxes the applier writes to itself, which saves a
// lone client the way through another goroutine. More it shares out, and goes
// on.
const (
	flushHere  = 16
	flushShare = 64
)

// flush sends what the chunk has produced. A client that does not take it at
// once is left to a goroutine of its own, which ends with the write: so it
// holds up nobody else.
func (a *applier) flush() {
	a.mu.Lock()
	dirty := a.dirty
	a.dirty, a.spare = a.spare[:0], nil
	a.mu.Unlock()
	rest := dirty
	for ; len(rest) > flushHere; rest = rest[min(flushShare, len(rest)):] {
		share := slices.Clone(rest[:min(flushShare, len(rest))])
		go func() { sendAll(share, newDirect()) }() // waits for nothing
	}
	sendAll(rest, a.direct)
	clear(dirty)
	a.mu.Lock()
	if a.spare == nil {
		a.spare = dirty[:0]
	}
	a.mu.Unlock()
}

func sendAll(conns []*conn, d *direct) {
	for _, c := range conns {
		c.dirty.Store(false)
		if c.offer(d) {
			go func() { _ = c.flush() }() // a failed write has closed the connection
		}
	}
}
