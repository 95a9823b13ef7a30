package server

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// digest returns the last zxid and the digest of a server's tree.
func digest(srv *Server) (zxid int64, digest uint64) {
	srv.gate.enterRead()
	defer srv.gate.leaveRead()
	return srv.tree.LastZxid(), srv.tree.Digest()
}

// agree waits until all servers that run hold the same.
func (e *ensemble) agree() {
	e.t.Helper()
	eventually(e.t, "all servers hold the same", func() bool {
		zxid, sum := digest(e.servers[e.leader()])
		for _, srv := range e.servers {
			if srv == nil {
				continue
			}
			if z, d := digest(srv); z != zxid || d != sum {
				return false
			}
		}
		return true
	})
}

// TestSessionMoves takes a session from one follower to the other: what the
// old connection still asks for is refused, and ephemerals stay.
func TestSessionMoves(t *testing.T) {
	e := startEnsemble(t, 3)
	for from := range e.servers {
		to := (from + 1) % 3
		t.Run(fmt.Sprintf("%d to %d", from+1, to+1), func(t *testing.T) {
			path := fmt.Sprintf("/moved-%d", from)
			old := connect(t, e.servers[from])
			old.create(path, "", proto.FlagEphemeral)
			moved := reconnect(t, e.servers[to], old)
			if moved.session.SessionID != old.session.SessionID {
				t.Fatal("the session was not renewed")
			}
			moved.must(proto.OpSetData, &proto.SetDataRequest{Path: path, Data: []byte("new"), Version: -1})
			old.write(old.request(proto.OpSetData, &proto.SetDataRequest{Path: path, Data: []byte("old"), Version: -1}))
			old.closed()
			if got := moved.must(proto.OpGetData, &proto.WatchableRequest{Path: path}); string(got.body[4:7]) != "new" {
				t.Errorf("data is %q", got.body)
			}
			moved.must(proto.OpCloseSession, nil)
			e.agree()
			other := connect(t, e.servers[from])
			if got := other.call(proto.OpExists, &proto.WatchableRequest{Path: path}); got.Err != proto.ErrNoNode {
				t.Errorf("the ephemeral is still there: %v", got.Err)
			}
		})
	}
}

// TestWrongPassword cannot take a session over at any server.
func TestWrongPassword(t *testing.T) {
	e := startEnsemble(t, 3)
	owner := connect(t, e.servers[e.follower()])
	for i, srv := range e.servers {
		thief := dial(t, srv)
		thief.handshake(&proto.ConnectRequest{TimeoutMs: 10_000, SessionID: owner.session.SessionID, Passwd: make([]byte, proto.PasswdBytes)})
		if thief.session.SessionID != 0 {
			t.Errorf("server %d gave the session away", i+1)
		}
	}
}

// TestSessionExpiresInEnsemble keeps a session of a follower alive by pings
// alone for several timeouts, then lets it die of silence.
func TestSessionExpiresInEnsemble(t *testing.T) {
	e := startEnsemble(t, 3)
	silent := dial(t, e.servers[e.follower()])
	silent.handshake(&proto.ConnectRequest{TimeoutMs: 600})
	silent.create("/silent", "", proto.FlagEphemeral)
	alive := dial(t, e.servers[e.follower()])
	alive.handshake(&proto.ConnectRequest{TimeoutMs: 600})
	alive.create("/alive", "", proto.FlagEphemeral)
	watcher := connect(t, e.servers[e.leader()])
	watcher.must(proto.OpExists, &proto.WatchableRequest{Path: "/silent", Watch: true})
	gone := make(chan proto.WatcherEvent, 1)
	go func() { gone <- watcher.readReply().event(t) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case ev := <-gone:
			if ev.Path != "/silent" || ev.Type != proto.EventNodeDeleted {
				t.Fatalf("%+v", ev)
			}
			waiting = false
		case <-tick.C:
			alive.must(proto.OpPing, nil)
		}
	}
	silent.closed()
	alive.must(proto.OpExists, &proto.WatchableRequest{Path: "/alive"})
}

// TestRejoin stops a follower, writes more than the leader's memory of the log
// holds, and lets it come back: with its log, and with an empty disk.
func TestRejoin(t *testing.T) {
	for _, test := range []struct {
		name string
		wipe bool
		txns int
	}{{"from memory", false, 100}, {"from the log", false, 1500}, {"wiped", true, 1500}} {
		t.Run(test.name, func(t *testing.T) {
			e := startEnsemble(t, 3)
			behind := e.follower()
			client := connect(t, e.servers[e.leader()])
			client.create("/n", "", 0)
			e.halt(behind)
			for i := range test.txns {
				client.write(client.request(proto.OpCreate, createRequest(fmt.Sprintf("/n/%d", i), "data", 0)))
			}
			for range test.txns {
				client.readReply()
			}
			if test.wipe {
				if err := os.RemoveAll(e.configs[behind].Storage.DataDir); err != nil {
					t.Fatal(err)
				}
			}
			e.start(behind)
			e.serving()
			e.agree()
			back := connect(t, e.servers[behind])
			back.must(proto.OpGetData, &proto.WatchableRequest{Path: fmt.Sprintf("/n/%d", test.txns-1)})
			back.create("/n/after", "", 0)
			e.agree()
		})
	}
}

// TestObserver serves clients without a vote.
func TestObserver(t *testing.T) {
	e := newEnsemble(t, 4, func(c *conf.Config) {
		c.Quorum.Servers[3].Observer = true
		c.Quorum.Observer = c.Quorum.ID == 4
	})
	for i := range e.servers {
		e.start(i)
	}
	e.serving()
	if mode := e.servers[3].term.Load().mode; mode != "observer" {
		t.Fatalf("mode %s", mode)
	}
	client := connect(t, e.servers[3])
	client.create("/o", "", proto.FlagEphemeral)
	client.must(proto.OpSync, &proto.PathRequest{Path: "/"})
	e.agree()
	e.halt(e.follower())
	client.create("/p", "", 0)
	e.agree()
}

// TestVolatileObserver keeps nothing on its disk, and comes back all the same.
func TestVolatileObserver(t *testing.T) {
	e := newEnsemble(t, 4, func(c *conf.Config) {
		c.Quorum.Servers[3].Observer = true
		c.Quorum.Observer = c.Quorum.ID == 4
		c.Learner.SyncEnabled = false
	})
	for i := range e.servers {
		e.start(i)
	}
	e.serving()
	client := connect(t, e.servers[3])
	for i := range 20 {
		client.create(fmt.Sprintf("/o%d", i), "", 0)
	}
	e.agree()
	e.halt(3)
	if n := e.start(3).recovered.Zxid; n != 0 {
		t.Errorf("the observer recovered 0x%x from a disk that it should not write", n)
	}
	e.serving()
	e.agree()
}

// TestReadOnly serves reads without a leader to those that accept it.
func TestReadOnly(t *testing.T) {
	e := newEnsemble(t, 3, func(c *conf.Config) { c.Quorum.ReadOnly = true })
	for i := range e.servers {
		e.start(i)
	}
	e.serving()
	client := connect(t, e.servers[0])
	client.create("/a", "data", 0)
	e.agree()
	e.halt(1)
	e.halt(2)
	srv := e.servers[0]
	eventually(t, "the server serves read-only", func() bool {
		term := srv.term.Load()
		return term != nil && term.readOnly
	})
	refused := dial(t, srv)
	refused.write((&proto.ConnectRequest{TimeoutMs: 10_000, HasReadOnly: true, Passwd: make([]byte, proto.PasswdBytes)}).Append(nil))
	refused.closed()
	reader := dial(t, srv)
	reader.handshake(&proto.ConnectRequest{TimeoutMs: 10_000, ReadOnly: true})
	if !reader.session.ReadOnly {
		t.Fatal("the session does not know that it is read-only")
	}
	reader.must(proto.OpGetData, &proto.WatchableRequest{Path: "/a"})
	for op, record := range map[proto.Op]interface{ Append([]byte) []byte }{
		proto.OpCreate: createRequest("/b", "", 0), proto.OpSync: &proto.PathRequest{Path: "/"},
	} {
		if got := reader.call(op, record); got.Err != proto.ErrNotReadOnly {
			t.Errorf("%s: %v", op, got.Err)
		}
	}
	e.start(1)
	e.start(2)
	reader.closed()
	eventually(t, "the server follows or leads again", func() bool {
		term := srv.term.Load()
		return term != nil && !term.readOnly
	})
}

// TestLinearizableSync sends syncs between writes without waiting for either:
// replies come in the order of the requests.
func TestLinearizableSync(t *testing.T) {
	e := startEnsemble(t, 3, func(c *conf.Config) { c.Quorum.LinearizableSync = true })
	for i, srv := range e.servers {
		client := connect(t, srv)
		parent := fmt.Sprintf("/s%d", i)
		client.create(parent, "", 0)
		for n := range 50 {
			client.write(
				client.request(proto.OpCreate, createRequest(fmt.Sprintf("%s/%d", parent, n), "", 0)),
				client.request(proto.OpSync, &proto.PathRequest{Path: "/"}),
				client.request(proto.OpSetData, &proto.SetDataRequest{Path: parent, Data: []byte{byte(n)}, Version: -1}),
				client.request(proto.OpGetData, &proto.WatchableRequest{Path: parent}))
		}
		first := client.xid - 200 + 1
		for want := first; want <= client.xid; want++ {
			got := client.readReply()
			if got.Xid != want || got.Err != proto.OK {
				t.Fatalf("server %d: reply %d with %v, want %d", i+1, got.Xid, got.Err, want)
			}
		}
	}
}

// TestMalformedWriteInEnsemble gets its error in its turn, and costs nobody
// else anything.
func TestMalformedWriteInEnsemble(t *testing.T) {
	e := startEnsemble(t, 3)
	for i, srv := range e.servers {
		client := connect(t, srv)
		client.xid++
		client.write(
			proto.RequestHeader{Xid: client.xid, Op: proto.OpSetData}.Append(nil),
			client.request(proto.OpCreate, createRequest(fmt.Sprintf("/m%d", i), "", 0)))
		if got := client.readReply(); got.Err != proto.ErrMarshalling {
			t.Errorf("server %d: %v", i+1, got.Err)
		}
		if got := client.readReply(); got.Err != proto.OK {
			t.Errorf("server %d: %v after it", i+1, got.Err)
		}
	}
}
