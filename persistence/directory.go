package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// Directory is a data directory seen by a tool. Nothing is created, locked,
// cut or tidied up by looking at it, and a server, Apache's too, may run on it
// meanwhile; what that one is just writing may then look torn. All methods are
// safe for concurrent use.
type Directory struct{ s *Store }

// OpenDirectory looks at the directories of cfg. Both must exist; an error
// wraps [ErrDataDir].
func OpenDirectory(cfg Config) (*Directory, error) {
	cfg.setDefaults()
	s := &Store{
		cfg: cfg, fs: cfg.FS, log: cfg.Log, readOnly: true,
		snapDir: filepath.Join(cfg.DataDir, versionDir), logDir: filepath.Join(cfg.LogDir, versionDir),
	}
	for _, dir := range []string{s.snapDir, s.logDir} {
		switch info, err := s.fs.Stat(dir); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%w: %s does not exist", ErrDataDir, dir)
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrDataDir, err)
		case !info.Dir:
			return nil, fmt.Errorf("%w: %s is not a directory", ErrDataDir, dir)
		}
	}
	return &Directory{s}, nil
}

// SnapDir returns the directory with the snapshots and epoch files.
func (d *Directory) SnapDir() string { return d.s.snapDir }

// LogDir returns the directory with the transaction logs.
func (d *Directory) LogDir() string { return d.s.logDir }

// InUse tells whether a Meerkat server runs on the directory. Apache's takes
// no lock, so it is never noticed. The lock is taken for a moment: a server
// that starts in that moment fails to.
func (d *Directory) InUse() (bool, error) {
	lock, err := d.s.fs.Lock(d.s.snapDir)
	if errors.Is(err, vfs.ErrLocked) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, lock.Close()
}

// Files lists the snapshots and the logs, oldest first.
func (d *Directory) Files() (snapshots, logs []FileInfo, err error) { return d.s.Files() }

// Recover reads the newest snapshot that is whole and all transactions after
// it into st, as a server would that starts, and with the same errors. A torn
// end is passed over and not cut.
func (d *Directory) Recover(st State) (Recovered, error) {
	rec, damaged, err := d.s.recoverSnapshot(st)
	if err != nil {
		return Recovered{}, err
	}
	return rec, d.s.recoverLog(st, &rec, damaged)
}

// EntriesAfter reads the transactions above a zxid as a recovery from a
// snapshot of that zxid would.
func (d *Directory) EntriesAfter(zxid int64) (*EntryReader, error) {
	files, err := listLogs(d.s.fs, d.s.logDir)
	if err != nil {
		return nil, err
	}
	return &EntryReader{it: logIter{
		fs: d.s.fs, log: d.s.log, limit: d.s.cfg.MaxEntryBytes, files: logsFrom(files, zxid+1), from: zxid + 1, covered: zxid,
	}}, nil
}

// Epochs reads the two epoch files; -1 stands for one that is missing.
// A current epoch that was on its way to the disk when the server died, as
// [Store.LoadEpochs] takes it up, is pending.
func (d *Directory) Epochs() (epochs Epochs, pending int64, err error) {
	read := func(name string) int64 {
		v, readErr := d.s.readEpoch(name)
		if errors.Is(readErr, fs.ErrNotExist) {
			return -1
		}
		err = errors.Join(err, readErr)
		return v
	}
	epochs = Epochs{Current: read(currentEpochName), Accepted: read(acceptedEpochName)}
	if pending, err2 := d.s.readEpoch(currentEpochName + tmpSuffix); err2 == nil {
		return epochs, pending, err
	}
	return epochs, -1, err
}

// Purge removes what [Store.Purge] removes, or with dry only says so: it calls
// each before a file goes. It is safe beside a running server: the files are
// older than any that a start or a purge would use, and a server that reads
// one to a learner treats it as purged.
func (d *Directory) Purge(keep int, dry bool, each func(path string)) error {
	remove := func(path string) error {
		each(path)
		return d.s.fs.Remove(path)
	}
	if !dry {
		return d.s.purge(keep, remove, func(dataFile) {})
	}
	files, err := d.s.obsolete(keep)
	for _, f := range files {
		each(f.path)
	}
	return err
}
