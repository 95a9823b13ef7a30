package server

import (
	"sync"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/prepare"
	"github.com/meerkat-zk/meerkat/server/session"
)

// forwarder is the write path of a server that follows or observes: its
// leader orders the writes. The reply to one leaves when it comes back as a
// committed transaction; see conn.claim.
type forwarder struct {
	m *member

	mu       sync.Mutex
	syncs    []func()               // mu: asked for, in the order in which the leader answers
	renewals map[int64][]func(bool) // mu: by session, in order
	touched  map[int64]int32        // mu: sessions of observers that have shown life, with their timeouts in ms
}

func newForwarder(m *member) *forwarder {
	return &forwarder{m: m, renewals: make(map[int64][]func(bool)), touched: make(map[int64]int32)}
}

// enter holds off the applier until what is forwarded is parked.
func (f *forwarder) enter() { f.m.srv.gate.enterRead() }
func (f *forwarder) leave() { f.m.srv.gate.leaveRead() }

// full is for those that queue for the log.
func (f *forwarder) full() bool { return false }

// propose forwards a write. What nobody could decode is refused here: an
// Apache leader would give it no transaction, and so no reply.
func (f *forwarder) propose(origin *conn, h proto.RequestHeader, body []byte, ids []proto.ID) proto.ErrCode {
	if !prepare.Readable(h.Op, body) {
		return proto.ErrMarshalling
	}
	f.send(origin.sessionID(), h, body, ids)
	return proto.OK
}

// send forwards a request. Without a leader the term is about to end, and the
// client's connection with it.
func (f *forwarder) send(id int64, h proto.RequestHeader, body []byte, ids []proto.ID) {
	data := make([]byte, 0, 16+len(body))
	data = jute.AppendInt(jute.AppendInt(jute.AppendLong(data, id), h.Xid), int32(h.Op))
	err := f.m.peer.ToLeader(proto.QuorumPacket{
		Type: proto.PacketRequest, Zxid: -1, Data: append(data, body...), Auth: ids,
	})
	if err != nil {
		f.m.srv.log.Debug().Err(err).Msg("request not forwarded")
	}
}

func (f *forwarder) createSession(origin *conn, id int64, timeoutMs int32) proto.ErrCode {
	f.enter()
	defer f.leave()
	f.send(id, proto.RequestHeader{Op: proto.OpCreateSession}, jute.AppendInt(nil, timeoutMs), nil)
	origin.park(pending{op: proto.OpCreateSession, kind: awaitsTxn, at: f.m.srv.clock.nanos()})
	return proto.OK
}

func (f *forwarder) upgradeSession(id int64, timeoutMs int32) proto.ErrCode {
	f.send(id, proto.RequestHeader{Op: proto.OpCreateSession}, jute.AppendInt(nil, timeoutMs), nil)
	return proto.OK
}

// renewSession asks the leader, who knows which sessions live.
func (f *forwarder) renewSession(c *conn, id int64, timeoutMs int32) (*session.Session, error) {
	answer := make(chan bool, 1)
	f.mu.Lock()
	f.renewals[id] = append(f.renewals[id], func(valid bool) { answer <- valid })
	err := f.m.peer.ToLeader(proto.QuorumPacket{
		Type: proto.PacketRevalidate, Zxid: -1, Data: jute.AppendInt(jute.AppendLong(nil, id), timeoutMs),
	})
	f.mu.Unlock()
	if err != nil {
		return nil, errTermOver
	}
	select {
	case valid := <-answer:
		if !valid {
			return nil, nil
		}
		return f.m.srv.sessions.Track(id, timeoutMs), nil
	case <-c.term.over:
		return nil, errTermOver
	}
}

// sync asks the leader for a SYNC. The caller has entered, and parks the
// request.
func (f *forwarder) sync(origin *conn, h proto.RequestHeader, body []byte) proto.ErrCode {
	f.mu.Lock() // the order of syncs is that of the requests
	defer f.mu.Unlock()
	f.syncs = append(f.syncs, origin.syncDone)
	f.send(origin.sessionID(), h, body, origin.identities())
	return proto.OK
}

// fromLeader takes an answer. It is called by the Peer's loop.
func (f *forwarder) fromLeader(p proto.QuorumPacket) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch p.Type {
	case proto.PacketSync:
		if len(f.syncs) > 0 {
			f.m.later(f.syncs[0])
			f.syncs = f.syncs[1:]
		}
	case proto.PacketRevalidate:
		d := jute.NewDecoder(p.Data)
		id, valid := d.Long(), d.Bool()
		if waiting := f.renewals[id]; len(waiting) > 0 && d.Err() == nil {
			waiting[0](valid)
			if f.renewals[id] = waiting[1:]; len(waiting) == 1 {
				delete(f.renewals, id)
			}
		}
	}
}

// settle closes done once everything forwarded so far has come back: it sends
// a sync of no session behind it.
func (f *forwarder) settle(done chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.syncs = append(f.syncs, func() { close(done) })
	f.send(0, proto.RequestHeader{Op: proto.OpSync}, jute.AppendString(nil, "/"), nil)
}
