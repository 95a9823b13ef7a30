package persistence

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// flushBytes of records are gathered before they are written ahead of their
// Sync. A batch is rarely so large.
const flushBytes = 4 << 20

// openLog is a log file that is being written, or will be.
type openLog struct {
	path string
	zxid int64 // of the first record
	file vfs.File

	named    bool  // the name is durable
	filled   int64 // bytes that were written with zeros
	reserved int64 // bytes that are sure to be on the disk
	pos      int64 // end of the records written

	synced atomic.Int64 // end of the records that are durable, for readers
}

// room is what is reserved and not yet used.
func (f *openLog) room() int64 { return max(0, f.reserved-f.pos) }

// logWriter writes the log. All of it is owned by the goroutine that appends,
// except what is atomic.
//
// Invariant: a batch, from the first Append to its Sync, lies in one file, and
// the file before it is durable as a whole. So only the last file can have a
// torn tail, and within it only the last batch.
type logWriter struct {
	store  *Store
	spares *spares

	cur  atomic.Pointer[openLog] // nil before the first batch; stored by the owner
	base atomic.Int64            // zxid of the last entry recovered; stored by the owner
	last int64                   // zxid of the last entry appended or recovered

	pending []byte // records of the batch that are not written yet
	inBatch bool   // something was appended since the last Sync
	placed  bool   // the batch has its file
	first   int64  // zxid of the batch's first entry
	start   int64  // where the batch starts in its file

	rolling   bool  // the next batch starts a new file
	recovered bool  // last is known
	err       error // the failure after which nothing is ever written

	bytes atomic.Int64 // of records synced
	syncs atomic.Int64 // batches synced
	slow  atomic.Int64 // syncs above FsyncWarn
}

func (w *logWriter) init(s *Store) {
	w.store, w.spares = s, s.spares
}

// ready lets entries follow the last zxid that recovery found.
func (w *logWriter) ready(last int64) {
	w.base.Store(last)
	w.last, w.recovered = last, true
}

func (w *logWriter) append(zxid int64, entry []byte) error {
	switch {
	case w.err != nil:
		return w.err
	case !w.recovered:
		return ErrNotRecovered
	case len(entry) > w.store.cfg.MaxEntryBytes:
		return fmt.Errorf("%w: 0x%x has %d bytes, the limit is %d", ErrTooLarge, zxid, len(entry), w.store.cfg.MaxEntryBytes)
	case len(entry) < minEntryBytes || entryZxid(entry) != zxid || zxid <= w.last:
		return fmt.Errorf("%w: 0x%x after 0x%x", ErrOrder, zxid, w.last)
	case !w.store.hasSnapshot.Load():
		return fmt.Errorf("%w: write a snapshot before the first transaction", ErrNoSnapshot)
	}
	if !w.inBatch {
		w.inBatch, w.first = true, zxid
	}
	w.pending = appendRecord(w.pending, entry)
	w.last = zxid
	if len(w.pending) < flushBytes {
		return nil
	}
	return w.fail(w.write(false))
}

func (w *logWriter) sync() error {
	if w.err != nil || !w.inBatch {
		return w.err
	}
	return w.fail(w.commit())
}

// fail makes an error final.
func (w *logWriter) fail(err error) error {
	if err != nil {
		w.err = fmt.Errorf("%w: %w", ErrLogFailed, err)
	}
	return w.err
}

// commit writes the rest of the batch and waits until all of it is durable.
func (w *logWriter) commit() error {
	cfg := &w.store.cfg
	if err := w.write(true); err != nil {
		return err
	}
	f := w.cur.Load()
	sizeBytes := int(f.pos - w.start)
	if cfg.ForceSync {
		start := time.Now()
		if err := f.file.Sync(); err != nil {
			return fmt.Errorf("%s: %w", f.path, err) // the file was opened under another name
		}
		if !f.named {
			if err := w.store.fs.SyncDir(w.store.logDir); err != nil {
				return err
			}
			f.named = true
		}
		w.report(f, time.Since(start), sizeBytes)
	}
	f.synced.Store(f.pos)
	w.bytes.Add(int64(sizeBytes))
	w.syncs.Add(1)
	w.inBatch, w.placed = false, false
	w.spares.use(f.room())
	if cfg.LogSizeLimitBytes > 0 && f.pos > cfg.LogSizeLimitBytes {
		w.rolling = true
	}
	return nil
}

func (w *logWriter) report(f *openLog, took time.Duration, sizeBytes int) {
	cfg := &w.store.cfg
	if cfg.FsyncWarn > 0 && took > cfg.FsyncWarn {
		w.slow.Add(1)
		cfg.Log.Warn().Dur("took_ms", took).Str("file", f.path).Int("bytes", sizeBytes).
			Msg("syncing the transaction log was slow, and every write waited for it")
	}
	if cfg.OnSync != nil {
		cfg.OnSync(took, sizeBytes)
	}
}

// write writes what is pending, with the marker when it ends the batch.
func (w *logWriter) write(last bool) error {
	f, err := w.place()
	if err != nil {
		return err
	}
	n := int64(len(w.pending))
	if last && w.store.cfg.ForceSync {
		w.pending = appendMarker(w.pending, w.start, f.pos+n)
	}
	if _, err := f.file.WriteAt(w.pending, f.pos); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	f.pos += n
	w.pending = w.pending[:0]
	if cap(w.pending) > 2*flushBytes {
		w.pending = nil
	}
	return nil
}

// place returns the file of the batch. A new one is begun when that was asked
// for, or when the current one is full and the next stands ready.
func (w *logWriter) place() (*openLog, error) {
	f := w.cur.Load()
	if w.placed {
		return f, nil
	}
	need := int64(len(w.pending)) + markerBytes
	full := f != nil && f.pos+need > f.filled
	unsure := full && f.pos+need > f.reserved // the disk may be full, and the spare be all there is
	if f == nil || w.rolling && w.spares.canRoll() || full && w.spares.ready(need, unsure) {
		next, err := w.spares.take(filepath.Join(w.store.logDir, logName(w.first)), full)
		if err != nil {
			return nil, err
		}
		next.zxid = w.first
		next.synced.Store(next.pos)
		w.cur.Store(next)
		if f != nil {
			w.spares.retire(f)
		}
		f, w.rolling = next, false
	}
	w.placed, w.start = true, f.pos
	return f, nil
}

func (w *logWriter) roll() error {
	if err := w.sync(); err != nil {
		return err
	}
	w.rolling = w.cur.Load() != nil
	return nil
}

// close syncs what is pending and lets go of the file.
func (w *logWriter) close() error {
	err := w.finish()
	w.err = ErrClosed
	return err
}

// pause makes durable what is pending and ends the current file, before the
// files are changed otherwise.
func (w *logWriter) pause() error {
	switch {
	case w.err != nil:
		return w.err
	case !w.recovered:
		return ErrNotRecovered
	}
	if err := w.finish(); err != nil {
		return err
	}
	w.base.Store(w.last)
	return nil
}

// finish syncs what is pending and ends the current file. A log that failed
// is left as it is.
func (w *logWriter) finish() error {
	var err error
	if w.inBatch {
		err = w.sync()
	}
	if f := w.cur.Load(); f != nil {
		w.cur.Store(nil)
		w.spares.retire(f)
	}
	w.rolling = false
	return err
}
