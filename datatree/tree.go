package datatree

import (
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// DefaultChildrenCacheBytes bounds the memory of the cache of encoded
// children when the configuration does not.
const DefaultChildrenCacheBytes = 64 << 20

// Config says how a tree works. The functions may be nil; they are called
// under the gate and must not call back.
type Config struct {
	// Digest keeps the digest of the tree (zookeeper.digest.enabled).
	Digest bool
	// ExtendedTypes makes TTL znodes what they are; without it their owner
	// reads as a session (zookeeper.extendedTypesEnabled).
	ExtendedTypes bool
	// Emulate353TTL also knows TTL znodes by the mark of Apache 3.5.3
	// (zookeeper.emulate353TTLNodes).
	Emulate353TTL bool
	// ChildrenCache is how many encoded lists of children are kept for
	// getChildren of large parents; 0 is none.
	ChildrenCache int
	// ChildrenCacheBytes bounds their memory; 0 is the default.
	ChildrenCacheBytes int
	// WatchLimit is how many paths one watcher may watch; 0 is no limit.
	WatchLimit int
	// DigestMismatch hears of every digest that is not what it should be.
	DigestMismatch func(Mismatch)
	// Notice hears, in one line each, of what an operator should know.
	Notice func(string)
	// Triggered hears how many watchers a change had, if any.
	Triggered func(event proto.EventType, watchers int)
}

// Tree is the replicated state. See the package comment for who may call
// what when.
type Tree struct {
	cfg Config // set once

	// All below change under the gate's write side only.
	root     *Znode // nil only while a snapshot is decoded
	index    index
	ordered  *order
	acls     *aclTable
	sessions *sessionTable
	owned    owned
	quotas   map[string]struct{} // paths that have a quota
	lastZxid int64               // of all transactions applied
	sizes    int64               // paths and data, as Apache counts them

	digest uint64
	check  digestCheck
	hasher Hasher // scratch

	orphans map[string]int32 // children by the path of a parent that is gone; see recovery.go
	adopted bool             // some were taken over: the usage of quotas may be off

	snapshots []*Snapshot // that are being written

	// These lock themselves.
	watches *Watches
	cache   *childrenCache
}

// New returns a tree with the reserved znodes and nothing else.
func New(cfg Config) *Tree {
	t := &Tree{cfg: cfg}
	if t.cfg.ChildrenCacheBytes == 0 {
		t.cfg.ChildrenCacheBytes = DefaultChildrenCacheBytes
	}
	t.watches = newWatches(t)
	t.Reset()
	return t
}

// Reset forgets everything but the watches.
func (t *Tree) Reset() {
	t.clear()
	t.root = newZnode("", emptyData)
	t.plant(t.root, nil)
	for _, path := range []string{systemPath, quotaPath} {
		t.plant(newZnode(path, emptyData), t.parentOf(path))
	}
	t.addConfigNode()
	t.countRootTwice()
}

// countRootTwice adds the size of the root under its second name, "/".
func (t *Tree) countRootTwice() { t.sizes += int64(len(rootPath)) + t.root.dataBytes() }

// clear leaves not even a root.
func (t *Tree) clear() {
	t.root = nil
	t.index, t.ordered = newIndex(), newOrder()
	t.acls, t.sessions, t.owned = newACLTable(), newSessionTable(), newOwned()
	t.quotas, t.orphans, t.adopted = make(map[string]struct{}), nil, false
	t.lastZxid, t.sizes, t.digest, t.check = 0, 0, 0, digestCheck{}
	t.snapshots = nil // what they hold changes no more
	t.cache = newChildrenCache(t.cfg.ChildrenCache, t.cfg.ChildrenCacheBytes)
}

// Lookup returns the znode at path, or nil. "/" and "" are the root. It does
// not allocate and does not keep path.
func (t *Tree) Lookup(path string) *Znode {
	z, _ := t.find(path)
	return z
}

// find is Lookup that also tells where the index files the path, if it is not
// the root's.
func (t *Tree) find(path string) (*Znode, spot) {
	if path == "" || path == rootPath {
		return t.root, spot{}
	}
	return t.index.find(path)
}

// parentOf looks up the parent of a path; nil if there is none.
func (t *Tree) parentOf(path string) *Znode {
	parent, _, ok := SplitPath(path)
	if !ok {
		return nil
	}
	return t.Lookup(parent)
}

// LastZxid returns the highest zxid applied.
func (t *Tree) LastZxid() int64 { return t.lastZxid }

// SetLastZxid sets the zxid that the state is known to be at, after a
// snapshot was decoded, whose zxid is not in it.
func (t *Tree) SetLastZxid(zxid int64) {
	t.lastZxid = zxid
	t.comparePending(zxid + 1)
}

// Nodes returns the number of znodes as Apache counts it: the root, which has
// two names there, twice.
func (t *Tree) Nodes() int { return t.index.len() + 1 }

// EphemeralCount returns how many ephemerals there are.
func (t *Tree) EphemeralCount() int { return t.owned.count }

// DataSize returns the size of all paths and data, as Apache counts it.
func (t *Tree) DataSize() int64 { return t.sizes }

// Watches returns the watch tables.
func (t *Tree) Watches() *Watches { return t.watches }

func (t *Tree) notice(text string) {
	if t.cfg.Notice != nil {
		t.cfg.Notice(text)
	}
}
