package server

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
)

// recovery fills a tree from a snapshot and the transactions behind it.
type recovery struct {
	tree         *datatree.Tree
	snapshotTook time.Duration
}

// Reset forgets a snapshot that turned out to be damaged.
func (r *recovery) Reset() { r.tree.Reset() }

// DecodeSnapshot reads sessions, ACLs and znodes.
func (r *recovery) DecodeSnapshot(stream *jute.Reader) error {
	began := time.Now()
	defer func() { r.snapshotTook += time.Since(began) }()
	return r.tree.Decode(stream)
}

// SnapshotDigest notes what the tree's digest must be at a zxid.
func (r *recovery) SnapshotDigest(zxid int64, version int32, digest uint64) {
	r.tree.ExpectDigest(zxid, version, digest)
}

// Replay applies one transaction. Its error result is no failure: a fuzzy
// snapshot holds the effects of transactions that come again.
func (r *recovery) Replay(e *proto.Entry) error {
	r.tree.Apply(e)
	return nil
}

// recover loads the data directory.
func (srv *Server) recover() error {
	began := time.Now()
	s := &srv.cfg.Storage
	srv.sizeLogQueue()
	store, err := persistence.Open(persistence.Config{
		FS: srv.fs, DataDir: s.DataDir, LogDir: s.LogDir, Autocreate: s.Autocreate,
		PreallocBytes: s.PreallocBytes, LogSizeLimitBytes: s.LogSizeLimitBytes, ForceSync: s.ForceSync,
		ReserveBytes:  srv.reserveBytes(),
		MaxEntryBytes: srv.maxTxnBytes(), Compression: s.Compression, TrustEmptySnapshot: s.TrustEmptySnapshot,
		DBAutocreate: s.DBAutocreate, DigestEnabled: s.DigestEnabled, SerializeLastZxid: s.SerializeLastZxid,
		FsyncWarn: time.Duration(s.FsyncWarnMs) * time.Millisecond, OnSync: srv.synced, Log: srv.log,
	})
	if err != nil {
		return err
	}
	r := &recovery{tree: srv.newTree()}
	recovered, err := store.Recover(r)
	if errors.Is(err, persistence.ErrCorrupt) && srv.othersSuffice() {
		srv.log.Error().Err(err).Msg("the data cannot be read: it is kept, and counts for nothing, until a leader has sent its own")
		r.Reset()
		recovered, err = store.GiveUp(), nil
	}
	if err != nil {
		_ = store.Close() // the recovery's error is the one that matters
		return fmt.Errorf("data directory: %w", err)
	}
	empty := recovered.Zxid < 0
	if empty && !srv.cfg.Quorum.Enabled {
		_ = store.Close() // the missing database is the error that matters
		return fmt.Errorf("%w: %s is empty and db.autocreate is false: create the file initialize there to start a new database",
			persistence.ErrDataDir, s.DataDir)
	}
	srv.adopt(r.tree, recovered.Zxid)
	srv.store, srv.tree, srv.history, srv.recovered, srv.hollow = store, r.tree, store.History(), recovered, empty
	if recovered.NeedsSnapshot && !empty {
		if err := srv.saveFirstSnapshot(); err != nil {
			return errors.Join(err, store.Close())
		}
	}
	srv.snapshots = newSnapshots(srv, recovered.Txns)
	srv.resumeSessions()
	srv.metrics.Summary("dbinittime").Observe(time.Since(began))
	srv.metrics.Summary("startup_txns_loaded").Add(int64(recovered.Txns))
	srv.metrics.Summary("startup_snap_load_time").Observe(r.snapshotTook)
	srv.metrics.Summary("startup_txns_load_time").Observe(recovered.Took - r.snapshotTook)
	srv.log.Info().Str("zxid", hexID(recovered.Zxid)).Int("txns_replayed", recovered.Txns).
		Int("znodes", srv.tree.Nodes()).Int("sessions", srv.sessions.Len()).Dur("took", time.Since(began)).
		Msg("data loaded")
	return nil
}

// othersSuffice tells whether the other voters are a quorum: what this server
// may have acknowledged and lost, they have. It votes for nothing then, and is
// not counted, until it has the leader's data.
func (srv *Server) othersSuffice() bool {
	q := &srv.cfg.Quorum
	if !q.Enabled {
		return false
	}
	rule, err := verifier(q)
	return err == nil && rule.Quorum(rule.Voters().Without(q.ID))
}

// newTree makes an empty tree.
func (srv *Server) newTree() *datatree.Tree {
	return datatree.New(datatree.Config{
		Digest: srv.cfg.Storage.DigestEnabled, ExtendedTypes: srv.cfg.Znodes.ExtendedTypes,
		Emulate353TTL: srv.cfg.Znodes.Emulate353TTL, ChildrenCache: srv.cfg.Caches.Children,
		DigestMismatch: srv.digestMismatch,
		Notice:         func(text string) { srv.log.Warn().Msg(text) },
		Triggered:      srv.meters.triggered,
	})
}

// adopt makes a tree that was loaded ready to be served.
func (srv *Server) adopt(tree *datatree.Tree, zxid int64) {
	tree.SetLastZxid(max(zxid, 0))
	srv.reportRecovery(tree.EndRecovery())
	if q := &srv.cfg.Quorum; q.Enabled {
		tree.SetConfig([]byte(q.Text()), q.Version, srv.clock.wallMs())
	}
}

// reportRecovery tells of data that the log's end has left in between.
func (srv *Server) reportRecovery(r datatree.Recovered) {
	if r.Orphans > 0 {
		srv.log.Warn().Int("znodes", r.Orphans).Msg("removed znodes whose parents are gone: the log ended too early")
	}
	if r.LostACLs > 0 {
		srv.log.Warn().Int("znodes", r.LostACLs).Msg("znodes without their ACL: only super users can read or mend them")
	}
	if r.UncoveredZxid != 0 {
		srv.log.Warn().Str("zxid", hexID(r.UncoveredZxid)).Msg("the log ends before what the snapshot has seen: transactions are lost")
	}
}

// reserveBytes is the disk space that is held ready for the log: room for all
// that can be accepted and not yet appended, which is a full queue, what one
// hold of the proposer's lock adds to it, and the batch being written.
func (srv *Server) reserveBytes() int64 { return 2 * (int64(srv.logQueueBytes) + srv.oneHoldBytes()) }

// oneHoldBytes is what one hold of the proposer's lock adds to the log's queue.
func (srv *Server) oneHoldBytes() int64 { return maxBurstBytes + int64(srv.maxTxnBytes()) }

// minLogQueueBytes is the least that meerkat.logQueueBytes may be.
const minLogQueueBytes = 64 << 10

// sizeLogQueue bounds the log's queue. What is held ready for it, once in the
// log and once in the file behind it, shall not take more than a quarter of a
// small disk.
func (srv *Server) sizeLogQueue() {
	srv.logQueueBytes = srv.cfg.Limits.LogQueueBytes
	free, err := srv.freeAt(srv.cfg.Storage.LogDir)
	if err != nil || free == 0 { // what is wrong is about to be told; some file systems do not say how much is free
		return
	}
	most := max(free/16-srv.oneHoldBytes(), minLogQueueBytes)
	if int64(srv.logQueueBytes) <= most {
		return
	}
	srv.logQueueBytes = int(most)
	srv.log.Warn().Str("dir", srv.cfg.Storage.LogDir).Int64("free_bytes", free).Int("log_queue_bytes", srv.logQueueBytes).
		Msg("little disk space for the transaction log: less than meerkat.logQueueBytes may wait for it")
}

// freeAt is the space left where a directory is or will be.
func (srv *Server) freeAt(dir string) (int64, error) {
	for {
		free, err := srv.fs.FreeBytes(dir)
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return free, err
		}
		dir = parent
	}
}

// digestMismatch reports data that differs from what its writer had.
func (srv *Server) digestMismatch(m datatree.Mismatch) {
	srv.meters.mismatches.Add(1)
	srv.log.Error().Str("zxid", hexID(m.Zxid)).Uint64("expected", m.Expected).Uint64("actual", m.Actual).
		Bool("snapshot", m.Snapshot).Msg("digest mismatch: the data differs from what was written")
	if srv.term.Load() != nil { // before that, a fuzzy snapshot of Apache's may not be complete
		srv.engine.diverged()
	}
}

// saveFirstSnapshot gives the log something to start from.
func (srv *Server) saveFirstSnapshot() error {
	snapshot := srv.tree.Snapshot(srv.gate.reader())
	defer snapshot.Close()
	_, err := srv.store.SaveSnapshot(snapshot)
	return err
}

func hexID(id int64) string { return fmt.Sprintf("0x%x", uint64(id)) }
