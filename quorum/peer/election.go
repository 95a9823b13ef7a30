package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

const (
	maxHandshakes = 64 // connections that have not said who they are
	maxStrangers  = 64 // servers that are not in the configuration
	acceptPause   = 50 * time.Millisecond
)

// ErrConfig means that a configuration of this package cannot be worked with.
var ErrConfig = errors.New("quorum peer: invalid configuration")

// ElectionConfig is what an Election is told once.
type ElectionConfig struct {
	ID int64 // this server
	// Addresses are this server's own election addresses, "host:port", the
	// first of them what it tells others when MultiAddress is off.
	Addresses []string
	// MultiAddress tells the others all addresses, which needs Apache 3.6 or
	// later at the other end (multiAddress.enabled).
	MultiAddress bool
	// Peers are the election addresses of the other servers.
	Peers map[int64][]string

	Listeners []net.Listener // closed by Close
	Dial      Dial
	Deliver   Deliver

	DialTimeout      time.Duration // zookeeper.cnxTimeout
	HandshakeTimeout time.Duration // for the initial message; tickTime × syncLimit
	Log              zerolog.Logger
}

func (c *ElectionConfig) validate() error {
	switch {
	case len(c.Addresses) == 0:
		return fmt.Errorf("%w: no election address", ErrConfig)
	case c.Dial == nil || c.Deliver == nil:
		return fmt.Errorf("%w: election without dial or deliver", ErrConfig)
	case c.DialTimeout <= 0 || c.HandshakeTimeout <= 0:
		return fmt.Errorf("%w: election timeouts %v and %v", ErrConfig, c.DialTimeout, c.HandshakeTimeout)
	}
	hello := initialMessage{addresses: c.Addresses}
	if n := len(hello.append(nil, c.MultiAddress)) - 20; n > maxAddressText {
		return fmt.Errorf("%w: election addresses of %d bytes", ErrConfig, n)
	}
	return nil
}

// Election carries votes between servers, as Apache's QuorumCnxManager does.
//
// Two servers share one connection, which the one with the larger id dials. A
// server that has something to say to a larger one dials too, but only to be
// called back. Connections are made when there is a vote to send, and only
// then; the newest vote to each server is repeated on each new connection.
//
// Nothing here waits for a peer but goroutines of that peer's own. Deliver is
// told votes, and whether servers can be reached.
type Election struct {
	cfg    ElectionConfig // set once
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // every goroutine

	mu         sync.Mutex
	closed     bool
	peers      map[int64]*votePeer
	strangers  int                   // of peers, those not in the configuration
	nameless   int64                 // ids given to observers that have none, downwards from -1
	handshakes map[net.Conn]struct{} // being made, or not yet known whose
}

// votePeer is another server. All fields are guarded by Election.mu, but for
// those set once.
type votePeer struct {
	id        int64 // set once
	known     bool  // set once: in the configuration
	addresses []string
	frame     []byte // the newest vote with its length; nil before the first
	unsent    bool   // frame has not been written to the present connection
	conn      *voteConn
	dialing   bool

	reports sync.Mutex // held while Deliver is told whether it can be reached
}

// NewElection starts to listen.
func NewElection(cfg ElectionConfig) (*Election, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Election{cfg: cfg, ctx: ctx, cancel: cancel, peers: make(map[int64]*votePeer), handshakes: make(map[net.Conn]struct{})}
	for id, addresses := range cfg.Peers {
		if id != cfg.ID {
			e.peers[id] = &votePeer{id: id, known: true, addresses: slices.Clone(addresses)}
		}
	}
	for _, l := range cfg.Listeners {
		e.wg.Go(func() { e.accept(l) })
	}
	return e, nil
}

// Close breaks all connections and waits for every goroutine. Nothing is
// delivered after it has returned.
func (e *Election) Close() {
	e.mu.Lock()
	e.closed = true
	for c := range e.handshakes {
		_ = c.Close()
	}
	for _, p := range e.peers {
		if p.conn != nil {
			p.conn.close()
		}
	}
	e.mu.Unlock()
	e.cancel()
	for _, l := range e.cfg.Listeners {
		_ = l.Close()
	}
	e.wg.Wait()
}

// Send sends a vote in place of any older one to that server. It never
// blocks. Votes to a server that nobody knows are dropped.
func (e *Election) Send(to int64, n proto.Notification) {
	frame := appendFrame(nil, &n)
	if len(frame)-4 > maxVoteBytes {
		// Every receiver would break the connection.
		e.cfg.Log.Error().Int("bytes", len(frame)).Msg("the configuration is too long for a vote")
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.peers[to]
	if p == nil || e.closed {
		return
	}
	p.frame, p.unsent = frame, true
	if p.conn != nil {
		p.conn.wakeUp()
	} else {
		e.dialLocked(p)
	}
}

// dialLocked starts to dial, unless that is under way.
func (e *Election) dialLocked(p *votePeer) {
	if p.dialing || e.closed {
		return
	}
	p.dialing = true
	addresses := slices.Clone(p.addresses)
	e.wg.Go(func() { e.dial(p, addresses) })
}

// dial says hello to a server: to keep the connection if this server's id is
// the larger, otherwise to be dialled by it.
func (e *Election) dial(p *votePeer, addresses []string) {
	conn, err := e.greet(addresses)
	keep := err == nil && e.cfg.ID > p.id
	e.mu.Lock()
	p.dialing = false
	if err != nil && p.conn != nil {
		// It was dialled because the other side has lost this one.
		p.conn.close()
	}
	if !keep {
		e.forgetLocked(p)
	}
	e.mu.Unlock()
	switch {
	case keep:
		e.adopt(p, conn)
	case err == nil:
		_ = conn.Close()
	case e.ctx.Err() == nil:
		e.cfg.Log.Info().Int64("server", p.id).Err(err).Msg("no election connection")
		e.report(p)
	}
}

// report tells whether a server can be reached now. Two reports on one server
// do not overtake each other, so the last one is right.
func (e *Election) report(p *votePeer) {
	p.reports.Lock()
	defer p.reports.Unlock()
	e.mu.Lock()
	up, closed := p.conn != nil, e.closed
	e.mu.Unlock()
	switch {
	case closed:
	case up:
		e.cfg.Deliver(quorum.Reachable{Server: p.id})
	default:
		e.cfg.Deliver(quorum.Unreachable{Server: p.id})
	}
}

// forgetLocked drops a server that is not in the configuration and has no
// connection, so that it leaves its place to another.
func (e *Election) forgetLocked(p *votePeer) {
	if !p.known && !p.dialing && p.conn == nil && e.peers[p.id] == p {
		delete(e.peers, p.id)
		e.strangers--
	}
}

func (e *Election) greet(addresses []string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(e.ctx, e.cfg.DialTimeout)
	defer cancel()
	conn, err := dialAny(ctx, e.cfg.Dial, addresses)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	hello := initialMessage{server: e.cfg.ID, addresses: e.cfg.Addresses}
	if _, err := conn.Write(hello.append(nil, e.cfg.MultiAddress)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// accept takes connections. When there are too many whose owner is unknown,
// new ones are refused: those that wait run into their timeout.
func (e *Election) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if e.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			e.cfg.Log.Warn().Err(err).Msg("accept of an election connection failed")
			e.pause() // out of file descriptors, perhaps
			continue
		}
		e.mu.Lock()
		if e.closed || len(e.handshakes) >= maxHandshakes {
			e.mu.Unlock()
			_ = conn.Close()
			continue
		}
		e.handshakes[conn] = struct{}{}
		e.wg.Go(func() { e.welcome(conn) })
		e.mu.Unlock()
	}
}

func (e *Election) pause() {
	select {
	case <-time.After(acceptPause):
	case <-e.ctx.Done():
	}
}

// welcome finds out who has dialled, and keeps the connection or calls back.
func (e *Election) welcome(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(e.cfg.HandshakeTimeout))
	m, err := readInitial(conn)
	_ = conn.SetReadDeadline(time.Time{})
	e.mu.Lock()
	delete(e.handshakes, conn)
	var p *votePeer
	if err == nil {
		p = e.callerLocked(&m)
	}
	callback := p != nil && p.id < e.cfg.ID && m.server != anonymous
	if callback {
		// An older connection is given up only when the new one is made, so
		// that the other side is never told that this server is gone.
		e.dialLocked(p)
	}
	e.mu.Unlock()
	switch {
	case p == nil || callback:
		_ = conn.Close()
	default:
		e.adopt(p, conn)
	}
	if err != nil {
		e.cfg.Log.Info().Stringer("from", conn.RemoteAddr()).Err(err).Msg("election connection refused")
	}
}

// callerLocked returns the server that sent a message, nil for one that is
// not wanted. A server in the configuration is called back where that says;
// an unknown one, where it says itself.
func (e *Election) callerLocked(m *initialMessage) *votePeer {
	id := m.server
	if id == e.cfg.ID {
		e.cfg.Log.Warn().Int64("server", id).Msg("another server uses this server's id, or it dials itself")
		return nil
	}
	if id == anonymous {
		e.nameless--
		id = e.nameless
	}
	p := e.peers[id]
	if p == nil {
		if e.strangers >= maxStrangers {
			e.cfg.Log.Warn().Int64("server", id).Msg("too many servers that are not in the configuration")
			return nil
		}
		e.strangers++
		p = &votePeer{id: id}
		e.peers[id] = p
	}
	if !p.known {
		p.addresses = m.addresses
	}
	return p
}
