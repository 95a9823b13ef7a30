package server

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// testClient speaks the protocol frame by frame, so that tests see exactly
// what is on the wire and in which order.
type testClient struct {
	t       testing.TB
	nc      net.Conn
	xid     int32
	session proto.ConnectResponse
}

// testPatience bounds every wait of a test for the wire.
const testPatience = 20 * time.Second

// noDeadline takes a deadline away.
var noDeadline time.Time

func dial(t testing.TB, srv *Server) *testClient {
	t.Helper()
	nc, err := net.Dial("tcp", srv.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(testPatience))
	return &testClient{t: t, nc: nc}
}

// connect opens a session.
func connect(t testing.TB, srv *Server) *testClient {
	t.Helper()
	c := dial(t, srv)
	c.handshake(&proto.ConnectRequest{TimeoutMs: 10_000})
	if c.session.TimeoutMs == 0 {
		t.Fatal("no session")
	}
	return c
}

// reconnect renews the session of another client.
func reconnect(t testing.TB, srv *Server, old *testClient) *testClient {
	t.Helper()
	c := dial(t, srv)
	c.handshake(&proto.ConnectRequest{TimeoutMs: 10_000, SessionID: old.session.SessionID, Passwd: old.session.Passwd})
	return c
}

func (c *testClient) handshake(r *proto.ConnectRequest) {
	c.t.Helper()
	r.HasReadOnly = true
	if r.Passwd == nil {
		r.Passwd = make([]byte, proto.PasswdBytes)
	}
	c.write(r.Append(nil))
	d := jute.NewDecoder(c.read())
	c.session.Decode(&d)
	if d.Err() != nil {
		c.t.Fatal(d.Err())
	}
}

func (c *testClient) write(payloads ...[]byte) {
	c.t.Helper()
	var b []byte
	for _, p := range payloads {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *testClient) tryRead() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(c.nc, length[:]); err != nil {
		return nil, err
	}
	payload := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(c.nc, payload)
	return payload, err
}

func (c *testClient) read() []byte {
	c.t.Helper()
	payload, err := c.tryRead()
	if err != nil {
		c.t.Fatal(err)
	}
	return payload
}

// request is a frame with the next xid.
func (c *testClient) request(op proto.Op, record interface{ Append([]byte) []byte }) []byte {
	c.xid++
	b := proto.RequestHeader{Xid: c.xid, Op: op}.Append(nil)
	if record != nil {
		b = record.Append(b)
	}
	return b
}

// reply is one frame from the server after the handshake.
type reply struct {
	proto.ReplyHeader
	body []byte
}

func (r reply) event(t testing.TB) proto.WatcherEvent {
	t.Helper()
	if r.Xid != proto.XidNotification {
		t.Fatalf("xid %d is no notification", r.Xid)
	}
	var e proto.WatcherEvent
	d := jute.NewDecoder(r.body)
	if e.Decode(&d); d.Err() != nil {
		t.Fatal(d.Err())
	}
	return e
}

func (r reply) path(t testing.TB) string {
	t.Helper()
	d := jute.NewDecoder(r.body)
	path := d.String()
	if d.Err() != nil {
		t.Fatalf("reply with %v: %v", r.Err, d.Err())
	}
	return path
}

// data decodes a getData reply.
func (r reply) data(t testing.TB) (string, proto.Stat) {
	t.Helper()
	d := jute.NewDecoder(r.body)
	data := d.Buffer()
	var stat proto.Stat
	if stat.Decode(&d); d.Err() != nil {
		t.Fatalf("reply with %v: %v", r.Err, d.Err())
	}
	return string(data), stat
}

// stat decodes a reply that is a Stat alone.
func (r reply) stat(t testing.TB) proto.Stat {
	t.Helper()
	d := jute.NewDecoder(r.body)
	var stat proto.Stat
	if stat.Decode(&d); d.Err() != nil {
		t.Fatalf("reply with %v: %v", r.Err, d.Err())
	}
	return stat
}

func (c *testClient) readReply() reply {
	c.t.Helper()
	d := jute.NewDecoder(c.read())
	var r reply
	if r.Decode(&d); d.Err() != nil {
		c.t.Fatal(d.Err())
	}
	r.body = d.Rest()
	return r
}

// call sends one request and returns its reply, which must be the next frame.
func (c *testClient) call(op proto.Op, record interface{ Append([]byte) []byte }) reply {
	c.t.Helper()
	c.write(c.request(op, record))
	r := c.readReply()
	if r.Xid != c.xid && op != proto.OpPing {
		c.t.Fatalf("reply to xid %d where %d was due", r.Xid, c.xid)
	}
	return r
}

// must is call for a request that has to succeed.
func (c *testClient) must(op proto.Op, record interface{ Append([]byte) []byte }) reply {
	c.t.Helper()
	r := c.call(op, record)
	if r.Err != proto.OK {
		c.t.Fatalf("%s: %v", op, r.Err)
	}
	return r
}

func (c *testClient) create(path, data string, flags int32) string {
	c.t.Helper()
	return c.must(proto.OpCreate, createRequest(path, data, flags)).path(c.t)
}

func createRequest(path, data string, flags int32) *proto.CreateRequest {
	return &proto.CreateRequest{Path: path, Data: []byte(data), ACL: proto.OpenACL, Flags: flags}
}

// closed waits for the server to close the connection.
func (c *testClient) closed() {
	c.t.Helper()
	if payload, err := c.tryRead(); err == nil {
		c.t.Fatalf("a frame of %d bytes where the end was due: %x", len(payload), payload)
	} else if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		c.t.Fatal("the connection is still open")
	}
}
