package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// ErrZxid means a zxid that a backup cannot be restored to.
var ErrZxid = errors.New("the backup does not reach this zxid")

// RestoreOptions say what is restored, and over what.
type RestoreOptions struct {
	Zxid     int64 // the last transaction to restore; -1 is the newest
	Force    bool  // put what is in the directories aside
	Out      io.Writer
	Progress func(bytes int64)
}

// Restored says what a restore has made.
type Restored struct {
	Zxid     int64    // of the last transaction
	Snapshot string   // that it began with
	Txns     int      // replayed on it
	Aside    []string // folders that were put aside
}

// Restore makes a data directory of a backup: the newest snapshot that is not
// after the zxid, and the transactions up to it. The backup is verified
// before, and what was made after it: every digest of the logs is compared. A
// logDir of "" is the data directory.
func Restore(backup, dataDir, logDir string, opt RestoreOptions) (*Restored, error) {
	m, err := Open(backup)
	if err != nil {
		return nil, err
	}
	if err := m.Verify(backup, opt.Progress); err != nil {
		return nil, err
	}
	src, err := persistence.OpenDirectory(persistence.Config{FS: vfs.OS{}, DataDir: backup})
	if err != nil {
		return nil, err
	}
	until, err := strconv.ParseUint(m.UntilZxid, 0, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: until_zxid %q", ErrNoBackup, m.UntilZxid)
	}
	if opt.Zxid < 0 {
		opt.Zxid = int64(until)
	}
	if opt.Zxid > int64(until) {
		return nil, fmt.Errorf("%w: 0x%x; it reaches from %s to %s", ErrZxid, opt.Zxid, m.FromZxid, m.UntilZxid)
	}
	if logDir == "" {
		logDir = dataDir
	}
	r := &restore{src: src, dataDir: dataDir, logDir: logDir, opt: opt}
	return r.run(m)
}

// restore is one run of [Restore].
type restore struct {
	src             *persistence.Directory
	dataDir, logDir string
	opt             RestoreOptions
	out             Restored
}

func (r *restore) run(m *Manifest) (*Restored, error) {
	base, err := r.base()
	if err != nil {
		return nil, err
	}
	if base.Path == "" {
		return nil, fmt.Errorf("%w: 0x%x; it reaches from %s to %s", ErrZxid, r.opt.Zxid, m.FromZxid, m.UntilZxid)
	}
	if err := r.makeRoom(); err != nil {
		return nil, err
	}
	r.out.Snapshot, r.out.Zxid = filepath.Base(base.Path), base.Zxid
	f, err := os.Open(base.Path)
	if err != nil {
		return nil, err
	}
	_, err = writeFile(filepath.Join(r.dataDir, versionDir, r.out.Snapshot), &counted{f, r.opt.Progress})
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if err := r.replay(base.Zxid); err != nil {
		return nil, err
	}
	return &r.out, r.verify()
}

// base is the newest snapshot that holds nothing after the zxid. Apache
// writes snapshots while transactions are applied: the zxid of the digest, or
// of the end, tells up to where they may be in it.
func (r *restore) base() (persistence.FileInfo, error) {
	snapshots, _, err := r.src.Files()
	if err != nil {
		return persistence.FileInfo{}, err
	}
	for i := len(snapshots) - 1; i >= 0; i-- {
		f := snapshots[i]
		if f.Zxid > r.opt.Zxid {
			continue
		}
		img, err := datadir.LoadImage(vfs.OS{}, f.Path)
		if err != nil {
			return persistence.FileInfo{}, err
		}
		t := img.Trailer
		if max(t.DigestZxid, t.Zxid) <= r.opt.Zxid {
			return f, nil
		}
	}
	return persistence.FileInfo{}, nil
}

// makeRoom makes the directories. What is in them is put aside by force, and
// never while a server runs on it.
func (r *restore) makeRoom() error {
	for _, dir := range []string{r.dataDir, r.logDir} {
		path := filepath.Join(dir, versionDir)
		infos, err := os.ReadDir(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && len(infos) == 0:
		case err != nil:
			return err
		case !r.opt.Force:
			return fmt.Errorf("%s %w: --force puts it aside", path, ErrExists)
		default:
			if err := r.putAside(dir, path); err != nil {
				return err
			}
		}
		if err := (vfs.OS{}).MkdirAll(path); err != nil {
			return err
		}
	}
	return nil
}

func (r *restore) putAside(dir, path string) error {
	old, err := persistence.OpenDirectory(persistence.Config{FS: vfs.OS{}, DataDir: dir})
	if err != nil {
		return err
	}
	inUse, err := old.InUse()
	if err != nil {
		return err
	}
	if inUse {
		return fmt.Errorf("%w: a server is running on %s", persistence.ErrLocked, dir)
	}
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.before-restore-%d", path, n)
		if _, err := os.Lstat(aside); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			continue
		}
		r.out.Aside = append(r.out.Aside, aside)
		return os.Rename(path, aside)
	}
}

// replay writes the transactions after a zxid into one new log.
func (r *restore) replay(after int64) (err error) {
	entries, err := r.src.EntriesAfter(after)
	if err != nil {
		return err
	}
	defer entries.Close() // was only read
	var dst *persistence.LogFileWriter
	for entries.Next() {
		zxid := entries.Zxid()
		if zxid > r.opt.Zxid {
			break
		}
		if dst == nil {
			path := filepath.Join(r.logDir, versionDir, "log."+strconv.FormatUint(uint64(zxid), 16))
			if dst, err = persistence.CreateLogFile(vfs.OS{}, path, 0); err != nil {
				return err
			}
		}
		if err := dst.Append(persistence.LogSum(entries.Entry()), entries.Entry()); err != nil {
			return errors.Join(err, dst.Discard())
		}
		r.out.Zxid = zxid
		r.out.Txns++
		if r.opt.Progress != nil {
			r.opt.Progress(int64(len(entries.Entry())))
		}
	}
	err = entries.Err()
	if dst != nil {
		err = errors.Join(err, dst.Close())
	}
	return err
}

// verify reads what was made as a server would, with every digest.
func (r *restore) verify() error {
	var said bytes.Buffer
	health, err := (&datadir.Checker{FS: vfs.OS{}, DataDir: r.dataDir, LogDir: r.logDir, Out: &said}).Run()
	if err != nil {
		return err
	}
	if r.opt.Out != nil {
		if _, err := r.opt.Out.Write(said.Bytes()); err != nil {
			return err
		}
	}
	if health != datadir.Sound {
		return fmt.Errorf("%w: what was restored is not sound:\n%s", datadir.ErrDamaged, strings.TrimSpace(said.String()))
	}
	return nil
}
