package server

import (
	"sync"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/prepare"
	"github.com/meerkat-zk/meerkat/server/session"
)

// proposer gives writes their place in the one order of all writes: prepared
// and queued for the log under one lock, so that zxid order is queue order.
//
// Lock order: proposer.mu, then the gate's read side.
type proposer struct {
	srv   *Server
	queue *logQueue

	mu     sync.Mutex
	prep   *prepare.Preparer // mu and the gate's read side; Changes is free
	nowMs  int64             // mu: wall clock, as of enter
	queued int               // mu: bytes put into the queue since enter
	writes int64             // mu: prepared since enter
}

// enter waits for room in the log's queue and takes the locks of a proposal;
// leave gives them up.
func (p *proposer) enter() {
	p.mu.Lock()
	p.queue.admit()
	p.nowMs, p.queued = p.srv.clock.wallMs(), 0
	p.srv.gate.enterRead()
}

// full tells whether so much was queued under the present hold of the locks
// that they have to be taken anew: a request of a few bytes can bring about
// much, and the queue is bounded, as is the space that the disk holds ready.
func (p *proposer) full() bool { return p.queued > maxBurstBytes }

// makeRoom takes the locks anew if they have to be.
func (p *proposer) makeRoom() {
	if p.full() {
		p.leave()
		p.enter()
	}
}

// put queues what was prepared.
func (p *proposer) put(result *prepare.Result, origin *conn) {
	p.queued += len(result.Raw)
	p.queue.put(proposal{entry: result.Entry, size: len(result.Raw), origin: origin}, result.Raw)
}

func (p *proposer) leave() {
	p.srv.meters.prepared.Add(p.writes)
	p.srv.meters.queued.Add(p.writes)
	p.writes = 0
	p.queue.release()
	p.srv.gate.leaveRead()
	p.mu.Unlock()
}

// propose queues a client's write and returns OK, or why there is no
// transaction: the reply then carries the code in the write's turn. The
// caller has entered.
func (p *proposer) propose(origin *conn, h proto.RequestHeader, body []byte, ids []proto.ID) proto.ErrCode {
	id := origin.sessionID()
	if h.Op == proto.OpCloseSession {
		p.shrinkSession(id)
	}
	if !p.hasRoom() {
		return proto.ErrSystem
	}
	return p.submit(origin, &prepare.Request{
		Session: id, Owner: session.Local, Cxid: h.Xid, Op: h.Op, Body: body, IDs: ids, TimeMs: p.nowMs,
	})
}

// hasRoom tells whether the disk takes more writes.
func (p *proposer) hasRoom() bool {
	if p.srv.store.HasRoom() {
		return true
	}
	p.srv.meters.diskFull.Add(1)
	return false
}

func (p *proposer) submit(origin *conn, r *prepare.Request) proto.ErrCode {
	result := p.prep.Prepare(r)
	if result.Malformed {
		return proto.ErrMarshalling
	}
	p.writes++
	p.put(&result, origin)
	return proto.OK
}

// decline gives a write of another server's client a transaction that changes
// nothing: it tells that client why.
func (p *proposer) decline(r *prepare.Request, code proto.ErrCode) {
	result := p.prep.Decline(r, code)
	p.put(&result, nil)
}

// sync is for a leader's own clients, when it has to be linearizable.
func (p *proposer) sync(origin *conn, _ proto.RequestHeader, _ []byte) proto.ErrCode {
	origin.term.leads.ask(origin)
	return proto.OK
}

// renewSession gives the session to this server. The client lost its
// connection and asks now what became of its writes: those proposed are to be
// seen, and no other may follow; see turn.write.
func (p *proposer) renewSession(c *conn, id int64, timeoutMs int32) (*session.Session, error) {
	sessions := p.srv.sessions
	s := sessions.Find(id)
	if s == nil || !sessions.Keep(s, sessions.NowMs(), timeoutMs) {
		return nil, nil
	}
	sessions.SetOwner(id, session.Local)
	p.mu.Lock()
	last := p.prep.Zxid()
	p.mu.Unlock()
	if !p.srv.applier.await(last, c.term.over) {
		return nil, errTermOver
	}
	return s, nil
}

// createSession proposes a session that the tracker knows already.
func (p *proposer) createSession(origin *conn, id int64, timeoutMs int32) proto.ErrCode {
	p.enter()
	defer p.leave()
	if !p.hasRoom() || origin.out.isClosed() { // closed by a restore, which has forgotten the session
		return proto.ErrSystem
	}
	code := p.submit(origin, &prepare.Request{
		Session: id, Op: proto.OpCreateSession, Body: jute.AppendInt(nil, timeoutMs), TimeMs: p.nowMs,
	})
	if code == proto.OK {
		origin.park(pending{op: proto.OpCreateSession, kind: awaitsTxn, at: p.srv.clock.nanos()})
	}
	return code
}

// upgradeSession proposes a session that has been local.
func (p *proposer) upgradeSession(id int64, timeoutMs int32) proto.ErrCode {
	if !p.hasRoom() {
		return proto.ErrSystem
	}
	return p.submit(nil, &prepare.Request{
		Session: id, Op: proto.OpCreateSession, Body: jute.AppendInt(nil, timeoutMs), TimeMs: p.srv.clock.wallMs(),
	})
}

// closeSession ends a session that nobody asks to end: it has expired. It
// reports false when the disk is full, and is to be tried again.
func (p *proposer) closeSession(id int64) bool {
	p.enter()
	defer p.leave()
	p.shrinkSession(id)
	if !p.srv.store.HasRoom() {
		return false
	}
	p.submit(nil, &prepare.Request{Session: id, Op: proto.OpCloseSession, TimeMs: p.nowMs})
	return true
}

// shrinkSession deletes ephemerals ahead of a closeSession that would be too
// large to be read by any peer. There may be many, and the disk may fill up
// meanwhile: then some are left, and there is no room for the closeSession.
// The caller has entered; others may have been let in between.
func (p *proposer) shrinkSession(id int64) {
	for groups := p.prep.Oversized(id); len(groups) > 0; groups = p.prep.Oversized(id) {
		for _, paths := range groups {
			if !p.srv.store.HasRoom() {
				return
			}
			result := p.prep.PrepareDeletes(id, paths, p.nowMs)
			p.put(&result, nil)
			p.makeRoom()
		}
	}
}

// deleteContainer removes a container or TTL znode that is no longer used;
// when it is used after all, the transaction is an error and changes nothing.
func (p *proposer) deleteContainer(path string) {
	p.enter()
	defer p.leave()
	if !p.srv.store.HasRoom() {
		return
	}
	p.submit(nil, &prepare.Request{
		Op: proto.OpDeleteContainer, Body: jute.AppendString(nil, path), TimeMs: p.nowMs,
	})
}
