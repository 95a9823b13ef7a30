package server

import (
	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// replyHeader appends a reply without a body.
func (c *conn) replyHeader(xid int32, zxid int64, code proto.ErrCode) {
	c.out.end(proto.ReplyHeader{Xid: xid, Zxid: zxid, Err: code}.Append(c.out.begin()))
}

// refuse answers a request that became no transaction.
func (c *conn) refuse(h proto.RequestHeader, code proto.ErrCode, began int64, to ledger) {
	zxid := c.srv.tree.LastZxid()
	c.replyHeader(h.Xid, zxid, code)
	to.Replied(stats.Reply{
		Op: h.Op, Xid: h.Xid, Zxid: zxid, Bytes: proto.ReplyHeaderBytes, BeganNs: began, EndNs: c.srv.clock.nanos(),
	})
}

// claimant returns the connection whose write, forwarded to the leader, has
// come back as a transaction; nil when it is another server's client's, or
// nobody's. It is called by the applier under the gate's write side.
func (srv *Server) claimant(h *proto.TxnHeader) *conn {
	c := srv.conns.of(h.ClientID)
	if c == nil {
		return nil
	}
	if p := c.fifo.firstWrite(); p == nil || p.xid != h.Cxid {
		return nil
	}
	return c
}

// applied answers the first write and then all that waited only for it. It is
// called by the applier under the gate's write side.
func (c *conn) applied(e *proto.Entry, result *datatree.Result) {
	if c.gone {
		return // and so is the fifo
	}
	if result.Err == proto.ErrSessionMoved && e.Header.Type == proto.OpError {
		c.cut() // as in Apache: the client has gone elsewhere
		return
	}
	p := c.fifo.front()
	if p.kind == awaitsSync {
		c.fifo.firstWrite().hold(e, result)
		return
	}
	c.complete(p, e, result)
	c.runParked()
	c.flushLater()
}

// syncDone answers the sync at the front. It is called by the applier.
func (c *conn) syncDone() {
	c.srv.gate.enterWrite()
	defer c.srv.gate.leaveWrite()
	if c.gone {
		return
	}
	p := c.fifo.front()
	c.answer(proto.RequestHeader{Xid: p.xid, Op: p.op}, p.body, p.ids, p.at, c.stats)
	c.unpark()
	c.runParked()
	c.flushLater()
}

// complete answers a write at the front.
func (c *conn) complete(p *pending, e *proto.Entry, result *datatree.Result) {
	size := c.replyTo(p, e, result)
	op := p.op
	if e.Header.Type == proto.OpError {
		op = proto.OpError // the word cons names no op for a write that failed
	}
	end := c.srv.clock.nanos()
	c.stats.Replied(stats.Reply{
		Op: op, Xid: p.xid, Zxid: e.Header.Zxid, Bytes: size, BeganNs: p.at, EndNs: end, Update: true,
	})
	if p.subject != nil {
		c.audit(p.subject, e, result)
	}
	if c.srv.isNotable(end-p.at, size) {
		c.noteWrite(p, end-p.at, size)
	}
	c.unpark()
}

// runParked answers what waited only for the request before it.
func (c *conn) runParked() {
	replied := 0
	for !c.fifo.empty() && c.fifo.front().kind.parked() {
		p := c.fifo.front()
		h := proto.RequestHeader{Xid: p.xid, Op: p.op}
		switch p.kind {
		case held:
			c.complete(p, &p.held.entry, &p.held.result)
			continue
		case rejected:
			c.refuse(h, p.code, p.at, c.stats)
		default:
			replied += c.answerParked(h, p, replied)
		}
		c.unpark()
	}
}

func (c *conn) unpark() {
	size := c.fifo.front().size
	c.fifo.pop()
	c.settled()
	c.waiting.Add(-1)
	c.done(size)
}

// replyTo appends the reply to a write and returns its size in bytes.
func (c *conn) replyTo(p *pending, e *proto.Entry, result *datatree.Result) int {
	if p.op == proto.OpCreateSession {
		defer close(c.opened)
		return c.accept()
	}
	h := proto.ReplyHeader{Xid: p.xid, Zxid: e.Header.Zxid, Err: result.Err}
	if e.Header.Type == proto.OpMulti {
		h.Err = proto.OK // also of one that failed: only its results tell
	}
	b := c.out.begin()
	start := len(b)
	b = h.Append(b)
	if h.Err == proto.OK {
		b = appendWriteBody(b, p.op, result)
	}
	c.out.end(b)
	if p.op == proto.OpCloseSession {
		c.finish()
	}
	return len(b) - start
}

// appendWriteBody adds what stands behind the header of a write's reply.
func appendWriteBody(b []byte, op proto.Op, result *datatree.Result) []byte {
	switch op {
	case proto.OpCreate:
		return jute.AppendString(b, result.Path)
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		return result.Stat.Append(jute.AppendString(b, result.Path))
	case proto.OpSetData, proto.OpSetACL:
		return result.Stat.Append(b)
	case proto.OpMulti:
		return appendMultiResults(b, result.Multi)
	}
	return b
}

// appendMultiResults adds the results of a multi.
func appendMultiResults(b []byte, results []datatree.Result) []byte {
	for i := range results {
		r := &results[i]
		switch r.Type {
		case proto.OpCreate:
			b = jute.AppendString(proto.MultiHeader{Op: r.Type}.Append(b), r.Path)
		case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
			b = jute.AppendString(proto.MultiHeader{Op: proto.OpCreate2}.Append(b), r.Path)
			b = r.Stat.Append(b)
		case proto.OpSetData:
			b = r.Stat.Append(proto.MultiHeader{Op: r.Type}.Append(b))
		case proto.OpError:
			b = appendSubError(b, r.Err)
		default: // delete, check
			b = proto.MultiHeader{Op: r.Type}.Append(b)
		}
	}
	return proto.MultiEnd.Append(b)
}
