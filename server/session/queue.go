package session

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Queue tells which of its items have not been touched within their timeout.
// Time is cut into buckets of one width; an item expires at the end of the
// bucket in which its timeout ends, so up to one width late (Apache's
// ExpiryQueue). Sessions wait in one, and so may connections.
//
// Touching an item usually writes one atomic number. The item stays filed in
// the bucket it was in; when that bucket ends, the queue looks at the number
// and files the item further ahead. Each item is so filed about once per
// timeout however often it is touched.
type Queue[T any] struct {
	widthMs int64 // set once

	mu      sync.Mutex
	nextMs  int64                // guarded by mu: end of the first bucket not yet polled
	buckets map[int64][]*Item[T] // guarded by mu: by the end of the bucket
}

// Item is the place of one thing in a Queue. Value is set once, before Add;
// an item is added and ended once.
type Item[T any] struct {
	Value T

	dueMs atomic.Int64 // when it expires; notAdded, or ended for ever

	filedMs int64 // guarded by Queue.mu: its bucket; never later than dueMs, or the next bucket to be polled
	slot    int   // guarded by Queue.mu: its index there; -1 when filed nowhere
}

const (
	notAdded = 0
	ended    = -1
)

// NewQueue makes an empty queue with buckets of widthMs > 0. Times are those
// of one monotonic clock in ms, at least 0.
func NewQueue[T any](widthMs, nowMs int64) *Queue[T] {
	q := &Queue[T]{widthMs: widthMs, buckets: map[int64][]*Item[T]{}}
	q.nextMs = q.bucket(nowMs)
	return q
}

// bucket is the end of the bucket that t falls into, always after t.
func (q *Queue[T]) bucket(t int64) int64 { return (t/q.widthMs + 1) * q.widthMs }

// Add puts an item into the queue.
func (q *Queue[T]) Add(it *Item[T], nowMs int64, timeoutMs int32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	due := q.bucket(nowMs + int64(timeoutMs))
	it.dueMs.Store(due)
	q.file(it, due)
}

// Touch starts the item's timeout anew, which may also bring its end nearer.
// It returns false for an item that is not in the queue or no longer.
func (q *Queue[T]) Touch(it *Item[T], nowMs int64, timeoutMs int32) bool {
	due := q.bucket(nowMs + int64(timeoutMs))
	for {
		old := it.dueMs.Load()
		if old == due {
			return true
		}
		if old == notAdded || old == ended {
			return false
		}
		if it.dueMs.CompareAndSwap(old, due) {
			if due < old {
				q.bringForward(it)
			}
			return true
		}
	}
}

// bringForward files an item earlier when it is filed too late.
func (q *Queue[T]) bringForward(it *Item[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	due := it.dueMs.Load()
	if due == ended || it.slot < 0 || it.filedMs <= due {
		return
	}
	q.unfile(it)
	q.file(it, due)
}

// End takes an item out for ever. It returns false when it was not in.
func (q *Queue[T]) End(it *Item[T]) bool {
	old := it.dueMs.Swap(ended)
	if old == notAdded || old == ended {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unfile(it)
	return true
}

// Ended tells whether the item has expired or been taken out.
func (it *Item[T]) Ended() bool { return it.dueMs.Load() == ended }

// file puts an item into a bucket that is still to be polled. Callers hold mu.
func (q *Queue[T]) file(it *Item[T], due int64) {
	it.filedMs = max(due, q.nextMs)
	members := q.buckets[it.filedMs]
	it.slot = len(members)
	q.buckets[it.filedMs] = append(members, it)
}

// unfile takes an item out of its bucket, if it is in one. Callers hold mu.
func (q *Queue[T]) unfile(it *Item[T]) {
	if it.slot < 0 {
		return
	}
	members := q.buckets[it.filedMs]
	last := len(members) - 1
	members[it.slot] = members[last]
	members[it.slot].slot = it.slot
	members[last] = nil
	it.slot = -1
	if last == 0 {
		delete(q.buckets, it.filedMs)
		return
	}
	q.buckets[it.filedMs] = members[:last]
}

// Poll takes out and returns what has expired by now.
func (q *Queue[T]) Poll(nowMs int64) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	var expired []T
	for ; q.nextMs <= nowMs; q.nextMs += q.widthMs {
		expired = q.sweep(expired)
	}
	return expired
}

// sweep empties the bucket that ends at nextMs. What was touched since it was
// filed there goes to a later bucket. Callers hold mu.
func (q *Queue[T]) sweep(expired []T) []T {
	members := q.buckets[q.nextMs]
	delete(q.buckets, q.nextMs)
	for _, it := range members {
		it.slot = -1
		for {
			due := it.dueMs.Load()
			if due == ended {
				break
			}
			if due > q.nextMs {
				q.file(it, due)
				break
			}
			if it.dueMs.CompareAndSwap(due, ended) {
				expired = append(expired, it.Value)
				break
			}
		}
	}
	return expired
}

// NextMs is when the next Poll can find something.
func (q *Queue[T]) NextMs() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.nextMs
}

// Run polls at the end of each bucket and calls expire for what it finds,
// until ctx ends. now is the queue's clock.
//
// When it wakes more than a bucket late, the whole process stood still: a
// virtual machine that was moved, a debugger, SIGSTOP. What its clients have
// sent meanwhile is still to be read, so nothing expires before one bucket
// more.
func (q *Queue[T]) Run(ctx context.Context, now func() int64, expire func(T)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for waited := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if late := now() - q.NextMs(); late > q.widthMs && !waited {
			waited = true
			timer.Reset(time.Duration(q.widthMs) * time.Millisecond)
			continue
		}
		waited = false
		for _, v := range q.Poll(now()) {
			expire(v)
		}
		timer.Reset(time.Duration(q.NextMs()-now()) * time.Millisecond)
	}
}

// Bucket is what expires at one time.
type Bucket[T any] struct {
	DueMs  int64 // on the queue's clock
	Values []T
}

// Buckets lists what would expire and when if nothing is touched any more,
// soonest first.
func (q *Queue[T]) Buckets() []Bucket[T] {
	byDue := map[int64][]T{}
	q.mu.Lock()
	for _, members := range q.buckets {
		for _, it := range members {
			if due := it.dueMs.Load(); due != ended {
				byDue[due] = append(byDue[due], it.Value)
			}
		}
	}
	q.mu.Unlock()
	list := make([]Bucket[T], 0, len(byDue))
	for due, values := range byDue {
		list = append(list, Bucket[T]{DueMs: due, Values: values})
	}
	slices.SortFunc(list, func(a, b Bucket[T]) int { return int(a.DueMs - b.DueMs) })
	return list
}
