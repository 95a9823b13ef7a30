package server

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// pipe is a client whose connection buffers nothing: the server's writes wait
// until the test reads.
func pipe(t testing.TB, srv *Server) *testClient {
	t.Helper()
	nc, served := net.Pipe()
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(testPatience))
	srv.admit(served)
	return &testClient{t: t, nc: nc}
}

// connectPipe opens a session over a pipe.
func connectPipe(t testing.TB, srv *Server) *testClient {
	t.Helper()
	c := pipe(t, srv)
	c.handshake(&proto.ConnectRequest{TimeoutMs: 10_000})
	return c
}

// alone waits until there are only so many connections left.
func alone(t testing.TB, srv *Server, conns int) {
	t.Helper()
	eventually(t, "connections end", func() bool { return srv.conns.count() == conns })
}

// TestDeafWatcherIsCut lets more events come than may wait for a client: it is
// cut off and all that it holds is given back.
func TestDeafWatcherIsCut(t *testing.T) {
	srv := start(t)
	watcher := connectPipe(t, srv)
	watcher.must(proto.OpAddWatch, &proto.AddWatchRequest{Path: "/a", Mode: proto.WatchPersistent})
	event := datatree.Event{Type: proto.EventNodeCreated, Path: strings.Repeat("x", outboxLimitBytes/4)}
	for _, c := range srv.conns.list() {
		for range 5 {
			srv.gate.enterWrite()
			c.Notify(event)
			srv.gate.leaveWrite()
		}
	}
	alone(t, srv, 0)
	srv.gate.enterRead()
	defer srv.gate.leaveRead()
	if n := srv.tree.Watches().Count(); n != 0 {
		t.Errorf("%d watches are left", n)
	}
}

// TestLostReader loses a client while its reader goroutine waits for it to take
// what others have sent it.
func TestLostReader(t *testing.T) {
	srv := start(t)
	writer, client := connect(t, srv), connectPipe(t, srv)
	path := writer.create("/"+strings.Repeat("x", 500_000), "", proto.FlagPersistent)
	client.must(proto.OpAddWatch, &proto.AddWatchRequest{Path: path, Mode: proto.WatchPersistent})
	for range 5 {
		writer.must(proto.OpSetData, &proto.SetDataRequest{Path: path, Version: -1})
	}
	client.write(client.request(proto.OpPing, nil)) // to be caught where it waits
	_ = client.nc.Close()
	alone(t, srv, 1)
}

// TestLastReplyIsTaken ends a connection while an event is being written to
// it: neither the event nor the last reply is lost.
func TestLastReplyIsTaken(t *testing.T) {
	srv := start(t)
	writer, client := connect(t, srv), connectPipe(t, srv)
	client.must(proto.OpAddWatch, &proto.AddWatchRequest{Path: "/a", Mode: proto.WatchPersistent})
	writer.create("/a", "", proto.FlagPersistent)
	var first [1]byte
	if _, err := client.nc.Read(first[:]); err != nil { // the event is half written
		t.Fatal(err)
	}
	client.write(authFrame("none", ""))
	eventually(t, "the refusal waits", func() bool {
		for _, c := range srv.conns.list() {
			if c.last.Load() {
				return true
			}
		}
		return srv.conns.count() == 1 // the connection is lost already
	})
	rest := &testClient{t: t, nc: prefixed{client.nc, &headReader{first[:]}}}
	if e := rest.readReply().event(t); e.Type != proto.EventNodeCreated {
		t.Errorf("event %+v", e)
	}
	if r := rest.readReply(); r.Err != proto.ErrAuthFailed {
		t.Errorf("last reply %+v", r.ReplyHeader)
	}
	client.closed()
}

// prefixed is a connection of which some bytes were read already.
type prefixed struct {
	net.Conn
	head *headReader
}

func (p prefixed) Read(b []byte) (int, error) {
	if len(p.head.rest) > 0 {
		return p.head.Read(b)
	}
	return p.Conn.Read(b)
}

// TestDeafEnds lets clients take nothing of what was to be their last answer:
// no session ends these connections, so time does.
func TestDeafEnds(t *testing.T) {
	srv := start(t, func(c *conf.Config) { c.Limits.SessionlessTimeoutMs = 100 })
	for name, ask := range map[string]func(c *testClient){
		"closeSession": func(c *testClient) {
			c.handshake(&proto.ConnectRequest{TimeoutMs: 10_000})
			c.write(c.request(proto.OpCloseSession, nil))
		},
		"unknown op": func(c *testClient) {
			c.handshake(&proto.ConnectRequest{TimeoutMs: 10_000})
			c.write(c.request(99, nil))
		},
		"refused session": func(c *testClient) {
			c.write((&proto.ConnectRequest{TimeoutMs: 10_000, SessionID: 1, Passwd: make([]byte, 16)}).Append(nil))
		},
		"four-letter word":         func(c *testClient) { _, _ = c.nc.Write([]byte("srvr")) },
		"word without its numbers": func(c *testClient) { _, _ = c.nc.Write([]byte("stmk123")) },
		"nothing":                  func(*testClient) {},
		"half a connect request":   func(c *testClient) { _, _ = c.nc.Write([]byte{0, 0, 0, 44, 0}) },
	} {
		t.Run(name, func(t *testing.T) {
			ask(pipe(t, srv))
			alone(t, srv, 0)
		})
	}
}

// TestDeafReader asks for more in one burst than may wait for a client. Not
// everything is fetched before the client takes something.
func TestDeafReader(t *testing.T) {
	srv := start(t, func(c *conf.Config) { c.Caches.Children = 0 })
	writer := connect(t, srv)
	writer.create("/p", "", proto.FlagPersistent)
	for range 50 { // not shared: each reply is memory of its own
		writer.create("/p/"+strings.Repeat("x", 2000), "", proto.FlagPersistentSequential)
	}
	client := connectPipe(t, srv)
	const requests = 300
	var burst []byte
	for range requests {
		burst = append(burst, frame(client.request(proto.OpGetChildren, &proto.WatchableRequest{Path: "/p"}))...)
	}
	sent := make(chan error, 1)
	go func() { _, err := client.nc.Write(burst); sent <- err }()
	var most int
	for i := range requests {
		d := jute.NewDecoder(client.readReply().body)
		if n := len(d.Strings()); n != 50 {
			t.Fatalf("reply %d has %d names", i, n)
		}
		for _, c := range srv.conns.list() {
			c.out.mu.Lock()
			most = max(most, c.out.size)
			c.out.mu.Unlock()
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	const oneReply = 110_000
	if most > 2*outboxHighBytes+oneReply { // what may wait, and what is produced before that is looked at
		t.Errorf("%d bytes waited for the client, high is %d", most, outboxHighBytes)
	}
}
