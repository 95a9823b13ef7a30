package server

import (
	"errors"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/session"
)

// readOnlyWait is for how long a server looks for a leader, at least, before
// it serves those that accept reads without one.
const readOnlyWait = 2 * time.Second

var (
	errReadOnly    = errors.New("client did not ask to be served read-only, and this server has no leader")
	errGlobalAlone = errors.New("no session can be renewed without a leader")
)

// readOnly is the write path of a server without a leader
// (readonlymode.enabled): it refuses all writes. Its sessions are known to it
// alone and end with the term.
type readOnly struct{ srv *Server }

func (r readOnly) enter()   { r.srv.gate.enterRead() }
func (r readOnly) leave()   { r.srv.gate.leaveRead() }
func (readOnly) full() bool { return false }

// propose answers the end of a session itself: nobody else knows of it.
func (r readOnly) propose(origin *conn, h proto.RequestHeader, _ []byte, _ []proto.ID) proto.ErrCode {
	if h.Op != proto.OpCloseSession {
		return proto.ErrNotReadOnly
	}
	origin.replyHeader(h.Xid, r.srv.tree.LastZxid(), proto.OK)
	r.srv.sessions.Remove(origin.sessionID())
	return answered
}

func (r readOnly) createSession(origin *conn, _ int64, _ int32) proto.ErrCode {
	origin.accept()
	close(origin.opened)
	origin.done(0)
	return proto.OK
}

func (r readOnly) upgradeSession(int64, int32) proto.ErrCode { return proto.ErrNotReadOnly }

// renewSession takes a session back that was opened here. Any other may live,
// for all that this server knows: its client has to find those who can tell.
func (r readOnly) renewSession(_ *conn, id int64, timeoutMs int32) (*session.Session, error) {
	s := r.srv.sessions.Find(id)
	if s == nil || !r.srv.sessions.Keep(s, r.srv.sessions.NowMs(), timeoutMs) {
		return nil, errGlobalAlone
	}
	return s, nil
}

func (r readOnly) sync(*conn, proto.RequestHeader, []byte) proto.ErrCode { return proto.ErrNotReadOnly }

// expire ends one of the sessions of a read-only term.
func (r readOnly) expire(s *session.Session) {
	r.srv.sessions.Remove(s.ID)
	if c := r.srv.conns.of(s.ID); c != nil {
		c.cut()
	}
}

// alone lets the server serve reads if it has not found a leader by then. It is
// called by the Peer's loop when the server begins to look for one.
func (m *member) alone() {
	if !m.srv.cfg.Quorum.ReadOnly {
		return
	}
	turn := m.turn.Load()
	time.AfterFunc(max(readOnlyWait, ms(m.srv.cfg.Session.TickTimeMs)), func() {
		m.later(func() { m.serveAlone(turn) })
	})
}

// serveAlone begins a read-only term, unless the server has found a leader
// since that turn of its roles, or has lost its data: clients would take it
// for an ensemble that holds nothing. It runs on the applier.
func (m *member) serveAlone(turn int64) {
	srv := m.srv
	if m.turn.Load() != turn || m.term != nil {
		return // it has found one, and the term that begins now would be ended at once
	}
	srv.gate.enterRead()
	hollow := srv.hollow
	srv.gate.leaveRead()
	if hollow {
		srv.log.Warn().Msg("no leader, and no data: no reads can be served")
		return
	}
	srv.log.Warn().Msg("no leader: serving those that accept reads without one")
	srv.sessions.Reset()
	m.term = newTerm("read-only", readOnly{srv}, nil)
	m.term.readOnly, m.term.awaitsSync = true, true
	srv.begin(m.term)
	srv.sessions.Start()
}
