package recipes_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// cycles use each recipe from the beginning to the end, and leave nothing.
var cycles = []struct {
	name string
	run  func(context.Context, *recipes.Client) error
}{
	{"lock", holding(func(ctx context.Context, c *recipes.Client) (*recipes.Claim, error) {
		return recipes.NewLock(c, "/x/lock").Acquire(ctx)
	})},
	{"read lock", holding(func(ctx context.Context, c *recipes.Client) (*recipes.Claim, error) {
		return recipes.NewRWLock(c, "/x/rw").AcquireRead(ctx)
	})},
	{"write lock", holding(func(ctx context.Context, c *recipes.Client) (*recipes.Claim, error) {
		return recipes.NewRWLock(c, "/x/rw").Acquire(ctx)
	})},
	{"semaphore", holding(func(ctx context.Context, c *recipes.Client) (*recipes.Claim, error) {
		return recipes.NewSemaphore(c, "/x/semaphore", 1).Acquire(ctx)
	})},
	{"election", holding(func(ctx context.Context, c *recipes.Client) (*recipes.Claim, error) {
		return recipes.NewElection(c, "/x/election").Campaign(ctx, "somebody")
	})},
	{"group", holding(func(ctx context.Context, c *recipes.Client) (*recipes.Claim, error) {
		return recipes.NewGroup(c, "/x/group").Join(ctx, "somebody", nil)
	})},
	{"queue", func(ctx context.Context, c *recipes.Client) error {
		queue := recipes.NewQueue(c, "/x/queue")
		return emptying(ctx, queue.Put(ctx, []byte("item")), queue.Take, queue.Len)
	}},
	{"priority queue", func(ctx context.Context, c *recipes.Client) error {
		queue := recipes.NewPriorityQueue(c, "/x/priorities")
		return emptying(ctx, queue.Put(ctx, []byte("item"), 7), queue.Take, queue.Len)
	}},
	{"barrier", func(ctx context.Context, c *recipes.Client) error {
		barrier := recipes.NewBarrier(c, "/x/barrier")
		return inTurn(func() error { return barrier.Set(ctx) }, func() error { return barrier.Remove(ctx) }, func() error { return barrier.Wait(ctx) })
	}},
	{"double barrier", func(ctx context.Context, c *recipes.Client) error {
		member, err := recipes.NewDoubleBarrier(c, "/x/double", 1).Enter(ctx)
		if err != nil {
			return err
		}
		return member.Leave(ctx)
	}},
	{"shared", func(ctx context.Context, c *recipes.Client) error {
		shared := recipes.NewShared(c, "/x/shared")
		return inTurn(func() error { return shared.Set(ctx, []byte("a")) }, func() error {
			value, err := shared.Get(ctx)
			if err != nil {
				return err
			}
			return shared.Replace(ctx, []byte("b"), value.Version)
		})
	}},
	{"counter", func(ctx context.Context, c *recipes.Client) error {
		counter := recipes.NewCounter(c, "/x/counter")
		sum, err := counter.Add(ctx, 1)
		if err != nil {
			return err
		}
		got, err := counter.Get(ctx)
		if err == nil && got != sum {
			err = fmt.Errorf("the counter has %d, it was added up to %d", got, sum)
		}
		return err
	}},
	{"consensus", func(ctx context.Context, c *recipes.Client) error {
		consensus := recipes.NewConsensus(c, "/x/consensus")
		decided, err := consensus.Propose(ctx, []byte("value"))
		if err != nil {
			return err
		}
		again, err := consensus.Decided(ctx)
		if err == nil && !bytes.Equal(decided, again) {
			err = fmt.Errorf("decided %q, then %q", decided, again)
		}
		return err
	}},
}

// holding takes something and gives it back.
func holding(acquire func(context.Context, *recipes.Client) (*recipes.Claim, error)) func(context.Context, *recipes.Client) error {
	return func(ctx context.Context, c *recipes.Client) error {
		claim, err := acquire(ctx, c)
		if err != nil {
			return err
		}
		return claim.Release(ctx)
	}
}

// emptying takes what was put until nothing is left.
func emptying(ctx context.Context, put error, take func(context.Context) (*recipes.Item, error), size func(context.Context) (int, error)) error {
	for {
		n, err := size(ctx)
		if err := errors.Join(put, err); err != nil || n == 0 {
			return err
		}
		item, err := take(ctx)
		if err != nil {
			return err
		}
		if err := item.Done(ctx); err != nil {
			return err
		}
	}
}

func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// gate holds a session up at one of its requests.
type gate struct {
	reached chan struct{} // closed at that request
	opened  chan struct{}
	open    func()
	count   atomic.Int64
}

// hold makes a gate at the nth request of a session.
func hold(t *testing.T, id, nth int64, servers ...*zktest.Server) *gate {
	g := &gate{reached: make(chan struct{}), opened: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	t.Cleanup(g.open)
	for _, srv := range servers {
		srv.Intercept(func(r zktest.Request) zktest.Fate {
			if r.Session != id || r.Op == proto.OpPing || r.Op == proto.OpSetWatches {
				return zktest.Pass
			}
			if g.count.Add(1) == nth {
				close(g.reached)
				<-g.opened
			}
			return zktest.Pass
		})
	}
	return g
}

// TestExpiryAtEachStep ends the session of each recipe at each of its requests:
// the recipe says so, its client goes on in another session, and nothing is in
// anybody's way.
func TestExpiryAtEachStep(t *testing.T) {
	t.Parallel()
	for _, cycle := range cycles {
		t.Run(cycle.name, func(t *testing.T) {
			t.Parallel()
			for step, last := int64(1), false; !last; step++ {
				passed := t.Run(fmt.Sprintf("request %d", step), func(t *testing.T) { last = !expireAt(t, step, cycle.run) })
				last = last || !passed
			}
		})
	}
}

// expireAt returns false when there are not so many steps.
func expireAt(t *testing.T, step int64, run func(context.Context, *recipes.Client) error) (more bool) {
	srv := zktest.Start(t)
	under, other := alone(srv).connect(t), alone(srv).connect(t)
	id := session(t, under)
	g := hold(t, id, step, srv)
	ended := make(chan error, 1)
	go func() { ended <- run(within(t), under) }()
	select {
	case <-g.reached:
	case err := <-ended:
		g.open()
		must(t, err)
		return false
	case <-within(t).Done():
		t.Fatal("nothing happens")
	}
	srv.ExpireSession(id)
	g.open()
	if err := receive(t, "the recipe ends", ended); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("expired at request %d: %v", step, err)
	}
	if err := run(within(t), under); err != nil {
		t.Errorf("in the next session, after the expiry at request %d: %v", step, err)
	}
	if session(t, under) == id {
		t.Error("the session is the same")
	}
	if err := run(within(t), other); err != nil {
		t.Errorf("another client, after the expiry at request %d: %v", step, err)
	}
	return true
}

// TestFailoverUnderEachRecipe kills the leader when a recipe is halfway: it goes
// on with the next one, in the same session.
func TestFailoverUnderEachRecipe(t *testing.T) {
	t.Parallel()
	for _, cycle := range cycles {
		t.Run(cycle.name, func(t *testing.T) {
			t.Parallel()
			e := zktest.StartEnsemble(t, 3)
			all := fleet{e.Addrs()}
			under, other := all.connect(t), all.connect(t)
			id := session(t, under)
			must(t, cycle.run(within(t), under)) // what it works below is there then
			counting := hold(t, id, 0, e.Servers()...)
			must(t, cycle.run(within(t), under))
			g := hold(t, id, counting.count.Load()/2+1, e.Servers()...)
			ended := make(chan error, 1)
			go func() { ended <- cycle.run(within(t), under) }()
			receive(t, "the recipe is halfway", g.reached)
			e.Leader().Kill()
			e.Leader()
			g.open()
			must(t, receive(t, "the recipe goes on", ended))
			if session(t, under) != id {
				t.Error("the session did not outlive the leader")
			}
			must(t, cycle.run(within(t), other))
		})
	}
}

// TestNoGoroutineIsLeft uses each recipe, and gives up waiting, with a client
// that stays: nothing of it goes on. It is alone: no other test's goroutines
// come and go meanwhile.
func TestNoGoroutineIsLeft(t *testing.T) {
	srv := zktest.Start(t)
	client, other := alone(srv).connect(t), alone(srv).connect(t)
	held := get[*recipes.Claim](t)(recipes.NewLock(other, "/held").Acquire(within(t)))
	once := func() {
		for _, cycle := range cycles {
			must(t, cycle.run(within(t), client))
		}
		ctx, cancel := context.WithCancel(within(t))
		gaveUp := make(chan error, 2)
		go func() {
			_, err := recipes.NewLock(client, "/held").Acquire(ctx)
			gaveUp <- err
		}()
		go func() {
			for range recipes.NewShared(client, "/nothing").Watch(ctx) {
			}
			gaveUp <- ctx.Err()
		}()
		waiting(t, other, "/held", "lock-", 2)
		cancel()
		for range 2 {
			if err := receive(t, "the waiter gives up", gaveUp); !errors.Is(err, context.Canceled) {
				t.Errorf("it ends with %v", err)
			}
		}
		waiting(t, other, "/held", "lock-", 1)
	}
	once()
	before := runtime.NumGoroutine()
	for range 5 {
		once()
	}
	eventually(t, "what the recipes have begun ends", func() bool { return runtime.NumGoroutine() <= before })
	must(t, held.Release(within(t)))
}
