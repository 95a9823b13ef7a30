package server

import (
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func (c *testClient) expectEvent(kind proto.EventType, path string) {
	c.t.Helper()
	if e := c.readReply().event(c.t); e.Type != kind || e.Path != path || e.State != proto.StateSyncConnected {
		c.t.Errorf("event %+v, want type %d of %s", e, kind, path)
	}
}

// quiet makes sure that nothing has been sent that was not asked for.
func (c *testClient) quiet() {
	c.t.Helper()
	c.write(proto.RequestHeader{Xid: proto.XidPing, Op: proto.OpPing}.Append(nil))
	if r := c.readReply(); r.Xid != proto.XidPing {
		c.t.Errorf("%+v where nothing was due", r.event(c.t))
	}
}

func TestOneShotWatches(t *testing.T) {
	srv := start(t)
	writer, watcher := connect(t, srv), connect(t, srv)
	writer.create("/a", "1", proto.FlagPersistent)
	watcher.must(proto.OpGetData, &proto.WatchableRequest{Path: "/a", Watch: true})
	watcher.must(proto.OpGetChildren, &proto.WatchableRequest{Path: "/a", Watch: true})
	watcher.call(proto.OpExists, &proto.WatchableRequest{Path: "/a/b", Watch: true})

	zxid := writer.must(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: -1}).Zxid
	r := watcher.readReply()
	if e := r.event(t); e.Type != proto.EventNodeDataChanged || r.Zxid != zxid {
		t.Errorf("%+v with zxid 0x%x, want 0x%x", e, r.Zxid, zxid)
	}
	writer.must(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: -1})
	watcher.quiet() // it fired once
	writer.create("/a/b", "", proto.FlagPersistent)
	watcher.expectEvent(proto.EventNodeCreated, "/a/b")
	watcher.expectEvent(proto.EventNodeChildrenChanged, "/a")
}

func TestPersistentWatches(t *testing.T) {
	srv := start(t)
	writer, watcher := connect(t, srv), connect(t, srv)
	writer.create("/a", "", proto.FlagPersistent)
	watcher.must(proto.OpAddWatch, &proto.AddWatchRequest{Path: "/a", Mode: proto.WatchPersistentRecursive})
	for range 2 {
		writer.create("/a/b", "", proto.FlagPersistent)
		watcher.expectEvent(proto.EventNodeCreated, "/a/b")
		writer.must(proto.OpDelete, &proto.DeleteRequest{Path: "/a/b", Version: -1})
		watcher.expectEvent(proto.EventNodeDeleted, "/a/b")
	}
	kind := &proto.WatcherKindRequest{Path: "/a", Kind: proto.WatcherPersistentRecursive}
	watcher.must(proto.OpCheckWatches, kind)
	watcher.must(proto.OpRemoveWatches, kind)
	if r := watcher.call(proto.OpCheckWatches, kind); r.Err != proto.ErrNoWatcher {
		t.Errorf("check after removal: %v", r.Err)
	}
	writer.create("/a/b", "", proto.FlagPersistent)
	watcher.quiet()
	if r := watcher.call(proto.OpAddWatch, &proto.AddWatchRequest{Path: "/a", Mode: 2}); r.Err != proto.ErrMarshalling {
		t.Errorf("an unknown mode: %v", r.Err)
	}
}

// TestReplay arms watches again after a reconnect: what changed meanwhile is
// told before the reply, the rest is armed.
func TestReplay(t *testing.T) {
	srv := start(t)
	writer, watcher := connect(t, srv), connect(t, srv)
	for _, path := range []string{"/changed", "/same", "/gone", "/parent"} {
		writer.create(path, "", proto.FlagPersistent)
	}
	seen := watcher.must(proto.OpSync, &proto.PathRequest{Path: "/"}).Zxid
	_ = watcher.nc.Close()
	writer.must(proto.OpSetData, &proto.SetDataRequest{Path: "/changed", Version: -1})
	writer.must(proto.OpDelete, &proto.DeleteRequest{Path: "/gone", Version: -1})
	writer.create("/born", "", proto.FlagPersistent)
	writer.create("/parent/child", "", proto.FlagPersistent)

	back := reconnect(t, srv, watcher)
	request := &proto.SetWatchesRequest{
		RelativeZxid: seen, HasPersistent: true,
		Data: []string{"/changed", "/same", "/gone"}, Exist: []string{"/born", "/unborn"}, Child: []string{"/parent"},
		Persistent: []string{"/same"}, PersistentRecursive: []string{"/parent"},
	}
	header := proto.RequestHeader{Xid: proto.XidSetWatches, Op: proto.OpSetWatches2}
	back.write(request.Append(header.Append(nil)))
	back.expectEvent(proto.EventNodeDataChanged, "/changed")
	back.expectEvent(proto.EventNodeDeleted, "/gone")
	back.expectEvent(proto.EventNodeCreated, "/born")
	back.expectEvent(proto.EventNodeChildrenChanged, "/parent")
	if r := back.readReply(); r.Xid != proto.XidSetWatches || r.Err != proto.OK {
		t.Errorf("reply %+v", r.ReplyHeader)
	}
	writer.create("/unborn", "", proto.FlagPersistent)
	back.expectEvent(proto.EventNodeCreated, "/unborn")
	for range 2 {
		writer.must(proto.OpSetData, &proto.SetDataRequest{Path: "/same", Version: -1})
		back.expectEvent(proto.EventNodeDataChanged, "/same")
	}
	writer.must(proto.OpSetData, &proto.SetDataRequest{Path: "/parent/child", Version: -1})
	back.expectEvent(proto.EventNodeDataChanged, "/parent/child")
}

// TestEventsNeedRead keeps events from a client that may not read the znode.
func TestEventsNeedRead(t *testing.T) {
	srv := start(t)
	writer, watcher := connect(t, srv), connect(t, srv)
	writer.must(proto.OpAuth, &proto.AuthPacket{Scheme: "digest", Auth: []byte("u:p")})
	acl := []proto.ACL{{Perms: proto.PermAll, ID: proto.ID{Scheme: "auth"}}}
	watcher.call(proto.OpExists, &proto.WatchableRequest{Path: "/secret", Watch: true})
	watcher.must(proto.OpAddWatch, &proto.AddWatchRequest{Path: "/", Mode: proto.WatchPersistentRecursive})
	writer.must(proto.OpCreate, &proto.CreateRequest{Path: "/secret", ACL: acl})
	writer.must(proto.OpSetData, &proto.SetDataRequest{Path: "/secret", Version: -1})
	watcher.quiet()
	if r := watcher.call(proto.OpGetData, &proto.WatchableRequest{Path: "/secret"}); r.Err != proto.ErrNoAuth {
		t.Errorf("read: %v", r.Err)
	}
	writer.must(proto.OpGetData, &proto.WatchableRequest{Path: "/secret"})
}

// TestSlowWatcher is cut off when it does not read its events, and holds up
// nobody else meanwhile.
func TestSlowWatcherHoldsUpNobody(t *testing.T) {
	srv := start(t)
	writer, watcher := connect(t, srv), connect(t, srv)
	writer.create("/a", "", proto.FlagPersistent)
	watcher.must(proto.OpAddWatch, &proto.AddWatchRequest{Path: "/a", Mode: proto.WatchPersistent})
	set := &proto.SetDataRequest{Path: "/a", Version: -1}
	for range 200 {
		var frames [][]byte
		for range 50 {
			frames = append(frames, writer.request(proto.OpSetData, set))
		}
		writer.write(frames...)
		for range 50 {
			if r := writer.readReply(); r.Err != proto.OK {
				t.Fatal(r.Err)
			}
		}
	}
	for range 200 * 50 {
		watcher.expectEvent(proto.EventNodeDataChanged, "/a")
	}
}
