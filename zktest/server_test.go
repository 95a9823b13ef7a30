package zktest_test

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/zktest"
)

// BenchmarkStart measures how long a test waits for its server.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		srv := zktest.Start(b)
		b.StopTimer()
		srv.Stop()
		b.StartTimer()
	}
}

// TestGoneWithTheTest counts goroutines and tries the port.
func TestGoneWithTheTest(t *testing.T) {
	before := runtime.NumGoroutine()
	var addr string
	t.Run("inner", func(t *testing.T) {
		e := zktest.StartEnsemble(t, 3)
		addr = e.Server(1).Addr()
		create(t, connect(t, 5*time.Second, addr), "/a", 0)
		e.Server(2).Kill()
	})
	if conn, err := net.Dial("tcp", addr); err == nil {
		_ = conn.Close()
		t.Errorf("something still listens on %s", addr)
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// TestKillKeepsCutPowerLoses ends a server twice, with a write that its disk
// has not synced.
func TestKillKeepsCutPowerLoses(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(*zktest.Server)
		kept bool
	}{
		{"kill", (*zktest.Server).Kill, true},
		{"cut power", (*zktest.Server).CutPower, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := zktest.Start(t)
			conn := connect(t, 10*time.Second, srv.Addr())
			create(t, conn, "/synced", 0)
			srv.StallSync()
			written := make(chan error, 1)
			go func() {
				_, err := conn.Create("/unsynced", nil, 0, acl)
				written <- err
			}()
			eventually(t, "the create is on its way", func() bool { return srv.Requests() >= 2 })
			eventually(t, "the log has it", srv.SyncHeld)
			nothing(t, "a create was acknowledged before it was synced", written)
			tc.end(srv)
			if err := within(t, "the create fails", written); !errors.Is(err, zk.ErrConnectionClosed) {
				t.Errorf("create = %v", err)
			}
			srv.ResumeSync()
			srv.Restart()
			if !exists(t, conn, "/synced") {
				t.Error("what was acknowledged is lost")
			}
			if got := exists(t, conn, "/unsynced"); got != tc.kept {
				t.Errorf("what was not synced is there: %v, want %v", got, tc.kept)
			}
		})
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	create(t, connect(t, 5*time.Second, srv.Addr()), "/a", 0)
	srv.Stop()
	srv.Wipe()
	srv.Restart()
	if exists(t, connect(t, 5*time.Second, srv.Addr()), "/a") {
		t.Error("a znode survived the wipe")
	}
}

// TestExpireSession watches an ephemeral go, and its owner learn of it.
func TestExpireSession(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	conn, other := connect(t, time.Minute, srv.Addr()), connect(t, time.Minute, srv.Addr())
	create(t, conn, "/e", zk.FlagEphemeral)
	_, _, gone, err := other.ExistsW("/e")
	if err != nil {
		t.Fatal(err)
	}
	_, _, own, err := conn.ExistsW("/e")
	if err != nil {
		t.Fatal(err)
	}
	session := conn.SessionID()
	srv.ExpireSession(session)
	if e := within(t, "the ephemeral goes", gone); e.Type != zk.EventNodeDeleted {
		t.Errorf("event %v", e)
	}
	if e := within(t, "the owner learns", own); !errors.Is(e.Err, zk.ErrSessionExpired) {
		t.Errorf("the owner got %v", e)
	}
}

// TestDropSession cuts one of two clients off, and sees its session live on.
func TestDropSession(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	conn, other := connect(t, time.Minute, srv.Addr()), connect(t, time.Minute, srv.Addr())
	create(t, conn, "/e", zk.FlagEphemeral)
	session := conn.SessionID()
	if !srv.DropSession(session) || srv.DropSession(-1) {
		t.Fatal("DropSession does not know its sessions")
	}
	if _, _, err := other.Exists("/e"); err != nil {
		t.Errorf("another client was cut off, too: %v", err)
	}
	if !exists(t, conn, "/e") || conn.SessionID() != session {
		t.Error("the session did not outlive its connection")
	}
	if n := srv.DropConnections(); n != 2 {
		t.Errorf("dropped %d connections of 2", n)
	}
}

// TestIntercept loses a request, then a reply, and finds what the server did.
func TestIntercept(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fate zktest.Fate
		done bool
	}{{zktest.LoseRequest, false}, {zktest.LoseReply, true}} {
		srv := zktest.Start(t)
		conn := connect(t, time.Minute, srv.Addr())
		seen := make(chan zktest.Request, 1)
		srv.Intercept(func(r zktest.Request) zktest.Fate {
			if r.Op != proto.OpCreate {
				return zktest.Pass
			}
			seen <- r
			return tc.fate
		})
		if _, err := conn.Create("/a", nil, 0, acl); !errors.Is(err, zk.ErrConnectionClosed) {
			t.Errorf("create = %v", err)
		}
		if r := <-seen; r.Path != "/a" || r.Session != conn.SessionID() || r.Server != 1 {
			t.Errorf("saw %+v", r)
		}
		srv.Intercept(nil)
		if got := exists(t, conn, "/a"); got != tc.done {
			t.Errorf("fate %d: the znode is there: %v", tc.fate, got)
		}
	}
}

// TestLatencyAndPartition times a request, and holds one.
func TestLatencyAndPartition(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	conn := connect(t, time.Minute, srv.Addr())
	const delay = 20 * time.Millisecond
	srv.SetLatency(delay)
	began := time.Now()
	exists(t, conn, "/")
	if took := time.Since(began); took < 2*delay {
		t.Errorf("a round trip took %v with %v each way", took, delay)
	}
	srv.SetLatency(0)
	held := []struct {
		name        string
		begin, over func()
	}{
		{"partition", srv.PartitionClients, srv.HealClients},
		{"freeze", srv.Freeze, srv.Thaw},
	}
	for _, h := range held {
		h.begin()
		before := srv.Requests()
		answered := make(chan bool, 1)
		go func() {
			found, _, err := conn.Exists("/")
			answered <- found && err == nil
		}()
		eventually(t, "the request is under way", func() bool { return srv.Requests() > before })
		nothing(t, h.name+" let a request through", answered)
		h.over()
		if !within(t, "the held request is answered", answered) {
			t.Errorf("after the %s the request failed", h.name)
		}
	}
}

// TestWords asks a four-letter word through the relay.
func TestWords(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	conn, err := net.Dial("tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("ruok")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4)
	if _, err := conn.Read(answer); err != nil || string(answer) != "imok" {
		t.Errorf("ruok: %q, %v", answer, err)
	}
}

// TestParallel runs several servers whose trees have nothing in common.
func TestParallel(t *testing.T) {
	t.Parallel()
	for range 8 {
		t.Run("one of many", func(t *testing.T) {
			t.Parallel()
			srv := zktest.Start(t)
			conn := connect(t, 5*time.Second, srv.Addr())
			if exists(t, conn, "/a") {
				t.Error("another test's znode")
			}
			create(t, conn, "/a", 0)
			names, _, err := conn.Children("/")
			slices.Sort(names)
			if err != nil || !slices.Equal(names, []string{"a", "zookeeper"}) {
				t.Errorf("children %q, %v", names, err)
			}
		})
	}
}
