package server

import (
	"fmt"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// holdSyncs makes every sync of a disk wait until release is called.
func holdSyncs(t testing.TB, disk *vfs.Mem) (release func()) {
	t.Helper()
	held := make(chan struct{})
	disk.Observe(func(op vfs.Op) error {
		if op.Kind == vfs.OpSync {
			<-held
		}
		return nil
	})
	release = sync.OnceFunc(func() {
		disk.Observe(nil)
		close(held)
	})
	t.Cleanup(release)
	return release
}

// underWay waits until so many requests have no answer yet.
func underWay(t testing.TB, srv *Server, requests int64) {
	t.Helper()
	eventually(t, "requests are under way", func() bool { return srv.requests.InProcess() >= requests })
}

// authFrame is a frame that adds an identity, with the xid that clients use.
func authFrame(scheme, data string) []byte {
	h := proto.RequestHeader{Xid: proto.XidAuth, Op: proto.OpAuth}
	return (&proto.AuthPacket{Scheme: scheme, Auth: []byte(data)}).Append(h.Append(nil))
}

// TestRequestsBehindConnect sends everything at once, as the Java client does:
// nothing may be answered before the ConnectRequest, not even what is answered
// out of turn.
func TestRequestsBehindConnect(t *testing.T) {
	srv := start(t)
	connectFrame := (&proto.ConnectRequest{TimeoutMs: 5000, HasReadOnly: true, Passwd: make([]byte, proto.PasswdBytes)}).Append(nil)
	for name, c := range map[string]struct {
		frame []byte
		want  proto.ReplyHeader
		ends  bool
	}{
		"auth":         {authFrame("digest", "u:p"), proto.ReplyHeader{Xid: proto.XidAuth}, false},
		"failing auth": {authFrame("none", ""), proto.ReplyHeader{Xid: proto.XidAuth, Err: proto.ErrAuthFailed}, true},
		"sasl": {
			(&proto.SASLToken{Token: []byte{}}).Append(proto.RequestHeader{Xid: 7, Op: proto.OpSASL}.Append(nil)),
			proto.ReplyHeader{Xid: 7}, false,
		},
		"unknown op": {
			proto.RequestHeader{Xid: 7, Op: 99}.Append(nil),
			proto.ReplyHeader{Xid: 7, Zxid: -1, Err: proto.ErrUnimplemented}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, srv)
			client.write(connectFrame, c.frame)
			d := jute.NewDecoder(client.read())
			if client.session.Decode(&d); d.Err() != nil || client.session.TimeoutMs != 5000 {
				t.Fatalf("first frame: %+v, %v", client.session, d.Err())
			}
			if r := client.readReply(); r.ReplyHeader != c.want {
				t.Errorf("second frame: %+v, want %+v", r.ReplyHeader, c.want)
			}
			if c.ends {
				client.closed()
			} else {
				client.quiet()
			}
		})
	}
}

// TestRenewalSeesWrites loses a connection while its write waits for the disk.
// The client asks over a new one what became of it, and must not be told that
// it was not done when it is done later.
func TestRenewalSeesWrites(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk)
	old, next := connect(t, srv), dial(t, srv)
	release := holdSyncs(t, disk)
	old.write(old.request(proto.OpCreate, createRequest("/a", "", proto.FlagPersistent)))
	underWay(t, srv, 1)
	_ = old.nc.Close()
	next.write(
		(&proto.ConnectRequest{TimeoutMs: 5000, SessionID: old.session.SessionID, Passwd: old.session.Passwd}).Append(nil),
		next.request(proto.OpExists, &proto.WatchableRequest{Path: "/a"}),
	)
	eventually(t, "the renewal waits for the write", func() bool {
		srv.applier.mu.Lock()
		defer srv.applier.mu.Unlock()
		return len(srv.applier.waiters) == 1
	})
	release()
	next.read()
	if r := next.readReply(); r.Err != proto.OK {
		t.Errorf("the write of the lost connection: %v", r.Err)
	}
}

// TestRenewalEndsWrites renews a session in the middle of a burst of writes of
// its old connection: once the renewal is answered, no more of them follow.
func TestRenewalEndsWrites(t *testing.T) {
	srv := start(t)
	parent := 0
	for range 20 {
		parent++
		path := fmt.Sprintf("/p%d", parent)
		old := connect(t, srv)
		old.create(path, "", proto.FlagPersistent)
		var burst [][]byte
		for range 300 {
			burst = append(burst, old.request(proto.OpCreate, createRequest(path+"/n-", "", proto.FlagPersistentSequential)))
		}
		old.write(burst...)
		next := reconnect(t, srv, old)
		count := func() int32 {
			d := jute.NewDecoder(next.must(proto.OpGetAllChildrenNumber, &proto.PathRequest{Path: path}).body)
			return d.Int()
		}
		before := count()
		for range 10 {
			next.must(proto.OpSetData, &proto.SetDataRequest{Path: path, Version: -1})
		}
		if after := count(); after != before {
			t.Fatalf("%d children at the renewal, %d later", before, after)
		}
	}
}

// TestRequestsOfNoKind are answered, and the connection closes.
func TestRequestsOfNoKind(t *testing.T) {
	srv := start(t)
	for _, op := range []proto.Op{proto.OpNotification, proto.OpCheck, proto.OpError, proto.OpCreateSession, 10, 127, 128, -2, 1 << 30} {
		client := connect(t, srv)
		if r := client.call(op, &proto.PathRequest{Path: "/"}); r.Err != proto.ErrUnimplemented || r.Zxid != -1 {
			t.Errorf("%s: %+v", op, r.ReplyHeader)
		}
		client.closed()
	}
}

// TestBehindCloseSession sends requests behind the end of their session: they
// get no answer.
func TestBehindCloseSession(t *testing.T) {
	client := connect(t, start(t))
	client.write(
		client.request(proto.OpCloseSession, nil),
		client.request(proto.OpCreate, createRequest("/late", "", proto.FlagPersistent)),
		client.request(proto.OpGetData, &proto.WatchableRequest{Path: "/"}),
		client.request(proto.OpPing, nil),
	)
	if r := client.readReply(); r.Xid != 1 || r.Err != proto.OK {
		t.Errorf("closeSession: %+v", r.ReplyHeader)
	}
	client.closed()
}

// TestNoRequest sends frames that are too short to be one.
func TestNoRequest(t *testing.T) {
	srv := start(t)
	for _, frame := range [][]byte{{}, {1}, make([]byte, 7)} {
		client := connect(t, srv)
		client.write(frame)
		client.closed()
		first := dial(t, srv)
		first.write(frame)
		first.closed()
	}
}
