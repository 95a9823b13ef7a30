package server

import (
	"slices"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// TestHardQuota refuses what goes beyond a hard limit, when that is enforced.
func TestHardQuota(t *testing.T) {
	for _, enforce := range []bool{false, true} {
		srv := start(t, func(c *conf.Config) { c.Quota.Enforce = enforce })
		client := connect(t, srv)
		refused := proto.OK
		if enforce {
			refused = proto.ErrQuotaExceeded
		}
		client.create("/q", "", proto.FlagPersistent)
		for _, path := range []string{"/zookeeper/quota/q", "/zookeeper/quota/q/zookeeper_limits", "/zookeeper/quota/q/zookeeper_stats"} {
			client.create(path, "count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=2", proto.FlagPersistent)
		}
		client.create("/q/a", "12345", proto.FlagPersistent)
		if r := client.call(proto.OpCreate, createRequest("/q/b", "", proto.FlagPersistent)); r.Err != refused {
			t.Errorf("enforced %v: one znode too many: %v", enforce, r.Err)
		}
		set := &proto.SetDataRequest{Path: "/q/a", Data: []byte(strings.Repeat("x", 11)), Version: -1}
		if r := client.call(proto.OpSetData, set); r.Err != refused {
			t.Errorf("enforced %v: one byte too many: %v", enforce, r.Err)
		}
		client.must(proto.OpSetData, &proto.SetDataRequest{Path: "/q/a", Data: []byte("1234567890"), Version: -1})
	}
}

// TestReaping waits for the end of znodes that are no longer needed.
func TestReaping(t *testing.T) {
	srv := start(t, func(c *conf.Config) {
		c.Containers = conf.Containers{CheckIntervalMs: 10, MaxPerMinute: 1_000_000}
	})
	client := connect(t, srv)
	container := func(path string) *proto.CreateRequest { return createRequest(path, "", proto.FlagContainer) }
	client.must(proto.OpCreateContainer, container("/never-used"))
	client.must(proto.OpCreateContainer, container("/used"))
	client.must(proto.OpExists, &proto.WatchableRequest{Path: "/used", Watch: true})
	client.create("/used/child", "", proto.FlagPersistent)
	client.must(proto.OpDelete, &proto.DeleteRequest{Path: "/used/child", Version: -1})
	client.expectEvent(proto.EventNodeDeleted, "/used")

	ttl := createRequest("/ttl", "", proto.FlagPersistentTTL)
	ttl.HasTTL, ttl.TTLMs = true, 50
	client.must(proto.OpCreateTTL, ttl)
	client.must(proto.OpExists, &proto.WatchableRequest{Path: "/ttl", Watch: true})
	client.expectEvent(proto.EventNodeDeleted, "/ttl")
	if !client.exists("/never-used") {
		t.Error("a container was removed that had no children yet")
	}
}

// TestConnectionThrottle lets two clients in and no third.
func TestConnectionThrottle(t *testing.T) {
	srv := start(t, func(c *conf.Config) {
		c.Connections.Tokens, c.Connections.FillTimeMs, c.Connections.FillCount = 2, 1_000_000, 1
	})
	first := connect(t, srv)
	connect(t, srv)
	third := dial(t, srv)
	third.write((&proto.ConnectRequest{TimeoutMs: 5000, Passwd: make([]byte, proto.PasswdBytes)}).Append(nil))
	third.closed()
	first.must(proto.OpSync, &proto.PathRequest{Path: "/"})
}

// TestRequestThrottle has room for two requests at a time, of many that come
// at once from several clients.
func TestRequestThrottle(t *testing.T) {
	srv := start(t, func(c *conf.Config) { c.Requests.ThrottleMax, c.Requests.ThrottleStallMs = 2, 1000 })
	const clients, requests = 4, 100
	var all []*testClient
	for range clients {
		c := connect(t, srv)
		var burst [][]byte
		for i := range requests {
			if i%2 == 0 {
				burst = append(burst, c.request(proto.OpCreate, createRequest("/n-", "", proto.FlagPersistentSequential)))
			} else {
				burst = append(burst, c.request(proto.OpGetData, &proto.WatchableRequest{Path: "/"}))
			}
		}
		c.write(burst...)
		all = append(all, c)
	}
	for _, c := range all {
		for i := range requests {
			if r := c.readReply(); r.Err != proto.OK || r.Xid != int32(i+1) {
				t.Fatalf("reply %d: %+v", i+1, r.ReplyHeader)
			}
			if n := srv.requests.InProcess(); n > 2 {
				t.Fatalf("%d requests in process", n)
			}
		}
	}
	eventually(t, "all requests are accounted for", func() bool { return srv.requests.InProcess() == 0 })
}

// TestThrottledOps refuses what has waited too long for its turn, in its turn.
func TestThrottledOps(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk, func(c *conf.Config) {
		c.Requests.ThrottleMax, c.Requests.ThrottleStallMs, c.Requests.ThrottledOpWaitMs = 1, 1000, 20
	})
	client := connect(t, srv)
	client.create("/large", strings.Repeat("x", 1000), 0) // the read buffer grows: all of the burst below arrives at once
	release := holdSyncs(t, disk)
	client.write(
		client.request(proto.OpCreate, createRequest("/first", "", proto.FlagPersistent)),
		client.request(proto.OpCreate, createRequest("/late", "", proto.FlagPersistent)),
		client.request(proto.OpGetData, &proto.WatchableRequest{Path: "/first"}),
		client.request(proto.OpPing, nil),
	)
	eventually(t, "the second waits", func() bool { return srv.requests.Queued() == 1 })
	arrived := srv.clock.nanos()
	eventually(t, "the wait is too long", func() bool { return srv.clock.nanos()-arrived > 50e6 })
	release()
	for _, want := range []proto.ErrCode{proto.OK, proto.ErrThrottledOp, proto.ErrThrottledOp, proto.OK} {
		if r := client.readReply(); r.Err != want {
			t.Errorf("xid %d: %v, want %v", r.Xid, r.Err, want)
		}
	}
	if client.exists("/late") {
		t.Error("a refused create was done")
	}
}

// TestOutstandingLimit holds a client back that has too many requests under
// way, while another goes on.
func TestOutstandingLimit(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk, func(c *conf.Config) { c.Requests.MaxOutstanding = 10 })
	greedy, modest := connect(t, srv), connect(t, srv)
	release := holdSyncs(t, disk)
	create := func() []byte {
		return frame(greedy.request(proto.OpCreate, createRequest("/n-", strings.Repeat("x", 10_000), proto.FlagPersistentSequential)))
	}
	const requests = 500
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range requests {
			if _, err := greedy.nc.Write(create()); err != nil {
				return
			}
		}
	}()
	eventually(t, "the greedy client is held back", func() bool {
		return srv.requests.InProcess() > 10 && srv.requests.Paused() == 1
	})
	held := srv.requests.InProcess()
	modest.must(proto.OpGetData, &proto.WatchableRequest{Path: "/"})
	if now := srv.requests.InProcess(); now != held || now > 500 {
		t.Errorf("%d requests in process, then %d", held, now)
	}
	release()
	for i := range requests {
		if r := greedy.readReply(); r.Err != proto.OK || r.Xid != int32(i+1) {
			t.Fatalf("reply %d: %+v", i+1, r.ReplyHeader)
		}
	}
	<-sent
}

// TestLargeRequests has room for one large request at a time.
func TestLargeRequests(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk, func(c *conf.Config) {
		c.Requests.LargeThresholdBytes, c.Requests.LargeMaxBytes = 100_000, 300_000
	})
	first, second := connect(t, srv), connect(t, srv)
	large := strings.Repeat("x", 200_000)
	release := holdSyncs(t, disk)
	first.write(first.request(proto.OpCreate, createRequest("/a", large, proto.FlagPersistent)))
	underWay(t, srv, 1)
	_, _ = second.nc.Write(frame(second.request(proto.OpCreate, createRequest("/b", large, proto.FlagPersistent)))) // may be cut in the middle
	second.closed()
	release()
	if r := first.readReply(); r.Err != proto.OK {
		t.Errorf("the large request that fits: %v", r.Err)
	}
	eventually(t, "the room is given back", func() bool { return srv.large.Bytes() == 0 })
	first.create("/c", large, proto.FlagPersistent)
}

// TestFrameLimit takes a request of jute.maxbuffer, and no larger one.
func TestFrameLimit(t *testing.T) {
	srv := start(t, func(c *conf.Config) { c.Limits.MaxFrameBytes = 10_000 })
	for extra, fits := range []bool{true, false} {
		client := connect(t, srv)
		empty := len(client.request(proto.OpCreate, createRequest("/a", "", proto.FlagPersistent)))
		request := client.request(proto.OpCreate, createRequest("/a", strings.Repeat("x", 10_000-empty+extra), proto.FlagPersistent))
		_, _ = client.nc.Write(frame(request))
		if !fits {
			client.closed()
		} else if r := client.readReply(); r.Err != proto.OK {
			t.Errorf("a request of %d bytes: %v", len(request), r.Err)
		}
	}
}

// TestEphemeralsOf lists what a session owns, by prefix.
func TestEphemeralsOf(t *testing.T) {
	srv := start(t)
	client, other := connect(t, srv), connect(t, srv)
	client.create("/p", "", proto.FlagPersistent)
	for _, path := range []string{"/p/a", "/p/b", "/q"} {
		client.create(path, "", proto.FlagEphemeral)
	}
	other.create("/p/c", "", proto.FlagEphemeral)
	for prefix, want := range map[string]string{
		"": "/p/a /p/b /q", "/": "/p/a /p/b /q", " ": "/p/a /p/b /q", "/p": "/p/a /p/b", "/p/b": "/p/b", "p": "", "/none": "",
	} {
		d := jute.NewDecoder(client.must(proto.OpGetEphemerals, &proto.GetEphemeralsRequest{Prefix: prefix}).body)
		paths := d.Strings()
		slices.Sort(paths)
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("prefix %q: %q, want %q", prefix, got, want)
		}
	}
}
