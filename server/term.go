package server

import (
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/session"
)

// term is one uninterrupted time in which clients are served in one role. A
// standalone server has a single one; a member of an ensemble has one with
// each leader that it follows or is. A connection that has a session belongs
// to the term in which it was opened and does not outlive it.
type term struct {
	mode     string // as the word srvr names it
	writes   writePath
	proposer *proposer     // writes, when this server orders them itself; else nil
	over     chan struct{} // closed when it ends
	leads    *leadership   // of the leader of an ensemble; else nil
	// awaitsSync means that a sync has to be asked for; else what is ahead of
	// it in its session is all that it waits for.
	awaitsSync bool
	// readOnly means that there is no leader, and no write is accepted.
	readOnly bool
	// closed means that no client is let in: leaderServes=no.
	closed bool
}

func newTerm(mode string, writes writePath, proposer *proposer) *term {
	return &term{mode: mode, writes: writes, proposer: proposer, over: make(chan struct{})}
}

// end cuts off all connections: their clients go elsewhere, or come back when
// there is a new term. It is called by the applier.
func (srv *Server) end(t *term) {
	srv.term.Store(nil)
	srv.vacate()
	close(t.over)
	if srv.isStopping() {
		return // Stop lets clients take the replies that there are
	}
	for _, c := range srv.conns.list() {
		c.cut()
	}
}

// resumeSessions makes the tracker know what the tree does, and starts every
// timeout anew: while there was no leader nobody could show life. It is called
// by the applier before a term of an ensemble begins.
func (srv *Server) resumeSessions() {
	srv.sessions.Reset()
	for id, timeoutMs := range srv.tree.Sessions() {
		srv.sessions.Track(id, timeoutMs)
	}
}

// engine is what makes of this server's writes, and of others', the one order
// of committed transactions that the applier gets: [standalone], or [member].
type engine interface {
	// start begins to serve, or to look for those with whom to.
	start() error
	// finish is called when no connection reads requests any more. It sees to
	// it that what was accepted is committed and put to the applier, as far
	// as that is in its power, and closes the applier's inbox.
	finish()
	// diverged says that the tree is not what the transactions say it should
	// be. It is called by the applier.
	diverged()
}

// writePath is how a write of this server's clients gets its place in the one
// order of all writes: from this server's [proposer], or from the leader's.
type writePath interface {
	// enter takes the locks under which writes are proposed and queued, and
	// the gate's read side with them; leave gives them up.
	enter()
	leave()
	// full tells whether enough was queued under the present hold.
	full() bool
	// propose takes a client's write on its way and returns OK, or why there
	// will be no transaction. The caller has entered, and parks the request.
	propose(origin *conn, h proto.RequestHeader, body []byte, ids []proto.ID) proto.ErrCode
	// createSession does that for a session that the tracker knows already,
	// and parks its pending reply.
	createSession(origin *conn, id int64, timeoutMs int32) proto.ErrCode
	// upgradeSession tells all servers of a session that only this one knew.
	// The caller has entered. Nobody waits for the transaction.
	upgradeSession(id int64, timeoutMs int32) proto.ErrCode
	// renewSession moves a session to this server, and returns nil if there
	// is no such session any more. An error means that nobody can tell.
	renewSession(c *conn, id int64, timeoutMs int32) (*session.Session, error)
	// sync asks for the word that a sync may be answered, in a term that
	// awaits it. The caller has entered, and parks the request.
	sync(origin *conn, h proto.RequestHeader, body []byte) proto.ErrCode
}

// vacancy is the time between two terms.
type vacancy struct {
	since time.Time
	over  chan struct{} // closed when a term begins
}

// vacancyPatience is how long a client that wants a session waits for a term to
// begin, from the end of the last one on. An election takes less; a client that
// is turned away instead comes back a second later.
const vacancyPatience = time.Second

// vacate says that no client is served.
func (srv *Server) vacate() {
	srv.vacancy.Store(&vacancy{since: time.Now(), over: make(chan struct{})})
}

// begin lets clients in.
func (srv *Server) begin(t *term) {
	srv.term.Store(t)
	if v := srv.vacancy.Load(); v != nil {
		close(v.over)
	}
}

// awaitTerm returns the present term, or the next one if that begins soon; nil
// if there is none.
func (srv *Server) awaitTerm() *term {
	t, v := srv.term.Load(), srv.vacancy.Load()
	if t != nil || v == nil {
		return t
	}
	timer := time.NewTimer(time.Until(v.since.Add(vacancyPatience)))
	defer timer.Stop()
	select {
	case <-v.over:
	case <-timer.C:
	case <-srv.stopping:
	}
	return srv.term.Load()
}

// changes tells how many changes were prepared and applied, see
// [prepare.Preparer.Changes].
func (srv *Server) changes() (prepared, applied int64) {
	if p := srv.orders(); p != nil {
		return p.prep.Changes()
	}
	return 0, 0
}

// orders returns the proposer of the present term, nil when this server does
// not order the writes.
func (srv *Server) orders() *proposer {
	if t := srv.term.Load(); t != nil {
		return t.proposer
	}
	return nil
}
