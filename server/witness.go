package server

import (
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/audit"
	"github.com/meerkat-zk/meerkat/server/auth"
)

// This file tells of single requests: who has changed what, what took long,
// what was too large. All of it is off, or rare, and costs a comparison then.

// openAudit opens the audit log if there is to be one.
func (srv *Server) openAudit() error {
	cfg := &srv.cfg.Audit
	if !cfg.Enabled {
		return nil
	}
	log, err := audit.Open(cfg.File, srv.log)
	srv.audit = log
	return err
}

// auditSelf logs what the server does by itself.
func (srv *Server) auditSelf(operation string, result audit.Result) {
	if srv.audit != nil {
		srv.audit.Report(audit.Event{User: srv.user, Operation: operation, Result: result})
	}
}

// dropAudit closes the audit log of a server that did not start.
func (srv *Server) dropAudit() error {
	if srv.audit == nil {
		return nil
	}
	return srv.audit.Close()
}

// closeAudit logs the end of the server as the last line.
func (srv *Server) closeAudit() error {
	if srv.audit == nil {
		return nil
	}
	srv.auditSelf(audit.ServerStop, audit.Invoked)
	return srv.dropAudit()
}

// subjectOf reads what a write is about, when that may have to be told.
func (c *conn) subjectOf(op proto.Op, body []byte) *audit.Subject {
	srv := c.srv
	if srv.audit == nil && srv.cfg.Audit.SlowRequestMs <= 0 {
		return nil
	}
	s := audit.Read(op, body)
	if s != nil && srv.audit != nil {
		s.Users = c.users()
	}
	return s
}

// users names those whom the connection has authenticated as.
func (c *conn) users() string {
	var names []string
	for _, id := range c.srv.auth.Users(c.identities()) {
		if strings.TrimSpace(id.ID) != "" {
			names = append(names, id.ID)
		}
	}
	return strings.Join(names, ",")
}

// audit logs what came of a write. A multi that succeeds is one line for each
// znode that it created, deleted or set.
func (c *conn) audit(s *audit.Subject, e *proto.Entry, result *datatree.Result) {
	if c.srv.audit == nil {
		return
	}
	event := audit.Event{
		Session: c.sessionID(), User: s.Users, IP: auth.HostText(c.remote.Addr()), Operation: s.Operation,
		Znode: s.Path, ZnodeType: s.Mode, ACL: s.ACL, Result: audit.Success,
	}
	switch {
	case e.Header.Type == proto.OpError || result.Err != proto.OK:
		event.Result = audit.Failure
	case e.Header.Type == proto.OpMulti:
		c.auditMulti(s, event, result.Multi)
		return
	case result.Path != "":
		event.Znode = result.Path
	}
	c.srv.audit.Report(event)
}

func (c *conn) auditMulti(s *audit.Subject, event audit.Event, results []datatree.Result) {
	for i := range results {
		r := &results[i]
		one := event
		one.Znode = r.Path
		switch r.Type {
		case proto.OpError:
			event.Result = audit.Failure
			c.srv.audit.Report(event)
			return
		case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
			one.Operation, one.ZnodeType = "create", s.Modes[r.Path]
		case proto.OpDelete, proto.OpDeleteContainer:
			one.Operation = "delete"
		case proto.OpSetData:
			one.Operation = "setData"
		default:
			continue
		}
		c.srv.audit.Report(one)
	}
}

// endingEphemerals returns what the end of a session is about to delete, when
// that is to be logged. It is called before the transaction is applied.
func (srv *Server) endingEphemerals(e *proto.Entry) []string {
	if srv.audit == nil || e.Header.Type != proto.OpCloseSession {
		return nil
	}
	return srv.tree.Ephemerals(e.Header.ClientID)
}

// auditEphemerals logs what the end of a session has deleted.
func (srv *Server) auditEphemerals(session int64, paths []string) {
	for _, path := range paths {
		result := audit.Success
		if srv.tree.Lookup(path) != nil {
			result = audit.Failure
		}
		srv.audit.Report(audit.Event{Session: session, User: srv.user, Operation: audit.EphemeralEnded, Znode: path, Result: result})
	}
}

// isNotable tells whether a request is to be talked about.
func (srv *Server) isNotable(tookNs int64, replyBytes int) bool {
	slow := srv.cfg.Audit.SlowRequestMs
	return replyBytes > srv.cfg.Limits.MaxFrameBytes || slow > 0 && tookNs > slow*int64(time.Millisecond)
}

// noteRead tells of a read that was slow or has a large reply.
func (c *conn) noteRead(op proto.Op, body []byte, tookNs int64, replyBytes int) {
	path := ""
	if op != proto.OpPing && op != proto.OpSetWatches && op != proto.OpSetWatches2 && op != proto.OpMultiRead && op != proto.OpWhoAmI {
		d := jute.NewDecoder(body)
		path = d.String()
	}
	c.note(op, path, tookNs, replyBytes)
}

// noteWrite tells of a write.
func (c *conn) noteWrite(p *pending, tookNs int64, replyBytes int) {
	path := ""
	if p.subject != nil {
		path = p.subject.Path
	}
	c.note(p.op, path, tookNs, replyBytes)
}

// noteOversized tells of a request that costs its client the connection, again
// and again if the client repeats it. What it is about its beginning says, as
// far as that has arrived.
func (c *conn) noteOversized(err error) {
	d := jute.NewDecoder(c.in.peek())
	size := d.Int()
	var h proto.RequestHeader
	h.Decode(&d)
	event := c.srv.log.Warn().Err(err).Int32("request_bytes", size).Str("session", hexID(c.sessionID())).Str("client", c.remote.String())
	if d.Err() == nil && kindOf(h.Op) != kindUnknown {
		event.Str("op", h.Op.String())
		if path := d.String(); d.Err() == nil && strings.HasPrefix(path, "/") {
			event.Str("path", path)
		}
	}
	event.Msg("request is larger than jute.maxbuffer: connection closed")
}

func (c *conn) note(op proto.Op, path string, tookNs int64, replyBytes int) {
	text := "slow request"
	if replyBytes > c.srv.cfg.Limits.MaxFrameBytes {
		c.srv.meters.oversizedReplies.Add(1)
		text = "reply is larger than jute.maxbuffer: clients with the same limit close their connection"
	}
	c.srv.log.Warn().Str("op", op.String()).Str("path", path).Str("session", hexID(c.sessionID())).
		Str("client", c.remote.String()).Dur("took", time.Duration(tookNs)).Int("reply_bytes", replyBytes).Msg(text)
}
