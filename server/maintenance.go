package server

import (
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/session"
)

// startMaintenance starts what runs beside the requests.
func (srv *Server) startMaintenance() {
	if p := srv.orders(); p != nil { // else whoever leads does it
		srv.background.Go(func() { srv.closeOrphans(p, srv.stopping) })
	}
	srv.every(time.Duration(srv.cfg.Containers.CheckIntervalMs)*time.Millisecond, srv.reap)
	if hours := srv.cfg.Storage.PurgeIntervalHours; hours > 0 {
		srv.background.Go(func() { srv.purge() }) // the first at start
		srv.every(time.Duration(hours)*time.Hour, srv.purge)
	}
}

// every runs step each interval until the server stops.
func (srv *Server) every(interval time.Duration, step func()) {
	srv.background.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				step()
			case <-srv.stopping:
				return
			}
		}
	})
}

// purge removes the snapshots and logs that are no longer needed.
func (srv *Server) purge() {
	removed, err := srv.store.Purge(srv.cfg.Storage.PurgeRetain)
	if err != nil {
		srv.log.Error().Err(err).Msg("purge failed")
	}
	for _, name := range removed {
		srv.log.Info().Str("file", name).Msg("purged")
	}
}

// reap deletes the containers and TTL znodes that are no longer used, at most
// so many a minute. What is used again meanwhile fails its transaction's
// checks and stays.
func (srv *Server) reap() {
	cfg := &srv.cfg.Containers
	srv.gate.enterRead()
	paths := srv.tree.Expendable(srv.clock.wallMs(), cfg.MaxNeverUsedIntervalMs)
	srv.gate.leaveRead()
	pause := time.NewTicker(max(time.Minute/time.Duration(max(cfg.MaxPerMinute, 1)), time.Nanosecond))
	defer pause.Stop()
	for _, path := range paths {
		if p := srv.orders(); p != nil {
			p.deleteContainer(path)
		}
		select {
		case <-pause.C:
		case <-srv.stopping:
			return
		}
	}
}

// expire starts the end of a session whose time is up. False, because the
// disk is full, lets the tracker ask again.
func (srv *Server) expire(s *session.Session) bool {
	t := srv.term.Load()
	if t != nil && t.readOnly {
		readOnly{srv}.expire(s)
		return true
	}
	if t == nil || t.proposer == nil || !t.proposer.closeSession(s.ID) {
		return false
	}
	srv.log.Info().Str("session", hexID(s.ID)).Int32("timeout_ms", s.TimeoutMs).Msg("session expired")
	srv.meters.expired.Add(1)
	return true
}

// orphanPause is how long closeOrphans waits for room on a full disk.
const orphanPause = time.Second

// closeOrphans ends the sessions that own ephemerals and are not in the
// session table, as data written by a server that crashed can have them.
func (srv *Server) closeOrphans(p *proposer, giveUp <-chan struct{}) {
	srv.gate.enterRead()
	orphans := srv.tree.OrphanOwners()
	srv.gate.leaveRead()
	for _, id := range orphans {
		srv.log.Warn().Str("session", hexID(id)).Msg("ephemerals without a session: deleted")
		for !p.closeSession(id) {
			select {
			case <-time.After(orphanPause):
			case <-giveUp:
				return
			}
		}
	}
}

// sessionChanged follows what was applied. A session that another server made
// is known from now on. A closed one is forgotten and its connection closed,
// after its reply if it has asked for the end.
func (srv *Server) sessionChanged(p *proposal) {
	id := p.entry.Header.ClientID
	if txn, ok := p.entry.Txn.(*proto.CreateSessionTxn); ok && p.raw != nil {
		srv.sessions.Track(id, txn.TimeoutMs)
	}
	if p.entry.Header.Type != proto.OpCloseSession {
		return
	}
	srv.sessions.Remove(id)
	if c := srv.conns.of(id); c != nil && c != p.origin {
		c.cut()
	}
}
