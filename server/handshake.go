package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/fourletter"
	"github.com/meerkat-zk/meerkat/server/session"
	"github.com/meerkat-zk/meerkat/server/stats"
	"github.com/meerkat-zk/meerkat/server/throttle"
)

// The reasons to close a connection during the handshake without a reply.
var (
	errZxidAhead = errors.New("client has seen a zxid that this server has not: it must try another server")
	errThrottled = errors.New("too many new connections at once: connection throttled")
	errDiskFull  = errors.New("no session can be opened while the disk is full")
	errTermOver  = errors.New("no session can be opened: the server has stopped serving")
	errNotServed = errors.New("no session can be opened: the server is not serving")
)

// handshake reads the first bytes of a connection: a four-letter word, or the
// ConnectRequest that opens or renews a session.
func (c *conn) handshake() error {
	c.readUntil(c.srv.sessionlessDeadline())
	frame, err := c.firstFrame()
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.srv.meters.silent.Add(1)
		}
		return err
	}
	d := jute.NewDecoder(frame)
	var req proto.ConnectRequest
	req.Decode(&d)
	if err := d.Err(); err != nil {
		return fmt.Errorf("connect request: %w", err)
	}
	c.readUntil(time.Time{})
	c.turn.began = c.srv.clock.nanos()
	c.hasReadOnly = req.HasReadOnly
	c.stats.Packets(1, 0, len(frame)+4)
	return c.connect(&req)
}

func (c *conn) firstFrame() ([]byte, error) {
	for {
		if first := c.in.peek(); len(first) >= 4 {
			if word, known := fourletter.Lookup(first[:4]); known {
				c.answerWord(word)
				return nil, io.EOF // as if the client had closed
			}
		}
		frame, ok, err := c.in.next()
		if ok || err != nil {
			return frame, err
		}
		if err := c.in.fill(); err != nil {
			return nil, err
		}
	}
}

// connect opens a new session, or renews the one the client names.
func (c *conn) connect(req *proto.ConnectRequest) error {
	srv := c.srv
	if c.term = srv.awaitTerm(); c.term == nil || c.term.closed {
		srv.meters.notServed.Add(1)
		return errNotServed
	}
	if c.term.readOnly && !req.ReadOnly {
		return errReadOnly
	}
	kind := throttle.NewSession
	switch local := srv.cfg.Quorum.LocalSessions && !c.term.readOnly; {
	case req.SessionID != 0:
		kind = throttle.Renewal
	case local:
		kind = throttle.NewLocal
	}
	if !srv.blue.Admit(kind) {
		srv.meters.rejected.Add(1)
		return errThrottled
	}
	srv.meters.tokenDeficit.Add(srv.blue.Deficit())
	srv.meters.connectRequests.Add(1)
	if req.LastZxidSeen > srv.lastZxid() {
		return fmt.Errorf("%w: 0x%x", errZxidAhead, req.LastZxidSeen)
	}
	timeout := srv.cfg.Session.Clamp(req.TimeoutMs)
	c.timeout.Store(timeout)
	switch {
	case kind == throttle.NewLocal:
		srv.locals.open(c, timeout)
		return nil
	case kind == throttle.NewSession:
		return c.openSession(timeout)
	}
	return c.renewSession(req, timeout)
}

// openSession proposes a new session. Its reply leaves when the transaction
// is applied. What the client has pipelined behind it is not looked at before:
// auth packets are answered at once, which must not come first.
func (c *conn) openSession(timeoutMs int32) error {
	s := c.srv.sessions.Create(timeoutMs, session.Local)
	c.session.Store(s)
	c.alive.Store(true)
	c.srv.conns.bind(s.ID, c)
	c.turn.op = proto.OpCreateSession
	if c.srv.requests.Enter(&c.turn) == throttle.Drop {
		c.srv.sessions.Remove(s.ID)
		return errStale
	}
	c.opened = make(chan struct{})
	if code := c.term.writes.createSession(c, s.ID, timeoutMs); code != proto.OK {
		c.srv.requests.Done()
		c.srv.sessions.Remove(s.ID)
		return errDiskFull
	}
	select {
	case <-c.opened:
		return nil
	case <-c.term.over:
	case <-c.srv.applier.done:
	}
	return errTermOver
}

// renewSession takes a session over from the connection that has it. A wrong
// password has cost that connection its life by then, as in Apache.
func (c *conn) renewSession(req *proto.ConnectRequest, timeoutMs int32) error {
	c.srv.meters.revalidations.Add(1)
	if old := c.srv.conns.bind(req.SessionID, c); old != nil {
		old.cut()
	}
	var s *session.Session
	if session.CheckPasswd(req.SessionID, req.Passwd) {
		var err error
		if s = c.srv.locals.renew(c, req.SessionID, timeoutMs); s == nil {
			s, err = c.term.writes.renewSession(c, req.SessionID, timeoutMs)
		}
		if err != nil {
			c.srv.conns.unbind(req.SessionID, c)
			return err
		}
	}
	if s == nil {
		c.srv.conns.unbind(req.SessionID, c)
		c.reject()
		return errFinished
	}
	c.session.Store(s)
	c.alive.Store(true)
	size := c.accept()
	c.stats.Replied(stats.Reply{
		Op: proto.OpCreateSession, Zxid: c.srv.lastZxid(), Bytes: size, BeganNs: c.turn.began, EndNs: c.srv.clock.nanos(),
	})
	return c.flush()
}

// accept appends the reply to a handshake that succeeded and returns its size
// in bytes.
func (c *conn) accept() int {
	s := c.session.Load()
	passwd := session.Passwd(s.ID)
	return c.replyConnect(&proto.ConnectResponse{TimeoutMs: c.timeout.Load(), SessionID: s.ID, Passwd: passwd[:], ReadOnly: c.term.readOnly})
}

// reject tells the client that its session is gone.
func (c *conn) reject() {
	c.replyConnect(&proto.ConnectResponse{Passwd: make([]byte, proto.PasswdBytes)})
	c.finish()
	_ = c.flush() // the connection ends either way
}

func (c *conn) replyConnect(r *proto.ConnectResponse) int {
	r.HasReadOnly = c.hasReadOnly
	b := c.out.begin()
	start := len(b)
	b = r.Append(b)
	c.out.end(b)
	return len(b) - start
}
