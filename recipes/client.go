package recipes

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// Client is a connection to ZooKeeper that knows its session. Any number of
// goroutines and recipes may share it. When the session has expired, the next
// call of a recipe opens another.
type Client struct {
	connect func(zk.EventCallback) (*zk.Conn, error) // set once
	acl     []zk.ACL                                 // set once: of what recipes create

	requests sync.WaitGroup // those under way; begun under mu

	mu      sync.Mutex
	closed  bool
	opening bool          // a session is being opened
	failed  error         // mu: of the last attempt, for those who waited for it
	session *session      // mu: the newest one; nil before the first
	changed chan struct{} // mu: closed, and made anew, when session or its connection changes
}

// Option changes a Client.
type Option func(*Client)

// WithACL protects what recipes create; otherwise everybody may do everything
// to it.
func WithACL(acl []zk.ACL) Option { return func(c *Client) { c.acl = acl } }

// Connect makes a Client of an ensemble and waits until it has a session, with
// the timeout asked for. The library's log is dropped; see [New].
func Connect(ctx context.Context, servers []string, timeout time.Duration, options ...Option) (*Client, error) {
	c := New(func(events zk.EventCallback) (*zk.Conn, error) {
		conn, _, err := zk.Connect(servers, timeout, zk.WithEventCallback(events), zk.WithLogger(silent{}))
		return conn, err
	}, options...)
	if _, err := c.await(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// silent drops what the library logs.
type silent struct{}

// Printf drops a line.
func (silent) Printf(string, ...any) {}

// New makes a Client whose connections have options of their own. connect calls
// zk.Connect with zk.WithEventCallback(events) among them. It is called when
// the first session is needed, and again for each one after an expiry.
func New(connect func(events zk.EventCallback) (*zk.Conn, error), options ...Option) *Client {
	c := &Client{connect: connect, changed: make(chan struct{}), acl: zk.WorldACL(zk.PermAll)}
	for _, option := range options {
		option(c)
	}
	return c
}

// Conn waits for a session with a connection and returns the library's, for
// what recipes do not do. It serves that session alone: once it has expired,
// every request fails. It is closed by [Client.Close].
func (c *Client) Conn(ctx context.Context) (*zk.Conn, error) {
	s, err := c.await(ctx)
	if err != nil {
		return nil, err
	}
	return s.conn, nil
}

// Close ends the session, and with it every claim, and waits for the requests
// under way.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	s := c.session
	c.session = nil // with its buffers of some megabytes
	if s != nil {
		s.end(zk.ErrClosing)
	}
	c.announce()
	c.mu.Unlock()
	if s != nil {
		s.conn.Close()
	}
	c.requests.Wait()
}

// announce lets all who wait look again. mu is held.
func (c *Client) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// await returns the present session once it has a connection, and opens one
// when there is none.
func (c *Client) await(ctx context.Context) (*session, error) {
	for waited := false; ; waited = true {
		c.mu.Lock()
		s, changed, closed, failed := c.session, c.changed, c.closed, c.failed
		connected := s != nil && s.connected
		over := s == nil || s.life.Err() != nil
		if over && !closed && !c.opening && !(waited && failed != nil) {
			c.opening, c.failed, failed = true, nil, nil
			c.requests.Go(c.open)
		}
		opening := c.opening
		c.mu.Unlock()
		switch {
		case closed:
			return nil, zk.ErrClosing
		case connected:
			return s, nil
		case over && !opening && failed != nil:
			return nil, failed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// open opens a connection for a new session.
func (c *Client) open() {
	s := newSession(c)
	conn, err := c.connect(s.event)
	s.conn = conn
	close(s.ready)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opening = false
	if err != nil {
		c.failed = fmt.Errorf("connect: %w", err)
	} else {
		c.session = s
	}
	if err == nil && c.closed {
		s.end(zk.ErrClosing)
		c.requests.Go(conn.Close)
	}
	c.announce()
}

// spawn runs f on a goroutine that Close waits for. It returns false when the
// Client is closed.
func (c *Client) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.requests.Go(f)
	return true
}
