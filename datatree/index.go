package datatree

import (
	"hash/maphash"
	"strings"
)

// index finds a znode by its path. It maps a 64-bit hash of the path, keyed
// by a random seed, and not the path itself: that takes half the memory,
// and no key holds on to the text of a znode whose data has been replaced.
// Two paths with one hash are next to impossible and yet handled: the later
// one goes into a map of its own.
type index struct {
	seed   maphash.Seed
	mask   uint64 // all ones; tests clear bits to get collisions
	byHash map[uint64]*Znode
	others map[string]*Znode // nil until two paths collide
}

func newIndex() index {
	return index{seed: maphash.MakeSeed(), mask: ^uint64(0), byHash: make(map[uint64]*Znode)}
}

func (x *index) hash(path string) uint64 { return maphash.String(x.seed, path) & x.mask }

// get returns the znode at path, or nil. It neither allocates nor keeps path.
func (x *index) get(path string) *Znode {
	if z := x.byHash[x.hash(path)]; z != nil && z.key() == path {
		return z
	}
	if len(x.others) == 0 {
		return nil
	}
	return x.others[path]
}

// put adds a znode, and reports false if its path is taken.
func (x *index) put(z *Znode) bool {
	h := x.hash(z.key())
	other := x.byHash[h]
	if len(x.others) == 0 && other == nil {
		x.byHash[h] = z
		return true
	}
	return x.putBeside(z, h, other)
}

// putBeside is put where other, or another znode before it, has the hash.
func (x *index) putBeside(z *Znode, h uint64, other *Znode) bool {
	switch _, taken := x.others[z.key()]; {
	case taken || other != nil && other.key() == z.key():
		return false
	case other == nil:
		x.byHash[h] = z
		return true
	}
	if x.others == nil {
		x.others = make(map[string]*Znode)
	}
	x.others[strings.Clone(z.key())] = z
	return true
}

// remove drops a znode that is in the index.
func (x *index) remove(z *Znode) {
	if h := x.hash(z.key()); x.byHash[h] == z {
		delete(x.byHash, h)
		return
	}
	delete(x.others, z.key())
}

func (x *index) len() int { return len(x.byHash) + len(x.others) }
