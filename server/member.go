package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
	"github.com/meerkat-zk/meerkat/quorum/peer"
)

// member is the engine of a server in an ensemble. Its peer.Peer decides what
// is committed and which role the server has; member carries transactions
// between it and the clients, and begins and ends the terms.
//
// It is the Peer's machine: the methods up to Touches are called by the Peer's
// loop, one after another. What they decide about clients takes its turn
// behind the transactions before it: the applier runs it.
type member struct {
	srv     *Server
	peer    *peer.Peer    // set by start
	started chan struct{} // closed when peer is set
	turn    atomic.Int64  // counts the changes of roles; written by the loop
	recent  recentStats
	// proposals are written by whoever leads; see leadership.
	proposals proposalSizes

	lead     *leadership // owned by the loop; nil unless this server leads
	follow   *forwarder  // owned by the loop; nil unless it follows or observes
	batch    []proposal  // owned by the loop: room for Apply
	term     *term       // owned by the applier; nil unless clients are served
	reported sync.Mutex  // held by whoever reads or writes shown
	shown    quorum.Role // reported: the role, for those who ask
}

func newMember(srv *Server) *member { return &member{srv: srv, started: make(chan struct{})} }

// Apply passes committed transactions to the applier. Those that this server
// has proposed are known there already.
func (m *member) Apply(entries []quorum.Entry) {
	m.batch = m.batch[:0]
	for _, e := range entries {
		p := proposal{raw: e.Data}
		if m.lead != nil {
			if own, ok := m.lead.inFlight.take(e.Zxid); ok {
				p = own
			}
		}
		m.batch = append(m.batch, p)
	}
	m.srv.applier.committed.put(m.batch...)
	clear(m.batch)
}

// Role ends the term that was, and begins a new one once the applier has got
// that far.
func (m *member) Role(r quorum.Role) {
	srv := m.srv
	<-m.started
	m.reported.Lock()
	m.shown = r
	m.reported.Unlock()
	srv.log.Info().Str("state", r.State.String()).Str("phase", r.Phase.String()).Int64("leader", r.Leader).
		Int64("epoch", r.Epoch).Str("reason", r.Reason).Msg("role")
	if m.lead != nil {
		m.lead.queue.close() // no more proposals
	}
	m.lead, m.follow = nil, nil
	m.turn.Add(1)
	m.later(m.end)
	switch {
	case r.State == proto.Looking:
		m.alone()
	case r.Phase != quorum.Broadcast:
	case r.State == proto.Leading:
		lead := newLeadership(m, r.Epoch)
		m.lead = lead
		m.later(func() { m.term = lead.begin() })
	default:
		f := newForwarder(m)
		m.follow = f
		mode := "follower"
		if r.State == proto.Observing {
			mode = "observer"
		}
		m.later(func() {
			srv.resumeSessions()
			m.term = newTerm(mode, f, nil)
			m.term.awaitsSync = true
			srv.begin(m.term)
			if srv.tree.Differs() {
				m.diverged()
			}
		})
	}
}

// diverged lets the quorum get this server the leader's tree.
func (m *member) diverged() { m.peer.Diverged() }

// later lets the applier do something behind all that it has been given.
func (m *member) later(do func()) { m.srv.applier.committed.put(proposal{aside: &aside{do: do}}) }

// end ends the present term. It runs on the applier.
func (m *member) end() {
	t := m.term
	if t == nil {
		return
	}
	m.term = nil
	m.srv.end(t)
	switch {
	case t.leads != nil:
		t.leads.end()
	case t.readOnly:
		m.srv.sessions.Close()
	}
}

// Confirmed answers the leader's own linearizable syncs.
func (m *member) Confirmed(ids []uint64) {
	if m.lead != nil {
		m.lead.confirmed(ids)
	}
}

// Refused is about what a leader proposed that leads no longer, and whose
// clients are being cut off.
func (m *member) Refused(in quorum.Input, err error) {
	m.srv.log.Debug().Err(err).Str("input", fmt.Sprintf("%T", in)).Msg("refused by the quorum")
}

// FromLearner takes what a learner's clients want.
func (m *member) FromLearner(link quorum.Link, server int64, _ bool, p proto.QuorumPacket) {
	switch {
	case m.lead != nil:
		m.lead.learners.inbox.put(learnerPacket{link: link, server: server, packet: p})
	case m.follow != nil:
		m.follow.fromObserver(link, p)
	}
}

// LearnerGone forgets a learner.
func (m *member) LearnerGone(link quorum.Link) {
	if m.lead != nil {
		m.lead.learners.inbox.put(learnerPacket{link: link, gone: true})
	}
}

// FromLeader takes the leader's answers.
func (m *member) FromLeader(p proto.QuorumPacket) {
	if m.follow != nil {
		m.follow.fromLeader(p)
	}
}

// Touches tells the leader which sessions of this server have shown life.
func (m *member) Touches() []byte {
	own := m.srv.conns.touched()
	if m.follow == nil {
		return own
	}
	return append(own, m.follow.takeTouched()...)
}

// Snapshot is for a learner that has fallen far behind.
func (m *member) Snapshot(ctx context.Context, atLeast int64) (peer.Snapshot, error) {
	if !m.srv.applier.await(atLeast, ctx.Done()) {
		return nil, errors.Join(context.Cause(ctx), errors.New("the tree has not come that far"))
	}
	m.srv.gate.enterWrite()
	defer m.srv.gate.leaveWrite()
	return learnerSnapshot{m.srv.tree.Snapshot(m.srv.gate.reader())}, nil
}

// learnerSnapshot is a snapshot of the tree as a peer.Snapshot.
type learnerSnapshot struct{ *datatree.Snapshot }

// WriteTo writes the tree as it goes over a link.
func (s learnerSnapshot) WriteTo(w io.Writer) (int64, error) { return s.Snapshot.WriteTo(w) }

// Close releases the snapshot.
func (s learnerSnapshot) Close() error {
	s.Snapshot.Close()
	return nil
}

// present returns the role that this server has, from any goroutine.
func (m *member) present() quorum.Role {
	m.reported.Lock()
	defer m.reported.Unlock()
	return m.shown
}
