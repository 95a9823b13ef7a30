package server

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/session"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// conn is one client. Its reader goroutine cuts frames, runs the reads that
// nothing is ahead of, proposes the writes, and flushes the outbox; replies to
// writes and watch events come from the applier.
type conn struct {
	srv     *Server                         // set once
	nc      net.Conn                        // set once
	raw     syscall.RawConn                 // set once: nc for direct; nil if that cannot be
	remote  netip.AddrPort                  // set once
	since   time.Time                       // set once
	out     *outbox                         // set once; safe for concurrent use
	in      *frames                         // owned by the reader goroutine
	turn    turn                            // owned by the reader goroutine
	term    *term                           // in which it has its session; owned by the reader goroutine
	opened  chan struct{}                   // closed by the applier when the session it asked for is there; made by the reader
	session atomic.Pointer[session.Session] // nil before the handshake; written by the reader
	timeout atomic.Int32                    // ms, negotiated; written by the reader
	fifo    fifo                            // guarded by the gate
	settle  chan struct{}                   // guarded by the gate, like fifo: closed when that is empty; nil when nobody waits
	gone    bool                            // guarded by the gate: no watch may be added any more
	// hasReadOnly tells a client since 3.4 from an older one, whose connect
	// frames end one byte earlier. Written by the reader before its session.
	hasReadOnly bool
	local       atomic.Bool // its session is known to this server alone
	ids         atomic.Pointer[[]proto.ID]
	alive       atomic.Bool  // has read requests since the leader was last told
	dirty       atomic.Bool  // stands in the applier's list of outboxes to flush
	last        atomic.Bool  // nothing is appended any more: close once written
	waiting     atomic.Int64 // requests without a reply yet
	asks        atomic.Bool  // it began with a four-letter word
	stats       *stats.Conn  // safe for concurrent use
}

// maxBurst and maxBurstBytes bound the requests under one hold of the gate.
const (
	maxBurst      = 64
	maxBurstBytes = 256 << 10
)

// outboxHighBytes is how much may wait for a client before its requests are
// left unread; outboxLimitBytes is where a client that does not read its
// events is cut off.
const (
	outboxHighBytes  = 1 << 20
	outboxLimitBytes = 64 << 20
)

func newConn(srv *Server, nc net.Conn) *conn {
	c := &conn{srv: srv, nc: nc, since: srv.clock.now(), out: newOutbox()}
	c.remote = addrPort(nc.RemoteAddr())
	c.in = newFrames(nc, srv.cfg.Limits.MaxFrameBytes)
	c.in.fits = srv.large.Fits
	c.raw = rawOf(nc)
	c.turn.conn = c
	c.stats = srv.stats.NewConn()
	c.turn.batch = stats.NewBatch(c.stats)
	c.ids.Store(&[]proto.ID{{Scheme: "ip", ID: auth.HostText(c.remote.Addr())}})
	return c
}

// addrPort returns a TCP address, with IPv4 as such.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), tcp.AddrPort().Port())
}

// serve reads until the connection ends. It is the reader goroutine.
func (c *conn) serve() {
	err := c.handshake()
	for err == nil {
		err = c.serveBurst()
	}
	c.srv.readers.Done()
	switch {
	case errors.Is(err, errFrameLength):
		c.srv.meters.oversized.Add(1)
	case errors.Is(err, errLargeRequests):
		c.srv.meters.largeRejected.Add(1)
	case errors.Is(err, io.EOF) && !c.asks.Load():
		c.srv.meters.dropped.Add(1)
	}
	switch {
	case c.srv.stopped(err):
		c.linger()
	case c.last.Load():
		c.out.waitWritten()
		_ = c.flush() // a client that does not take its last reply loses it
	case errors.Is(err, errFrameLength) && c.sessionID() != 0:
		c.noteOversized(err)
	case !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed):
		c.srv.log.Info().Str("client", c.remote.String()).Str("session", hexID(c.sessionID())).Err(err).Msg("connection closed")
	}
	c.end()
}

// errFinished ends the reader after the last reply was appended.
var errFinished = errors.New("connection finished")

// serveBurst runs every whole request that is in the buffer, sends what they
// produced, and reads on.
func (c *conn) serveBurst() error {
	var err error
	for err == nil {
		var frame []byte
		var ok bool
		if frame, ok, err = c.in.next(); !ok {
			break
		}
		if err = c.turn.request(frame); err == nil && c.turn.replied > outboxHighBytes {
			err = c.catchUp() // a few requests can ask for any amount
		}
	}
	if flushErr := c.catchUp(); err == nil {
		err = flushErr
	}
	if err != nil {
		return err
	}
	c.srv.requests.Pause(&c.waiting)
	if err := c.in.fill(); err != nil {
		return err
	}
	c.turn.began = c.srv.clock.nanos()
	c.alive.Store(true)
	return nil
}

// catchUp sends what the requests so far have produced, and waits for a client
// that does not take it.
func (c *conn) catchUp() error {
	c.turn.leave()
	c.turn.batch.Flush()
	c.turn.replied = 0
	err := c.flush()
	c.out.waitBelow(outboxHighBytes)
	return err
}

// flush writes the outbox and closes the connection after its last frame.
func (c *conn) flush() error {
	err := c.out.flush(c.nc)
	if err != nil || c.last.Load() && c.out.idle() {
		c.cut()
	}
	return err
}

// offer writes what the client takes at once and tells whether a flush has to
// do the rest.
func (c *conn) offer(d *direct) (more bool) {
	if c.raw == nil {
		return true
	}
	more, err := c.out.offer(func(b []byte) (int, error) { return d.write(c.raw, b) })
	if err != nil || c.last.Load() && c.out.idle() {
		c.cut()
		return false
	}
	return more
}

// cut ends the connection from whatever goroutine. What waits for the client
// is dropped, so that nobody goes on waiting for it to be taken; the reader
// goroutine notices and cleans up.
func (c *conn) cut() {
	_ = c.nc.Close() // an error here has nobody left to interest
	c.out.close()
}

// flushLater lets the applier flush the connection after its batch.
func (c *conn) flushLater() {
	if c.dirty.CompareAndSwap(false, true) {
		c.srv.applier.flushSoon(c)
	}
}

// finish lets the connection close once what waits is written. Its session
// may be over, whose end would close it otherwise: so the client has no longer
// to take its last replies than one without a session has to ask for it.
func (c *conn) finish() {
	c.last.Store(true)
	c.writeUntil(c.srv.sessionlessDeadline())
}

// end releases what the connection holds. The gate's write side keeps events
// from reaching a watcher that is half removed. The socket is closed last: who
// sees it closed, finds the connection counted nowhere any more.
func (c *conn) end() {
	c.out.close()
	c.srv.gate.enterWrite()
	c.gone = true
	for !c.fifo.empty() {
		c.unpark()
	}
	c.srv.tree.Watches().RemoveAll(c)
	c.srv.gate.leaveWrite()
	c.srv.caps.Release(c.remote.Addr())
	c.srv.conns.remove(c)
	c.cut()
}

// sessionID returns the id of the session; 0 before the handshake.
func (c *conn) sessionID() int64 {
	if s := c.session.Load(); s != nil {
		return s.ID
	}
	return 0
}

// identities returns what the connection has authenticated as.
func (c *conn) identities() []proto.ID { return *c.ids.Load() }

// Stale tells whether the connection is over. It is called under the gate.
func (c *conn) Stale() bool { return c.gone }

// Notify appends a watch event, unless the client may not read the znode. It
// is called under the gate.
func (c *conn) Notify(ev datatree.Event) {
	if !c.srv.auth.Check(ev.ACL, proto.PermRead, c.identities()) {
		return
	}
	b := c.out.begin()
	start := len(b)
	b = proto.ReplyHeader{Xid: proto.XidNotification, Zxid: ev.Zxid}.Append(b)
	event := proto.WatcherEvent{Type: ev.Type, State: proto.StateSyncConnected, Path: ev.Path}
	b = event.Append(b)
	c.stats.Event(len(b) - start)
	if c.out.end(b) > outboxLimitBytes {
		c.srv.log.Warn().Str("client", c.remote.String()).Msg("client does not read its events: connection cut")
		c.cut()
	}
	c.flushLater()
}
