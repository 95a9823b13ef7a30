package vfs

import (
	"cmp"
	"slices"
)

// OpKind is a kind of operation on a [Mem].
type OpKind int

// The operations an observer sees. Stat, Lock and Close are not among them.
const (
	OpOpen OpKind = iota
	OpCreate
	OpRemove
	OpRename
	OpMkdir
	OpList
	OpAccess
	OpRead
	OpWrite
	OpTruncate
	OpAllocate
	OpSync
	OpSyncDir
)

var opKindNames = [...]string{
	OpOpen: "open", OpCreate: "create", OpRemove: "remove", OpRename: "rename", OpMkdir: "mkdir", OpList: "list",
	OpAccess: "access", OpRead: "read", OpWrite: "write", OpTruncate: "truncate", OpAllocate: "allocate", OpSync: "sync", OpSyncDir: "syncdir",
}

// String returns the operation's name.
func (k OpKind) String() string { return opKindNames[k] }

// Changes tells whether the operation may change what a crash leaves: where a
// test of crashes takes its clones.
func (k OpKind) Changes() bool {
	switch k {
	case OpCreate, OpRemove, OpRename, OpMkdir, OpWrite, OpTruncate, OpAllocate, OpSync, OpSyncDir:
		return true
	}
	return false
}

// Op is one operation on a [Mem].
type Op struct {
	Kind  OpKind
	Path  string // of a rename, the new name
	Index int    // operations before it
	Bytes int    // of a read or write
}

// Observe lets f see each operation before it happens. An error from f fails
// the operation, which then has no effect; a Sync that fails so loses what it
// should have made durable, and later ones do not notice, as on Linux. f may
// use the disk, and may run concurrently; nil ends the observation.
func (m *Mem) Observe(f func(Op) error) {
	m.mu.Lock()
	m.observer = f
	m.mu.Unlock()
}

// SetLimit makes the disk so many bytes large; negative is without a limit.
// What is stored already stays.
func (m *Mem) SetLimit(sizeBytes int64) {
	m.mu.Lock()
	m.limit = sizeBytes
	m.mu.Unlock()
}

// Used returns the bytes allocated.
func (m *Mem) Used() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func sortedNames(m map[string]*memNode) []string { return sortedKeys(m) }

func sortedSectors(m map[int64][]byte) []int64 { return sortedKeys(m) }
