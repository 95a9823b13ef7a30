package ensemble

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	root           = "/load"
	mortalTimeout  = 3 * time.Second
	mortalEvery    = 2 * time.Second
	idlePing       = time.Second
	progressLimit  = 60 * time.Second
	mortalsAreGone = 30 * time.Second
)

// load is a handful of clients: writers, sessions that do nothing but stay
// alive, and some that end without a word, so that they expire.
type load struct {
	t       testing.TB
	addrs   []string
	writers []*writer
	idle    []*session
	stop    chan struct{}
	cancel  context.CancelFunc
	group   sync.WaitGroup
	mu      sync.Mutex
	failed  error // mu: the first
	expired int   // sessions left to expire; owned by the goroutine, then by whoever has waited for it
}

// begin starts the clients.
func begin(t testing.TB, addrs []string) *load {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), 20*time.Minute, errors.New("the load has run too long"))
	l := &load{t: t, addrs: addrs, stop: make(chan struct{}), cancel: cancel}
	t.Cleanup(l.end)
	if err := l.prepare(ctx); err != nil {
		t.Fatal(err)
	}
	for _, w := range l.writers {
		l.group.Go(func() { l.note(w.run(ctx, l.stop)) })
	}
	for _, s := range l.idle {
		l.group.Go(func() { l.note(stayAlive(ctx, s, l.stop)) })
	}
	l.group.Go(l.leaveBehind)
	return l
}

func (l *load) prepare(ctx context.Context) error {
	for i := range writersCount + idleCount {
		s, err := open(ctx, l.addrs, i)
		if err != nil {
			return err
		}
		if i == 0 {
			for _, path := range []string{root, root + "/idle", root + "/mortal"} {
				if _, err := s.c.Create(path, nil, proto.OpenACL, proto.FlagPersistent); err != nil {
					return err
				}
			}
		}
		if i < writersCount {
			w := newWriter(s, fmt.Sprintf("%s/w%d", root, i))
			if err := s.c.Sync("/"); err != nil {
				return err
			}
			if err := w.prepare(); err != nil {
				return err
			}
			l.writers = append(l.writers, w)
			continue
		}
		if _, err := s.c.Create(fmt.Sprintf("%s/idle/%d", root, i), nil, proto.OpenACL, proto.FlagEphemeral); err != nil {
			return err
		}
		l.idle = append(l.idle, s)
	}
	return nil
}

func (l *load) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = err
	}
}

func (l *load) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// stayAlive pings.
func stayAlive(ctx context.Context, s *session, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(idlePing):
		}
		if s.c.Ping() != nil {
			if err := s.move(ctx); err != nil {
				return fmt.Errorf("idle: %w", err)
			}
		}
	}
}

// leaveBehind makes sessions with an ephemeral each and drops their
// connections.
func (l *load) leaveBehind() {
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		case <-time.After(mortalEvery):
		}
		c, err := wire.Open(l.addrs[i%len(l.addrs)], mortalTimeout)
		if err != nil {
			continue
		}
		c.Limit = replyLimit
		if _, err := c.Create(fmt.Sprintf("%s/mortal/%d", root, i), nil, proto.OpenACL, proto.FlagEphemeral); err == nil {
			l.expired++
		}
		c.Close()
	}
}

// progress waits until every writer has been acknowledged n more writes.
func (l *load) progress(n int64) {
	l.t.Helper()
	deadline := time.Now().Add(progressLimit)
	for _, w := range l.writers {
		for target := w.acked.Load() + n; w.acked.Load() < target; {
			if err := l.failure(); err != nil {
				l.t.Fatal(err)
			}
			if time.Now().After(deadline) {
				l.t.Fatalf("%s: no writes are acknowledged", w.base)
			}
			time.Sleep(5 * time.Millisecond) // the writers have no way to tell
		}
	}
}

// end stops the clients; their sessions live on until they time out.
func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.group.Wait()
	l.cancel()
}

// account ends the load and demands that nothing is lost. It returns how many
// writes were acknowledged and how often sessions have moved.
func (l *load) account() (acked int64, moves int) {
	l.t.Helper()
	l.end()
	if l.failed != nil {
		l.t.Fatal(l.failed)
	}
	c, err := wire.Open(l.addrs[0], sessionTimeout)
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = c.CloseSession() }()
	for _, w := range l.writers {
		wrong, err := w.check(c)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, line := range wrong {
			l.t.Error(line)
		}
		acked += w.acked.Load()
		moves += w.s.moves
	}
	idle, err := contents(c, root+"/idle")
	if err != nil {
		l.t.Fatal(err)
	}
	for i, s := range l.idle {
		path := fmt.Sprintf("%s/idle/%d", root, writersCount+i)
		if idle[path].stat.EphemeralOwner != s.c.SessionID {
			l.t.Errorf("%s of session %#x is lost", path, s.c.SessionID)
		}
		moves += s.moves
	}
	l.awaitExpiry(c)
	return acked, moves
}

// awaitExpiry waits until the ephemerals of the sessions that were left behind
// are gone.
func (l *load) awaitExpiry(c *wire.Client) {
	l.t.Helper()
	var left []string
	for deadline := time.Now().Add(mortalsAreGone); time.Now().Before(deadline); {
		var err error
		if left, _, err = c.Children(root+"/mortal", false); err != nil {
			l.t.Fatal(err)
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond) // expiry is a matter of time
	}
	l.t.Errorf("ephemerals outlive their sessions: %v", left)
}
