package client

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// serve reads a connection to its end. The error is why it ended.
func (c *Client) serve(ctx context.Context, l *line) error {
	stop := context.AfterFunc(ctx, func() { _ = l.nc.Close() })
	defer stop()
	timeout := time.Duration(c.sessionTimeoutMs()) * time.Millisecond
	var writer sync.WaitGroup
	writer.Go(func() { l.write(c, min(timeout/3, maxPingInterval)) })
	var err error
	for err == nil {
		var frame []byte
		if frame, err = l.read(timeout*2/3+time.Millisecond, c.cfg.MaxFrameBytes); err == nil {
			err = c.receive(l, frame)
		}
	}
	_ = l.nc.Close()
	close(l.end)
	writer.Wait()
	c.lost(ctx, l, err)
	return err
}

func (c *Client) sessionTimeoutMs() int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.TimeoutMs
}

// lost fails what was in flight.
func (c *Client) lost(ctx context.Context, l *line, cause error) {
	c.mu.Lock()
	c.line, c.lastErr = nil, cause
	for _, call := range append(l.pending, l.auths...) {
		c.finish(call, jute.Decoder{}, proto.ErrConnectionLoss)
	}
	l.pending, l.auths = nil, nil
	tell := !c.closing && ctx.Err() == nil && c.state.IsConnected() && cause != proto.ErrAuthFailed
	if tell {
		c.setState(Connecting)
	}
	c.mu.Unlock()
	if tell {
		c.tell(Event{Type: EventNone, State: StateDisconnected, Zxid: NoZxid})
	}
}

// receive handles one frame.
func (c *Client) receive(l *line, frame []byte) error {
	var h proto.ReplyHeader
	d := jute.NewDecoder(frame)
	h.Decode(&d)
	if d.Err() != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, d.Err())
	}
	switch h.Xid {
	case proto.XidNotification:
		return c.notified(h, &d)
	case proto.XidPing, proto.XidSetWatches:
		return nil
	case proto.XidAuth:
		return c.authenticated(l, h)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(l.pending) == 0 || l.pending[0].xid != h.Xid {
		return fmt.Errorf("%w: a reply to request %d, which was not the next", ErrProtocol, h.Xid)
	}
	call := l.pending[0]
	l.pending[0] = nil
	l.pending = l.pending[1:]
	if h.Zxid > 0 {
		c.seen = h.Zxid
	}
	var err error
	if h.Err != proto.OK {
		err = h.Err
	}
	c.finish(call, d, err)
	return nil
}

func (c *Client) notified(h proto.ReplyHeader, d *jute.Decoder) error {
	var e proto.WatcherEvent
	e.Decode(d)
	if d.Err() != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, d.Err())
	}
	c.mu.Lock()
	watched := c.watches.fire(e.Type, e.Path)
	c.mu.Unlock()
	if watched {
		c.tell(Event{Type: e.Type, State: StateSyncConnected, Path: c.local(e.Path), Zxid: h.Zxid})
	}
	return nil
}

// authenticated answers the oldest identity that was offered. A refused one
// ends the session, as in Apache's client.
func (c *Client) authenticated(l *line, h proto.ReplyHeader) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if h.Err != proto.OK {
		err = proto.ErrAuthFailed
	}
	if len(l.auths) > 0 {
		c.finish(l.auths[0], jute.Decoder{}, err)
		l.auths = l.auths[1:]
	}
	return err
}

// remote is a path as the server has it.
func (c *Client) remote(path string) string {
	switch {
	case c.cfg.Root == "":
		return path
	case path == "/":
		return c.cfg.Root
	}
	return c.cfg.Root + path
}

// local is the opposite of remote.
func (c *Client) local(path string) string {
	rest, below := strings.CutPrefix(path, c.cfg.Root)
	switch {
	case !below || c.cfg.Root == "":
		return path
	case rest == "":
		return "/"
	}
	return rest
}
