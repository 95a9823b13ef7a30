//go:build compat

package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	writers        = 8
	sessionTimeout = 30 * time.Second
	stopLimit      = 5 * time.Second
)

// spec keeps snapshots and log files small, so that kills hit them, too.
func spec(t *testing.T) rig.Spec {
	return rig.Spec{Flavor: rig.Subject(t), Cfg: map[string]string{"snapCount": "200", "preAllocSize": "64", "maxClientCnxns": "0"}}
}

func rounds(t *testing.T) int {
	text := os.Getenv("CRASH_ROUNDS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CRASH_ROUNDS=%s: must be a number above 0", text)
	}
	return n
}

// writer creates pairs of znodes, each pair by one multi: a0 and b0, a1 and
// b1, and so on. It stops at the first multi without an answer.
type writer struct {
	base  string
	acked int // pairs acknowledged
}

func (w *writer) run(addr string) error {
	c, err := wire.Open(addr, sessionTimeout)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		var pair []wire.MultiOp
		for _, half := range []string{"a", "b"} {
			path := fmt.Sprintf("%s/%s%06d", w.base, half, w.acked)
			pair = append(pair, wire.MultiOp{Op: proto.OpCreate, Body: &proto.CreateRequest{Path: path, Data: []byte(path), ACL: proto.OpenACL}})
		}
		if _, err := c.Multi(pair...); err != nil {
			return err
		}
		w.acked++
	}
}

// check compares what the writer was told with what is there. At most one
// pair more may be there: the one whose answer was lost.
func (w *writer) check(t *testing.T, c *wire.Client) {
	t.Helper()
	names, _, err := c.Children(w.base, false)
	if err != nil {
		t.Fatal(err)
	}
	halves := map[string]int{}
	for _, name := range names {
		halves[name[1:]] |= map[byte]int{'a': 1, 'b': 2}[name[0]]
	}
	for i, both := range halves {
		if both != 3 {
			t.Errorf("%s: of pair %s only one half is there", w.base, i)
		}
	}
	for i := range w.acked {
		if halves[fmt.Sprintf("%06d", i)] == 0 {
			t.Errorf("%s: pair %d of %d acknowledged ones is lost", w.base, i, w.acked)
		}
	}
	if len(halves) > w.acked+1 {
		t.Errorf("%s: %d pairs are there, %d were acknowledged", w.base, len(halves), w.acked)
	}
}

// TestKill kills the server with SIGKILL while clients write.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	server := rig.Start(t, spec(t))
	acked, n := 0, rounds(t)
	for round := range n {
		all := begin(t, server, round)
		var group sync.WaitGroup
		for _, w := range all {
			group.Go(func() { _ = w.run(server.Addr()) }) // ends with the server
		}
		time.Sleep(time.Duration(20+rng.IntN(300)) * time.Millisecond) // the moment is the test
		server.Kill()
		group.Wait()
		server.Restart()
		c := open(t, server)
		for _, w := range all {
			w.check(t, c)
			acked += w.acked
		}
		c.Close()
		if t.Failed() {
			t.Fatalf("round %d, seed %d", round, seed)
		}
	}
	t.Logf("%d kills, %d acknowledged transactions, none lost, none by half", n, acked)
}

// begin makes a folder for each writer of a round.
func begin(t *testing.T, server *rig.Server, round int) []*writer {
	t.Helper()
	c := open(t, server)
	defer c.Close()
	all := make([]*writer, writers)
	for i := range all {
		all[i] = &writer{base: fmt.Sprintf("/r%d-w%d", round, i)}
		if _, err := c.Create(all[i].base, nil, proto.OpenACL, proto.FlagPersistent); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func open(t *testing.T, server *rig.Server) *wire.Client {
	t.Helper()
	c, err := wire.Open(server.Addr(), sessionTimeout)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTerminate ends the server with SIGTERM under load: it exits with 0 in
// time, and what it acknowledged is there afterwards.
func TestTerminate(t *testing.T) {
	server := rig.Start(t, spec(t))
	for round := range 3 {
		all := begin(t, server, round)
		idle := open(t, server) // a client that says nothing must not hold it up
		var group sync.WaitGroup
		for _, w := range all {
			group.Go(func() { _ = w.run(server.Addr()) })
		}
		time.Sleep(200 * time.Millisecond) // some load before the end
		code, took := server.Stop()
		group.Wait()
		idle.Close()
		if code != 0 || took > stopLimit {
			t.Errorf("exit code %d after %v, want 0 within %v", code, took, stopLimit)
		}
		server.Restart()
		c := open(t, server)
		for _, w := range all {
			w.check(t, c)
		}
		c.Close()
	}
}

// TestSecondServer starts another server on the same data directory.
func TestSecondServer(t *testing.T) {
	first := rig.Start(t, spec(t))
	cfg := rig.TempDir(t) + "/zoo.cfg"
	text := fmt.Sprintf("dataDir=%s\nclientPort=%d\n", first.DataDir, rig.FreePort(t))
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if !first.Flavor.IsMeerkat() {
		t.Skip("Apache lets two servers write to one directory")
	}
	r := rig.Run(t, first.Flavor.Command(t, cfg, nil), stopLimit)
	if r.ExitCode == 0 || !strings.Contains(r.Stderr, "another server is running on the data directory") {
		t.Errorf("exit code %d and\n%s", r.ExitCode, r.Stderr)
	}
	open(t, first).Close()
}
