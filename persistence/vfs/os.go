//go:build unix

package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// OS is the file system of the machine.
type OS struct{}

type osFile struct{ *os.File }

func wrap(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err // not a File around a nil pointer
	}
	return osFile{f}, nil
}

// Open opens an existing file for reading.
func (OS) Open(name string) (File, error) { return wrap(os.Open(name)) }

// OpenWrite opens an existing file for reading and writing.
func (OS) OpenWrite(name string) (File, error) { return wrap(os.OpenFile(name, os.O_RDWR, 0)) }

// Create opens a new or emptied file for reading and writing.
func (OS) Create(name string) (File, error) {
	return wrap(os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644))
}

// Remove deletes a file.
func (OS) Remove(name string) error { return os.Remove(name) }

// Rename puts a file under a new name.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// MkdirAll makes a directory and those above it.
func (o OS) MkdirAll(dir string) error {
	dir = filepath.Clean(dir)
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: unix.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := o.MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return o.SyncDir(parent)
}

// List returns the entries of a directory, sorted by name.
func (OS) List(dir string) ([]Info, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, describe(info))
	}
	return infos, nil
}

// Stat describes a file or directory.
func (OS) Stat(name string) (Info, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Info{}, err
	}
	return describe(info), nil
}

func describe(info fs.FileInfo) Info {
	return Info{Name: info.Name(), SizeBytes: info.Size(), Modified: info.ModTime(), Dir: info.IsDir()}
}

// SameFile tells whether two names lead to one file or directory.
func (OS) SameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// Writable returns why no file could be created in a directory.
func (OS) Writable(dir string) error {
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: err}
	}
	return nil
}

// SyncDir makes the creates, renames and removals in a directory durable.
func (OS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock takes the lock of a directory. It is an flock of the directory itself,
// so it leaves no file behind and ends with the process, however that ends.
func (OS) Lock(dir string) (io.Closer, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return d, nil
	}
	_ = d.Close() // nothing was written
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
	}
	return nil, &fs.PathError{Op: "lock", Path: dir, Err: err}
}

// FreeBytes is the space left to this process where dir is.
func (OS) FreeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if st.Blocks == 0 {
		return math.MaxInt64 / 2, nil // a file system that does not say
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// Size returns the file's size in bytes.
func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
