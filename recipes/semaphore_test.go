package recipes_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

func TestSemaphoreBounds(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	const clients, rounds, leases = 5, 4, 2
	var inside, most atomic.Int64
	var all sync.WaitGroup
	for range clients {
		semaphore := recipes.NewSemaphore(alone(srv).connect(t), "/s", leases)
		all.Go(func() {
			for range rounds {
				claim, err := semaphore.Acquire(within(t))
				if err != nil {
					t.Error(err)
					return
				}
				n := inside.Add(1)
				for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
				}
				inside.Add(-1)
				if err := claim.Release(within(t)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if most.Load() > leases {
		t.Errorf("%d inside, of %d", most.Load(), leases)
	}
}

func TestSemaphoreAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		first := get[*recipes.Claim](t)(recipes.NewSemaphore(other, "/s", 2).Acquire(within(t)))
		semaphore := recipes.NewSemaphore(under, "/s", 2)
		second := get[*recipes.Claim](t)(semaphore.Acquire(within(t)))
		waiting(t, other, "/s/locks", "lock-", 0)
		if _, err := recipes.NewSemaphore(other, "/s", 2).TryAcquire(within(t)); !errors.Is(err, recipes.ErrHeld) {
			t.Errorf("a third lease of two: %v", err)
		}
		waiting(t, other, "/s/leases", "lease-", 2)
		waiting(t, other, "/s/locks", "lock-", 0)
		got := make(chan *recipes.Claim, 1)
		go func() {
			claim, err := semaphore.Acquire(within(t))
			if err != nil {
				t.Error(err)
			}
			got <- claim
		}()
		waiting(t, other, "/s/leases", "lease-", 3)
		must(t, first.Release(within(t)))
		third := receive(t, "the third", got)
		must(t, second.Release(within(t)))
		must(t, third.Release(within(t)))
		waiting(t, other, "/s/leases", "lease-", 0)
		waiting(t, other, "/s/locks", "lock-", 0)
	})
}
