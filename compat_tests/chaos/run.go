package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	tick         = 200 * time.Millisecond
	earlyAllowed = 3 * tick // the leader hears of a session's life so much later
	healLimit    = 30 * time.Second
	afterHealing = 1500 * time.Millisecond // of load
	finishLimit  = 30 * time.Second
	// orphanLimit is how much longer than its timeout an ephemeral may stay
	// after the last election, on a busy machine.
	orphanLimit = 2*tick + 2*time.Second

	workersCount, watchersCount, holdersCount, ledgersCount, streamersCount = 5, 2, 3, 2, 2
	// shortTimeout is of the last worker, watcher and holder: their sessions
	// expire now and then.
	shortTimeout = 1200 * time.Millisecond
)

// options say what to run.
type options struct {
	flavor       rig.Flavor
	servers      int // that vote
	observers    int
	length       time.Duration
	seed         uint64
	linearizable bool // meerkat.linearizableSync
}

// client is one of the clients of a run.
type client interface {
	run(ctx context.Context, stop <-chan struct{}) error
}

// scene is a run: an ensemble, its network, its clients.
type scene struct {
	options
	t        testing.TB
	e        *rig.Ensemble
	net      *network
	h        *history
	sessions []*session
	workers  []*worker
	watchers []*watcher
	holders  []*holder
	ledgers  []*ledger
	streams  []*streamer
}

// begin starts an ensemble without trouble.
func begin(t testing.TB, o options) *scene {
	t.Helper()
	kinds := make([]rig.Flavor, o.servers+o.observers)
	for i := range kinds {
		kinds[i] = o.flavor
	}
	s := &scene{options: o, t: t, h: newHistory()}
	cfg := map[string]string{
		"tickTime": fmt.Sprint(tick.Milliseconds()), "initLimit": "20", "syncLimit": "5", "cnxTimeout": "500", "snapCount": "500",
	}
	if o.linearizable {
		cfg["meerkat.linearizableSync"] = "true"
	}
	// A member that has lost its disk has no say in elections.
	s.e = rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds, Observers: o.observers, Cfg: cfg, Props: map[string]string{"zookeeper.db.autocreate": "false"}})
	for _, m := range s.e.Members {
		if err := os.WriteFile(filepath.Join(m.DataDir, "initialize"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.net = enmesh(t, s.e)
	t.Cleanup(s.keep)
	s.e.Launch(s.e.Members...)
	c, err := wire.Open(s.e.Members[0].Addr(), sessionTimeout)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{root, bag, ephemerals, streams} {
		if _, err := c.Create(p, nil, proto.OpenACL, proto.FlagPersistent); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.CloseSession() // it would expire
	return s
}

// keep copies what the servers have left when the test has failed.
func (s *scene) keep() {
	if !s.t.Failed() {
		return
	}
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return
	}
	for _, m := range s.e.Members {
		name := filepath.Join(dir, fmt.Sprint(m.ID))
		_ = os.CopyFS(name, os.DirFS(m.DataDir)) // as much as there is
		_ = os.WriteFile(name+".log", []byte(m.Log()), 0o600)
	}
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	f, err := os.Create(filepath.Join(dir, "history.txt"))
	if err != nil {
		return
	}
	for _, o := range s.h.ops {
		fmt.Fprintln(f, o)
	}
	_ = f.Close()
	s.t.Logf("logs, directories and the history are in %s", dir)
}

// session is that of client i of n of a kind.
func (s *scene) session(i, n int) *session {
	timeout := sessionTimeout
	if i == n-1 {
		timeout = shortTimeout
	}
	c := newSession(s.h, s.net.addrs(), len(s.sessions), timeout, earlyAllowed)
	s.sessions = append(s.sessions, c)
	return c
}

// cast makes the clients.
func (s *scene) cast() (all []client) {
	var v values
	for i := range workersCount {
		s.workers = append(s.workers, newWorker(i, s.h, s.session(i, workersCount), s.seed, &v))
		all = append(all, s.workers[i])
	}
	for i := range watchersCount {
		s.watchers = append(s.watchers, newWatcher(i, s.h, s.session(i, watchersCount), s.seed))
		all = append(all, s.watchers[i])
	}
	for i := range holdersCount {
		s.holders = append(s.holders, newHolder(i, s.h, s.session(i, holdersCount), s.seed))
		all = append(all, s.holders[i])
	}
	for i := range ledgersCount {
		s.ledgers = append(s.ledgers, newLedger(i, s.h, s.session(i, ledgersCount+1), s.seed))
		all = append(all, s.ledgers[i])
	}
	for i := range streamersCount {
		s.streams = append(s.streams, newStreamer(i, s.h, s.session(i, streamersCount+1), s.seed, s.linearizable))
		all = append(all, s.streams[i])
	}
	return all
}

// play runs the clients while a plan goes wrong, and a little longer. It
// returns false when the rest makes no sense any more.
func (s *scene) play(plan []fault) (made [kinds]int, ok bool) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), s.length+healLimit+finishLimit, errors.New("no server takes the session any more"))
	defer cancel()
	all := s.cast()
	stop, failed := make(chan struct{}), make(chan error, len(all))
	var running sync.WaitGroup
	s.h.began = time.Now()
	for i, c := range all {
		if err := s.sessions[i].open(ctx); err != nil {
			s.t.Fatal(err)
		}
		running.Go(func() {
			if err := c.run(ctx, stop); err != nil {
				failed <- fmt.Errorf("%T %d: %w", c, i, err)
			}
		})
	}
	tr := newTrouble(s.t, s.e, s.net)
	tr.run(plan, s.h.broken)
	ended := s.h.now()
	healed := s.awaitServing()
	if healed && !s.h.broken() {
		time.Sleep(afterHealing) // of load without trouble
	}
	close(stop)
	running.Wait()
	close(failed)
	for err := range failed {
		s.t.Error(err)
		healed = false
	}
	for _, w := range s.watchers {
		if err := w.finish(ctx); err != nil {
			s.t.Error(err)
			healed = false
		}
	}
	if healed && !s.h.broken() {
		s.demandProgress(ended)
	}
	return tr.made, healed
}

// awaitServing waits until all servers serve after the trouble.
func (s *scene) awaitServing() bool {
	deadline := time.Now().Add(healLimit)
	for _, m := range s.e.Members {
		for m.Mode() == "" {
			if time.Now().After(deadline) {
				s.t.Errorf("server %d does not serve %v after the last fault", m.ID, healLimit)
				return false
			}
			time.Sleep(lookEvery) // nothing tells
		}
	}
	return true
}

// demandProgress finds clients that hang.
func (s *scene) demandProgress(since time.Duration) {
	last := map[int]time.Duration{}
	for _, o := range s.h.ops {
		if o.outcome == acked {
			last[o.client] = o.ret
		}
	}
	for _, w := range s.workers {
		if last[w.id] < since {
			s.t.Errorf("client %d got nothing done after the trouble", w.id)
		}
	}
}
