package recipes

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/go-zookeeper/zk"
)

// What Curator's InterProcessSemaphoreV2 calls its znodes.
const (
	leaseMarker = "lease-"
	leasesName  = "leases"
	locksName   = "locks"
)

// Semaphore is held by up to a number of callers at a time, in the order in
// which they asked. It is Curator's InterProcessSemaphoreV2: all who use it
// must agree on the number.
//
// One caller at a time, the holder of a lock inside, waits for a lease to
// become free. Lost connections and expired sessions mean what they mean for
// [Lock].
type Semaphore struct {
	client *Client
	dir    string
	leases int
}

// NewSemaphore names a semaphore with so many leases by its znode, which
// belongs to it alone.
func NewSemaphore(c *Client, dir string, leases int) *Semaphore { return &Semaphore{c, dir, leases} }

// Acquire waits until the caller has a lease, or ctx ends.
func (m *Semaphore) Acquire(ctx context.Context) (*Claim, error) {
	return m.acquire(ctx, true)
}

// TryAcquire takes a lease if one is free and nobody waits for it; else it
// returns [ErrHeld].
func (m *Semaphore) TryAcquire(ctx context.Context) (*Claim, error) {
	return m.acquire(ctx, false)
}

func (m *Semaphore) acquire(ctx context.Context, patient bool) (*Claim, error) {
	if m.leases < 1 {
		return nil, fmt.Errorf("recipes: a semaphore of %d leases", m.leases)
	}
	lock := NewLock(m.client, path.Join(m.dir, locksName))
	enter := lock.Acquire
	if !patient {
		enter = lock.TryAcquire
	}
	turn, err := enter(ctx)
	if err != nil {
		return nil, err
	}
	// The lock and the lease are of one session: who loses the one while it
	// waits has lost the other.
	s := turn.s
	defer turn.drop()
	dir := path.Join(m.dir, leasesName)
	own, err := s.create(ctx, dir, leaseMarker, nil, zk.FlagEphemeralSequential)
	if err != nil {
		return nil, err
	}
	claim, err := m.lease(ctx, s, dir, own, patient)
	if errors.Is(err, ErrHeld) {
		err = errors.Join(err, s.remove(ctx, own)) // before the lock is free: it would be in somebody's way
	} else if err != nil {
		s.abandon(own)
	}
	return claim, err
}

// lease waits until the own znode is one of as many as there are leases.
func (m *Semaphore) lease(ctx context.Context, s *session, dir, own string, patient bool) (*Claim, error) {
	for {
		w, err := s.watchChildren(ctx, dir)
		if err != nil {
			return nil, err
		}
		leases := inOrder(w.names, leaseMarker)
		if !slices.Contains(leases, path.Base(own)) {
			return nil, ErrRemoved
		}
		if len(leases) <= m.leases {
			return s.confirm(ctx, own)
		}
		if !patient {
			return nil, ErrHeld
		}
		if err := s.wait(ctx, w.watch); err != nil {
			return nil, err
		}
	}
}
