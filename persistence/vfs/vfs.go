// Package vfs is as much of a file system as keeping data safe needs: files
// read and written by offset, directories whose entries are synced on their
// own, a lock, and the space that is left. [OS] is the machine's; [Mem] is a
// disk in memory that tests let crash, tear, corrupt, fill up and fail.
//
// What survives a power loss is what was synced: a file's bytes after its
// Sync, a directory's creates, renames and removals after SyncDir. Nothing
// else may be relied on, in any order.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// ErrLocked means that another process, or another part of this one, holds
// the lock of a directory.
var ErrLocked = errors.New("directory is in use")

// FS is a file system. Errors are those of package io/fs and of syscall.
type FS interface {
	// Open opens an existing file for reading.
	Open(name string) (File, error)
	// OpenWrite opens an existing file for reading and writing.
	OpenWrite(name string) (File, error)
	// Create opens a new or emptied file for reading and writing.
	Create(name string) (File, error)
	Remove(name string) error
	// Rename puts a file under a new name, in place of what had that name.
	Rename(from, to string) error
	// MkdirAll makes a directory and those above it, each of them durable.
	MkdirAll(dir string) error
	// List returns the entries of a directory, sorted by name.
	List(dir string) ([]Info, error)
	Stat(name string) (Info, error)
	// SameFile tells whether two names lead to one file or directory.
	SameFile(a, b string) bool
	// Writable returns why no file could be created in a directory.
	Writable(dir string) error
	// SyncDir makes the creates, renames and removals in a directory durable.
	SyncDir(dir string) error
	// Lock takes the lock of a directory until it is closed or the process
	// ends. It fails with [ErrLocked] when it is taken.
	Lock(dir string) (io.Closer, error)
	// FreeBytes is the space left to this process where dir is.
	FreeBytes(dir string) (int64, error)
}

// File is an open file. Reads and writes by offset may run concurrently.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(sizeBytes int64) error
	// Allocate makes the file at least so large and reserves disk space for
	// all of it; what was not written reads as zeros. Where a file system
	// cannot do that it fails with [errors.ErrUnsupported].
	Allocate(sizeBytes int64) error
	// Sync makes the bytes and the size durable; other metadata, such as the
	// time of the last change, may be left behind.
	Sync() error
	// Push writes n bytes at off to the device and returns when they are
	// there. It promises nothing about a power loss: it keeps the Sync that
	// follows, and those of other files, from stalling.
	Push(off, n int64) error
}

// Info describes an entry of a directory.
type Info struct {
	Name      string // without the directory
	SizeBytes int64
	Modified  time.Time
	Dir       bool
}

// IsNoSpace tells whether an operation failed for want of disk space or quota.
func IsNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// ReadFile returns the content of a file of at most limitBytes.
func ReadFile(fsys FS, name string, limitBytes int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err == nil && size > limitBytes {
		err = &fs.PathError{Op: "read", Path: name, Err: syscall.EFBIG}
	}
	data := make([]byte, max(0, min(size, limitBytes)))
	if err == nil {
		_, err = io.ReadFull(io.NewSectionReader(f, 0, size), data)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return data, nil
}
