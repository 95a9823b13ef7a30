package vfs

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Sync makes the bytes and the size durable. fdatasync leaves out the time of
// the last change: over space that is already allocated and written, nothing
// but the data goes to the device.
func (f osFile) Sync() error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &fs.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
		}
	}
}

// Allocate reserves disk space.
func (f osFile) Allocate(sizeBytes int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, sizeBytes)
	for errors.Is(err, unix.EINTR) { // by any signal, on some file systems
		err = unix.Fallocate(int(f.Fd()), 0, 0, sizeBytes)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS):
		return &fs.PathError{Op: "fallocate", Path: f.Name(), Err: errors.ErrUnsupported}
	}
	return &fs.PathError{Op: "fallocate", Path: f.Name(), Err: err}
}

// Push writes a range to the device.
func (f osFile) Push(off, n int64) error {
	const flags = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	err := unix.SyncFileRange(int(f.Fd()), off, n, flags)
	if err == nil || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ESPIPE) {
		return nil // a file system that cannot do this loses only the pacing
	}
	return &fs.PathError{Op: "sync_file_range", Path: f.Name(), Err: err}
}
