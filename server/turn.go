package server

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/stats"
	"github.com/meerkat-zk/meerkat/server/throttle"
)

// turn is the reader goroutine's walk through a burst of requests. Requests
// of one kind that follow each other share one hold of the locks they need:
// reads the gate, writes the proposer's lock and the gate.
type turn struct {
	conn  *conn
	hold  hold
	count int      // requests under the present hold
	op    proto.Op // of the request at hand
	size  int      // of its frame
	bytes int      // of the frames under the present hold
	batch stats.Batch
	began int64 // when the burst arrived, in ns of the server's clock

	replied int  // bytes answered to reads since the outbox was flushed
	crowded bool // as much is parked as may be
}

type hold byte

const (
	holdNone hold = iota
	holdReads
	holdWrites
)

// enter takes the locks for one more request of a kind.
func (t *turn) enter(h hold) {
	if t.hold == h && t.count < maxBurst && t.bytes < maxBurstBytes && (h != holdWrites || !t.conn.term.writes.full()) {
		t.count++
		t.bytes += t.size
		return
	}
	t.leave()
	switch h {
	case holdReads:
		t.conn.srv.gate.enterRead()
	case holdWrites:
		t.conn.term.writes.enter()
	}
	t.hold, t.count, t.bytes = h, 1, t.size
}

// leave gives up the locks.
func (t *turn) leave() {
	switch t.hold {
	case holdReads:
		t.conn.srv.gate.leaveRead()
	case holdWrites:
		t.conn.term.writes.leave()
	}
	t.hold, t.count = holdNone, 0
}

// request runs, proposes or parks one request.
func (t *turn) request(frame []byte) error {
	c := t.conn
	if t.crowded {
		if err := t.awaitParked(); err != nil {
			return err
		}
	}
	d := jute.NewAliasDecoder(frame)
	var h proto.RequestHeader
	h.Decode(&d)
	if err := d.Err(); err != nil {
		return fmt.Errorf("request header: %w", err)
	}
	t.batch.Received(len(frame))
	body := d.Rest()
	switch h.Op {
	case proto.OpAuth:
		t.leave()
		return c.authenticate(h.Xid, body)
	case proto.OpSASL:
		t.leave()
		return c.sasl(h.Xid, body)
	}
	if !c.srv.auth.Admitted(c.identities()) {
		c.replyHeader(h.Xid, 0, proto.ErrSASLAuthRequired)
		c.finish()
		return errFinished
	}
	if tracker := c.tracker(); !tracker.Keep(c.session.Load(), tracker.NowMs(), c.timeout.Load()) {
		return nil // as in Apache: a request of a dead session gets no answer
	}
	kind := kindOf(h.Op)
	if kind == kindUnknown {
		c.replyHeader(h.Xid, -1, proto.ErrUnimplemented)
		c.finish()
		return errFinished
	}
	if !c.srv.large.Take(len(frame)) {
		return errLargeRequests
	}
	t.op, t.size = h.Op, len(frame)
	switch t.throttle() {
	case throttle.Drop:
		c.srv.large.Done(len(frame))
		return errStale
	case throttle.Refuse:
		c.srv.meters.throttled.Add(1)
		t.refuse(h, proto.ErrThrottledOp)
	case throttle.Submit:
		switch {
		case kind == kindWrite:
			return t.write(h, body)
		case kind == kindSync && c.term.awaitsSync:
			t.sync(h, body)
		default:
			t.read(h, body)
		}
	}
	return nil
}

// throttle waits until the request at hand may enter the pipeline.
func (t *turn) throttle() throttle.Verdict {
	srv := t.conn.srv
	if srv.cfg.Requests.ThrottleMax == 0 {
		return srv.requests.Enter(t)
	}
	t.leave() // Enter may wait for the applier, which needs the gate
	began := srv.clock.nanos()
	defer func() { srv.meters.throttleWait.Observe(time.Duration(srv.clock.nanos() - began)) }()
	return srv.requests.Enter(t)
}

// errStale ends a connection for which nobody waits any more.
var errStale = errors.New("request is stale")

// Op, ArrivedMs and Stale tell the throttle of the request at hand.
func (t *turn) Op() proto.Op { return t.op }

// ArrivedMs is on the server's clock.
func (t *turn) ArrivedMs() int64 { return t.began / int64(time.Millisecond) }

// Stale tells whether anybody still waits for the reply.
func (t *turn) Stale() bool {
	c := t.conn
	age := (c.srv.clock.nanos() - t.began) / int64(time.Millisecond)
	return c.srv.staleRule.Stale(t.op, c.out.isClosed(), age, int64(c.timeout.Load()))
}

// read answers a read at once when nothing of its session is ahead of it.
func (t *turn) read(h proto.RequestHeader, body []byte) {
	c := t.conn
	t.enter(holdReads)
	if c.fifo.empty() {
		t.replied += c.answer(h, body, c.identities(), t.began, &t.batch)
		c.done(t.size)
		return
	}
	c.park(pending{xid: h.Xid, op: h.Op, kind: waitsBehind, body: body, ids: c.identities(), at: t.began})
}

// sync asks for the leader's word and parks the request until it comes.
func (t *turn) sync(h proto.RequestHeader, body []byte) {
	c := t.conn
	t.enter(holdWrites)
	if code := c.term.writes.sync(c, h, body); code != proto.OK {
		t.refuse(h, code)
		return
	}
	c.park(pending{xid: h.Xid, op: h.Op, kind: awaitsSync, body: body, ids: c.identities(), at: t.began})
}

// write proposes a write, or parks its refusal behind the writes before it.
func (t *turn) write(h proto.RequestHeader, body []byte) error {
	c := t.conn
	t.enter(holdWrites)
	if c.out.isClosed() { // asked under the proposer's lock: once its session is renewed elsewhere, nothing follows
		c.done(t.size)
		return net.ErrClosed
	}
	code := proto.OK
	if c.local.Load() {
		code = t.writeLocally(h, body)
	}
	if code == proto.OK {
		code = c.term.writes.propose(c, h, body, c.identities())
	}
	switch code {
	case proto.OK:
		c.park(pending{xid: h.Xid, op: h.Op, kind: awaitsTxn, at: t.began, subject: c.subjectOf(h.Op, body)})
		return nil
	case answered:
		c.done(t.size)
		c.finish()
		return errFinished
	}
	t.refuse(h, code)
	return nil
}

// writeLocally does what has to be done for a write of a local session: it is
// answered when it ends the session, and makes it global when it needs that.
func (t *turn) writeLocally(h proto.RequestHeader, body []byte) proto.ErrCode {
	c := t.conn
	switch {
	case h.Op == proto.OpCloseSession:
		if !c.fifo.empty() {
			c.srv.locals.tracker.Remove(c.sessionID())
			return proto.OK // it is in its turn as a transaction that finds nothing to close
		}
		c.replyHeader(h.Xid, c.srv.tree.LastZxid(), proto.OK)
		c.srv.locals.tracker.Remove(c.sessionID())
		return answered
	case needsGlobal(h.Op, body):
		return c.upgrade()
	}
	return proto.OK
}

// refuse answers without a transaction, in the request's turn.
func (t *turn) refuse(h proto.RequestHeader, code proto.ErrCode) {
	c := t.conn
	if t.hold == holdNone {
		t.enter(holdReads)
	}
	if c.fifo.empty() {
		c.refuse(h, code, t.began, &t.batch)
		c.done(t.size)
		return
	}
	c.park(pending{xid: h.Xid, op: h.Op, kind: rejected, code: code, at: t.began})
}

// done takes an answered request out of the account.
func (c *conn) done(size int) {
	c.srv.large.Done(size)
	c.srv.requests.Done()
}

func (c *conn) park(p pending) {
	p.size = c.turn.size
	c.fifo.push(p)
	c.turn.crowded = c.fifo.weight >= maxParkedWeight
	c.waiting.Add(1)
}
