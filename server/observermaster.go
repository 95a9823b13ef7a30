package server

import (
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// fromObserver passes on what the clients of an observer want that learns from
// this server: to the leader it is this server's own. The leader's answers to
// renewals and syncs go back to the observer, in the order in which all were
// asked for; those to writes reach it as committed transactions. It is called
// by the Peer's loop.
func (f *forwarder) fromObserver(link quorum.Link, p proto.QuorumPacket) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := jute.NewDecoder(p.Data)
	switch p.Type {
	case proto.PacketPing:
		f.touch(&d)
		return
	case proto.PacketRequest:
		if _, _, op := d.Long(), d.Int(), proto.Op(d.Int()); op == proto.OpSync && d.Err() == nil {
			f.syncs = append(f.syncs, func() { f.m.peer.ToLearner(link, proto.QuorumPacket{Type: proto.PacketSync}) })
		}
	case proto.PacketRevalidate:
		id, timeout := d.Long(), d.Int()
		if d.Err() != nil {
			break
		}
		f.renewals[id] = append(f.renewals[id], func(valid bool) {
			if valid {
				f.touched[id] = timeout
			}
			answer := jute.AppendBool(jute.AppendLong(nil, id), valid)
			f.m.peer.ToLearner(link, proto.QuorumPacket{Type: proto.PacketRevalidate, Zxid: p.Zxid, Data: answer})
		})
	}
	if d.Err() != nil {
		f.m.srv.log.Warn().Err(d.Err()).Stringer("packet", p.Type).Msg("an observer sent what nobody can read")
		f.m.peer.DropLearner(link)
		return
	}
	if err := f.m.peer.ToLeader(p); err != nil {
		f.m.srv.log.Debug().Err(err).Msg("an observer's request not forwarded")
	}
}

// touch notes the sessions of an observer that have shown life.
func (f *forwarder) touch(d *jute.Decoder) {
	for len(d.Rest()) >= 12 {
		id := d.Long()
		f.touched[id] = d.Int()
	}
}

// takeTouched returns those sessions, and forgets them, as they stand in the
// answer to a leader's PING.
func (f *forwarder) takeTouched() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b []byte
	for id, timeoutMs := range f.touched {
		b = jute.AppendInt(jute.AppendLong(b, id), timeoutMs)
	}
	clear(f.touched)
	return b
}
