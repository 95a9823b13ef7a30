package persistence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

const (
	currentEpochName  = "currentEpoch"
	acceptedEpochName = "acceptedEpoch"
	initializeName    = "initialize"

	maxEpochFileBytes = 4 << 10
)

// ErrEpoch means that the epoch files contradict the transactions or each
// other.
var ErrEpoch = errors.New("epoch files")

// Epochs are the promises of a quorum server.
type Epochs struct {
	Current  int64 // of the leader this server follows or last followed
	Accepted int64 // the highest proposed to it; it takes no lower one
}

// LoadEpochs reads both files, as a quorum server does once after recovery.
// What is missing is created from the last zxid's epoch, which may be -1.
//
// A server that died after it had logged transactions of a new leader, and
// before the file says that it follows that one, has an older current epoch
// than its last transaction. It had promised to follow: the accepted epoch
// covers it. Apache refuses to start then, unless currentEpoch.tmp is there;
// here it is refused only when nothing was promised.
func (s *Store) LoadEpochs(lastZxid int64) (Epochs, error) {
	epoch := max(0, epochOf(lastZxid))
	current, err := s.readOrCreate(currentEpochName, epoch)
	if err != nil {
		return Epochs{}, err
	}
	accepted, err := s.readEpoch(acceptedEpochName)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return Epochs{}, err
	}
	if missing {
		accepted = epoch
	}
	if epoch > current {
		if current, err = s.pendingEpoch(current, accepted); err != nil {
			return Epochs{}, err
		}
		if epoch > current && (missing || epoch > accepted) {
			return Epochs{}, fmt.Errorf("%w: %s is older than the last transaction 0x%x",
				ErrEpoch, filepath.Join(s.snapDir, currentEpochName), lastZxid)
		}
	}
	if missing {
		if accepted, err = s.readOrCreate(acceptedEpochName, epoch); err != nil {
			return Epochs{}, err
		}
	}
	if accepted < current {
		return Epochs{}, fmt.Errorf("%w: the accepted epoch %d is less than the current epoch %d in %s",
			ErrEpoch, accepted, current, s.snapDir)
	}
	return Epochs{Current: current, Accepted: accepted}, nil
}

// pendingEpoch takes up a current epoch that was on its way to the disk when
// the server died: everything that it stands for was durable by then. One that
// is torn counts for nothing.
func (s *Store) pendingEpoch(current, accepted int64) (int64, error) {
	pending, err := s.readEpoch(currentEpochName + tmpSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrEpoch):
		return current, nil
	case err != nil:
		return 0, err
	case pending <= current || pending > accepted:
		return current, nil
	}
	return pending, s.SetCurrentEpoch(pending)
}

// SetCurrentEpoch writes the current epoch and makes it durable. All
// transactions of earlier epochs must be durable before.
func (s *Store) SetCurrentEpoch(epoch int64) error { return s.writeEpoch(currentEpochName, epoch) }

// SetAcceptedEpoch writes the accepted epoch and makes it durable, before the
// server tells anyone that it accepted it.
func (s *Store) SetAcceptedEpoch(epoch int64) error { return s.writeEpoch(acceptedEpochName, epoch) }

func (s *Store) readOrCreate(name string, epoch int64) (int64, error) {
	v, err := s.readEpoch(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	s.log.Info().Str("file", name).Int64("epoch", epoch).Msg("epoch file is missing and is created")
	return epoch, s.writeEpoch(name, epoch)
}

// readEpoch reads the decimal number in a file's first line.
func (s *Store) readEpoch(name string) (int64, error) {
	data, err := vfs.ReadFile(s.fs, filepath.Join(s.snapDir, name), maxEpochFileBytes)
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	v, err := strconv.ParseInt(strings.TrimSuffix(line, "\r"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: found %q in %s", ErrEpoch, line, filepath.Join(s.snapDir, name))
	}
	return max(0, v), nil // Apache writes -1 for a server that has nothing
}

func (s *Store) writeEpoch(name string, epoch int64) error {
	s.epochs.Lock()
	defer s.epochs.Unlock()
	_, err := s.replaceFile(filepath.Join(s.snapDir, name), func(w io.Writer) error {
		_, err := io.WriteString(w, strconv.FormatInt(epoch, 10))
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// markerPaths are the places of the file `initialize`: Apache looks for it
// beside the logs, and its script puts it beside the snapshots.
func (s *Store) markerPaths() []string {
	paths := []string{filepath.Join(s.cfg.LogDir, initializeName)}
	if other := filepath.Join(s.cfg.DataDir, initializeName); other != paths[0] {
		paths = append(paths, other)
	}
	return paths
}

func (s *Store) hasMarker() bool {
	for _, name := range s.markerPaths() {
		if _, err := s.fs.Stat(name); err == nil {
			return true
		}
	}
	return false
}

// consumeMarker removes `initialize` once there is a snapshot, so that a
// crash before that does not use it up.
func (s *Store) consumeMarker() error {
	for _, name := range s.markerPaths() {
		switch err := s.fs.Remove(name); {
		case err == nil:
			err = s.fs.SyncDir(filepath.Dir(name))
			if err != nil {
				return err
			}
			s.log.Info().Str("file", name).Msg("initialize file used and removed")
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}
