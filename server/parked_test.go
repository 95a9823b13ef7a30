package server

import (
	"bytes"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// heavyRead reads one znode several times over.
type heavyRead struct {
	path  string
	times int
}

func (r heavyRead) Append(b []byte) []byte {
	for range r.times {
		b = (&proto.WatchableRequest{Path: r.path}).Append(proto.MultiHeader{Op: proto.OpGetData, Err: -1}.Append(b))
	}
	return proto.MultiEnd.Append(b)
}

// slowLog is a server whose log syncs when it is told to.
func slowLog(t *testing.T) (srv *Server, slow func(), release func()) {
	disk := vfs.NewMem()
	srv = startOn(t, disk)
	gate := make(chan struct{})
	armed := make(chan struct{})
	disk.Observe(func(op vfs.Op) error {
		select {
		case <-armed:
		default:
			return nil
		}
		if op.Kind == vfs.OpSync {
			<-gate
		}
		return nil
	})
	return srv, func() { close(armed) }, func() { close(gate) }
}

// blocked tells whether a connection's reader waits for what is parked, and
// what that is.
func blocked(srv *Server) (requests, weight int, waits bool) {
	srv.gate.enterWrite()
	defer srv.gate.leaveWrite()
	for _, c := range srv.conns.list() {
		if c.settle != nil {
			return c.fifo.len(), c.fifo.weight, true
		}
	}
	return 0, 0, false
}

// TestParkedReadsAreBounded pipelines large reads behind a write. They are not
// all answered at once, for that would take any amount of memory, and all of
// them are answered in their order.
func TestParkedReadsAreBounded(t *testing.T) {
	const reads, times, size = 60, 4, 30_000
	for name, request := range map[string]func(c *testClient) []byte{
		"multiRead": func(c *testClient) []byte { return c.request(proto.OpMultiRead, heavyRead{"/big", times}) },
		"children": func(c *testClient) []byte {
			return c.request(proto.OpGetChildren, &proto.WatchableRequest{Path: "/"})
		},
		"large requests": func(c *testClient) []byte {
			return c.request(proto.OpSync, &proto.PathRequest{Path: strings.Repeat("x", size)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv, slow, release := slowLog(t)
			client := connect(t, srv)
			client.create("/big", strings.Repeat("x", size), proto.FlagPersistent)
			slow()
			first := client.xid + 1
			burst := frame(client.request(proto.OpCreate, createRequest("/a", "", proto.FlagPersistent)))
			for range reads {
				burst = append(burst, frame(request(client))...)
			}
			burst = append(burst, frame(client.request(proto.OpCreate, createRequest("/b", "", proto.FlagPersistent)))...)
			go func() { _, _ = client.nc.Write(burst) }() // the replies tell
			var parked, weight int
			eventually(t, "the reader waits", func() (waits bool) {
				parked, weight, waits = blocked(srv)
				return waits
			})
			if parked > 1+maxParkedWeight/2 || weight > maxParkedWeight+16 {
				t.Errorf("%d requests of weight %d are parked", parked, weight)
			}
			release()
			for xid := first; xid <= client.xid; xid++ {
				r := client.readReply()
				if r.Xid != xid || r.Err != proto.OK {
					t.Fatalf("reply %d with %v where %d was due", r.Xid, r.Err, xid)
				}
				if name == "children" && bytes.Contains(r.body, []byte("\x00\x00\x00\x01b")) {
					t.Fatal("a read shows the write behind it")
				}
			}
		})
	}
}

// TestStopWhileParked stops a server whose reader waits: what was accepted is
// answered, what was not looked at is not.
func TestStopWhileParked(t *testing.T) {
	srv, slow, release := slowLog(t)
	client := connect(t, srv)
	slow()
	burst := frame(client.request(proto.OpCreate, createRequest("/a", "", proto.FlagPersistent)))
	for range 100 {
		burst = append(burst, frame(client.request(proto.OpMultiRead, heavyRead{"/", 1}))...)
	}
	go func() { _, _ = client.nc.Write(burst) }() // the replies tell
	var parked int
	eventually(t, "the reader waits", func() (waits bool) {
		parked, _, waits = blocked(srv)
		return waits
	})
	stopped := make(chan struct{})
	go func() { stop(t, srv); close(stopped) }()
	<-srv.stopping
	release()
	for range parked {
		if r := client.readReply(); r.Err != proto.OK {
			t.Errorf("reply %d: %v", r.Xid, r.Err)
		}
	}
	client.closed()
	<-stopped
}
