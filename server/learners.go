package server

import (
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
	"github.com/meerkat-zk/meerkat/server/prepare"
	"github.com/meerkat-zk/meerkat/server/session"
)

// learners is the leader's side of what the clients of other servers want:
// one goroutine that takes it in the order in which it came.
type learners struct {
	lead   *leadership
	inbox  *inbox[learnerPacket]
	owners map[quorum.Link]*session.Owner // owned by run
}

// learnerPacket is what a learner sent, or that it is gone.
type learnerPacket struct {
	link   quorum.Link
	server int64
	packet proto.QuorumPacket
	gone   bool
}

func newLearners(l *leadership) *learners {
	return &learners{lead: l, inbox: newInbox[learnerPacket](), owners: make(map[quorum.Link]*session.Owner)}
}

// run ends when the inbox is closed.
func (ls *learners) run() {
	for {
		batch := ls.inbox.take()
		if batch == nil {
			return
		}
		for rest := batch; len(rest) > 0; {
			n := requestsAhead(rest)
			if n == 0 {
				ls.other(&rest[0])
				n = 1
			} else {
				ls.requests(rest[:n])
			}
			rest = rest[n:]
		}
		ls.inbox.recycle(batch)
	}
}

// requestsAhead counts the requests that the batch begins with, up to what one
// hold of the proposer's lock takes.
func requestsAhead(batch []learnerPacket) int {
	n, size := 0, 0
	for n < len(batch) && n < maxBurst && size < maxBurstBytes {
		if batch[n].gone || batch[n].packet.Type != proto.PacketRequest {
			break
		}
		size += len(batch[n].packet.Data)
		n++
	}
	return n
}

func (ls *learners) owner(p *learnerPacket) *session.Owner {
	o := ls.owners[p.link]
	if o == nil {
		o = &session.Owner{Name: "server " + hexID(p.server)}
		ls.owners[p.link] = o
	}
	return o
}

// other handles what is no request.
func (ls *learners) other(p *learnerPacket) {
	if p.gone {
		delete(ls.owners, p.link)
		return
	}
	d := jute.NewDecoder(p.packet.Data)
	sessions := ls.lead.m.srv.sessions
	switch p.packet.Type {
	case proto.PacketPing:
		for len(d.Rest()) >= 12 {
			id := d.Long()
			sessions.Touch(id, d.Int())
		}
	case proto.PacketRevalidate:
		ls.lead.m.srv.meters.revalidated.Add(1)
		id, timeoutMs := d.Long(), d.Int()
		if d.Err() != nil {
			ls.lead.m.peer.DropLearner(p.link)
			return
		}
		valid := sessions.Touch(id, timeoutMs) && sessions.SetOwner(id, ls.owner(p)) == proto.OK
		answer := p.packet
		answer.Data = jute.AppendBool(jute.AppendLong(nil, id), valid)
		ls.lead.m.peer.ToLearner(p.link, answer)
	}
}

// requests proposes writes under one hold of the proposer's lock.
func (ls *learners) requests(batch []learnerPacket) {
	p := ls.lead.proposer
	p.enter()
	defer p.leave()
	for i := range batch {
		if !ls.request(p, &batch[i]) {
			ls.lead.m.srv.log.Warn().Int64("server", batch[i].server).Msg("learner sent a malformed request: dropped")
			ls.lead.m.peer.DropLearner(batch[i].link)
		}
	}
}

// request proposes one write. Whatever comes of it is a transaction: without
// one the learner's client would wait for ever. It reports false for a packet
// that cannot be read.
//
// Data of a REQUEST: a long session, an int cxid, an int op, the record.
func (ls *learners) request(p *proposer, in *learnerPacket) bool {
	d := jute.NewAliasDecoder(in.packet.Data)
	p.makeRoom()
	r := prepare.Request{Session: d.Long(), Cxid: d.Int(), Op: proto.Op(d.Int())}
	if d.Err() != nil {
		return false
	}
	r.Body, r.IDs, r.Owner, r.TimeMs = d.Rest(), in.packet.Auth, ls.owner(in), p.nowMs
	sessions := p.srv.sessions
	switch {
	case r.Op == proto.OpSync:
		ask := quorum.SyncRequested{Link: in.link, Confirm: p.srv.cfg.Quorum.LinearizableSync}
		p.queue.put(proposal{aside: &aside{input: ask}}, nil)
		return true
	case r.Op == proto.OpCreateSession:
		body := jute.NewDecoder(r.Body)
		sessions.Track(r.Session, body.Int())
		sessions.SetOwner(r.Session, r.Owner)
	case r.Op == proto.OpCloseSession:
		p.shrinkSession(r.Session)
	case kindOf(r.Op) != kindWrite:
		p.decline(&r, proto.ErrUnimplemented)
		return true
	}
	switch {
	case !p.hasRoom():
		p.decline(&r, proto.ErrSystem)
	case p.submit(nil, &r) != proto.OK:
		p.decline(&r, proto.ErrMarshalling)
	}
	return true
}
