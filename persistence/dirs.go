package persistence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// openDirs checks or makes the two version-2 directories and takes their
// locks. It returns one lock when both are the same directory.
func openDirs(cfg *Config) (snapDir, logDir string, locks []io.Closer, err error) {
	snapDir = filepath.Join(cfg.DataDir, versionDir)
	logDir = filepath.Join(cfg.LogDir, versionDir)
	logKey := "dataLogDir"
	if logDir == snapDir {
		logKey = "dataDir"
	}
	if err := openDir(cfg, logDir, logKey); err != nil {
		return "", "", nil, err
	}
	if err := openDir(cfg, snapDir, "dataDir"); err != nil {
		return "", "", nil, err
	}
	apart := !cfg.FS.SameFile(snapDir, logDir)
	if apart {
		if err := checkContents(cfg.FS, logDir, snapshotPrefix, "log directory %s has snapshot files such as %s"); err != nil {
			return "", "", nil, err
		}
		if err := checkContents(cfg.FS, snapDir, logPrefix, "snapshot directory %s has log files such as %s"); err != nil {
			return "", "", nil, err
		}
	}
	dirs := []string{snapDir}
	if apart {
		dirs = append(dirs, logDir)
	}
	for _, dir := range dirs {
		lock, err := cfg.FS.Lock(dir)
		if err != nil {
			return "", "", nil, errors.Join(lockError(dir, err), closeAll(locks))
		}
		locks = append(locks, lock)
	}
	return snapDir, logDir, locks, nil
}

func lockError(dir string, err error) error {
	if errors.Is(err, vfs.ErrLocked) {
		return fmt.Errorf("%w: another server is running on the data directory %s", ErrLocked, filepath.Dir(dir))
	}
	return fmt.Errorf("%w: %w", ErrDataDir, err)
}

func openDir(cfg *Config, dir, key string) error {
	switch info, err := cfg.FS.Stat(dir); {
	case err == nil && !info.Dir:
		return fmt.Errorf("%w: %s (%s) is not a directory", ErrDataDir, dir, key)
	case errors.Is(err, fs.ErrNotExist) && !cfg.Autocreate:
		return fmt.Errorf("%w: %s (%s) is missing, and zookeeper.datadir.autocreate is false: create it", ErrDataDir, dir, key)
	case errors.Is(err, fs.ErrNotExist):
		if err := cfg.FS.MkdirAll(dir); err != nil {
			return fmt.Errorf("%w: create %s (%s): %w", ErrDataDir, dir, key, err)
		}
	case err != nil:
		return fmt.Errorf("%w: %s (%s): %w", ErrDataDir, dir, key, err)
	}
	if err := cfg.FS.Writable(dir); err != nil {
		return fmt.Errorf("%w: %s (%s): %w", ErrDataDir, dir, key, err)
	}
	return nil
}

// checkContents refuses a directory with files of the other kind: dataDir and
// dataLogDir were mixed up, or changed after data was written.
func checkContents(fsys vfs.FS, dir, prefix, text string) error {
	infos, err := fsys.List(dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDataDir, err)
	}
	for _, info := range infos {
		if strings.HasPrefix(info.Name, prefix+".") {
			return fmt.Errorf("%w: "+text+": check dataDir and dataLogDir", ErrDataDir, dir, info.Name)
		}
	}
	return nil
}

func closeAll(closers []io.Closer) error {
	var errs []error
	for _, c := range closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// removeLeftovers deletes what a crash left unfinished: a log file without a
// name, and snapshots that were still being written or were to be installed.
func (s *Store) removeLeftovers() error {
	var errs []error
	remove := func(dir string, leftover func(string) bool) {
		infos, err := s.fs.List(dir)
		errs = append(errs, err)
		for _, info := range infos {
			if !leftover(info.Name) {
				continue
			}
			name := filepath.Join(dir, info.Name)
			s.log.Info().Str("file", name).Int64("bytes", info.SizeBytes).Msg("removing a file that was never finished")
			errs = append(errs, s.fs.Remove(name))
		}
	}
	remove(s.logDir, func(name string) bool { return name == spareName })
	remove(s.snapDir, func(name string) bool {
		if strings.HasPrefix(name, stagedPrefix+"."+snapshotPrefix+".") || name == installName+tmpSuffix {
			return true
		}
		_, _, ok := parseName(name, snapshotPrefix)
		return ok && strings.HasSuffix(name, tmpSuffix)
	})
	return errors.Join(errs...)
}

// SnapDir returns the directory with the snapshots and epoch files.
func (s *Store) SnapDir() string { return s.snapDir }

// LogDir returns the directory with the transaction logs.
func (s *Store) LogDir() string { return s.logDir }

// DirSizes returns the bytes of all files in the snapshot directory and in
// the log directory, as the four-letter word dirs reports them.
func (s *Store) DirSizes() (snapBytes, logBytes int64, err error) {
	sum := func(dir string) (n int64) {
		infos, listErr := s.fs.List(dir)
		err = errors.Join(err, listErr)
		for _, info := range infos {
			if !info.Dir {
				n += info.SizeBytes
			}
		}
		return n
	}
	return sum(s.snapDir), sum(s.logDir), err
}

// FreeBytes returns the disk space left for snapshots and for logs.
func (s *Store) FreeBytes() (snapBytes, logBytes int64, err error) {
	snapBytes, snapErr := s.fs.FreeBytes(s.snapDir)
	logBytes, logErr := s.fs.FreeBytes(s.logDir)
	return snapBytes, logBytes, errors.Join(snapErr, logErr)
}

// FileInfo describes a log or a snapshot.
type FileInfo struct {
	Path      string
	Zxid      int64 // of a log's first record; of a snapshot's last transaction
	SizeBytes int64
}

// Files lists the snapshots and the logs, oldest first.
func (s *Store) Files() (snapshots, logs []FileInfo, err error) {
	snaps, snapErr := listSnapshots(s.fs, s.snapDir)
	files, logErr := listLogs(s.fs, s.logDir)
	return describeFiles(snaps), describeFiles(files), errors.Join(snapErr, logErr)
}

func describeFiles(files []dataFile) []FileInfo {
	infos := make([]FileInfo, 0, len(files))
	for _, f := range files {
		infos = append(infos, FileInfo{Path: f.path, Zxid: f.zxid, SizeBytes: f.size})
	}
	return infos
}
