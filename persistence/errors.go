package persistence

import (
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

var (
	// ErrLocked means that another server uses the data directory.
	ErrLocked = vfs.ErrLocked
	// ErrDataDir means that a directory is missing, cannot be made or written
	// to, or holds what belongs in the other one.
	ErrDataDir = errors.New("data directory")
	// ErrCorrupt means that a file is damaged where it cannot be a crash's
	// doing; the error is a [CorruptError].
	ErrCorrupt = errors.New("data is corrupt")
	// ErrNoSnapshot means that there are transactions but no snapshot they
	// could be applied to.
	ErrNoSnapshot = errors.New("no snapshot found, but there are log entries")
	// ErrLogFailed means that writing or syncing the log failed. What was not
	// synced before may be lost, and no later call succeeds: the server has to
	// stop and recover from the disk.
	ErrLogFailed = errors.New("transaction log failed")
	// ErrNotRecovered means that Recover has to come first.
	ErrNotRecovered = errors.New("store was not recovered yet")
	// ErrTooLarge means that an entry is larger than any server would read.
	ErrTooLarge = errors.New("transaction too large")
	// ErrOrder means that an entry does not follow the last one.
	ErrOrder = errors.New("transaction out of order")
	// ErrPurged means that the log no longer reaches back to an entry.
	ErrPurged = errors.New("transactions are no longer in the log")
	// ErrOutOfReach means that log and snapshots do not lead to a zxid without
	// a hole. Nothing was changed.
	ErrOutOfReach = errors.New("transactions are out of reach of the log")
	// ErrReplaced means that a snapshot is of a history that was truncated or
	// replaced meanwhile.
	ErrReplaced = errors.New("the history was truncated or replaced")
	// ErrClosed means that the store is closed.
	ErrClosed = errors.New("store is closed")
)

// CorruptError says where a file is damaged, and what can be done.
type CorruptError struct {
	File   string
	Offset int64
	Reason string
	Remedy string
}

// Error returns the whole story in one line.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: damaged at offset %d: %s. %s", e.File, e.Offset, e.Reason, e.Remedy)
}

// Unwrap makes errors.Is find [ErrCorrupt].
func (e *CorruptError) Unwrap() error { return ErrCorrupt }
