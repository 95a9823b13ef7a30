//go:build compat

package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/recipes"
)

// TestCurator has each recipe shared by both sides.
func TestCurator(t *testing.T) {
	p := start(t)
	for _, tc := range []struct {
		name string
		run  func(*testing.T, partner)
	}{
		{"lock", lock}, {"counting", counting}, {"read write lock", readWriteLock}, {"semaphore", semaphore},
		{"election", election}, {"double barrier", doubleBarrier}, {"counter", counter}, {"others", others},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, partner{p, t}) })
	}
}

// lock stands in one line with Curator's InterProcessMutex: ours, theirs,
// ours, theirs.
func lock(t *testing.T, p partner) {
	c := p.client()
	lock := recipes.NewLock(c, "/lock")
	ours := hold(t, lock.Acquire)
	p.begin("anna", "lock", "/lock")
	p.stand(c, "/lock", "lock-", 2)
	next := wait(t, lock.Acquire)
	p.stand(c, "/lock", "lock-", 3)
	p.begin("boris", "lock", "/lock")
	p.stand(c, "/lock", "lock-", 4)
	p.silent("anna")
	must(t, ours.Release(within(t)))
	p.says("anna", "held")
	nothing(t, "ours and Curator's are held together", next)
	if _, err := lock.TryAcquire(within(t)); !errors.Is(err, recipes.ErrHeld) {
		t.Errorf("a lock that Curator holds: %v", err)
	}
	p.silent("boris")
	p.do("released", "anna", "release")
	ours = receive(t, "ours after Curator's", next)
	p.silent("boris")
	must(t, ours.Release(within(t)))
	p.says("boris", "held")

	// A holder on their side dies, and one on ours.
	next = wait(t, lock.Acquire)
	p.stand(c, "/lock", "lock-", 2)
	p.begin("anna", "lock", "/lock")
	p.stand(c, "/lock", "lock-", 3)
	p.srv.ExpireSession(p.session("boris"))
	receive(t, "ours after the death of Curator's", next)
	p.silent("anna")
	conn, err := c.Conn(within(t))
	must(t, err)
	p.srv.ExpireSession(conn.SessionID())
	p.says("anna", "held")
}

// counting has both sides add to a number that only a lock protects: an
// update is lost as soon as two hold it together.
func counting(t *testing.T, p partner) {
	for kind, lock := range map[string]func(*recipes.Client, string) func(context.Context) (*recipes.Claim, error){
		"lock": func(c *recipes.Client, path string) func(context.Context) (*recipes.Claim, error) {
			return recipes.NewLock(c, path).Acquire
		},
		"write": func(c *recipes.Client, path string) func(context.Context) (*recipes.Claim, error) {
			return recipes.NewRWLock(c, path).Acquire
		},
		"lease": func(c *recipes.Client, path string) func(context.Context) (*recipes.Claim, error) {
			return recipes.NewSemaphore(c, path, 1).Acquire
		},
	} {
		t.Run(kind, func(t *testing.T) {
			p := partner{p.program, t}
			const rounds = 15
			path, number := "/count-"+kind, "/number-"+kind
			must(t, recipes.NewShared(p.client(), number).Set(within(t), []byte("0")))
			for _, actor := range []string{"anna", "boris"} {
				p.begin(actor, "count", kind, path, number, rounds)
			}
			var ours sync.WaitGroup
			for range 2 {
				c := p.client()
				ours.Go(func() { count(t, c, lock(c, path), number, rounds) })
			}
			p.says("anna", "counted")
			p.says("boris", "counted")
			ours.Wait()
			v, err := recipes.NewShared(p.client(), number).Get(within(t))
			if must(t, err); string(v.Data) != fmt.Sprint(4*rounds) {
				t.Errorf("the number is %s, four have counted to %d", v.Data, rounds)
			}
		})
	}
}

// count is the same as what the partner does.
func count(t *testing.T, c *recipes.Client, acquire func(context.Context) (*recipes.Claim, error), number string, rounds int) {
	shared := recipes.NewShared(c, number)
	for range rounds {
		claim, err := acquire(within(t))
		if err != nil {
			t.Error(err)
			return
		}
		v, err := shared.Get(within(t))
		n, bad := strconv.Atoi(string(v.Data))
		if err := errors.Join(err, bad, shared.Set(within(t), fmt.Append(nil, n+1)), claim.Release(within(t))); err != nil {
			t.Error(err)
		}
	}
}

// readWriteLock mixes readers and writers of both sides.
func readWriteLock(t *testing.T, p partner) {
	c := p.client()
	lock := recipes.NewRWLock(c, "/rw")
	p.do("held", "anna", "read", "/rw")
	ours := hold(t, lock.AcquireRead) // together
	p.begin("boris", "write", "/rw")
	p.stand(c, "/rw", "__WRIT__", 1)
	late := wait(t, lock.AcquireRead) // behind the writer
	p.stand(c, "/rw", "__READ__", 3)
	writer := wait(t, lock.Acquire)
	p.stand(c, "/rw", "__WRIT__", 2)
	p.begin("clara", "read", "/rw")
	p.stand(c, "/rw", "__READ__", 4)
	p.do("released", "anna", "release")
	p.silent("boris")
	must(t, ours.Release(within(t)))
	p.says("boris", "held")
	p.silent("clara")
	nothing(t, "a reader beside a writer", late)
	p.do("released", "boris", "release")
	ours = receive(t, "a reader after Curator's writer", late)
	p.silent("clara")
	nothing(t, "a writer beside a reader", writer)
	must(t, ours.Release(within(t)))
	ours = receive(t, "a writer after the readers", writer)
	p.silent("clara")
	must(t, ours.Release(within(t)))
	p.says("clara", "held")
	if _, err := lock.TryAcquire(within(t)); !errors.Is(err, recipes.ErrHeld) {
		t.Errorf("a writer beside Curator's reader: %v", err)
	}
	must(t, hold(t, lock.TryAcquireRead).Release(within(t)))
}

// semaphore shares two leases with InterProcessSemaphoreV2.
func semaphore(t *testing.T, p partner) {
	c := p.client()
	semaphore := recipes.NewSemaphore(c, "/s", 2)
	p.do("held", "anna", "lease", "/s", 2)
	ours := hold(t, semaphore.Acquire)
	if _, err := semaphore.TryAcquire(within(t)); !errors.Is(err, recipes.ErrHeld) {
		t.Errorf("a third lease of two: %v", err)
	}
	p.begin("boris", "lease", "/s", 2)
	p.stand(c, "/s/leases", "lease-", 3)
	p.silent("boris")
	must(t, ours.Release(within(t)))
	p.says("boris", "held")
	next := wait(t, semaphore.Acquire)
	p.stand(c, "/s/leases", "lease-", 3)
	nothing(t, "a third lease of two", next)
	p.do("released", "anna", "release")
	must(t, receive(t, "a lease that Curator gave back", next).Release(within(t)))
	p.do("released", "boris", "release")
	p.stand(c, "/s/leases", "lease-", 0)
}

// election stands for election with LeaderLatch.
func election(t *testing.T, p partner) {
	c := p.client()
	election := recipes.NewElection(c, "/e")
	campaign := func(id string) func(context.Context) (*recipes.Claim, error) {
		return func(ctx context.Context) (*recipes.Claim, error) { return election.Campaign(ctx, id) }
	}
	ours := hold(t, campaign("ours-1"))
	p.do("stands", "anna", "stand", "/e", "anna")
	p.stand(c, "/e", "latch-", 2)
	p.begin("anna", "leader")
	p.says("anna", "ours-1")
	p.begin("anna", "lead")
	next := wait(t, campaign("ours-2"))
	p.stand(c, "/e", "latch-", 3)
	p.do("stands", "boris", "stand", "/e", "boris")
	p.stand(c, "/e", "latch-", 4)
	p.do("ours-1,anna,ours-2,boris", "boris", "candidates")
	ids, err := election.Candidates(within(t))
	if must(t, err); !slices.Equal(ids, []string{"ours-1", "anna", "ours-2", "boris"}) {
		t.Errorf("candidates %q", ids)
	}
	p.silent("anna")
	must(t, ours.Release(within(t)))
	p.says("anna", "leads")
	id, token, err := election.Leader(within(t))
	if must(t, err); id != "anna" || token <= ours.Token() {
		t.Errorf("the leader is %q with token 0x%x after 0x%x", id, token, ours.Token())
	}
	nothing(t, "two leaders", next)
	p.srv.ExpireSession(p.session("anna"))
	ours = receive(t, "ours leads after the death of Curator's", next)
	if ours.Token() <= token {
		t.Errorf("token 0x%x after Curator's 0x%x", ours.Token(), token)
	}
	p.do("ours-2", "boris", "leader")
	p.begin("boris", "lead")
	p.silent("boris")
	must(t, ours.Release(within(t)))
	p.says("boris", "leads")
}

// doubleBarrier begins and ends together with members on both sides, twice
// at the same place.
func doubleBarrier(t *testing.T, p partner) {
	c := p.client()
	for range 2 {
		entered := make(chan *recipes.Member, 2)
		enter := func() {
			member, err := recipes.NewDoubleBarrier(c, "/b", 4).Enter(within(t))
			if err != nil {
				t.Error(err)
			}
			entered <- member
		}
		p.begin("anna", "enter", "/b", 4)
		p.begin("boris", "enter", "/b", 4)
		go enter()
		p.stand(c, "/b", "", 3)
		p.silent("anna")
		p.silent("boris")
		nothing(t, "one entered with three of four", entered)
		go enter()
		p.says("anna", "entered")
		p.says("boris", "entered")
		left := make(chan error, 2)
		leave := func(m *recipes.Member) { left <- m.Leave(within(t)) }
		p.begin("anna", "leave")
		go leave(receive(t, "ours enters", entered))
		p.begin("boris", "leave")
		// All but the last one have begun to leave; two of them may still be
		// there, the smallest name to the end.
		p.silent("anna")
		p.silent("boris")
		nothing(t, "one left before the last came", left)
		go leave(receive(t, "the other of ours enters", entered))
		p.says("anna", "left")
		p.says("boris", "left")
		must(t, receive(t, "ours leaves", left))
		must(t, receive(t, "the other of ours leaves", left))
		p.stand(c, "/b", "", 0)
	}
}

// counter adds to a DistributedAtomicLong from both sides at once.
func counter(t *testing.T, p partner) {
	const rounds = 25
	p.begin("anna", "add", "/n", 1, rounds)
	p.begin("boris", "add", "/n", -1000, rounds)
	var ours sync.WaitGroup
	for range 2 {
		counter := recipes.NewCounter(p.client(), "/n")
		ours.Go(func() {
			for range rounds {
				if _, err := counter.Add(within(t), 1_000_000_000_000); err != nil {
					t.Error(err)
				}
			}
		})
	}
	p.says("anna", "added")
	p.says("boris", "added")
	ours.Wait()
	const want = rounds*(1-1000) + 2*rounds*1_000_000_000_000
	got, err := recipes.NewCounter(p.client(), "/n").Get(within(t))
	if must(t, err); got != want {
		t.Errorf("ours reads %d, want %d", got, int64(want))
	}
	p.do(fmt.Sprint(int64(want)), "anna", "get", "/n")
}

// others are the recipes beside those: group, barrier, queue.
func others(t *testing.T, p partner) {
	c := p.client()
	group := recipes.NewGroup(c, "/g")
	ours := hold(t, func(ctx context.Context) (*recipes.Claim, error) { return group.Join(ctx, "ours", []byte("1")) })
	p.do("joins", "anna", "join", "/g", "anna", "2")
	for members, err := range group.Watch(within(t)) {
		if must(t, err); len(members) == 2 {
			if got := fmt.Sprintf("%s", members); got != "map[anna:2 ours:1]" {
				t.Errorf("members %s", got)
			}
			break
		}
	}
	for p.ask("anna", "members") != "{anna=2, ours=1}" { // it follows by a cache
		if within(t).Err() != nil {
			t.Fatal("Curator does not see our member")
		}
	}
	must(t, ours.Release(within(t)))

	p.do("set", "anna", "set", "/barrier")
	p.begin("boris", "wait", "/barrier")
	passed := make(chan error, 1)
	go func() { passed <- recipes.NewBarrier(c, "/barrier").Wait(within(t)) }()
	p.silent("boris")
	nothing(t, "one passed a closed barrier", passed)
	must(t, recipes.NewBarrier(c, "/barrier").Remove(within(t)))
	p.says("boris", "passed")
	must(t, receive(t, "ours passes", passed))

	p.do("offered", "anna", "offer", "/q", "theirs")
	must(t, recipes.NewQueue(c, "/q").Put(within(t), []byte("ours")))
	for _, want := range []string{"theirs", "ours"} {
		item, err := recipes.NewQueue(c, "/q").Take(within(t))
		if must(t, err); string(item.Data) != want {
			t.Errorf("item %q, want %q", item.Data, want)
		}
		if err := item.Done(within(t)); err != nil {
			t.Error(err)
		}
	}
}
