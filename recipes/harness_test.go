package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// within is a context for what has to happen.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errors.New("the test has no more patience"))
	t.Cleanup(cancel)
	return ctx
}

// fleet is where clients of a test connect: one server or several.
type fleet struct{ addrs []string }

func alone(srv *zktest.Server) fleet { return fleet{[]string{srv.Addr()}} }

// connect returns a client with a session.
func (f fleet) connect(t testing.TB) *recipes.Client {
	t.Helper()
	c := f.open(t)
	if _, err := c.Conn(within(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

// open returns a client that connects when it is used. Each address stands
// there three times: the library rests for a second only when it has been
// through its whole list.
func (f fleet) open(t testing.TB) *recipes.Client {
	t.Helper()
	addrs := append(append(append([]string(nil), f.addrs...), f.addrs...), f.addrs...)
	c := recipes.New(func(events zk.EventCallback) (*zk.Conn, error) {
		conn, _, err := zk.Connect(addrs, time.Minute, zk.WithEventCallback(events), zk.WithLogger(quiet{}))
		return conn, err
	})
	t.Cleanup(c.Close)
	return c
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// session is the id of the client's session.
func session(t testing.TB, c *recipes.Client) int64 {
	t.Helper()
	conn, err := c.Conn(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return conn.SessionID()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get fails the test unless there is a value.
func get[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
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

// receive returns the next value of a channel.
func receive[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("not within %v: %s", patience, what)
		panic("unreachable")
	}
}

// ended waits for the end of a claim's context and checks the cause.
func ended(t testing.TB, ctx context.Context, cause error) {
	t.Helper()
	receive(t, "the claim's context ends", ctx.Done())
	if got := context.Cause(ctx); !errors.Is(got, cause) {
		t.Errorf("the claim ended with %v, want %v", got, cause)
	}
}

// children lists a znode's children without those that the server made.
func children(t testing.TB, c *recipes.Client, path string) []string {
	t.Helper()
	conn := get[*zk.Conn](t)(c.Conn(within(t)))
	names, _, err := conn.Children(path)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		t.Fatal(err)
	}
	return names
}

// waiting waits until n znodes below a path have a marker in their names.
func waiting(t testing.TB, c *recipes.Client, path, marker string, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d below %s", n, path), func() bool {
		found := 0
		for _, name := range children(t, c, path) {
			if strings.Contains(name, marker) {
				found++
			}
		}
		return found == n
	})
}

// atEachStep runs a scenario once to count the requests of its first client,
// and then once for each request and each way to lose it: before the server
// has it, and after, so that only the answer is lost. In each run exactly one
// is lost. The scenario has a server of its own and fails t if anything is not
// as it should be.
func atEachStep(t *testing.T, scenario func(t *testing.T, under, other *recipes.Client)) {
	t.Helper()
	atEachRequest(t, func(t *testing.T, srv *zktest.Server, other *recipes.Client) {
		scenario(t, alone(srv).connect(t), other)
	})
}

// atEachRequest is atEachStep for the requests of everybody but other.
func atEachRequest(t *testing.T, scenario func(t *testing.T, srv *zktest.Server, other *recipes.Client)) {
	t.Helper()
	run := func(t *testing.T, fateful int64, fate zktest.Fate) int64 {
		srv := zktest.Start(t)
		other := alone(srv).connect(t)
		id := session(t, other)
		var count atomic.Int64
		srv.Intercept(func(r zktest.Request) zktest.Fate {
			if r.Session == id || r.Op == proto.OpPing || r.Op == proto.OpSetWatches || r.Op == proto.OpSetWatches2 {
				return zktest.Pass
			}
			if count.Add(1) == fateful {
				return fate
			}
			return zktest.Pass
		})
		scenario(t, srv, other)
		srv.Intercept(nil)
		return count.Load()
	}
	var steps int64
	t.Run("whole", func(t *testing.T) { steps = run(t, 0, zktest.Pass) }) // its server ends before the others begin
	if steps == 0 {
		t.Fatal("the scenario sends no request")
	}
	t.Logf("%d requests, each lost in two ways", steps)
	for step := range steps {
		for fate, name := range map[zktest.Fate]string{zktest.LoseRequest: "request", zktest.LoseReply: "reply"} {
			t.Run(fmt.Sprintf("%s %d", name, step+1), func(t *testing.T) {
				t.Parallel()
				run(t, step+1, fate)
			})
		}
	}
}

// TestMain looks for goroutines that outlive their clients.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	tick := time.NewTicker(time.Millisecond)
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		<-tick.C
	}
	if n := runtime.NumGoroutine(); code == 0 && n > before {
		stacks := make([]byte, 1<<20)
		fmt.Printf("%d goroutines before the tests, %d after:\n%s", before, n, stacks[:runtime.Stack(stacks, true)])
		code = 1
	}
	os.Exit(code)
}
