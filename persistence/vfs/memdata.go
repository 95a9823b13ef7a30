package vfs

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// SectorBytes is what a disk writes as a whole: of an unsynced write, each
// sector either gets to the medium or does not.
const SectorBytes = 512

// memData is the content of a file: as programs see it, and what is needed to
// tell what a power loss would leave.
type memData struct {
	data    []byte
	synced  int64            // size as of the last Sync
	dirty   map[int64][]byte // by sector: what the medium held before; nil is zeros
	doomed  map[int64][]byte // sectors that a failed Sync gave up: the medium keeps the old
	sectors []bool           // which sectors have space allocated
}

func (d *memData) allocated() int64 {
	var n int64
	for _, has := range d.sectors {
		if has {
			n += SectorBytes
		}
	}
	return n
}

// release gives back the space of a file that has lost its name, though it
// may still be open.
func (d *memData) release() int64 {
	freed := d.allocated()
	d.sectors = nil
	return freed
}

// sector returns a copy of a sector's bytes, nil when it has none or only
// zeros: files that are filled with zeros ahead of their use are long.
func (d *memData) sector(i int64) []byte {
	if i*SectorBytes >= int64(len(d.data)) {
		return nil
	}
	old := d.data[i*SectorBytes : min(int64(len(d.data)), (i+1)*SectorBytes)]
	if bytes.Equal(old, zeroSector[:len(old)]) {
		return nil
	}
	return bytes.Clone(old)
}

var zeroSector [SectorBytes]byte

// touch notes that a sector is about to change.
func (d *memData) touch(i int64) {
	if _, ok := d.dirty[i]; ok {
		return
	}
	if d.dirty == nil {
		d.dirty = map[int64][]byte{}
	}
	if old, ok := d.doomed[i]; ok {
		d.dirty[i] = old
		delete(d.doomed, i)
		return
	}
	d.dirty[i] = d.sector(i)
}

// write stores as much of p at off as room bytes of new space allow, and
// returns how much was stored and what it allocated.
func (d *memData) write(p []byte, off, room int64) (n int, grown int64) {
	for n < len(p) {
		i := (off + int64(n)) / SectorBytes
		for int64(len(d.sectors)) <= i {
			d.sectors = append(d.sectors, false)
		}
		if !d.sectors[i] {
			if room >= 0 && grown+SectorBytes > room {
				return n, grown
			}
			d.sectors[i] = true
			grown += SectorBytes
		}
		d.touch(i)
		end := min(int64(len(p)), (i+1)*SectorBytes-off)
		if need := off + end; need > int64(len(d.data)) {
			d.data = append(d.data, make([]byte, need-int64(len(d.data)))...)
		}
		copy(d.data[off+int64(n):off+end], p[n:end])
		n = int(end)
	}
	return n, grown
}

// allocate reserves the sectors below size, or none when there is no room.
func (d *memData) allocate(size, room int64) (grown int64, ok bool) {
	count := (size + SectorBytes - 1) / SectorBytes
	for i := range count {
		if i >= int64(len(d.sectors)) || !d.sectors[i] {
			grown += SectorBytes
		}
	}
	if room >= 0 && grown > room {
		return 0, false
	}
	d.sectors = append(d.sectors, make([]bool, max(0, count-int64(len(d.sectors))))...)
	for i := range count {
		d.sectors[i] = true
	}
	if size > int64(len(d.data)) {
		d.truncate(size)
	}
	return grown, true
}

// truncate sets the size and returns the space that became free.
func (d *memData) truncate(size int64) (freed int64) {
	old := int64(len(d.data))
	if size >= old {
		d.data = append(d.data, make([]byte, size-old)...)
		return 0
	}
	for i := size / SectorBytes; i*SectorBytes < old; i++ {
		d.touch(i)
	}
	d.data = d.data[:size:size]
	for i := (size + SectorBytes - 1) / SectorBytes; i < int64(len(d.sectors)); i++ {
		if d.sectors[i] {
			d.sectors[i] = false
			freed += SectorBytes
		}
	}
	return freed
}

func (d *memData) sync() {
	d.dirty, d.synced = nil, int64(len(d.data))
}

// giveUp is a Sync that failed: like Linux it forgets that the sectors are
// dirty, so a later Sync succeeds without having written them.
func (d *memData) giveUp() {
	if d.doomed == nil {
		d.doomed = map[int64][]byte{}
	}
	for i, old := range d.dirty {
		d.doomed[i] = old
	}
	d.dirty = nil
}

// memFile is an open file.
type memFile struct {
	disk   *Mem     // set once
	node   *memNode // set once; guarded by the disk's mu
	name   string   // set once
	write  bool     // set once
	closed bool     // guarded by the disk's mu
}

func (f *memFile) check(op string) error {
	if f.closed {
		return &fs.PathError{Op: op, Path: f.name, Err: os.ErrClosed}
	}
	return nil
}

// ReadAt reads at an offset.
func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.disk.begin(OpRead, f.name, len(p)); err != nil {
		return 0, err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.check("read"); err != nil {
		return 0, err
	}
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes at an offset. On a full disk it writes what fits.
func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.disk.begin(OpWrite, f.name, len(p)); err != nil {
		return 0, err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.check("write"); err != nil {
		return 0, err
	}
	if !f.write {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: syscall.EBADF}
	}
	n, grown := f.node.memData.write(p, off, f.disk.room())
	f.disk.used += grown
	if n < len(p) {
		return n, &fs.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
	}
	return n, nil
}

// Truncate sets the size; it is durable only after Sync.
func (f *memFile) Truncate(size int64) error {
	if err := f.disk.begin(OpTruncate, f.name, 0); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.check("truncate"); err != nil {
		return err
	}
	f.disk.used -= f.node.truncate(size)
	return nil
}

// Allocate reserves disk space.
func (f *memFile) Allocate(size int64) error {
	if err := f.disk.begin(OpAllocate, f.name, int(size)); err != nil {
		return err
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.check("allocate"); err != nil {
		return err
	}
	grown, ok := f.node.allocate(size, f.disk.room())
	if !ok {
		return &fs.PathError{Op: "allocate", Path: f.name, Err: syscall.ENOSPC}
	}
	f.disk.used += grown
	return nil
}

// Size returns the file's size in bytes.
func (f *memFile) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.node.data)), f.check("stat")
}

// Sync makes the bytes and the size durable.
func (f *memFile) Sync() error {
	err := f.disk.begin(OpSync, f.name, 0)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err != nil {
		f.node.giveUp()
		return err
	}
	if err := f.check("sync"); err != nil {
		return err
	}
	f.node.sync()
	return nil
}

// Push does nothing: there is no device to be fair to.
func (f *memFile) Push(int64, int64) error { return nil }

// Close closes the file.
func (f *memFile) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.check("close")
	f.closed = true
	return err
}
