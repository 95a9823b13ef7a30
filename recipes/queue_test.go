package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// shortSession is the timeout of sessions whose expiry is waited for.
const shortSession = 600 * time.Millisecond

// TestQueueKeepsOrder puts and takes with a single consumer.
func TestQueueKeepsOrder(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client := alone(srv).connect(t)
	queue := recipes.NewQueue(client, "/q")
	const items = 12 // more than nine: numbers, not texts, are in order
	for i := range items {
		must(t, queue.Put(within(t), fmt.Append(nil, i)))
	}
	if n := get[int](t)(queue.Len(within(t))); n != items {
		t.Errorf("%d items of %d", n, items)
	}
	for i := range items {
		item := get[*recipes.Item](t)(queue.Take(within(t)))
		if string(item.Data) != fmt.Sprint(i) {
			t.Errorf("item %s instead of %d", item.Data, i)
		}
		must(t, item.Done(within(t)))
		ended(t, item.Claim().Context(), recipes.ErrReleased)
	}
	if n := get[int](t)(queue.Len(within(t))); n != 0 {
		t.Errorf("%d items are left", n)
	}
}

func TestPriorityQueue(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	queue := recipes.NewPriorityQueue(alone(srv).connect(t), "/q")
	priorities := []int32{5, -1, 1 << 30, 0, -1 << 31, 5, 300, 1<<31 - 1}
	for i, p := range priorities {
		must(t, queue.Put(within(t), fmt.Append(nil, p, " ", i), p))
	}
	want := slices.Clone(priorities)
	slices.Sort(want)
	last := ""
	for _, p := range want {
		item := get[*recipes.Item](t)(queue.Take(within(t)))
		var gotPriority, number int
		if _, err := fmt.Sscan(string(item.Data), &gotPriority, &number); err != nil || int32(gotPriority) != p {
			t.Errorf("item %q, want priority %d", item.Data, p)
		}
		if p == 5 && last != "" && last > string(item.Data) {
			t.Errorf("%q after %q", item.Data, last)
		}
		if p == 5 {
			last = string(item.Data)
		}
		must(t, item.Done(within(t)))
	}
	if n := get[int](t)(queue.Len(within(t))); n != 0 {
		t.Errorf("%d items are left", n)
	}
}

// TestConsumersShare lets some consumers empty a queue while it is filled: each
// item is handed out once, because nobody dies.
func TestConsumersShare(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	const consumers, items = 3, 30
	var mu sync.Mutex
	seen := map[string]int{}
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	var all sync.WaitGroup
	for range consumers {
		queue := recipes.NewQueue(alone(srv).connect(t), "/q")
		all.Go(func() {
			for {
				item, err := queue.Take(ctx)
				if errors.Is(err, context.Canceled) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				seen[string(item.Data)]++
				if len(seen) == items {
					cancel()
				}
				mu.Unlock()
				if err := item.Done(within(t)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	queue := recipes.NewQueue(alone(srv).connect(t), "/q")
	for i := range items {
		must(t, queue.Put(within(t), fmt.Append(nil, i)))
	}
	all.Wait()
	for item, n := range seen {
		if n != 1 {
			t.Errorf("item %s was handed out %d times", item, n)
		}
	}
	if n := get[int](t)(queue.Len(within(t))); n != 0 {
		t.Errorf("%d items are left", n)
	}
}

// TestDeadConsumer lets one expire with an item in hand: it is handed out
// again, and the dead one cannot remove it.
func TestDeadConsumer(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	one, two := alone(srv).connect(t), alone(srv).connect(t)
	must(t, recipes.NewQueue(one, "/q").Put(within(t), []byte("task")))
	lost := get[*recipes.Item](t)(recipes.NewQueue(one, "/q").Take(within(t)))
	taken := make(chan *recipes.Item, 1)
	go func() {
		item, err := recipes.NewQueue(two, "/q").Take(within(t))
		if err != nil {
			t.Error(err)
		}
		taken <- item
	}()
	srv.ExpireSession(session(t, one))
	item := receive(t, "the item comes again", taken)
	if string(item.Data) != "task" {
		t.Errorf("item %q", item.Data)
	}
	if err := lost.Done(within(t)); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("the dead consumer's Done = %v", err)
	}
	must(t, item.Done(within(t)))
}

// TestDoneAfterGivingBack has one remove an item that it has given back: the
// item is another's by now, and stays.
func TestDoneAfterGivingBack(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	one, two := recipes.NewQueue(alone(srv).connect(t), "/q"), recipes.NewQueue(alone(srv).connect(t), "/q")
	must(t, one.Put(within(t), []byte("task")))
	given := get[*recipes.Item](t)(one.Take(within(t)))
	must(t, given.Claim().Release(within(t)))
	item := get[*recipes.Item](t)(two.Take(within(t)))
	if err := given.Done(within(t)); !errors.Is(err, recipes.ErrReleased) {
		t.Errorf("Done of what was given back = %v", err)
	}
	if n := get[int](t)(one.Len(within(t))); n != 1 {
		t.Errorf("%d items are there", n)
	}
	must(t, item.Done(within(t)))
}

// TestGiveBack returns an item to the queue.
func TestGiveBack(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	queue := recipes.NewQueue(alone(srv).connect(t), "/q")
	must(t, queue.Put(within(t), []byte("task")))
	item := get[*recipes.Item](t)(queue.Take(within(t)))
	must(t, item.Claim().Release(within(t)))
	item = get[*recipes.Item](t)(queue.Take(within(t)))
	must(t, item.Done(within(t)))
}

func TestQueueAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		queue := recipes.NewQueue(under, "/q")
		must(t, queue.Put(within(t), []byte("a")))
		must(t, queue.Put(within(t), []byte("b")))
		if n := get[int](t)(recipes.NewQueue(other, "/q").Len(within(t))); n != 2 {
			t.Errorf("%d items after two were put", n)
		}
		for _, want := range []string{"a", "b"} {
			item := get[*recipes.Item](t)(queue.Take(within(t)))
			if string(item.Data) != want {
				t.Errorf("item %q, want %q", item.Data, want)
			}
			must(t, item.Done(within(t)))
		}
		if n := get[int](t)(recipes.NewQueue(other, "/q").Len(within(t))); n != 0 {
			t.Errorf("%d items are left", n)
		}
		if claims := children(t, other, "/q/claims"); len(claims) != 0 {
			t.Errorf("claims %q are left", claims)
		}
	})
}
