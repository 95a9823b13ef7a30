package persistence

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// State is what a store is recovered into.
type State interface {
	// Reset forgets everything: a snapshot turned out to be damaged.
	Reset()
	// DecodeSnapshot reads parts 2 to 5 of a snapshot, the end "/" included.
	DecodeSnapshot(r *jute.Reader) error
	// SnapshotDigest tells the tree's digest as of a zxid at or after the
	// snapshot's. It comes after DecodeSnapshot, if the snapshot has one.
	SnapshotDigest(zxid int64, version int32, digest uint64)
	// Replay applies a transaction of the log. An error ends the recovery.
	Replay(e *proto.Entry) error
}

// Store is an open data directory. Append, Sync, Roll, Truncate, Install,
// Recover, Tail and Close belong to one goroutine at a time; all else is safe
// for concurrent use.
type Store struct {
	cfg     Config         // set once
	fs      vfs.FS         // set once
	log     zerolog.Logger // set once
	snapDir string         // set once
	logDir  string         // set once
	locks   []io.Closer    // set once

	readOnly bool // set once: recovery repairs nothing

	writer logWriter // see there
	spares *spares   // set once

	saving  sync.Mutex // held while a snapshot is written
	purging sync.Mutex // held while old files are removed; taken after saving
	cuts    cuts       // truncations and installs

	epochs      sync.Mutex  // held while an epoch file is written
	hasSnapshot atomic.Bool // a snapshot is on the disk: the log has something to start from
	closed      bool        // owned by the log's goroutine
}

// Open checks or creates the directories and takes their lock. Recover must
// follow before anything is appended.
func Open(cfg Config) (*Store, error) {
	cfg.setDefaults()
	snapDir, logDir, locks, err := openDirs(&cfg)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, fs: cfg.FS, log: cfg.Log, snapDir: snapDir, logDir: logDir, locks: locks}
	err = s.resumeInstall()
	if err == nil {
		err = s.removeLeftovers()
	}
	if err != nil {
		return nil, errors.Join(err, closeAll(locks))
	}
	s.spares = newSpares(&s.cfg, logDir)
	s.writer.init(s)
	return s, nil
}

// Append adds a transaction, the wire form of a [proto.Entry], to what the
// next Sync makes durable. The bytes are copied. The zxid must be above all
// before it, and a snapshot must exist.
func (s *Store) Append(zxid int64, entry []byte) error { return s.writer.append(zxid, entry) }

// Sync makes durable what was appended, with one write and one sync. When it
// returns nil, no crash loses that any more. The first error is final: it
// comes back from every later call, wrapped in [ErrLogFailed].
func (s *Store) Sync() error { return s.writer.sync() }

// Roll lets the next Append start a new file, after a Sync if one is due. On
// a full disk it may change nothing.
func (s *Store) Roll() error { return s.writer.roll() }

// LogBytes returns the bytes of the records synced since Open.
func (s *Store) LogBytes() int64 { return s.writer.bytes.Load() }

// SlowSyncs counts the syncs that took longer than Config.FsyncWarn.
func (s *Store) SlowSyncs() int64 { return s.writer.slow.Load() }

// HasRoom tells whether new transactions may be accepted. On a full disk it
// is false, while those accepted before still find the space that was
// reserved; it becomes true by itself when space can be reserved again.
func (s *Store) HasRoom() bool { return s.spares.hasRoom() }

// Close makes durable what was appended, unless the log has failed, and gives
// the directory back. The store cannot be used afterwards.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.writer.close()
	return errors.Join(err, s.spares.close(), closeAll(s.locks))
}
