package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/internal/testserver"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// patience is how long anything here may take.
const patience = 20 * time.Second

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// listener gathers events.
type listener struct{ c chan Event }

func newListener() listener { return listener{make(chan Event, 1000)} }

func (l listener) on(e Event) { l.c <- e }

// next returns the next event.
func (l listener) next(t *testing.T) string {
	t.Helper()
	select {
	case e := <-l.c:
		return e.String()
	case <-time.After(patience):
		t.Fatal("no event came")
		return ""
	}
}

func (l listener) expect(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := l.next(t); !strings.Contains(got, w) {
			t.Fatalf("event %q, want %q", got, w)
		}
	}
}

// open makes a session on a server, connected.
func open(t *testing.T, cfg Config) *Client {
	t.Helper()
	c := Open(cfg)
	t.Cleanup(c.Close)
	if err := c.Connect(testContext(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRequests(t *testing.T) {
	srv, ctx := testserver.Start(t), testContext(t)
	c := open(t, Config{Servers: []string{srv.Addr}})
	path, err := c.Create(ctx, "/a", []byte("one"), proto.OpenACL, proto.FlagPersistent, 0)
	if err != nil || path != "/a" {
		t.Fatalf("%q, %v", path, err)
	}
	if path, err = c.Create(ctx, "/a/s-", nil, proto.OpenACL, proto.FlagEphemeralSequential, 0); err != nil || path != "/a/s-0000000000" {
		t.Fatalf("%q, %v", path, err)
	}
	_, err = c.Create(ctx, "/ttl", nil, proto.OpenACL, proto.FlagPersistentTTL, 1000000)
	must(t, err)
	_, err = c.Create(ctx, "/box", nil, proto.OpenACL, proto.FlagContainer, 0)
	must(t, err)
	data, st, err := c.Get(ctx, "/a", false)
	if err != nil || string(data) != "one" || st.NumChildren != 1 {
		t.Errorf("get: %q, %+v, %v", data, st, err)
	}
	if st, err = c.SetData(ctx, "/a", nil, 0); err != nil || st.Version != 1 {
		t.Errorf("set: %+v, %v", st, err)
	}
	if data, _, err = c.Get(ctx, "/a", false); err != nil || data != nil {
		t.Errorf("null: %v, %v", data, err)
	}
	if eph, err := c.Ephemerals(ctx, "/a"); err != nil || !slices.Equal(eph, []string{"/a/s-0000000000"}) {
		t.Errorf("ephemerals: %q, %v", eph, err)
	}
	if n, err := c.Descendants(ctx, "/a"); err != nil || n != 1 {
		t.Errorf("descendants: %d, %v", n, err)
	}
	if ids, err := c.WhoAmI(ctx); err != nil || len(ids) != 1 || ids[0].Scheme != "ip" {
		t.Errorf("whoAmI: %v, %v", ids, err)
	}
	must(t, c.AddAuth(ctx, "digest", []byte("ann:secret")))
	if ids, err := c.WhoAmI(ctx); err != nil || !slices.Contains(ids, proto.ID{Scheme: "digest", ID: "ann"}) {
		t.Errorf("whoAmI: %v, %v", ids, err)
	}
	must(t, c.Sync(ctx, "/a"))
	for _, test := range []struct {
		err  error
		want string
	}{
		{c.Delete(ctx, "/a", -1), "KeeperErrorCode = Directory not empty for /a"},
		{c.Delete(ctx, "/nope", -1), "KeeperErrorCode = NoNode for /nope"},
		{c.Delete(ctx, "a", -1), "Path must start with / character"},
		{c.Multi(ctx, []Op{c.CreateOp("/m", nil, proto.OpenACL), c.CheckOp("/a", 7), c.SetOp("/a", nil, -1)}), "KeeperErrorCode = BadVersion for /a"},
		{c.Multi(ctx, []Op{c.CreateOp("/m", nil, proto.OpenACL), c.CheckOp("/a", 1), c.SetOp("/a", nil, -1), c.DeleteOp("/m", 0)}), ""},
	} {
		if got := fmt.Sprint(test.err); got != test.want && (test.err != nil || test.want != "") {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

// TestRoot lives below a root and sees nothing of it.
func TestRoot(t *testing.T) {
	srv, ctx, events := testserver.Start(t), testContext(t), newListener()
	all := open(t, Config{Servers: []string{srv.Addr}})
	_, err := all.Create(ctx, "/root", []byte("r"), proto.OpenACL, 0, 0)
	must(t, err)
	c := open(t, Config{Servers: []string{srv.Addr}, Root: "/root", OnEvent: events.on})
	events.expect(t, "SyncConnected type:None path:null")
	if data, _, err := c.Get(ctx, "/", false); err != nil || string(data) != "r" {
		t.Errorf("%q, %v", data, err)
	}
	_, _, err = c.Children(ctx, "/", true)
	must(t, err)
	_, err = c.Exists(ctx, "/x", true)
	if !errors.Is(err, proto.ErrNoNode) {
		t.Errorf("exists: %v", err)
	}
	if path, err := c.Create(ctx, "/x", nil, proto.OpenACL, 0, 0); err != nil || path != "/x" {
		t.Errorf("%q, %v", path, err)
	}
	events.expect(t, "type:NodeCreated path:/x", "type:NodeChildrenChanged path:/ ")
	if _, err := all.Exists(ctx, "/root/x", false); err != nil {
		t.Error(err)
	}
}

// TestReconnect loses the server and keeps session, identities and watches.
func TestReconnect(t *testing.T) {
	srv, ctx, events := testserver.Start(t), testContext(t), newListener()
	other := open(t, Config{Servers: []string{srv.Addr}})
	var mu sync.Mutex
	var last net.Conn
	c := open(t, Config{
		Servers: []string{srv.Addr}, OnEvent: events.on, Auth: []Auth{{"digest", []byte(testserver.Super)}},
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			mu.Lock()
			defer mu.Unlock()
			last = nc
			return nc, err
		},
	})
	events.expect(t, "SyncConnected")
	id := c.SessionID()
	for _, path := range []string{"/data", "/child", "/gone", "/p"} {
		_, err := other.Create(ctx, path, nil, proto.OpenACL, 0, 0)
		must(t, err)
	}
	for _, watch := range []func() error{
		func() error { _, _, err := c.Get(ctx, "/data", true); return err },
		func() error { _, _, err := c.Children(ctx, "/child", true); return err },
		func() error { _, err := c.Exists(ctx, "/gone", true); return err },
		func() error { return c.AddWatch(ctx, "/p", proto.WatchPersistent) },
		func() error { return c.AddWatch(ctx, "/r", proto.WatchPersistentRecursive) },
	} {
		must(t, watch())
	}
	mu.Lock()
	must(t, last.Close())
	mu.Unlock()
	events.expect(t, "state:Disconnected", "state:SyncConnected type:None")
	if c.SessionID() != id || c.State() != Connected {
		t.Errorf("session 0x%x is now 0x%x, %s", id, c.SessionID(), c.State())
	}
	_, err := other.SetData(ctx, "/data", nil, -1)
	must(t, err)
	events.expect(t, "NodeDataChanged path:/data")
	_, err = other.Create(ctx, "/child/x", nil, proto.OpenACL, 0, 0)
	must(t, err)
	events.expect(t, "NodeChildrenChanged path:/child ")
	must(t, other.Delete(ctx, "/gone", -1))
	events.expect(t, "NodeDeleted path:/gone")
	for range 2 {
		_, err = other.SetData(ctx, "/p", nil, -1)
		must(t, err)
		events.expect(t, "NodeDataChanged path:/p")
	}
	_, err = other.Create(ctx, "/r", nil, proto.OpenACL, 0, 0)
	must(t, err)
	events.expect(t, "NodeCreated path:/r")
	if ids, err := c.WhoAmI(ctx); err != nil || !slices.Contains(ids, proto.ID{Scheme: "digest", ID: "super"}) {
		t.Errorf("identities after the reconnect: %v, %v", ids, err)
	}
}

// TestServerGone fails what is asked while every server is down, and goes on
// when one is back.
func TestServerGone(t *testing.T) {
	srv, ctx := testserver.Start(t), testContext(t)
	c := open(t, Config{Servers: []string{"127.0.0.1:1", srv.Addr}})
	srv.Stop()
	for {
		if _, _, err := c.Get(ctx, "/", false); errors.Is(err, proto.ErrConnectionLoss) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Connect(ctx); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("connect says %v", err)
	}
	srv.Restart()
	for c.Connect(ctx) != nil {
		must(t, ctx.Err())
	}
	if _, _, err := c.Get(ctx, "/", false); err != nil {
		t.Error(err)
	}
}

func TestExpired(t *testing.T) {
	srv, ctx, events := testserver.Start(t), testContext(t), newListener()
	c := open(t, Config{Servers: []string{srv.Addr}, OnEvent: events.on})
	events.expect(t, "SyncConnected")
	c.mu.Lock()
	c.session.Passwd = make([]byte, proto.PasswdBytes) // a wrong one is answered as if it had expired
	nc := c.line.nc
	c.mu.Unlock()
	must(t, nc.Close())
	events.expect(t, "state:Disconnected", "state:Expired type:None", "state:Closed")
	if _, _, err := c.Get(ctx, "/", false); !errors.Is(err, proto.ErrSessionExpired) || c.State() != Closed {
		t.Errorf("%v, %s", err, c.State())
	}
}

func TestAuthFailed(t *testing.T) {
	srv, ctx, events := testserver.Start(t), testContext(t), newListener()
	c := open(t, Config{Servers: []string{srv.Addr}, OnEvent: events.on})
	if err := c.AddAuth(ctx, "nosuchscheme", []byte("x")); !errors.Is(err, proto.ErrAuthFailed) {
		t.Errorf("the call: %v", err)
	}
	events.expect(t, "SyncConnected", "state:AuthFailed", "state:Closed")
	if _, _, err := c.Get(ctx, "/", false); !errors.Is(err, proto.ErrAuthFailed) || c.State() != AuthFailed {
		t.Errorf("%v, %s", err, c.State())
	}
}

// TestPipeline has far more requests than may be in flight.
func TestPipeline(t *testing.T) {
	srv, ctx := testserver.Start(t), testContext(t)
	c := open(t, Config{Servers: []string{srv.Addr}, MaxInFlight: 16})
	var calls []*Call
	for i := range 500 {
		call, err := c.StartCreate(ctx, fmt.Sprintf("/n%d", i), []byte("x"), proto.OpenACL)
		must(t, err)
		calls = append(calls, call)
	}
	for i, call := range calls {
		d, err := call.Wait(ctx)
		must(t, err)
		if got, want := d.String(), fmt.Sprintf("/n%d", i); got != want {
			t.Fatalf("reply %d is %q", i, got)
		}
	}
	c.Close()
	if _, err := c.StartGet(ctx, "/"); !errors.Is(err, proto.ErrSessionExpired) || len(c.slots) != 0 {
		t.Errorf("after the end: %v, %d slots taken", err, len(c.slots))
	}
}

func TestRemoveWatches(t *testing.T) {
	srv, ctx, events := testserver.Start(t), testContext(t), newListener()
	c := open(t, Config{Servers: []string{srv.Addr}, OnEvent: events.on})
	events.expect(t, "SyncConnected")
	if err := c.RemoveWatches(ctx, "/", proto.WatcherAny, false); !errors.Is(err, proto.ErrNoWatcher) {
		t.Errorf("none: %v", err)
	}
	_, _, err := c.Get(ctx, "/", true)
	must(t, err)
	must(t, c.AddWatch(ctx, "/", proto.WatchPersistentRecursive))
	if err := c.RemoveWatches(ctx, "/", proto.WatcherChildren, false); !errors.Is(err, proto.ErrNoWatcher) {
		t.Errorf("another kind: %v", err)
	}
	must(t, c.RemoveWatches(ctx, "/", proto.WatcherAny, false))
	events.expect(t, "DataWatchRemoved path:/ zxid: -1", "PersistentWatchRemoved path:/ ")
	_, _, err = c.Get(ctx, "/", true)
	must(t, err)
	srv.Stop()
	events.expect(t, "Disconnected")
	if err := c.RemoveWatches(ctx, "/", proto.WatcherData, false); !errors.Is(err, proto.ErrConnectionLoss) {
		t.Errorf("without a server: %v", err)
	}
	must(t, c.RemoveWatches(ctx, "/", proto.WatcherData, true))
	events.expect(t, "state:Disconnected type:DataWatchRemoved path:/")
}
