package persistence

import (
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// Config says where the data is and how it is kept.
type Config struct {
	FS vfs.FS // nil is the machine's

	DataDir string // parent of the snapshots' version-2
	LogDir  string // parent of the logs' version-2; empty is DataDir

	// Autocreate makes missing directories; without it they are an error
	// (zookeeper.datadir.autocreate).
	Autocreate bool

	// PreallocBytes is how far log files are filled with zeros before they
	// are written to (zookeeper.preAllocSize): a sync over space that is
	// already written is the fastest. A file that is full is followed by
	// another. It begins at 16 MiB, or ReserveBytes when that is less, and
	// doubles up to this whenever a file was filled up. Zero or less leaves it
	// there.
	PreallocBytes int64

	// LogSizeLimitBytes starts a new file after a sync that brought the
	// records of one above it (zookeeper.txnLogSizeLimitInKb). Zero or less is
	// no limit.
	LogSizeLimitBytes int64

	// ReserveBytes of disk space are held ready for the log. When that is no
	// longer possible HasRoom says so, and what was accepted by then still
	// finds its place: the caller keeps no more than this between the promise
	// to log and Append. Zero is 16 MiB, negative is none.
	ReserveBytes int64

	// ForceSync makes Sync wait for the disk (zookeeper.forceSync). Without
	// it a power loss, though not a crash of the process, may lose what was
	// acknowledged and leave logs that need repair.
	ForceSync bool

	// MaxEntryBytes is the largest entry that Append takes: what every reader
	// believes, twice jute.maxbuffer in Apache. Zero is 2 MiB less 2 bytes.
	// Larger ones in existing files are read all the same.
	MaxEntryBytes int

	// Compression of new snapshots: CompressNone, CompressGzip or
	// CompressSnappy, in any case; all else is none, as in Apache. Any file
	// is read by its name.
	Compression string

	// TrustEmptySnapshot replays a log that no snapshot belongs to onto an
	// empty tree (zookeeper.snapshot.trust.empty).
	TrustEmptySnapshot bool

	// DBAutocreate lets an empty directory be an empty database
	// (zookeeper.db.autocreate). Without it that takes the file `initialize`.
	DBAutocreate bool

	DigestEnabled     bool // snapshots have the tree's digest (zookeeper.digest.enabled)
	SerializeLastZxid bool // snapshots have the last zxid (zookeeper.serializeLastProcessedZxid.enabled)

	// FsyncWarn is how long a sync of the log may take before it is logged
	// and counted (fsync.warningthresholdms). Zero never warns.
	FsyncWarn time.Duration

	// RetryEvery is how often reserving space is tried again while the disk
	// is full. Zero is a second.
	RetryEvery time.Duration

	// OnSync is told of each sync of the log: how long it took, and the bytes
	// of records it covers. It runs on the goroutine of Sync; nil is none.
	OnSync func(took time.Duration, sizeBytes int)

	Log zerolog.Logger
}

const (
	defaultReserveBytes  = 16 << 20
	defaultMaxEntryBytes = 2 * 0xfffff
	defaultRetryEvery    = time.Second
)

func (c *Config) setDefaults() {
	if c.FS == nil {
		c.FS = vfs.OS{}
	}
	if c.LogDir == "" {
		c.LogDir = c.DataDir
	}
	switch {
	case c.ReserveBytes == 0:
		c.ReserveBytes = defaultReserveBytes
	case c.ReserveBytes < 0:
		c.ReserveBytes = 0
	}
	c.PreallocBytes = max(c.PreallocBytes, 0)
	c.Compression = compressionOf("." + c.Compression)
	if c.MaxEntryBytes <= 0 {
		c.MaxEntryBytes = defaultMaxEntryBytes
	}
	if c.RetryEvery <= 0 {
		c.RetryEvery = defaultRetryEvery
	}
}
