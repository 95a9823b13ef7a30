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
	"slices"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// Options say how a backup is taken.
type Options struct {
	Newest   bool              // only the newest snapshot and what follows it
	Force    bool              // replace a backup that is there
	Now      time.Time         // noted in the manifest
	Progress func(bytes int64) // told of every piece that is read; nil: nobody
}

// draft is a backup that is being written.
type draft struct {
	target, dir string // dir is the temporary one
	opt         Options
	m           Manifest
}

// begin makes a temporary folder beside the target. Only a backup is ever
// replaced, and only by force.
func begin(target, source string, opt Options) (*draft, error) {
	target = filepath.Clean(target)
	if infos, err := os.ReadDir(target); err == nil && len(infos) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, err
		}
		if _, err := Open(target); err != nil {
			return nil, fmt.Errorf("%s %w and is no backup: name a new folder", target, ErrExists)
		}
		if !opt.Force {
			return nil, fmt.Errorf("%s %w: --force replaces it", target, ErrExists)
		}
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(target), filepath.Base(target)+".*.tmp")
	if err != nil {
		return nil, err
	}
	d := &draft{target: target, dir: dir, opt: opt, m: Manifest{Created: opt.Now.UTC(), Source: source}}
	return d, os.Mkdir(filepath.Join(dir, versionDir), 0o700)
}

// add writes one file.
func (d *draft) add(ctx context.Context, name string, src io.Reader) error {
	f, err := writeFile(filepath.Join(d.dir, versionDir, name), &counted{ctx, src, d.opt.Progress})
	d.m.Files = append(d.m.Files, f)
	return err
}

// finish verifies what was written and gives it its name.
func (d *draft) finish() (*Manifest, error) {
	var said bytes.Buffer
	health, err := (&datadir.Checker{FS: vfs.OS{}, DataDir: d.dir, Out: &said}).Run()
	if err != nil {
		return nil, err
	}
	if health != datadir.Sound {
		return nil, fmt.Errorf("what was copied is not sound, and is not kept:\n%s", strings.TrimSpace(said.String()))
	}
	from, until, err := reach(d.dir)
	if err != nil {
		return nil, err
	}
	d.m.FromZxid, d.m.UntilZxid = zxidText(from), zxidText(until)
	slices.SortFunc(d.m.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	if err := d.m.write(d.dir); err != nil {
		return nil, err
	}
	if err := d.publish(); err != nil {
		return nil, err
	}
	return &d.m, nil
}

func zxidText(zxid int64) string { return fmt.Sprintf("0x%x", uint64(zxid)) }

// publish puts the backup in its place. One that is replaced is there until
// the new one is.
func (d *draft) publish() error {
	for _, dir := range []string{filepath.Join(d.dir, versionDir), d.dir} {
		if err := (vfs.OS{}).SyncDir(dir); err != nil {
			return err
		}
	}
	old := ""
	if _, err := os.Stat(d.target); err == nil {
		old = d.dir + ".old"
		if err := os.Rename(d.target, old); err != nil {
			return err
		}
	}
	if err := os.Rename(d.dir, d.target); err != nil {
		return err
	}
	if err := (vfs.OS{}).SyncDir(filepath.Dir(d.target)); err != nil || old == "" {
		return err
	}
	return os.RemoveAll(old)
}

// abandon removes what was written of a backup that failed.
func (d *draft) abandon(err error) error { return errors.Join(err, os.RemoveAll(d.dir)) }

// reach is from and until where a directory can be restored.
func reach(dataDir string) (from, until int64, err error) {
	dir, err := persistence.OpenDirectory(persistence.Config{FS: vfs.OS{}, DataDir: dataDir})
	if err != nil {
		return 0, 0, err
	}
	snapshots, logs, err := dir.Files()
	if err != nil {
		return 0, 0, err
	}
	if len(snapshots) > 0 {
		from, until = snapshots[0].Zxid, snapshots[len(snapshots)-1].Zxid
	}
	for _, log := range logs {
		c, err := persistence.CheckLogFile(vfs.OS{}, log.Path, 0)
		if err != nil {
			return 0, 0, err
		}
		until = max(until, c.LastZxid)
	}
	return from, until, nil
}

// Take copies the snapshots and logs of a data directory. A server may run on
// it; transactions that it has synced when Take begins are in the backup.
func Take(ctx context.Context, dataDir, logDir, target string, opt Options) (*Manifest, error) {
	src, err := persistence.OpenDirectory(persistence.Config{FS: vfs.OS{}, DataDir: dataDir, LogDir: logDir})
	if err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(src.SnapDir())
	if err != nil {
		return nil, err
	}
	d, err := begin(target, absolute, opt)
	if err != nil {
		return nil, err
	}
	if err := d.copyFrom(ctx, src); err != nil {
		return nil, d.abandon(err)
	}
	m, err := d.finish()
	if err != nil {
		return nil, d.abandon(err)
	}
	return m, nil
}

// copyFrom copies the snapshots first: the logs, which grow meanwhile, then
// reach beyond each of them.
func (d *draft) copyFrom(ctx context.Context, src *persistence.Directory) error {
	snapshots, _, err := src.Files()
	if err != nil {
		return err
	}
	base, err := d.copySnapshots(ctx, snapshots)
	if err != nil {
		return err
	}
	_, logs, err := src.Files()
	if err != nil {
		return err
	}
	for i, log := range logs {
		if i+1 < len(logs) && logs[i+1].Zxid <= base+1 {
			continue // all of it is in the oldest snapshot
		}
		next := int64(0)
		if i+1 < len(logs) {
			next = logs[i+1].Zxid
		}
		if err := d.copyLog(ctx, log.Path, next); err != nil {
			return err
		}
	}
	return nil
}

// copySnapshots copies the snapshots that are whole, the newest first, and
// returns the zxid of the oldest of them. One that a server is just writing
// is not whole.
func (d *draft) copySnapshots(ctx context.Context, snapshots []persistence.FileInfo) (oldest int64, err error) {
	var skipped []error
	copied := 0
	for i := len(snapshots) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		f := snapshots[i]
		err := d.addFile(ctx, f.Path, f.SizeBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue // purged meanwhile, as are all that are older
		}
		if err != nil {
			return 0, err
		}
		mine := filepath.Join(d.dir, versionDir, filepath.Base(f.Path))
		if _, err := datadir.VerifySnapshot(vfs.OS{}, mine); err != nil {
			skipped = append(skipped, err)
			d.m.Files = d.m.Files[:len(d.m.Files)-1]
			if err := os.Remove(mine); err != nil {
				return 0, err
			}
			continue
		}
		oldest = f.Zxid
		if copied++; d.opt.Newest {
			break
		}
	}
	if copied == 0 {
		return 0, errors.Join(append([]error{errors.New("there is no snapshot that can be read")}, skipped...)...)
	}
	return oldest, nil
}

func (d *draft) addFile(ctx context.Context, path string, sizeBytes int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // was only read
	return d.add(ctx, filepath.Base(path), io.LimitReader(f, sizeBytes))
}

// copyLog copies the good records of a log: its space that is not used yet
// and a record that is just being written stay behind.
func (d *draft) copyLog(ctx context.Context, path string, nextZxid int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := persistence.CheckLogFile(vfs.OS{}, path, nextZxid)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // purged meanwhile: an older one, or the check at the end fails
	}
	if err != nil || c.Txns == 0 {
		return err
	}
	return d.addFile(ctx, path, c.EndOffset)
}
