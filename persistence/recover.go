package persistence

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Recovered describes what a data directory held.
type Recovered struct {
	// Zxid is the last transaction's, or the snapshot's if none followed. It
	// is 0 for a new database, and -1 for an empty directory that may not be
	// taken for one: such a server has nothing to vote for.
	Zxid         int64
	SnapshotZxid int64  // -1 when there was no snapshot
	SnapshotPath string // empty when there was no snapshot
	Txns         int    // replayed
	// NeedsSnapshot means that a snapshot must be saved before the first
	// Append: without one the log could not be replayed. With Zxid -1 it must
	// not, or the directory would be a database at the next start: the first
	// snapshot is one that is installed.
	NeedsSnapshot bool
	Took          time.Duration
}

// Recover reads the newest snapshot that is whole and all transactions after
// it into st, repairs what a crash tore, and opens the log for writing. It is
// called after Open, and again when st must be loaded anew, as after a
// Truncate; what was appended meanwhile is synced first.
func (s *Store) Recover(st State) (Recovered, error) {
	start := time.Now()
	if err := s.writer.pause(); err != nil && !errors.Is(err, ErrNotRecovered) {
		return Recovered{}, err
	}
	s.spares.trim()
	rec, damaged, err := s.recoverSnapshot(st)
	if err != nil {
		return Recovered{}, err
	}
	if err := s.recoverLog(st, &rec, damaged); err != nil {
		return Recovered{}, err
	}
	s.hasSnapshot.Store(rec.SnapshotZxid >= 0)
	if rec.SnapshotZxid >= 0 {
		if err := s.consumeMarker(); err != nil {
			return Recovered{}, err
		}
	}
	s.spares.start()
	s.writer.ready(max(rec.Zxid, 0))
	rec.Took = time.Since(start)
	return rec, nil
}

// GiveUp follows a Recover that has failed with [ErrCorrupt], at a server that
// gets everything from a leader. What is on the disk stays as it is, but counts
// for nothing, until Install replaces it; nothing can be appended before.
func (s *Store) GiveUp() Recovered {
	s.hasSnapshot.Store(false)
	s.spares.start()
	s.writer.ready(0)
	return Recovered{Zxid: -1, SnapshotZxid: -1, NeedsSnapshot: true}
}

// recoverSnapshot loads the newest snapshot that is whole. damaged says what
// is wrong with those that are newer.
func (s *Store) recoverSnapshot(st State) (rec Recovered, damaged, err error) {
	files, err := s.validSnapshots(maxSnapshots)
	if err != nil {
		return Recovered{}, nil, err
	}
	var failures []error
	for _, f := range files {
		err := s.loadSnapshot(f, st)
		if err == nil {
			return Recovered{Zxid: f.zxid, SnapshotZxid: f.zxid, SnapshotPath: f.path}, errors.Join(failures...), nil
		}
		s.log.Warn().Err(err).Str("file", f.path).Msg("snapshot is damaged, trying an older one")
		failures = append(failures, fmt.Errorf("%s: %w", f.path, err))
		st.Reset()
	}
	if len(files) > 0 {
		return Recovered{}, nil, fmt.Errorf("%w: no snapshot in %s can be read; restore one from a copy, or clear this server's data "+
			"and let it copy another's: %w", ErrCorrupt, s.snapDir, errors.Join(failures...))
	}
	return Recovered{SnapshotZxid: -1, NeedsSnapshot: true}, nil, nil
}

// recoverLog replays what follows the snapshot. When newer snapshots are
// damaged, the log must have all that they had.
func (s *Store) recoverLog(st State, rec *Recovered, damaged error) error {
	logs, err := listLogs(s.fs, s.logDir)
	if err != nil {
		return err
	}
	it := &logIter{fs: s.fs, log: s.log, limit: s.cfg.MaxEntryBytes, from: rec.Zxid + 1, covered: rec.Zxid}
	if !s.readOnly {
		it.repair = s.repair
	}
	it.files = logsFrom(logs, it.from)
	replay := replayer{it: it, state: st, rec: rec, damaged: damaged}
	if rec.SnapshotZxid < 0 && !s.cfg.TrustEmptySnapshot {
		replay.refuse = fmt.Errorf("%w in %s, and no snapshot in %s: restore the snapshots, or, if this was an Apache ZooKeeper "+
			"before 3.5.3 that never wrote one, start once with zookeeper.snapshot.trust.empty=true", ErrNoSnapshot, s.logDir, s.snapDir)
	}
	if err := errors.Join(replay.run(), it.close()); err != nil {
		return err
	}
	if replay.backwards > 0 {
		s.log.Warn().Int("count", replay.backwards).Msg("log has transactions out of order")
	}
	if rec.SnapshotZxid < 0 && rec.Txns == 0 && !s.cfg.DBAutocreate && !s.hasMarker() {
		s.log.Warn().Str("dir", s.snapDir).Msg("data directory is empty and zookeeper.db.autocreate is false")
		rec.Zxid = -1
	}
	return nil
}

// repair cuts what a crash tore off a last file, and the zeros that were
// prepared behind its end. A file without even a header goes away.
func (s *Store) repair(t *tail, v verdict) error {
	if v == verdictCut {
		s.log.Warn().Str("file", t.path).Int64("offset", t.end).Int64("bytes", t.size-t.end).
			Str("found", stopTexts[t.why]).Msg("cutting the end of the log, which a crash tore before it was synced")
	}
	if v == verdictCut && t.why == stopHeader {
		return s.removeDurably(t.path, s.logDir)
	}
	end := t.end
	if v == verdictClean && t.why == stopPadding {
		end += markerBytes
	}
	if end >= t.size || v == verdictClean && !t.ordered {
		return nil
	}
	return s.cutFile(t.path, end)
}

const (
	// Transactions are decoded ahead of being applied, in batches of so many
	// transactions or bytes.
	decodeBatchTxns  = 256
	decodeBatchBytes = 1 << 20
	decodeAhead      = 4
)

// replayer applies the log to a state, while a second goroutine reads and
// decodes.
type replayer struct {
	it     *logIter // owned by decode while that runs
	state  State
	rec    *Recovered
	refuse error // if there is any transaction
	// damaged, if set, is why each transaction must follow the one before.
	damaged error

	backwards int // transactions with a zxid not above their predecessor's
}

func (r *replayer) run() error {
	batches := make(chan []proto.Entry, decodeAhead)
	quit := make(chan struct{})
	var decodeErr error // written by the goroutine, read once batches is closed
	go func() {
		defer close(batches)
		decodeErr = r.decode(batches, quit)
	}()
	var err error
	for batch := range batches {
		if err == nil {
			if err = r.apply(batch); err != nil {
				close(quit)
			}
		}
	}
	if err == nil {
		err = decodeErr
	}
	return err
}

func (r *replayer) decode(batches chan<- []proto.Entry, quit <-chan struct{}) error {
	var batch []proto.Entry
	sizeBytes := 0
	send := func() bool {
		select {
		case batches <- batch:
			batch, sizeBytes = nil, 0
			return true
		case <-quit:
			return false
		}
	}
	for {
		rec, err := r.it.next()
		if errors.Is(err, io.EOF) {
			send()
			return nil
		}
		var e proto.Entry
		if err == nil {
			e, err = r.it.decode(rec)
		}
		if err != nil {
			return err
		}
		batch = append(batch, e)
		sizeBytes += len(rec.entry)
		if (len(batch) == decodeBatchTxns || sizeBytes >= decodeBatchBytes) && !send() {
			return nil
		}
	}
}

func (r *replayer) apply(batch []proto.Entry) error {
	for i := range batch {
		if r.refuse != nil {
			return r.refuse
		}
		zxid := batch[i].Header.Zxid
		if c := (chain{last: r.rec.Zxid}); r.damaged != nil && zxid > c.last && !c.continues(zxid) {
			return fmt.Errorf("%w: the log does not have what is between 0x%x and 0x%x; restore a snapshot from a copy, or clear this "+
				"server's data and let it copy another's: %w", ErrCorrupt, c.last, zxid, r.damaged)
		}
		if err := r.state.Replay(&batch[i]); err != nil {
			return fmt.Errorf("replay transaction 0x%x: %w", zxid, err)
		}
		if zxid <= r.rec.Zxid {
			r.backwards++
		}
		r.rec.Zxid = max(r.rec.Zxid, zxid)
		r.rec.Txns++
	}
	return nil
}
