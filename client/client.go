package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Auth is an identity to add to every connection.
type Auth struct {
	Scheme string
	Data   []byte // nil is sent as null
}

// Config says where to connect and how. Servers is required.
type Config struct {
	Servers  []string      // host:port, tried in random order
	Root     string        // path that stands for the root; "" for none
	Timeout  time.Duration // session timeout to ask for; 30 s when 0
	ReadOnly bool          // a server without a quorum will do
	Auth     []Auth
	OnEvent  func(Event) // told of every event, in order; it must not call the client. nil: nobody

	// Dial connects to a server; nil is TCP. Names are resolved anew by
	// every call.
	Dial func(ctx context.Context, addr string) (net.Conn, error)

	MaxFrameBytes int // largest reply; 64 MiB when 0
	MaxInFlight   int // requests without a reply; 1000 when 0
}

const (
	defaultTimeout  = 30 * time.Second
	defaultMaxFrame = 64 << 20
	defaultInFlight = 1000
	maxPingInterval = 10 * time.Second // ClientCnxn's, too
	minDialTimeout  = time.Second
)

// Client is a session. Its methods may be called by several goroutines.
type Client struct {
	cfg    Config             // set once
	cancel context.CancelFunc // ends run
	done   chan struct{}      // closed by run
	slots  chan struct{}      // one token for each request in flight

	events sync.Mutex // held while OnEvent runs

	mu      sync.Mutex // guards all below
	state   State
	closing bool // Close was called
	session proto.ConnectResponse
	seen    int64 // zxid of the newest reply
	xid     int32
	line    *line         // nil while there is no connection
	changed chan struct{} // closed and replaced when state or rounds change
	rounds  int           // how often all servers were tried in vain
	lastErr error         // why the last connection was not made
	auths   []Auth
	watches watchTable
}

// Open starts a session and returns at once; the connection is made in the
// background. The session must be closed.
func Open(cfg Config) *Client {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxFrameBytes <= 0 {
		cfg.MaxFrameBytes = defaultMaxFrame
	}
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = defaultInFlight
	}
	if cfg.Dial == nil {
		cfg.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	cfg.Servers = slices.Clone(cfg.Servers)
	rand.Shuffle(len(cfg.Servers), func(i, j int) { cfg.Servers[i], cfg.Servers[j] = cfg.Servers[j], cfg.Servers[i] })
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		cfg: cfg, cancel: cancel, done: make(chan struct{}), slots: make(chan struct{}, cfg.MaxInFlight),
		changed: make(chan struct{}), auths: slices.Clone(cfg.Auth), watches: newWatchTable(),
		session: proto.ConnectResponse{Passwd: make([]byte, proto.PasswdBytes)},
	}
	go c.run(ctx)
	return c
}

// Connect waits until the session is connected. The error says why it is not,
// once all servers were tried in vain or ctx has ended.
func (c *Client) Connect(ctx context.Context) error {
	err := c.await(ctx, func() {})
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lastErr != nil {
		return fmt.Errorf("cannot connect to %s: %w", strings.Join(c.cfg.Servers, ","), c.lastErr)
	}
	return err
}

// State returns the session's state.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// SessionID returns the id of the session, 0 before the first connection.
func (c *Client) SessionID() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.SessionID
}

// Close ends the session at the server, if there is a connection, and frees
// all resources.
func (c *Client) Close() {
	c.mu.Lock()
	first := !c.closing && c.state.Alive()
	c.closing = true
	connected := c.line != nil
	c.mu.Unlock()
	if first && connected {
		ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
		_, _ = c.Do(ctx, proto.OpCloseSession, "", nil) // the session expires otherwise
		cancel()
	}
	c.cancel()
	<-c.done
	if first {
		c.mu.Lock()
		c.setState(Closed)
		c.mu.Unlock()
		c.tell(Event{Type: EventNone, State: StateClosed, Zxid: NoZxid})
	}
}

// closeLimit is how long Close waits for the server.
const closeLimit = 5 * time.Second

func (c *Client) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// setState is called under mu.
func (c *Client) setState(s State) {
	c.state = s
	c.wakeAll()
}

// wakeAll is called under mu.
func (c *Client) wakeAll() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) tell(events ...Event) {
	if c.cfg.OnEvent == nil {
		return
	}
	c.events.Lock()
	defer c.events.Unlock()
	for _, e := range events {
		c.cfg.OnEvent(e)
	}
}

// run connects, serves the connection and connects again, until the session
// is over.
func (c *Client) run(ctx context.Context) {
	defer close(c.done)
	backoff := time.Duration(0)
	for next := 0; ctx.Err() == nil && !c.isClosing(); next++ {
		if next > 0 && next%len(c.cfg.Servers) == 0 {
			backoff = min(max(2*backoff, minBackoff), maxBackoff)
			if !sleep(ctx, backoff) {
				return
			}
		}
		l, err := c.connect(ctx, c.cfg.Servers[next%len(c.cfg.Servers)])
		if err == nil {
			backoff = 0
			err = c.serve(ctx, l)
		} else {
			c.missed(err, (next+1)%len(c.cfg.Servers) == 0)
		}
		if errors.Is(err, proto.ErrSessionExpired) || errors.Is(err, proto.ErrAuthFailed) {
			c.over(err)
			return
		}
	}
}

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 2 * time.Second
)

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// missed notes that a server could not be reached.
func (c *Client) missed(err error, wholeRound bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastErr = err
	if wholeRound {
		c.rounds++
		c.wakeAll()
	}
}

// over ends a session that its server has given up.
func (c *Client) over(err error) {
	state, event := Closed, StateExpired
	if errors.Is(err, proto.ErrAuthFailed) {
		state, event = AuthFailed, StateAuthFailed
	}
	c.mu.Lock()
	c.setState(state)
	c.mu.Unlock()
	c.tell(Event{Type: EventNone, State: event, Zxid: NoZxid}, Event{Type: EventNone, State: StateClosed, Zxid: NoZxid})
}

// connect makes a connection to one server and asks for the session.
func (c *Client) connect(ctx context.Context, addr string) (*line, error) {
	limit := max(c.cfg.Timeout/time.Duration(len(c.cfg.Servers)), minDialTimeout)
	dialCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	nc, err := c.cfg.Dial(dialCtx, addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	l := newLine(nc)
	if err := c.handshake(l, limit); err != nil {
		_ = nc.Close()
		if !errors.Is(err, proto.ErrSessionExpired) {
			err = fmt.Errorf("%s: %w", addr, err)
		}
		return nil, err
	}
	return l, nil
}

func (c *Client) handshake(l *line, limit time.Duration) error {
	c.mu.Lock()
	req := proto.ConnectRequest{
		LastZxidSeen: c.seen, TimeoutMs: int32(c.cfg.Timeout.Milliseconds()), SessionID: c.session.SessionID,
		Passwd: c.session.Passwd, ReadOnly: c.cfg.ReadOnly, HasReadOnly: true,
	}
	l.frame(req.Append)
	out := l.out
	l.out = nil
	c.mu.Unlock()
	<-l.wake // nobody listens yet
	if err := l.nc.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if _, err := l.nc.Write(out); err != nil {
		return err
	}
	frame, err := l.read(limit, c.cfg.MaxFrameBytes)
	if err != nil {
		return fmt.Errorf("no session: %w", err)
	}
	var resp proto.ConnectResponse
	d := jute.NewDecoder(frame)
	resp.Decode(&d)
	switch {
	case d.Err() != nil:
		return fmt.Errorf("%w: %w", ErrProtocol, d.Err())
	case resp.TimeoutMs <= 0:
		return proto.ErrSessionExpired
	}
	c.established(l, resp)
	return nil
}

// established makes the line the client's: identities and watches go first.
func (c *Client) established(l *line, resp proto.ConnectResponse) {
	c.mu.Lock()
	c.session, c.lastErr = resp, nil
	for _, a := range c.auths {
		call := &Call{op: proto.OpAuth, done: make(chan struct{})}
		l.send(c, call, &proto.AuthPacket{Scheme: a.Scheme, Auth: a.Data})
	}
	for _, r := range c.watches.restore(c.seen) {
		op := proto.OpSetWatches
		if r.HasPersistent {
			op = proto.OpSetWatches2
		}
		l.request(proto.XidSetWatches, op, r)
	}
	state, event := Connected, StateSyncConnected
	if resp.ReadOnly {
		state, event = ConnectedReadOnly, StateConnectedReadOnly
	}
	c.mu.Unlock()
	// The event is told before anybody can use the connection.
	c.tell(Event{Type: EventNone, State: event, Zxid: NoZxid})
	c.mu.Lock()
	c.line = l
	c.setState(state)
	c.mu.Unlock()
}
