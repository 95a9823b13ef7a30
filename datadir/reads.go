package datadir

import "github.com/meerkat-zk/meerkat/persistence/vfs"

// WatchReads returns a file system that reports what is read from it: the
// name of each file when it is opened and the bytes of each read. The
// functions are called on the goroutines that read.
func WatchReads(fsys vfs.FS, opened func(name string), read func(sizeBytes int)) vfs.FS {
	return watchedFS{fsys, opened, read}
}

type watchedFS struct {
	vfs.FS
	opened func(string)
	read   func(int)
}

// Open opens an existing file for reading.
func (w watchedFS) Open(name string) (vfs.File, error) {
	f, err := w.FS.Open(name)
	if err != nil {
		return nil, err
	}
	w.opened(name)
	return watchedFile{f, w.read}, nil
}

type watchedFile struct {
	vfs.File
	read func(int)
}

// ReadAt reads and reports how much.
func (w watchedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.File.ReadAt(p, off)
	w.read(n)
	return n, err
}
