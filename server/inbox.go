package server

import "sync"

// inbox hands batches from many producers to one consumer: the consumer takes
// all that has gathered while it was busy. Its bound is kept by the producers'
// owner; see logQueue.
type inbox[T any] struct {
	mu     sync.Mutex
	items  []T       // mu
	spare  []T       // mu: a consumed batch, to be filled again
	taken  bool      // mu: a batch was taken and not handed back
	closed bool      // mu
	filled sync.Cond // on mu: items came or the inbox closed
}

func newInbox[T any]() *inbox[T] {
	in := &inbox[T]{}
	in.filled.L = &in.mu
	return in
}

// put adds a batch; it reports false when the inbox is closed.
func (in *inbox[T]) put(batch ...T) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.items = append(in.items, batch...)
	in.filled.Signal()
	return true
}

// take waits for items and returns all of them; nil when the inbox is closed
// and empty. The caller hands the batch back with recycle.
func (in *inbox[T]) take() []T {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.items) == 0 {
		if in.closed {
			return nil
		}
		in.filled.Wait()
	}
	batch := in.items
	in.items, in.spare, in.taken = in.spare, nil, true
	return batch
}

// idle tells whether nothing waits and the consumer has handed back all that
// it took. To its only producer it stays so until it puts something.
func (in *inbox[T]) idle() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.items) == 0 && !in.taken
}

// recycle takes back a consumed batch; its items are cleared.
func (in *inbox[T]) recycle(batch []T) {
	clear(batch)
	in.mu.Lock()
	in.spare, in.taken = batch[:0], false
	in.mu.Unlock()
}

func (in *inbox[T]) close() {
	in.mu.Lock()
	in.closed = true
	in.filled.Broadcast()
	in.mu.Unlock()
}
