package server

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/persistence"
)

// snapshots decides when a snapshot is due and lets one be written beside the
// writes. As in Apache it is due after between half and all of snapCount
// transactions, or of the size limit, by a random number drawn anew each
// time, so that the servers of an ensemble do not all write at once.
type snapshots struct {
	srv *Server

	count, countDue int   // owned by the log writer: transactions since the last
	bytes, bytesDue int64 // owned by the log writer: logged since the last; due 0 is never

	due     atomic.Bool    // set by the log writer, taken by the applier
	writing chan struct{}  // holds one while a snapshot is being written
	running sync.WaitGroup // the goroutine that writes
}

func newSnapshots(srv *Server, replayed int) *snapshots {
	s := &snapshots{srv: srv, count: replayed, writing: make(chan struct{}, 1)}
	s.draw()
	return s
}

func (s *snapshots) draw() {
	half := s.srv.cfg.Storage.SnapCount / 2
	s.countDue = half + rand.IntN(max(half, 1))
	if limit := s.srv.cfg.Storage.SnapSizeLimitBytes; limit > 0 {
		s.bytesDue = limit/2 + rand.Int64N(max(limit/2, 1))
	}
}

// logged counts what the log writer has synced. When a snapshot is due, the
// log goes on in a new file, so that a purge can drop the old one, unless the
// last snapshot is still being written.
func (s *snapshots) logged(txns, sizeBytes int) error {
	s.count += txns
	s.bytes += int64(sizeBytes)
	if s.count <= s.countDue && (s.bytesDue == 0 || s.bytes <= s.bytesDue) {
		return nil
	}
	s.count, s.bytes = 0, 0
	s.draw()
	if err := s.srv.store.Roll(); err != nil {
		return err
	}
	if len(s.writing) == 0 {
		s.due.Store(true)
	}
	return nil
}

// begin starts a snapshot if one is due. The applier calls it under the
// gate's write side, which makes it exact as of the last applied zxid.
func (s *snapshots) begin() {
	if !s.due.Load() {
		return
	}
	select {
	case s.writing <- struct{}{}:
	default:
		return
	}
	s.due.Store(false)
	snapshot, history := s.srv.tree.Snapshot(s.srv.gate.reader()), s.srv.history
	s.running.Go(func() {
		defer s.release()
		info, err := s.save(history, snapshot)
		if errors.Is(err, errStopping) || errors.Is(err, persistence.ErrReplaced) {
			s.srv.log.Info().Err(err).Msg("snapshot given up: the log has everything")
			return
		}
		if err != nil {
			// The log still has everything: the next snapshot may succeed.
			s.srv.log.Error().Err(err).Msg("snapshot could not be written")
			return
		}
		s.srv.log.Info().Str("file", info.Path).Int64("bytes", info.SizeBytes).Dur("took", info.Took).Msg("snapshot written")
	})
}

// acquire waits until no snapshot is being written, and lets none begin until
// release.
func (s *snapshots) acquire(ctx context.Context) error {
	select {
	case s.writing <- struct{}{}:
		return nil
	case <-s.srv.stopping:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *snapshots) release() { <-s.writing }

// now saves a snapshot of the present state. The caller has acquired.
func (s *snapshots) now() (persistence.SnapshotInfo, error) {
	s.srv.gate.enterWrite()
	snapshot, history := s.srv.tree.Snapshot(s.srv.gate.reader()), s.srv.history
	s.srv.gate.leaveWrite()
	return s.save(history, snapshot)
}

// save writes a snapshot of a tree that shows a history, and closes it.
func (s *snapshots) save(history uint64, snapshot *datatree.Snapshot) (persistence.SnapshotInfo, error) {
	defer snapshot.Close()
	began := s.srv.clock.nanos()
	info, err := s.srv.store.SaveSnapshotOf(history, interruptible{snapshot, s.srv})
	s.srv.meters.snapshot.Observe(time.Duration(s.srv.clock.nanos() - began))
	return info, err
}

// errStopping ends a snapshot for which a stopping server has no time.
var errStopping = errors.New("the server stops")

// interruptible is a snapshot that is given up when the server stops.
type interruptible struct {
	*datatree.Snapshot
	srv *Server
}

// WriteTo writes the snapshot unless the server stops meanwhile.
func (s interruptible) WriteTo(w io.Writer) (int64, error) {
	return s.Snapshot.WriteTo(stoppingWriter{w, s.srv})
}

// stoppingWriter fails once the server stops.
type stoppingWriter struct {
	io.Writer
	srv *Server
}

func (w stoppingWriter) Write(p []byte) (int, error) {
	if w.srv.isStopping() {
		return 0, errStopping
	}
	return w.Writer.Write(p)
}
