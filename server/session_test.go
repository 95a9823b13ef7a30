package server

import (
	"errors"
	"testing"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

func (c *testClient) exists(path string) bool {
	c.t.Helper()
	r := c.call(proto.OpExists, &proto.WatchableRequest{Path: path})
	if r.Err != proto.OK && r.Err != proto.ErrNoNode {
		c.t.Fatalf("exists %s: %v", path, r.Err)
	}
	return r.Err == proto.OK
}

func TestHandshakeNegotiates(t *testing.T) {
	srv := start(t)
	for _, c := range []struct{ asked, want int32 }{{1, 200}, {5000, 5000}, {1 << 30, 60_000}} {
		client := dial(t, srv)
		client.handshake(&proto.ConnectRequest{TimeoutMs: c.asked})
		if client.session.TimeoutMs != c.want || client.session.SessionID == 0 {
			t.Errorf("asked for %d ms: %+v", c.asked, client.session)
		}
	}
}

// TestOldClient ends its ConnectRequest before the read-only byte and must
// not get one.
func TestOldClient(t *testing.T) {
	client := dial(t, start(t))
	client.write((&proto.ConnectRequest{TimeoutMs: 5000, Passwd: make([]byte, proto.PasswdBytes)}).Append(nil))
	if got := len(client.read()); got != 36 {
		t.Errorf("a reply of %d bytes, want 36", got)
	}
}

func TestRenewSession(t *testing.T) {
	srv := start(t)
	old := connect(t, srv)
	old.create("/e", "", proto.FlagEphemeral)
	renewed := reconnect(t, srv, old)
	if renewed.session.SessionID != old.session.SessionID || string(renewed.session.Passwd) != string(old.session.Passwd) {
		t.Errorf("renewed %+v, was %+v", renewed.session, old.session)
	}
	old.closed()
	if !renewed.exists("/e") {
		t.Error("the ephemeral is gone")
	}
}

func TestRenewRefused(t *testing.T) {
	srv := start(t)
	old := connect(t, srv)
	for name, r := range map[string]*proto.ConnectRequest{
		"wrong password":  {TimeoutMs: 5000, SessionID: old.session.SessionID, Passwd: make([]byte, proto.PasswdBytes)},
		"unknown session": {TimeoutMs: 5000, SessionID: 12345, Passwd: old.session.Passwd},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, srv)
			client.handshake(r)
			if s := client.session; s.TimeoutMs != 0 || s.SessionID != 0 || string(s.Passwd) != string(make([]byte, proto.PasswdBytes)) {
				t.Errorf("got %+v", s)
			}
			client.closed()
		})
	}
}

// TestZxidAhead refuses a client that has seen more than this server has.
func TestZxidAhead(t *testing.T) {
	srv := start(t)
	client := dial(t, srv)
	client.write((&proto.ConnectRequest{LastZxidSeen: 1 << 40, TimeoutMs: 5000, Passwd: make([]byte, 16)}).Append(nil))
	client.closed()
}

func TestCloseSession(t *testing.T) {
	srv := start(t)
	other := connect(t, srv)
	client := connect(t, srv)
	client.create("/e", "", proto.FlagEphemeral)
	client.must(proto.OpCloseSession, nil)
	client.closed()
	if other.exists("/e") {
		t.Error("the ephemeral is still there")
	}
	late := dial(t, srv)
	late.handshake(&proto.ConnectRequest{TimeoutMs: 5000, SessionID: client.session.SessionID, Passwd: client.session.Passwd})
	if late.session.TimeoutMs != 0 {
		t.Error("a closed session came back")
	}
}

// TestExpiry lets a session fall silent; its ephemeral goes, its watcher's
// event comes, and its connection is closed.
func TestExpiry(t *testing.T) {
	srv := start(t)
	watcher := connect(t, srv)
	silent := dial(t, srv)
	silent.handshake(&proto.ConnectRequest{TimeoutMs: 300})
	silent.create("/e", "", proto.FlagEphemeral)
	watcher.must(proto.OpExists, &proto.WatchableRequest{Path: "/e", Watch: true})
	if e := watcher.readReply().event(t); e.Type != proto.EventNodeDeleted || e.Path != "/e" {
		t.Errorf("event %+v", e)
	}
	silent.closed()
}

func TestRestartKeepsSessions(t *testing.T) {
	dir := t.TempDir()
	first := startIn(t, dir)
	old := connect(t, first)
	old.create("/e", "data", proto.FlagEphemeral)
	old.create("/s-", "", proto.FlagPersistentSequential)
	stop(t, first)

	second := startIn(t, dir)
	renewed := reconnect(t, second, old)
	if renewed.session.SessionID != old.session.SessionID {
		t.Fatalf("session %+v", renewed.session)
	}
	data, stat := renewed.must(proto.OpGetData, &proto.WatchableRequest{Path: "/e"}).data(t)
	if data != "data" || stat.EphemeralOwner != old.session.SessionID {
		t.Errorf("%q, %+v", data, stat)
	}
	if path := renewed.create("/s-", "", proto.FlagPersistentSequential); path != "/s-0000000002" {
		t.Errorf("next sequential is %s", path)
	}
}

// TestStopAnswers stops the server while writes are on their way: all that
// it has read are answered.
func TestStopAnswers(t *testing.T) {
	const writes = 500
	dir := t.TempDir()
	srv := startIn(t, dir)
	client := connect(t, srv)
	var frames [][]byte
	for range writes {
		frames = append(frames, client.request(proto.OpCreate, createRequest("/n-", "", proto.FlagPersistentSequential)))
	}
	client.write(frames...)
	client.readReply() // the burst has been read, at least in part
	stopped := make(chan struct{})
	go func() { stop(t, srv); close(stopped) }()
	answered := 1
	for {
		if _, err := client.tryRead(); err != nil {
			break
		}
		answered++
	}
	<-stopped
	again := connect(t, startIn(t, dir))
	d := again.must(proto.OpGetAllChildrenNumber, &proto.PathRequest{Path: "/"})
	if stored := int(d.body[3]) + int(d.body[2])<<8 - 3; stored < answered || stored > writes {
		t.Errorf("%d answered, %d stored", answered, stored)
	} else if stored != answered {
		t.Errorf("%d stored, but %d answered before the end", stored, answered)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	startIn(t, dir)
	second, err := New(testConfig(dir), start(t).log, BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err == nil {
		t.Fatal("two servers on one data directory")
	} else {
		t.Log(errors.Unwrap(err), err)
	}
}

func TestTooManyConnections(t *testing.T) {
	srv := start(t, func(c *conf.Config) { c.Limits.MaxConnectionsPerAddress = 2 })
	connect(t, srv)
	second := connect(t, srv)
	dial(t, srv).closed()
	second.must(proto.OpCloseSession, nil)
	second.closed()
	srv.caps.Open() // the place is given back when the goroutine ends
}
