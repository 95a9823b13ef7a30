package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/server/admin"
)

// errNoZxid means a snapshot that does not tell what it is exact as of.
var errNoZxid = errors.New("the snapshot does not end with its zxid (serializeLastProcessedZxid.enabled was false where it was taken)")

// restore replaces the state by a snapshot, on the disk and in memory, and
// returns the zxid to go on from: the snapshot's, or the next one when this
// server is already further. A server that went back would be refused by
// clients that have seen more, and would find its own old log behind the
// snapshot at the next start.
//
// All connections are closed: their clients come back, with the watches they
// still want, and those whose session is not in the snapshot learn that it
// has expired.
func (srv *Server) restore(ctx context.Context, src io.Reader) (int64, error) {
	alone, ok := srv.engine.(*standalone)
	if !ok {
		return 0, fmt.Errorf("%w: a member of an ensemble cannot be restored alone", admin.ErrUnsupported)
	}
	began := srv.clock.nanos()
	next, zxid, err := srv.readTree(src)
	if err != nil {
		return 0, err
	}
	if err := srv.snapshots.acquire(ctx); err != nil {
		return 0, err
	}
	defer srv.snapshots.release()

	p := alone.proposer
	p.mu.Lock() // nothing is proposed from here on
	defer p.mu.Unlock()
	last := p.prep.Zxid()
	if !srv.applier.await(last, ctx.Done()) {
		return 0, errors.Join(context.Cause(ctx), errors.New("the transactions before the restore were not applied"))
	}
	if zxid <= last {
		zxid = last + 1
	}
	next.SetLastZxid(zxid)
	// On the disk first: what is logged from here on is on top of it.
	if _, err := srv.snapshots.save(srv.store.History(), next.Snapshot(new(sync.Mutex))); err != nil {
		return 0, err
	}
	srv.gate.enterWrite()
	srv.tree.TakeOver(next)
	p.prep.Rebase()
	srv.resumeSessions()
	srv.gate.leaveWrite()
	srv.applier.wake(zxid)
	conns := srv.conns.list()
	for _, c := range conns {
		c.cut()
	}
	took := time.Duration(srv.clock.nanos() - began)
	srv.metrics.Summary("restore_time").Observe(took)
	srv.log.Warn().Str("zxid", hexID(zxid)).Int("connections_closed", len(conns)).Dur("took", took).
		Msg("the whole state was replaced by a snapshot")
	return zxid, nil
}

// readTree reads a snapshot to its end into a tree of its own.
func (srv *Server) readTree(src io.Reader) (*datatree.Tree, int64, error) {
	src, err := persistence.Decompressed(src)
	if err != nil {
		return nil, 0, err
	}
	r := &recovery{tree: srv.newTree()}
	zxid, ok, err := persistence.ReadSnapshot(src, r)
	switch {
	case err != nil:
		return nil, 0, err
	case !ok:
		return nil, 0, errNoZxid
	}
	r.tree.SetLastZxid(zxid)
	srv.reportRecovery(r.tree.EndRecovery())
	if r.tree.DigestMismatches() > 0 {
		return nil, 0, errors.New("the digest in the snapshot is not that of its znodes")
	}
	return r.tree, zxid, nil
}
