package zktest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/zktest"
)

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

var acl = zk.WorldACL(zk.PermAll)

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// connect returns a client with a session.
func connect(t testing.TB, timeout time.Duration, addrs ...string) *zk.Conn {
	t.Helper()
	ready := make(chan struct{}, 16)
	// Each address twice: the client rests for a second only when it has been
	// through its whole list.
	conn, _, err := zk.Connect(append(addrs, addrs...), timeout, zk.WithLogger(quiet{}), zk.WithEventCallback(func(e zk.Event) {
		if e.State == zk.StateHasSession {
			select {
			case ready <- struct{}{}:
			default:
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	select {
	case <-ready:
	case <-time.After(patience):
		t.Fatal("no session")
	}
	return conn
}

// create makes a znode, again when the connection was lost.
func create(t testing.TB, conn *zk.Conn, path string, flags int32) {
	t.Helper()
	eventually(t, "create "+path, func() bool {
		_, err := conn.Create(path, []byte(path), flags, acl)
		return err == nil || errors.Is(err, zk.ErrNodeExists)
	})
}

// exists asks until there is an answer.
func exists(t testing.TB, conn *zk.Conn, path string) bool {
	t.Helper()
	var found bool
	eventually(t, "exists "+path, func() bool {
		var err error
		found, _, err = conn.Exists(path)
		return err == nil
	})
	return found
}

// eventually waits for what other goroutines bring about.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// within returns the first value from a channel.
func within[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("not within %v: %s", patience, what)
		panic("unreachable")
	}
}

// nothing fails when something comes from a channel that should stay empty
// while the server demonstrably goes on answering others.
func nothing[T any](t testing.TB, what string, c <-chan T) {
	t.Helper()
	select {
	case v := <-c:
		t.Fatalf("%s: %v", what, v)
	default:
	}
}

var _ zktest.TB = testing.TB(nil)
