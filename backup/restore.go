package backup

import (
	"bytes"
	"context"
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
func Restore(ctx context.Context, backup, dataDir, logDir string, opt RestoreOptions) (*Restored, error) {
	m, err := Open(backup)
	if err != nil {
		return nil, err
	}
	if err := m.Verify(ctx, backup, opt.Progress); err != nil {
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
	r := &restore{ctx: ctx, src: src, dataDir: dataDir, logDir: logDir, opt: opt}
	return r.run(m)
}

// restore is one run of [Restore].
type restore struct {
	ctx             context.Context
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
	if err := r.mayReplace(); err != nil {
		return nil, err
	}
	// Everything is made and verified under another name: a restore that
	// fails, or is cut off, leaves what was there.
	err = r.stage(base)
	if err == nil {
		err = r.publish()
	}
	for _, dir := range r.dirs() {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, stageDir)))
	}
	if err != nil {
		return nil, err
	}
	return &r.out, nil
}

// stageDir is where a restore works, in each of the directories.
const stageDir = versionDir + ".restoring"

// dirs are the directories that are restored, one or two.
func (r *restore) dirs() []string {
	if r.logDir == r.dataDir {
		return []string{r.dataDir}
	}
	return []string{r.dataDir, r.logDir}
}

// stage makes the data below the stage directories, and verifies it.
func (r *restore) stage(base persistence.FileInfo) error {
	for _, dir := range r.dirs() {
		if err := os.RemoveAll(filepath.Join(dir, stageDir)); err != nil {
			return err
		}
		if err := (vfs.OS{}).MkdirAll(filepath.Join(dir, stageDir, versionDir)); err != nil {
			return err
		}
	}
	r.out.Snapshot, r.out.Zxid = filepath.Base(base.Path), base.Zxid
	f, err := os.Open(base.Path)
	if err != nil {
		return err
	}
	_, err = writeFile(filepath.Join(r.dataDir, stageDir, versionDir, r.out.Snapshot), &counted{r.ctx, f, r.opt.Progress})
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := r.replay(base.Zxid); err != nil {
		return err
	}
	return r.verify()
}

// publish puts what was there aside, and the new data in its place.
func (r *restore) publish() error {
	for _, dir := range r.dirs() {
		path := filepath.Join(dir, versionDir)
		if infos, err := os.ReadDir(path); err == nil && len(infos) > 0 {
			if err := r.putAside(path); err != nil {
				return err
			}
		} else if err == nil {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
		if err := os.Rename(filepath.Join(dir, stageDir, versionDir), path); err != nil {
			return err
		}
		if err := errors.Join((vfs.OS{}).SyncDir(path), (vfs.OS{}).SyncDir(dir)); err != nil {
			return err
		}
	}
	return nil
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

// mayReplace refuses directories that have data, unless by force, and always
// while a server runs on them.
func (r *restore) mayReplace() error {
	for _, dir := range r.dirs() {
		path := filepath.Join(dir, versionDir)
		infos, err := os.ReadDir(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(infos) == 0 {
			continue
		}
		if err != nil {
			return err
		}
		if !r.opt.Force {
			return fmt.Errorf("%s %w: --force puts it aside", path, ErrExists)
		}
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
	}
	return nil
}

func (r *restore) putAside(path string) error {
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
	for r.ctx.Err() == nil && entries.Next() {
		zxid := entries.Zxid()
		if zxid > r.opt.Zxid {
			break
		}
		if dst == nil {
			path := filepath.Join(r.logDir, stageDir, versionDir, "log."+strconv.FormatUint(uint64(zxid), 16))
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
	err = errors.Join(entries.Err(), r.ctx.Err())
	if dst != nil {
		err = errors.Join(err, dst.Close())
	}
	return err
}

// verify reads what was made as a server would, with every digest.
func (r *restore) verify() error {
	var said bytes.Buffer
	health, err := (&datadir.Checker{FS: vfs.OS{}, DataDir: filepath.Join(r.dataDir, stageDir), LogDir: filepath.Join(r.logDir, stageDir), Out: &said}).Run()
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
