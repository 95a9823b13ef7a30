package datadir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// ErrNoRepair means that nothing can be saved.
var ErrNoRepair = errors.New("cannot be repaired")

const (
	versionDir = "version-2"
	// repairLogBytes is the size at which a repaired log goes on in a new file.
	repairLogBytes = 64 << 20
	copyBytes      = 1 << 20
)

// Repair writes what a data directory still has into an empty or new one:
// the newest snapshot that can be read, every transaction after it up to the
// first damage, the epochs and myid. The original is only read. The copy has
// logs and snapshots in one place, or in dataDir and dataLogDir below target
// if the original has them apart, which it returns. What is written, and what
// is lost, is printed.
func Repair(fsys vfs.FS, dataDir, logDir, target string, out io.Writer) (newData, newLog string, err error) {
	src, err := persistence.OpenDirectory(persistence.Config{FS: fsys, DataDir: dataDir, LogDir: logDir})
	if err != nil {
		return "", "", err
	}
	if err := MustBeNew(fsys, target, dataDir, logDir); err != nil {
		return "", "", err
	}
	r := &repair{fs: fsys, src: src, dataDir: dataDir, newData: target, newLog: target, out: out}
	if !fsys.SameFile(src.SnapDir(), src.LogDir()) {
		r.newData, r.newLog = filepath.Join(target, "dataDir"), filepath.Join(target, "dataLogDir")
	}
	return r.newData, r.newLog, r.run()
}

func (r *repair) run() error {
	base, err := r.base()
	if err != nil {
		return err
	}
	for _, dir := range []string{r.newData, r.newLog} {
		if err := r.fs.MkdirAll(filepath.Join(dir, versionDir)); err != nil {
			return err
		}
	}
	name := filepath.Base(base.Path)
	if err := copyFile(r.fs, base.Path, filepath.Join(r.newData, versionDir, name)); err != nil {
		return err
	}
	fmt.Fprintf(r.out, "%s: copied\n", name)
	if err := r.copyLog(base.Zxid); err != nil {
		return err
	}
	return r.copySmall()
}

// repair is one run of Repair.
type repair struct {
	fs              vfs.FS
	src             *persistence.Directory
	dataDir         string
	newData, newLog string
	out             io.Writer

	last int64 // zxid of the last transaction that was copied, or the snapshot's
	dst  *persistence.LogFileWriter
	size int64 // of its records
}

// base returns the newest snapshot that can be read.
func (r *repair) base() (persistence.FileInfo, error) {
	snapshots, _, err := r.src.Files()
	if err != nil {
		return persistence.FileInfo{}, err
	}
	for i := len(snapshots) - 1; i >= 0; i-- {
		_, wrong, err := loadChecked(r.fs, snapshots[i].Path)
		if err == nil && *wrong != nil {
			err = *wrong
		}
		if err == nil {
			return snapshots[i], nil
		}
		fmt.Fprintf(r.out, "%s: left out: %v\n", filepath.Base(snapshots[i].Path), err)
	}
	return persistence.FileInfo{}, fmt.Errorf("%w: no snapshot in %s can be read, and transactions alone are not enough", ErrNoRepair, r.src.SnapDir())
}

// MustBeNew refuses a directory that has files, or is inside of the original.
func MustBeNew(fsys vfs.FS, target string, originals ...string) error {
	for _, original := range originals {
		within, err := isWithin(target, original)
		if err != nil {
			return err
		}
		if within && original != "" {
			return fmt.Errorf("%s is inside of %s, which %w and is not to be touched: name another directory", target, original, ErrExists)
		}
	}
	infos, err := fsys.List(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(infos) > 0:
		return fmt.Errorf("%s %w and is not empty: name a new directory", target, ErrExists)
	}
	return nil
}

func isWithin(path, dir string) (bool, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return false, err
	}
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)), nil
}

// copyLog copies the transactions above a zxid up to the first damage.
func (r *repair) copyLog(after int64) error {
	entries, err := r.src.EntriesAfter(after)
	if err != nil {
		return err
	}
	defer entries.Close() // was only read
	r.last = after
	count := 0
	for entries.Next() {
		e, err := entries.Decode()
		if err == nil {
			err = r.add(&e, entries.Entry())
		}
		if err != nil {
			return errors.Join(r.lost(err, count), r.closeLog())
		}
		count++
	}
	err = entries.Err()
	if err != nil {
		return errors.Join(r.lost(err, count), r.closeLog())
	}
	fmt.Fprintf(r.out, "log: copied all %d transactions after 0x%x, up to 0x%x\n", count, uint64(after), uint64(r.last))
	return r.closeLog()
}

// lost tells where the copy ends before the original's last transaction, if
// damage is the reason.
func (r *repair) lost(err error, count int) error {
	var damage *persistence.CorruptError
	if !errors.As(err, &damage) {
		return err
	}
	fmt.Fprintf(r.out, "log: copied %d transactions up to 0x%x; lost are all after it: %s is damaged at offset %d: %s\n",
		count, uint64(r.last), filepath.Base(damage.File), damage.Offset, damage.Reason)
	return nil
}

func (r *repair) add(e *proto.Entry, entry []byte) error {
	if r.dst != nil && r.size >= repairLogBytes {
		if err := r.closeLog(); err != nil {
			return err
		}
	}
	if r.dst == nil {
		var err error
		name := "log." + strconv.FormatInt(e.Header.Zxid, 16)
		if r.dst, err = persistence.CreateLogFile(r.fs, filepath.Join(r.newLog, versionDir, name), 0); err != nil {
			return err
		}
	}
	r.last = max(r.last, e.Header.Zxid)
	r.size += int64(len(entry))
	return r.dst.Append(persistence.LogSum(entry), entry)
}

func (r *repair) closeLog() error {
	if r.dst == nil {
		return nil
	}
	err := r.dst.Close()
	r.dst, r.size = nil, 0
	return err
}

// copySmall copies the files of one line. An epoch file that cannot be read
// is left out: a server makes a new one.
func (r *repair) copySmall() error {
	for _, f := range []struct{ from, to, name string }{
		{r.src.SnapDir(), filepath.Join(r.newData, versionDir), "currentEpoch"},
		{r.src.SnapDir(), filepath.Join(r.newData, versionDir), "acceptedEpoch"},
		{r.dataDir, r.newData, "myid"},
	} {
		err := copyFile(r.fs, filepath.Join(f.from, f.name), filepath.Join(f.to, f.name))
		switch {
		case err == nil:
			fmt.Fprintf(r.out, "%s: copied\n", f.name)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}

// copyFile copies a file and makes the copy durable.
func copyFile(fsys vfs.FS, from, to string) error {
	src, err := fsys.Open(from)
	if err != nil {
		return err
	}
	defer src.Close() // was only read
	size, err := src.Size()
	if err != nil {
		return err
	}
	dst, err := fsys.Create(to)
	if err != nil {
		return err
	}
	buf := make([]byte, min(copyBytes, size))
	for off := int64(0); off < size && err == nil; {
		n := min(int64(len(buf)), size-off)
		if _, err = src.ReadAt(buf[:n], off); err == nil {
			_, err = dst.WriteAt(buf[:n], off)
		}
		off += n
	}
	if err == nil {
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(to))
}
