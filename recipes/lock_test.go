package recipes_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// holder is what a lock gives, of any kind.
type holder func(context.Context) (*recipes.Claim, error)

// TestLockExcludes has several clients count under a lock, in a variable that
// only the lock protects.
func TestLockExcludes(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	const clients, rounds = 4, 10
	var inside, sum, tokens atomic.Int64
	var all sync.WaitGroup
	for range clients {
		lock := recipes.NewLock(alone(srv).connect(t), "/locks/count")
		all.Go(func() {
			for range rounds {
				claim, err := lock.Acquire(within(t))
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two hold the lock")
				}
				if last := tokens.Swap(claim.Token()); last >= claim.Token() {
					t.Errorf("token 0x%x after 0x%x", claim.Token(), last)
				}
				sum.Add(1)
				inside.Add(-1)
				if err := claim.Release(within(t)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if sum.Load() != clients*rounds {
		t.Errorf("%d rounds of %d", sum.Load(), clients*rounds)
	}
}

// TestLockAtEachStep loses each request, and each answer, of a client that
// takes a lock, has it taken over by another, and ends without a trace.
func TestLockAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		lock := recipes.NewLock(under, "/locks/a")
		claim := get[*recipes.Claim](t)(lock.Acquire(within(t)))
		waiting(t, other, "/locks/a", "lock-", 1)
		if _, err := recipes.NewLock(other, "/locks/a").TryAcquire(within(t)); !errors.Is(err, recipes.ErrHeld) {
			t.Errorf("another client got the lock, or not: %v", err)
		}
		if claim.Context().Err() != nil {
			must(t, claim.Resume(within(t)))
		}
		if err := claim.Context().Err(); err != nil {
			t.Errorf("after Resume: %v", err)
		}
		must(t, claim.Release(within(t)))
		ended(t, claim.Context(), recipes.ErrReleased)
		waiting(t, other, "/locks/a", "lock-", 0)
		next := get[*recipes.Claim](t)(recipes.NewLock(other, "/locks/a").TryAcquire(within(t)))
		if next.Token() <= claim.Token() {
			t.Errorf("token 0x%x after 0x%x", next.Token(), claim.Token())
		}
		must(t, next.Release(within(t)))
	})
}

// TestWaitingAtEachStep loses each request of a client that has to wait.
func TestWaitingAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		first := get[*recipes.Claim](t)(recipes.NewLock(other, "/l").Acquire(within(t)))
		got := make(chan *recipes.Claim, 1)
		go func() {
			claim, err := recipes.NewLock(under, "/l").Acquire(within(t))
			if err != nil {
				t.Error(err)
			}
			got <- claim
		}()
		waiting(t, other, "/l", "lock-", 2)
		must(t, first.Release(within(t)))
		claim := receive(t, "the lock", got)
		waiting(t, other, "/l", "lock-", 1)
		must(t, claim.Release(within(t)))
	})
}

// TestHolderStopsAtOnce cuts a holder off, and then lets its session expire.
func TestHolderStopsAtOnce(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client, other := alone(srv).connect(t), alone(srv).connect(t)
	claim := get[*recipes.Claim](t)(recipes.NewLock(client, "/l").Acquire(within(t)))
	id := session(t, client)
	first := claim.Context()
	srv.DropSession(id)
	ended(t, first, zk.ErrConnectionClosed)
	must(t, claim.Resume(within(t)))
	second := claim.Context()
	if second.Err() != nil {
		t.Errorf("after Resume: %v", context.Cause(second))
	}
	srv.ExpireSession(id)
	ended(t, second, zk.ErrConnectionClosed) // what the client sees first
	if err := claim.Resume(within(t)); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("Resume after the expiry: %v", err)
	}
	ended(t, claim.Context(), zk.ErrConnectionClosed)
	if err := claim.Release(within(t)); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("Release after the expiry: %v", err)
	}
	next := get[*recipes.Claim](t)(recipes.NewLock(other, "/l").Acquire(within(t)))
	if next.Token() <= claim.Token() {
		t.Error("the token does not grow")
	}
	if _, err := recipes.NewLock(client, "/l").TryAcquire(within(t)); !errors.Is(err, recipes.ErrHeld) {
		t.Errorf("the next session of the client: %v", err)
	}
	if again := session(t, client); again == id {
		t.Error("the client still has the expired session")
	}
}

// TestWaiterExpires ends the session of who waits.
func TestWaiterExpires(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client, other := alone(srv).connect(t), alone(srv).connect(t)
	claim := get[*recipes.Claim](t)(recipes.NewLock(other, "/l").Acquire(within(t)))
	failed := make(chan error, 1)
	go func() {
		_, err := recipes.NewLock(client, "/l").Acquire(within(t))
		failed <- err
	}()
	waiting(t, other, "/l", "lock-", 2)
	srv.ExpireSession(session(t, client))
	if err := receive(t, "the waiter fails", failed); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("Acquire = %v", err)
	}
	waiting(t, other, "/l", "lock-", 1)
	must(t, claim.Release(within(t)))
}

// TestWaiterGivesUp cancels one that waits, and one whose create is under way.
func TestWaiterGivesUp(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client, other := alone(srv).connect(t), alone(srv).connect(t)
	claim := get[*recipes.Claim](t)(recipes.NewLock(other, "/l").Acquire(within(t)))
	ctx, cancel := context.WithCancelCause(context.Background())
	failed := make(chan error, 1)
	acquire := func() {
		_, err := recipes.NewLock(client, "/l").Acquire(ctx)
		failed <- err
	}
	go acquire()
	waiting(t, other, "/l", "lock-", 2)
	reason := errors.New("no more time")
	cancel(reason)
	if err := receive(t, "the waiter gives up", failed); !errors.Is(err, reason) {
		t.Errorf("Acquire = %v", err)
	}
	waiting(t, other, "/l", "lock-", 1)

	srv.StallSync()
	ctx, cancel = context.WithCancelCause(context.Background())
	go acquire()
	eventually(t, "the create waits for the disk", srv.SyncHeld)
	cancel(reason)
	if err := receive(t, "the creator gives up", failed); !errors.Is(err, reason) {
		t.Errorf("Acquire = %v", err)
	}
	srv.ResumeSync()
	must(t, recipes.NewShared(other, "/after").Set(within(t), nil)) // the create has been carried out before
	waiting(t, other, "/l", "lock-", 1)
	must(t, claim.Release(within(t)))
}

// TestNoHerd counts the events that wake those who wait: one for each change
// of the holder.
func TestNoHerd(t *testing.T) {
	t.Parallel()
	const clients = 20
	for name, acquire := range map[string]func(*recipes.Client) holder{
		"lock": func(c *recipes.Client) holder { return recipes.NewLock(c, "/line").Acquire },
		"election": func(c *recipes.Client) holder {
			return func(ctx context.Context) (*recipes.Claim, error) {
				return recipes.NewElection(c, "/line").Campaign(ctx, "somebody")
			}
		},
		"writers": func(c *recipes.Client) holder { return recipes.NewRWLock(c, "/line").Acquire },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := zktest.Start(t)
			client := alone(srv).connect(t)
			got := make(chan *recipes.Claim, clients)
			for i := range clients {
				go func() {
					claim, err := acquire(client)(within(t))
					if err != nil {
						t.Error(err)
					}
					got <- claim
				}()
				waiting(t, client, "/line", "_c_", i+1)
			}
			for range clients {
				must(t, receive(t, "the next", got).Release(within(t)))
			}
			if n := srv.Events(); n != clients-1 {
				t.Errorf("%d events woke %d waiters", n, clients-1)
			}
		})
	}
}

// TestReadersAndWriters checks who may be inside together, and the order.
func TestReadersAndWriters(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client := alone(srv).connect(t)
	lock := recipes.NewRWLock(client, "/rw")
	r1 := get[*recipes.Claim](t)(lock.AcquireRead(within(t)))
	r2 := get[*recipes.Claim](t)(lock.AcquireRead(within(t)))
	if _, err := lock.TryAcquire(within(t)); !errors.Is(err, recipes.ErrHeld) {
		t.Errorf("a writer beside readers: %v", err)
	}
	waiting(t, client, "/rw", "__WRIT__", 0)
	order := make(chan string, 3)
	claims := make(chan *recipes.Claim, 3)
	enter := func(name string, acquire holder) {
		claim, err := acquire(within(t))
		if err != nil {
			t.Error(err)
		}
		order <- name
		claims <- claim
	}
	go enter("w1", lock.Acquire)
	waiting(t, client, "/rw", "__WRIT__", 1)
	go enter("r3", lock.AcquireRead)
	waiting(t, client, "/rw", "__READ__", 3)
	if _, err := lock.TryAcquireRead(within(t)); !errors.Is(err, recipes.ErrHeld) {
		t.Errorf("a reader overtook a writer: %v", err)
	}
	must(t, r1.Release(within(t)))
	must(t, r2.Release(within(t)))
	for _, want := range []string{"w1", "r3"} {
		if got := receive(t, want, order); got != want {
			t.Errorf("%s came before %s", got, want)
		}
		must(t, receive(t, "its claim", claims).Release(within(t)))
	}
}

func TestRWLockAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		lock := recipes.NewRWLock(under, "/rw")
		read := get[*recipes.Claim](t)(lock.AcquireRead(within(t)))
		if _, err := recipes.NewRWLock(other, "/rw").TryAcquire(within(t)); !errors.Is(err, recipes.ErrHeld) {
			t.Errorf("a writer beside a reader: %v", err)
		}
		must(t, read.Release(within(t)))
		write := get[*recipes.Claim](t)(lock.Acquire(within(t)))
		if _, err := recipes.NewRWLock(other, "/rw").TryAcquireRead(within(t)); !errors.Is(err, recipes.ErrHeld) {
			t.Errorf("a reader beside a writer: %v", err)
		}
		must(t, write.Release(within(t)))
		waiting(t, other, "/rw", "_c_", 0)
	})
}

// TestLockOverFailover kills the leader of an ensemble under a holder and one
// who waits.
func TestLockOverFailover(t *testing.T) {
	t.Parallel()
	e := zktest.StartEnsemble(t, 3)
	all := fleet{e.Addrs()}
	client, other := all.connect(t), all.connect(t)
	claim := get[*recipes.Claim](t)(recipes.NewLock(client, "/l").Acquire(within(t)))
	got := make(chan *recipes.Claim, 1)
	go func() {
		next, err := recipes.NewLock(other, "/l").Acquire(within(t))
		if err != nil {
			t.Error(err)
		}
		got <- next
	}()
	waiting(t, client, "/l", "lock-", 2)
	e.Leader().Kill()
	e.Leader()
	ended(t, claim.Context(), zk.ErrConnectionClosed)
	must(t, claim.Resume(within(t)))
	select {
	case <-got:
		t.Error("two hold the lock")
	default:
	}
	must(t, claim.Release(within(t)))
	next := receive(t, "the waiter", got)
	if next.Token() <= claim.Token() {
		t.Error("the token does not grow")
	}
	if next.Context().Err() != nil {
		must(t, next.Resume(within(t)))
	}
	must(t, next.Release(within(t)))
}

// TestGuard does something that depends on a claim, before and after its end.
func TestGuard(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client, other := alone(srv).connect(t), alone(srv).connect(t)
	claim := get[*recipes.Claim](t)(recipes.NewLock(client, "/l").Acquire(within(t)))
	write := func(path string) error {
		conn := get[*zk.Conn](t)(other.Conn(within(t)))
		results, err := conn.Multi(claim.Guard(), &zk.CreateRequest{Path: path, Acl: zk.WorldACL(zk.PermAll)})
		for _, r := range results {
			err = errors.Join(err, r.Error)
		}
		return err
	}
	must(t, write("/guarded"))
	must(t, claim.Release(within(t)))
	if err := write("/late"); !errors.Is(err, zk.ErrNoNode) {
		t.Errorf("a write under a claim that has ended: %v", err)
	}
	found, _, err := get[*zk.Conn](t)(other.Conn(within(t))).Exists("/late")
	if found || err != nil {
		t.Errorf("it was done all the same: %v, %v", found, err)
	}
}

// TestClose ends a client while it waits.
func TestClose(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client, other := alone(srv).connect(t), alone(srv).connect(t)
	held := get[*recipes.Claim](t)(recipes.NewLock(client, "/held").Acquire(within(t)))
	claim := get[*recipes.Claim](t)(recipes.NewLock(other, "/l").Acquire(within(t)))
	failed := make(chan error, 1)
	go func() {
		_, err := recipes.NewLock(client, "/l").Acquire(within(t))
		failed <- err
	}()
	waiting(t, other, "/l", "lock-", 2)
	client.Close()
	if err := receive(t, "Acquire fails", failed); !errors.Is(err, zk.ErrClosing) {
		t.Errorf("Acquire = %v", err)
	}
	ended(t, held.Context(), zk.ErrClosing)
	if _, err := recipes.NewLock(client, "/l").Acquire(within(t)); !errors.Is(err, zk.ErrClosing) {
		t.Errorf("Acquire after Close = %v", err)
	}
	waiting(t, other, "/held", "lock-", 0)
	must(t, claim.Release(within(t)))
}
