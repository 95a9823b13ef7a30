package server

import (
	"testing"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

func sessionsInTree(srv *Server) (n int) {
	srv.gate.enterRead()
	defer srv.gate.leaveRead()
	for range srv.tree.Sessions() {
		n++
	}
	return n
}

// TestLocalSessions opens sessions that cost no transaction, on the leader and
// on a follower, and lets them become global when they need it.
func TestLocalSessions(t *testing.T) {
	e := startEnsemble(t, 3, func(c *conf.Config) { c.Quorum.LocalSessions, c.Quorum.LocalUpgrades = true, true })
	for _, i := range []int{e.leader(), e.follower()} {
		srv := e.servers[i]
		before, _ := digest(srv)
		known := sessionsInTree(srv)
		client := connect(t, srv)
		if zxid, _ := digest(srv); zxid != before || sessionsInTree(srv) != known {
			t.Fatal("a local session was replicated")
		}
		path := "/" + srv.term.Load().mode
		client.create(path, "", 0)
		again := reconnect(t, srv, client)
		if again.session.SessionID != client.session.SessionID {
			t.Fatal("the session was not renewed where it is known")
		}
		other := reconnect(t, e.servers[(i+1)%3], client)
		if other.session.SessionID != 0 {
			t.Fatal("the session moved to a server that cannot know it")
		}
		again.create(path+"/e", "", proto.FlagEphemeral)
		if sessionsInTree(srv) != known+1 {
			t.Fatal("the session owns an ephemeral and is not global")
		}
		moved := reconnect(t, e.servers[(i+1)%3], client)
		if moved.session.SessionID != client.session.SessionID {
			t.Fatal("the global session could not move")
		}
		moved.must(proto.OpCloseSession, nil)
		e.agree()
		watcher := connect(t, srv)
		if got := watcher.call(proto.OpExists, &proto.WatchableRequest{Path: path + "/e"}); got.Err != proto.ErrNoNode {
			t.Errorf("the ephemeral is still there: %v", got.Err)
		}
		watcher.must(proto.OpCloseSession, nil)
		watcher.closed()
	}
}

// TestLocalSessionWithoutUpgrade cannot own an ephemeral, not in a multi either.
func TestLocalSessionWithoutUpgrade(t *testing.T) {
	e := startEnsemble(t, 3, func(c *conf.Config) { c.Quorum.LocalSessions = true })
	client := connect(t, e.servers[e.follower()])
	if got := client.call(proto.OpCreate, createRequest("/e", "", proto.FlagEphemeral)); got.Err != proto.ErrEphemeralOnLocal {
		t.Errorf("create: %v", got.Err)
	}
	client.create("/p", "", 0)
}

// TestNeedsGlobal looks into a multi.
func TestNeedsGlobal(t *testing.T) {
	op := func(code proto.Op, record interface{ Append([]byte) []byte }) []byte {
		return record.Append(proto.MultiHeader{Op: code, Err: -1}.Append(nil))
	}
	var body []byte
	body = append(body, op(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Data: []byte("x"), Version: -1})...)
	body = append(body, op(proto.OpDelete, &proto.DeleteRequest{Path: "/a", Version: 1})...)
	body = append(body, op(proto.OpCheck, &proto.CheckVersionRequest{Path: "/a", Version: 1})...)
	plain := proto.MultiEnd.Append(append(append([]byte(nil), body...), op(proto.OpCreate, createRequest("/b", "", 0))...))
	if needsGlobal(proto.OpMulti, plain) {
		t.Error("a multi without an ephemeral needs no global session")
	}
	if !needsGlobal(proto.OpMulti, proto.MultiEnd.Append(append(body, op(proto.OpCreate2, createRequest("/b", "", proto.FlagEphemeralSequential))...))) {
		t.Error("an ephemeral in a multi was overlooked")
	}
}
