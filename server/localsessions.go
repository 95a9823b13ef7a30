package server

import (
	"errors"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/prepare"
	"github.com/meerkat-zk/meerkat/server/session"
)

// localSessions are sessions of this server's clients that no other server
// knows and no transaction tells of (localSessionsEnabled). Such a session
// costs the ensemble nothing, but cannot move to another server and cannot own
// ephemerals; for those it is upgraded to a global one, if that is allowed
// (localSessionsUpgradingEnabled).
type localSessions struct {
	srv     *Server
	tracker *session.Tracker // its ids come from the tracker of the global ones
}

func newLocalSessions(srv *Server) *localSessions {
	l := &localSessions{srv: srv}
	l.tracker = session.NewTracker(session.Config{
		TickMs: srv.cfg.Session.TickTimeMs, ServerID: srv.id(), Expire: l.expire,
	})
	return l
}

// expire ends a session of a client that has gone silent.
func (l *localSessions) expire(s *session.Session) bool {
	l.tracker.Remove(s.ID)
	if c := l.srv.conns.of(s.ID); c != nil {
		c.cut()
	}
	l.srv.meters.expired.Add(1)
	return true
}

// open gives a connection a session at once.
func (l *localSessions) open(c *conn, timeoutMs int32) {
	id := l.srv.sessions.NewID()
	c.session.Store(l.tracker.Track(id, timeoutMs))
	c.local.Store(true)
	l.srv.conns.bind(id, c)
	c.accept()
}

// renew takes a session back that is known here.
func (l *localSessions) renew(c *conn, id int64, timeoutMs int32) *session.Session {
	s := l.tracker.Find(id)
	if s == nil || !l.tracker.Keep(s, l.tracker.NowMs(), timeoutMs) {
		return nil
	}
	c.local.Store(true)
	return s
}

// tracker returns what keeps the connection's session.
func (c *conn) tracker() *session.Tracker {
	if c.local.Load() {
		return c.srv.locals.tracker
	}
	return c.srv.sessions
}

// needsGlobal tells whether a write makes an ephemeral.
func needsGlobal(op proto.Op, body []byte) bool {
	d := jute.NewAliasDecoder(body)
	if op != proto.OpMulti {
		return createsEphemeral(op, &d)
	}
	for {
		var h proto.MultiHeader
		h.Decode(&d)
		if d.Err() != nil || h.Done {
			return false
		}
		switch h.Op {
		case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
			if createsEphemeral(h.Op, &d) {
				return true
			}
		default:
			if skipSubrequest(h.Op, &d); d.Err() != nil {
				return false // it will be refused
			}
		}
	}
}

func createsEphemeral(op proto.Op, d *jute.Decoder) bool {
	switch op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		r := proto.CreateRequest{HasTTL: op == proto.OpCreateTTL}
		r.Decode(d)
		return d.Err() == nil && (r.Flags == proto.FlagEphemeral || r.Flags == proto.FlagEphemeralSequential)
	}
	return false
}

// errNoSubrequest means that an op cannot stand in a multi.
var errNoSubrequest = errors.New("not an op of a multi")

// skipSubrequest reads past an op of a multi that creates nothing.
func skipSubrequest(op proto.Op, d *jute.Decoder) {
	switch op {
	case proto.OpDelete, proto.OpCheck:
		_, _ = d.String(), d.Int()
	case proto.OpSetData:
		_, _, _ = d.String(), d.Buffer(), d.Int()
	default:
		d.Fail(errNoSubrequest)
	}
}

// upgrade makes a local session a global one, ahead of the write that needs
// it. It returns the code with which that write is refused, or OK. The caller
// has entered the write path.
func (c *conn) upgrade() proto.ErrCode {
	srv, old := c.srv, c.session.Load()
	if !srv.cfg.Quorum.LocalUpgrades {
		return proto.ErrEphemeralOnLocal
	}
	timeoutMs := c.timeout.Load()
	s := srv.sessions.Track(old.ID, timeoutMs)
	srv.sessions.SetOwner(old.ID, session.Local)
	if code := c.term.writes.upgradeSession(old.ID, timeoutMs); code != proto.OK {
		srv.sessions.Remove(old.ID)
		return code
	}
	c.session.Store(s)
	c.local.Store(false)
	c.alive.Store(true)
	srv.locals.tracker.Remove(old.ID)
	return proto.OK
}

// checkedSessions is what a preparer asks about sessions.
func (srv *Server) checkedSessions() prepare.Sessions {
	if srv.cfg.Quorum.Enabled && srv.cfg.Quorum.LocalSessions {
		return sessionCheck{srv}
	}
	return srv.sessions
}

// sessionCheck answers the preparer of a leader about sessions that only their
// servers know. One that is not known here may be such a session of another
// server, if its id says that it comes from there.
type sessionCheck struct{ srv *Server }

// Check is that of session.Tracker.
func (s sessionCheck) Check(id int64, owner *session.Owner) proto.ErrCode {
	code := s.srv.sessions.Check(id, owner)
	if code != proto.ErrUnknownSession {
		return code
	}
	if session.ServerOf(id) != byte(s.srv.id()) || s.srv.locals.tracker.Find(id) != nil {
		return proto.OK
	}
	return code
}

// CheckGlobal is that of session.Tracker.
func (s sessionCheck) CheckGlobal(id int64, owner *session.Owner) proto.ErrCode {
	return s.srv.sessions.CheckGlobal(id, owner)
}

// SetClosing is that of session.Tracker.
func (s sessionCheck) SetClosing(id int64) { s.srv.sessions.SetClosing(id) }
