package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a disk in memory. It does what a POSIX file system may do to those
// who rely on more than they synced: see [Mem.Crash]. It is safe for
// concurrent use. Times are all zero.
type Mem struct {
	mu       sync.Mutex       // guards all below, and every memNode
	root     *memNode         // the directory "/"
	locked   map[*memNode]int // directories whose lock is held
	limit    int64            // bytes that fit, in sectors; negative is no limit
	used     int64            // bytes allocated, in sectors
	ops      int              // operations begun
	observer func(Op) error   // called before each operation, without mu
}

// NewMem returns an empty disk without a size limit.
func NewMem() *Mem {
	return &Mem{root: newMemDir(), locked: map[*memNode]int{}, limit: -1}
}

// memNode is a file or a directory; entries is nil for a file.
type memNode struct {
	entries map[string]*memNode // the directory as programs see it
	durable map[string]*memNode // the directory as of the last SyncDir
	pending []memDirOp          // what SyncDir would make durable, in order

	memData // the content of a file
}

// memDirOp is one change of a directory that happens as a whole: each name's
// new node, nil for none.
type memDirOp map[string]*memNode

func newMemDir() *memNode {
	return &memNode{entries: map[string]*memNode{}, durable: map[string]*memNode{}}
}

func (n *memNode) change(op memDirOp) {
	for name, node := range op {
		if node == nil {
			delete(n.entries, name)
		} else {
			n.entries[name] = node
		}
	}
	n.pending = append(n.pending, op)
}

// begin counts an operation and lets the observer fail it.
func (m *Mem) begin(kind OpKind, name string, sizeBytes int) error {
	m.mu.Lock()
	op := Op{Kind: kind, Path: name, Index: m.ops, Bytes: sizeBytes}
	m.ops++
	observe := m.observer
	m.mu.Unlock()
	if observe == nil {
		return nil
	}
	if err := observe(op); err != nil {
		return &fs.PathError{Op: kind.String(), Path: name, Err: err}
	}
	return nil
}

// find returns the node of a name. mu is held.
func (m *Mem) find(name string) (*memNode, error) {
	node := m.root
	for _, part := range split(name) {
		next, ok := node.entries[part]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		node = next
	}
	return node, nil
}

// parent returns the directory of a name and its last part. mu is held.
func (m *Mem) parent(name string) (*memNode, string, error) {
	dir, base := path.Split(path.Clean("/" + name))
	node, err := m.find(dir)
	if err != nil {
		return nil, "", err
	}
	if node.entries == nil {
		return nil, "", &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	return node, base, nil
}

func split(name string) []string {
	return strings.FieldsFunc(path.Clean("/"+name), func(r rune) bool { return r == '/' })
}

// Open opens an existing file for reading.
func (m *Mem) Open(name string) (File, error) { return m.open(OpOpen, name, false) }

// OpenWrite opens an existing file for reading and writing.
func (m *Mem) OpenWrite(name string) (File, error) { return m.open(OpOpen, name, true) }

func (m *Mem) open(kind OpKind, name string, write bool) (File, error) {
	if err := m.begin(kind, name, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(name)
	if err != nil {
		return nil, err
	}
	if node.entries != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	return &memFile{disk: m, node: node, name: name, write: write}, nil
}

// Create opens a new or emptied file for reading and writing.
func (m *Mem) Create(name string) (File, error) {
	if err := m.begin(OpCreate, name, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		return nil, err
	}
	node, ok := dir.entries[base]
	switch {
	case ok && node.entries != nil:
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.EISDIR}
	case ok:
		m.used -= node.truncate(0)
	default:
		node = &memNode{}
		dir.change(memDirOp{base: node})
	}
	return &memFile{disk: m, node: node, name: name, write: true}, nil
}

// Remove deletes a file. Its space is free at once.
func (m *Mem) Remove(name string) error {
	if err := m.begin(OpRemove, name, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err != nil {
		return err
	}
	node, ok := dir.entries[base]
	if !ok {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if len(node.entries) > 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	m.used -= node.release()
	dir.change(memDirOp{base: nil})
	return nil
}

// Rename puts a file under a new name in the same directory.
func (m *Mem) Rename(from, to string) error {
	if err := m.begin(OpRename, to, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(from)
	if err != nil {
		return err
	}
	target, newBase, err := m.parent(to)
	if err != nil {
		return err
	}
	node, ok := dir.entries[base]
	switch {
	case !ok:
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	case target != dir || node.entries != nil:
		return &fs.PathError{Op: "rename", Path: from, Err: syscall.EXDEV}
	}
	if old, ok := dir.entries[newBase]; ok {
		m.used -= old.release()
	}
	dir.change(memDirOp{base: nil, newBase: node})
	return nil
}

// MkdirAll makes a directory and those above it, each of them durable.
func (m *Mem) MkdirAll(dir string) error {
	if err := m.begin(OpMkdir, dir, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	node := m.root
	for _, part := range split(dir) {
		next, ok := node.entries[part]
		if !ok {
			next = newMemDir()
			node.entries[part], node.durable[part] = next, next
		}
		if next.entries == nil {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		node = next
	}
	return nil
}

// List returns the entries of a directory, sorted by name.
func (m *Mem) List(dir string) ([]Info, error) {
	if err := m.begin(OpList, dir, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(dir)
	if err != nil {
		return nil, err
	}
	if node.entries == nil {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: syscall.ENOTDIR}
	}
	infos := make([]Info, 0, len(node.entries))
	for name, entry := range node.entries {
		infos = append(infos, entry.info(name))
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Name < infos[j].Name })
	return infos, nil
}

func (n *memNode) info(name string) Info {
	return Info{Name: name, SizeBytes: int64(len(n.data)), Modified: time.Time{}, Dir: n.entries != nil}
}

// Stat describes a file or directory.
func (m *Mem) Stat(name string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(name)
	if err != nil {
		return Info{}, err
	}
	return node.info(path.Base(path.Clean("/" + name))), nil
}

// SameFile tells whether two names lead to one file or directory.
func (m *Mem) SameFile(a, b string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	first, err := m.find(a)
	if err != nil {
		return false
	}
	second, err := m.find(b)
	return err == nil && first == second
}

// Writable fails only for what is not a directory, or when the observer fails
// it.
func (m *Mem) Writable(dir string) error {
	if err := m.begin(OpAccess, dir, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(dir)
	if err == nil && node.entries == nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: syscall.ENOTDIR}
	}
	return err
}

// SyncDir makes the creates, renames and removals in a directory durable.
func (m *Mem) SyncDir(dir string) error {
	if err := m.begin(OpSyncDir, dir, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(dir)
	if err != nil {
		return err
	}
	node.durable = after(node.durable, node.pending)
	node.pending = nil
	return nil
}

// Lock takes the lock of a directory. A clone made by Crash holds none.
func (m *Mem) Lock(dir string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(dir)
	if err != nil {
		return nil, err
	}
	if m.locked[node] > 0 {
		return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
	}
	m.locked[node]++
	return memLock{m, node}, nil
}

type memLock struct {
	disk *Mem
	node *memNode
}

// Close gives the lock back.
func (l memLock) Close() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	delete(l.disk.locked, l.node)
	return nil
}

// FreeBytes is the space left.
func (m *Mem) FreeBytes(string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if room := m.room(); room >= 0 {
		return room, nil
	}
	return 1 << 40, nil
}

// room is the space left, negative without a limit. mu is held.
func (m *Mem) room() int64 {
	if m.limit < 0 {
		return -1
	}
	return max(0, m.limit-m.used)
}
