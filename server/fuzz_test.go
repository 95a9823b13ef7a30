package server

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// FuzzConnection sends any bytes to a running server, before or behind a
// handshake. They may cost their own connection; another client is served as
// before, and when the sender is gone, nothing of it is left.
func FuzzConnection(f *testing.F) {
	join := func(payloads ...[]byte) (b []byte) {
		for _, p := range payloads {
			b = append(b, frame(p)...)
		}
		return b
	}
	c := &testClient{}
	hello := (&proto.ConnectRequest{TimeoutMs: 5000, HasReadOnly: true, Passwd: make([]byte, proto.PasswdBytes)}).Append(nil)
	f.Add(false, join(hello, authFrame("digest", "u:p"), c.request(proto.OpCloseSession, nil)))
	f.Add(false, []byte("mntr"))
	f.Add(false, []byte("stmk\x00\x00\x00"))
	f.Add(false, []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(true, join(
		c.request(proto.OpCreate, createRequest("/f", "data", proto.FlagEphemeralSequential)),
		c.request(proto.OpGetData, &proto.WatchableRequest{Path: "/", Watch: true}),
		c.request(proto.OpGetChildren2, &proto.WatchableRequest{Path: "/", Watch: true}),
		c.request(proto.OpPing, nil),
	))
	f.Add(true, join(
		c.request(proto.OpMulti, pair(1)),
		c.request(proto.OpMultiRead, multi{{proto.OpGetData, &proto.WatchableRequest{Path: "/"}}}),
		c.request(proto.OpSetWatches2, &proto.SetWatchesRequest{HasPersistent: true, Data: []string{"/a"}, Persistent: []string{"/"}}),
		c.request(proto.OpAddWatch, &proto.AddWatchRequest{Path: "/", Mode: proto.WatchPersistentRecursive}),
		c.request(proto.OpSetACL, &proto.SetACLRequest{Path: "/a1", ACL: proto.OpenACL, Version: -1}),
		c.request(proto.OpDelete, &proto.DeleteRequest{Path: "/a1", Version: -1}),
		c.request(proto.OpCloseSession, nil),
		c.request(proto.OpGetData, &proto.WatchableRequest{Path: "/"}),
	))
	srv := quietServer(f)
	probe := connect(f, srv)
	f.Fuzz(func(t *testing.T, behind bool, data []byte) {
		client := pipe(t, srv)
		if behind {
			client.handshake(&proto.ConnectRequest{TimeoutMs: 500})
		}
		ended := make(chan struct{})
		go func() { _, _ = io.Copy(io.Discard, client.nc); close(ended) }()
		_, _ = client.nc.Write(data)
		_ = client.nc.Close()
		<-ended
		alone(t, srv, 1)
		probe.t = t
		_ = probe.nc.SetDeadline(time.Now().Add(testPatience))
		if r := probe.call(proto.OpSync, &proto.PathRequest{Path: "/"}); r.Err != proto.OK {
			t.Errorf("another client: %v", r.Err)
		}
		srv.gate.enterRead()
		defer srv.gate.leaveRead()
		if n := srv.tree.Watches().Count(); n != 0 {
			t.Errorf("%d watches are left", n)
		}
	})
}

// quietServer is a server in memory that logs nothing: a fuzz target may not
// use the log of the test around it.
func quietServer(f *testing.F) *Server {
	f.Helper()
	cfg := testConfig("/data")
	cfg.Session.MinTimeoutMs = 500
	srv, err := New(cfg, zerolog.Nop(), BuildInfo{})
	if err != nil {
		f.Fatal(err)
	}
	srv.fs = vfs.NewMem()
	if err := srv.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testPatience)
		defer cancel()
		if err := srv.Stop(ctx); err != nil {
			f.Error(err)
		}
	})
	return srv
}
