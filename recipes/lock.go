package recipes

import (
	"context"
	"slices"
	"strings"
)

// lockMarker is what Curator's InterProcessMutex calls its znodes.
const lockMarker = "lock-"

// Lock is held by one at a time, in the order in which they asked. It is
// Curator's InterProcessMutex, but not reentrant: who acquires it twice waits
// for itself.
//
// While Acquire waits, a lost connection makes it wait longer, and an expired
// session makes it fail with zk.ErrSessionExpired. The holder learns of both
// by [Claim.Context].
type Lock struct {
	client *Client
	dir    string
}

// NewLock names a lock by its znode, which belongs to it alone.
func NewLock(c *Client, dir string) *Lock { return &Lock{c, dir} }

// Acquire waits until the lock is held by the caller, or ctx ends.
func (l *Lock) Acquire(ctx context.Context) (*Claim, error) {
	return l.client.queueUp(ctx, l.dir, lockMarker, nil, directlyAhead(lockMarker))
}

// TryAcquire takes the lock if nobody holds it or waits for it; else it
// returns [ErrHeld].
func (l *Lock) TryAcquire(ctx context.Context) (*Claim, error) {
	return l.client.tryOnce(ctx, l.dir, lockMarker, nil, directlyAhead(lockMarker))
}

// What Curator's InterProcessReadWriteLock calls its znodes.
const (
	readMarker  = "__READ__"
	writeMarker = "__WRIT__"
)

// RWLock is held by one writer or any number of readers, in the order in which
// they asked: a reader waits for the writers before it, a writer for everybody.
// It is Curator's InterProcessReadWriteLock, but not reentrant. Lost
// connections and expired sessions mean what they mean for [Lock].
//
// The tokens of readers that hold it together differ; a later writer's is
// larger than all of them.
type RWLock struct {
	client *Client
	dir    string
}

// NewRWLock names a lock by its znode, which belongs to it alone.
func NewRWLock(c *Client, dir string) *RWLock { return &RWLock{c, dir} }

// Acquire waits until the caller is the only holder, or ctx ends.
func (l *RWLock) Acquire(ctx context.Context) (*Claim, error) {
	return l.client.queueUp(ctx, l.dir, writeMarker, nil, aheadOfWriter)
}

// TryAcquire is Acquire that does not wait; see [Lock.TryAcquire].
func (l *RWLock) TryAcquire(ctx context.Context) (*Claim, error) {
	return l.client.tryOnce(ctx, l.dir, writeMarker, nil, aheadOfWriter)
}

// AcquireRead waits until there is no writer before the caller, or ctx ends.
func (l *RWLock) AcquireRead(ctx context.Context) (*Claim, error) {
	return l.client.queueUp(ctx, l.dir, readMarker, nil, aheadOfReader)
}

// TryAcquireRead is AcquireRead that does not wait.
func (l *RWLock) TryAcquireRead(ctx context.Context) (*Claim, error) {
	return l.client.tryOnce(ctx, l.dir, readMarker, nil, aheadOfReader)
}

// line lists readers and writers in the order in which they came.
func line(names []string) []string {
	number := func(name string) string {
		if n, ok := sequence(name, readMarker); ok {
			return n
		}
		n, _ := sequence(name, writeMarker)
		return n
	}
	all := slices.Concat(inOrder(names, readMarker), inOrder(names, writeMarker))
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(number(a), number(b)) })
	return all
}

func aheadOfWriter(names []string, own string) string {
	all := line(names)
	if at := slices.Index(all, own); at > 0 {
		return all[at-1]
	}
	return ""
}

// aheadOfReader is the last writer before the reader: when it has gone, so
// have those before it, or one of them is found next.
func aheadOfReader(names []string, own string) string {
	all := line(names)
	for at := slices.Index(all, own) - 1; at >= 0; at-- {
		if strings.Contains(all[at], writeMarker) {
			return all[at]
		}
	}
	return ""
}
