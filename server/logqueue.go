package server

import (
	"sync"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// proposal is a transaction on its way from the proposer to the applier.
type proposal struct {
	entry  proto.Entry
	size   int   // bytes of its wire form
	origin *conn // the connection that waits for the reply; nil for none
	// raw is the wire form of a transaction that was not proposed here, or not
	// in this term: entry is decoded from it, and origin found, when it is
	// applied.
	raw []byte
	// aside is set for what is no transaction but has its place among them.
	aside *aside
}

// aside takes its turn between transactions: among those proposed, as an
// input of the quorum's core; among those committed, as something to do.
type aside struct {
	input quorum.Input
	do    func()
}

// logQueue gathers proposals while the log writer syncs the ones before: the
// batches of group commit. The wire forms stand one behind the other in one
// buffer, so a proposal costs no allocation here.
type logQueue struct {
	maxBytes int // set once: admit waits above it

	mu     sync.Mutex
	batch  logBatch  // mu: what gathers
	spare  logBatch  // mu: a written batch to be filled again
	burst  bool      // mu: a proposer adds one proposal after the other
	closed bool      // mu
	filled sync.Cond // on mu: the batch is no longer empty, or closed
	taken  sync.Cond // on mu: the batch was taken, or closed
}

type logBatch struct {
	items []proposal
	raw   []byte
}

func newLogQueue(maxBytes int) *logQueue {
	q := &logQueue{maxBytes: maxBytes}
	q.filled.L, q.taken.L = &q.mu, &q.mu
	return q
}

// admit waits until the queue has room. It is called by one proposer at a
// time, before the gate is taken, so no read waits for the disk here; what one
// hold of the proposer's lock adds is all that may go beyond the bound.
//
// Who takes is not woken before release: what a burst adds shall share a sync.
func (q *logQueue) admit() {
	q.mu.Lock()
	for len(q.batch.raw) > q.maxBytes && !q.closed {
		q.taken.Wait()
	}
	q.burst = true
	q.mu.Unlock()
}

// release follows an admit and what was added since.
func (q *logQueue) release() {
	q.mu.Lock()
	q.burst = false
	if len(q.batch.items) > 0 {
		q.filled.Signal()
	}
	q.mu.Unlock()
}

// put adds a proposal; raw is copied. It reports false when the queue is
// closed.
func (q *logQueue) put(p proposal, raw []byte) bool {
	q.mu.Lock()
	open := !q.closed
	if open {
		q.batch.items = append(q.batch.items, p)
		q.batch.raw = append(q.batch.raw, raw...)
		if !q.burst {
			q.filled.Signal()
		}
	}
	q.mu.Unlock()
	return open
}

// empty tells whether nothing waits to be taken.
func (q *logQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.batch.items) == 0
}

// take waits for proposals and returns all of them; false once the queue is
// closed and empty.
func (q *logQueue) take() (logBatch, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.batch.items) == 0 {
		if q.closed {
			return logBatch{}, false
		}
		q.filled.Wait()
	}
	batch := q.batch
	q.batch, q.spare = q.spare, logBatch{}
	q.taken.Broadcast()
	return batch, true
}

// recycle takes back a batch whose proposals were handed on.
func (q *logQueue) recycle(b logBatch) {
	clear(b.items)
	if cap(b.raw) > 2*q.maxBytes {
		b.raw = nil
	}
	q.mu.Lock()
	q.spare = logBatch{items: b.items[:0], raw: b.raw[:0]}
	q.mu.Unlock()
}

// close lets take return what is left and then end.
func (q *logQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.filled.Broadcast()
	q.taken.Broadcast()
	q.mu.Unlock()
}
