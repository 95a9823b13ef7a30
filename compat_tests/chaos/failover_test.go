//go:build compat

package chaos

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// stamp is when an acknowledged write was asked for, and acknowledged.
type stamp struct{ call, ret time.Time }

// counter is a client that writes 1, 2, 3, … without a pause.
type counter struct {
	path string
	s    *session

	mu    sync.Mutex
	acked []stamp // mu
	value int     // mu: the last that was acknowledged
}

func (c *counter) run(ctx context.Context, stop <-chan struct{}) error {
	for n := 1; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		call := time.Now()
		out, code, broken := c.s.do(func(w *wire.Client) error {
			_, err := w.SetData(c.path, []byte(strconv.Itoa(n)), -1)
			return err
		})
		if out == acked {
			c.mu.Lock()
			c.acked = append(c.acked, stamp{call, time.Now()})
			c.value = n
			c.mu.Unlock()
		}
		if out == refused && !broken {
			return fmt.Errorf("%s: %w", c.path, code)
		}
		if broken {
			if lost, err := c.s.move(ctx); err != nil || lost {
				return fmt.Errorf("%s: session lost: %v, %w", c.path, lost, err)
			}
		}
	}
}

// pauseAfter returns how long after t the first write was acknowledged that
// was asked for after it, and the longest time without any from the last
// before t on. It waits for both.
func pauseAfter(t *testing.T, counters []*counter, at time.Time) (first, gap time.Duration) {
	t.Helper()
	const limit, rest = 20 * time.Second, 700 * time.Millisecond // no gap is looked for longer than rest after the first
	for deadline := at.Add(limit); ; {
		var acks []time.Time
		first = 0
		for _, c := range counters {
			c.mu.Lock()
			for _, s := range c.acked {
				acks = append(acks, s.ret)
				if d := s.ret.Sub(at); s.call.After(at) && (first == 0 || d < first) {
					first = d
				}
			}
			c.mu.Unlock()
		}
		if first > 0 && time.Since(at) > first+rest {
			slices.SortFunc(acks, time.Time.Compare)
			for i := 1; i < len(acks); i++ {
				if acks[i].After(at) {
					gap = max(gap, acks[i].Sub(acks[i-1]))
				}
			}
			return first, gap
		}
		if time.Now().After(deadline) {
			t.Fatalf("no write is acknowledged within %v", limit)
		}
		time.Sleep(10 * time.Millisecond) // the counters do not tell
	}
}

// TestFailover ends the leader of three servers CHAOS_FAILOVERS times, with
// SIGKILL and with SIGTERM, under a writer at each server. It prints how long
// nobody could write, and demands that no acknowledged write and no session is
// lost.
func TestFailover(t *testing.T) {
	rounds := int(number(t, "CHAOS_FAILOVERS", 0))
	if rounds == 0 {
		t.Skip("on demand: CHAOS_FAILOVERS=10")
	}
	subject := rig.Subject(t)
	for _, test := range []struct {
		name   string
		signal syscall.Signal
	}{{"SIGKILL", syscall.SIGKILL}, {"SIGTERM", syscall.SIGTERM}} {
		t.Run(test.name, func(t *testing.T) {
			e := rig.NewEnsemble(t, rig.EnsembleSpec{
				Kinds: []rig.Flavor{subject, subject, subject}, Cfg: map[string]string{"tickTime": "2000", "initLimit": "10", "syncLimit": "5"},
			})
			e.Launch(e.Members...)
			h := newHistory()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			stop, failed := make(chan struct{}), make(chan error, len(e.Members))
			var counters []*counter
			var running sync.WaitGroup
			for i := range e.Members {
				c := &counter{path: fmt.Sprintf("/counter-%d", i), s: newSession(h, e.Addrs(), i, 20*time.Second, 0)}
				c.s.pause = 2 * time.Millisecond
				if err := c.s.open(ctx); err != nil {
					t.Fatal(err)
				}
				if _, err := c.s.c.Create(c.path, []byte("0"), proto.OpenACL, proto.FlagPersistent); err != nil {
					t.Fatal(err)
				}
				counters = append(counters, c)
				running.Go(func() { failed <- c.run(ctx, stop) })
			}
			var firsts, gaps []time.Duration
			for range rounds {
				leader := e.Await()
				time.Sleep(time.Second) // of undisturbed writes
				at := time.Now()
				if err := syscall.Kill(leader.Pid(), test.signal); err != nil {
					t.Fatal(err)
				}
				first, gap := pauseAfter(t, counters, at)
				leader.Stop() // waits for the end
				firsts, gaps = append(firsts, first), append(gaps, gap)
				e.Launch(leader)
			}
			close(stop)
			running.Wait()
			close(failed)
			for err := range failed {
				if err != nil {
					t.Error(err)
				}
			}
			demandCounts(t, e.Await().Addr(), counters)
			t.Logf("%s of the leader of three %s, %d times: next write acknowledged after %s; longest pause of all writers %s",
				test.name, subject, rounds, spread(firsts), spread(gaps))
		})
	}
}

// demandCounts finds lost writes.
func demandCounts(t *testing.T, addr string, counters []*counter) {
	t.Helper()
	c, err := wire.Open(addr, sessionTimeout)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseSession() }() // or it expires
	if err := c.Sync("/"); err != nil {
		t.Fatal(err)
	}
	for _, w := range counters {
		data, _, err := c.Get(w.path, false)
		if n, _ := strconv.Atoi(string(data)); err != nil || n < w.value {
			t.Errorf("%s holds %q (%v), %d was acknowledged", w.path, data, err, w.value)
		}
	}
}

// spread prints the median and the extremes.
func spread(all []time.Duration) string {
	slices.Sort(all)
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
	return fmt.Sprintf("%v (median; %v to %v)", round(all[len(all)/2]), round(all[0]), round(all[len(all)-1]))
}
