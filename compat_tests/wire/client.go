package wire

import (
	"errors"
	"fmt"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrSessionGone means that the server refused a session: it has expired, or
// the password is wrong.
var ErrSessionGone = errors.New("wire: the server does not know the session")

// callLimit is how long a reply may take, unless a client says otherwise.
const callLimit = 30 * time.Second

// Record is what a request's body is made of.
type Record interface{ Append([]byte) []byte }

// Event is a notification.
type Event struct {
	Zxid int64
	Type proto.EventType
	Path string
}

// Client is a session on a connection. It is for one goroutine.
type Client struct {
	*Conn
	SessionID int64
	Passwd    []byte
	TimeoutMs int32         // as negotiated
	Events    []Event       // notifications read so far, oldest first
	LastZxid  int64         // of the last reply
	Limit     time.Duration // how long a reply may take; callLimit when 0
	xid       int32
}

// Open connects to addr and asks for a new session.
func Open(addr string, timeout time.Duration) (*Client, error) {
	return Resume(addr, timeout, 0, make([]byte, proto.PasswdBytes))
}

// Resume connects to addr and asks for the session with that id and password.
func Resume(addr string, timeout time.Duration, id int64, passwd []byte) (*Client, error) {
	conn, err := Dial(addr)
	if err != nil {
		return nil, err
	}
	c := &Client{Conn: conn, SessionID: id, Passwd: passwd}
	return c.begun(timeout)
}

// Move connects to addr and goes on there with the session of a client whose
// connection has ended. As clients do, it says which zxid it has seen: a server
// that is behind closes the connection. A reply, this one's too, may take as
// long as limit.
func (c *Client) Move(addr string, limit time.Duration) (*Client, error) {
	conn, err := Dial(addr)
	if err != nil {
		return nil, err
	}
	moved := &Client{Conn: conn, SessionID: c.SessionID, Passwd: c.Passwd, LastZxid: c.LastZxid, Limit: limit, xid: c.xid}
	return moved.begun(time.Duration(c.TimeoutMs) * time.Millisecond)
}

// begun asks for the client's session, or for a new one when its id is 0.
func (c *Client) begun(timeout time.Duration) (*Client, error) {
	if err := c.handshake(timeout); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) limit() time.Duration {
	if c.Limit > 0 {
		return c.Limit
	}
	return callLimit
}

func (c *Client) handshake(timeout time.Duration) error {
	req := proto.ConnectRequest{
		LastZxidSeen: c.LastZxid, TimeoutMs: int32(timeout.Milliseconds()), SessionID: c.SessionID, Passwd: c.Passwd, HasReadOnly: true,
	}
	if err := c.Write(Frame(req.Append(nil))); err != nil {
		return err
	}
	frame, err := c.ReadFrame(c.limit())
	if err != nil {
		return err
	}
	var resp proto.ConnectResponse
	d := jute.NewDecoder(frame)
	resp.Decode(&d)
	if d.Err() != nil {
		return fmt.Errorf("connect response: %w", d.Err())
	}
	if resp.TimeoutMs <= 0 {
		return ErrSessionGone
	}
	c.SessionID, c.Passwd, c.TimeoutMs = resp.SessionID, resp.Passwd, resp.TimeoutMs
	return nil
}

// Call sends a request and returns the body of its reply; an error code in
// the reply is returned as a proto.ErrCode. Notifications that arrive before
// the reply are appended to Events.
func (c *Client) Call(op proto.Op, body Record) (*jute.Decoder, error) {
	c.xid++
	return c.CallXid(c.xid, op, body)
}

// CallXid is Call with a chosen xid, for the requests that have their own.
func (c *Client) CallXid(xid int32, op proto.Op, body Record) (*jute.Decoder, error) {
	b := proto.RequestHeader{Xid: xid, Op: op}.Append(nil)
	if body != nil {
		b = body.Append(b)
	}
	if err := c.Write(Frame(b)); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return c.await(xid, op)
}

// Pipeline sends requests all at once and returns their replies' bodies in
// order. The first error ends it and the connection; the replies before it are
// returned with it.
func (c *Client) Pipeline(calls []MultiOp) ([]*jute.Decoder, error) {
	var burst []byte
	first := c.xid + 1
	for _, call := range calls {
		c.xid++
		burst = append(burst, Frame(call.Body.Append(proto.RequestHeader{Xid: c.xid, Op: call.Op}.Append(nil)))...)
	}
	sent := make(chan error, 1)
	go func() { sent <- c.Write(burst) }() // replies are read while requests are still written
	replies := make([]*jute.Decoder, 0, len(calls))
	var failed error
	for i := 0; i < len(calls) && failed == nil; i++ {
		var d *jute.Decoder
		if d, failed = c.await(first+int32(i), calls[i].Op); failed == nil {
			replies = append(replies, d)
		}
	}
	if failed != nil {
		c.Close()
		<-sent
		return replies, failed
	}
	return replies, <-sent
}

func (c *Client) await(xid int32, op proto.Op) (*jute.Decoder, error) {
	for {
		h, d, err := c.next(c.limit())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		if h.Xid == proto.XidNotification {
			continue
		}
		if h.Xid != xid {
			return nil, fmt.Errorf("%s: reply to xid %d, expected %d", op, h.Xid, xid)
		}
		c.LastZxid = h.Zxid
		if h.Err != proto.OK {
			return d, h.Err
		}
		return d, nil
	}
}

// next reads a frame; a notification is appended to Events as well.
func (c *Client) next(timeout time.Duration) (proto.ReplyHeader, *jute.Decoder, error) {
	var h proto.ReplyHeader
	frame, err := c.ReadFrame(timeout)
	if err != nil {
		return h, nil, err
	}
	d := jute.NewDecoder(frame)
	h.Decode(&d)
	if h.Xid == proto.XidNotification && d.Err() == nil {
		var e proto.WatcherEvent
		e.Decode(&d)
		c.Events = append(c.Events, Event{Zxid: h.Zxid, Type: e.Type, Path: e.Path})
	}
	return h, &d, d.Err()
}

// Ping sends a ping; its reply comes after everything sent before.
func (c *Client) Ping() error {
	_, err := c.CallXid(proto.XidPing, proto.OpPing, nil)
	return err
}

// CloseSession ends the session and the connection.
func (c *Client) CloseSession() error {
	defer c.Close()
	_, err := c.Call(proto.OpCloseSession, nil)
	return err
}
