package persistence

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// Snapshot is a state as of one zxid. Writing it may take long and run beside
// new transactions; it shows none of them.
type Snapshot interface {
	Zxid() int64
	// Digest returns the digest of the tree as of Zxid; ok is false when
	// digests are off.
	Digest() (digest uint64, ok bool)
	// WriteTo writes parts 2 to 5 of the format: sessions, ACLs, nodes and
	// the end.
	io.WriterTo
}

// SnapshotInfo describes a snapshot that was written.
type SnapshotInfo struct {
	Path      string
	Zxid      int64
	SizeBytes int64 // of the file
	Took      time.Duration
}

const (
	// pushBytes of a snapshot are written and pushed to the device at a time:
	// a sync of the log that comes meanwhile waits for no more than this.
	pushBytes = 64 << 10
	// restTimes is how much longer than a push the rest after it is.
	restTimes = 3
	// maxRest bounds the rest after a push, should the device be very slow.
	maxRest = 50 * time.Millisecond
)

// pacedWriter writes a file in small portions and lets the device keep up,
// instead of filling the page cache and flushing it at the end. While the log
// is being synced it rests after each portion for three times as long as that
// took, so that the log has the device for most of the time.
type pacedWriter struct {
	file  vfs.File
	syncs *atomic.Int64 // counts the syncs of the log
	seen  int64         // its value at the last portion
	buf   []byte
	off   int64
	took  time.Duration // of the last portion
}

// Write takes all of p.
func (w *pacedWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), cap(w.buf)-len(w.buf))
		w.buf = append(w.buf, rest[:n]...)
		rest = rest[n:]
		if len(w.buf) == cap(w.buf) {
			if err := w.flush(); err != nil {
				return 0, err
			}
			w.rest()
		}
	}
	return len(p), nil
}

// flush writes the buffer and waits until the device has it.
func (w *pacedWriter) flush() error {
	start := time.Now()
	n := int64(len(w.buf))
	if n == 0 {
		return nil
	}
	if _, err := w.file.WriteAt(w.buf, w.off); err != nil {
		return err
	}
	if err := w.file.Push(w.off, n); err != nil {
		return err
	}
	w.off += n
	w.buf = w.buf[:0]
	w.took = time.Since(start)
	return nil
}

// rest leaves the device to the log, if that uses it.
func (w *pacedWriter) rest() {
	if syncs := w.syncs.Load(); syncs != w.seen {
		w.seen = syncs
		time.Sleep(min(restTimes*w.took, maxRest))
	}
}

// SaveSnapshot writes a snapshot file and makes it durable; until then no
// file of that name changes. It may run beside everything else; a second call
// waits for the first. A failure leaves nothing behind and may be temporary.
//
// In an ensemble use SaveSnapshotOf: what the snapshot shows may be truncated
// while it is written.
func (s *Store) SaveSnapshot(snap Snapshot) (SnapshotInfo, error) {
	return s.SaveSnapshotOf(s.History(), snap)
}

// SaveSnapshotOf is SaveSnapshot for a snapshot of a tree that was made, or
// recovered, in a history. It fails with [ErrReplaced] once the snapshot shows
// what was truncated or replaced since, also in the middle, so that no
// truncation waits for a snapshot.
func (s *Store) SaveSnapshotOf(history uint64, snap Snapshot) (SnapshotInfo, error) {
	s.saving.Lock()
	defer s.saving.Unlock()
	start := time.Now()
	zxid := snap.Zxid()
	if zxid < 0 {
		return SnapshotInfo{}, fmt.Errorf("save snapshot: there is no zxid %d", zxid)
	}
	info := SnapshotInfo{Path: filepath.Join(s.snapDir, s.snapshotName(zxid)), Zxid: zxid}
	var err error
	info.SizeBytes, err = s.replaceFile(info.Path, func(w io.Writer) error {
		guard := historyWriter{w, s, history, zxid}
		if err := s.compressTo(guard, snap); err != nil {
			return err
		}
		return guard.check()
	})
	if err != nil {
		return SnapshotInfo{}, fmt.Errorf("save snapshot: %w", err)
	}
	info.Took = time.Since(start)
	s.hasSnapshot.Store(true)
	return info, s.consumeMarker()
}

// snapshotName returns the name of a new snapshot.
func (s *Store) snapshotName(zxid int64) string {
	name := snapshotPrefix + "." + strconv.FormatInt(zxid, 16)
	if s.cfg.Compression != CompressNone {
		name += "." + s.cfg.Compression
	}
	return name
}

// compressTo writes the file's content.
func (s *Store) compressTo(dst io.Writer, snap Snapshot) error {
	var c io.WriteCloser
	switch s.cfg.Compression {
	case CompressGzip:
		c = gzip.NewWriter(dst)
	case CompressSnappy:
		c = newSnappyWriter(dst)
	default:
		return s.WriteSnapshot(dst, snap)
	}
	if err := s.WriteSnapshot(c, snap); err != nil {
		return err
	}
	return c.Close()
}

// WriteSnapshot writes a whole uncompressed snapshot to dst, as for the admin
// server's snapshot command.
func (s *Store) WriteSnapshot(dst io.Writer, snap Snapshot) error {
	t := trailer{hasZxid: s.cfg.SerializeLastZxid, zxid: snap.Zxid()}
	if digest, ok := snap.Digest(); ok && s.cfg.DigestEnabled {
		t.hasDigest, t.digest, t.digestVersion, t.digestZxid = true, digest, proto.DigestVersion, snap.Zxid()
	}
	return writeSnapshot(dst, snap, t)
}

// replaceFile writes a file under a temporary name, syncs it, renames it and
// syncs the directory. It returns the file's size.
func (s *Store) replaceFile(name string, write func(io.Writer) error) (int64, error) {
	tmp := name + tmpSuffix
	file, err := s.fs.Create(tmp)
	if err != nil {
		return 0, err
	}
	w := &pacedWriter{file: file, syncs: &s.writer.syncs, buf: make([]byte, 0, pushBytes)}
	err = write(w)
	if err == nil {
		err = w.flush()
	}
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = s.fs.Rename(tmp, name)
	}
	if err != nil {
		return 0, errors.Join(err, s.fs.Remove(tmp))
	}
	return w.off, s.fs.SyncDir(filepath.Dir(name))
}
