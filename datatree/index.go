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

// spot is where the index files a path. It is good until the index changes.
type spot struct {
	hash  uint64
	taken bool // another path has the hash
}

// find returns the znode at path, or nil, and the spot of the path. It neither
// allocates nor keeps path.
func (x *index) find(path string) (*Znode, spot) {
	s := spot{hash: x.hash(path)}
	z := x.byHash[s.hash]
	if z != nil {
		if z.key() == path {
			return z, s
		}
		s.taken = true
	}
	if len(x.others) == 0 {
		return nil, s
	}
	return x.others[path], s
}

// fill adds a znode whose path has that spot and is not in the index.
func (x *index) fill(s spot, z *Znode) {
	if !s.taken {
		x.byHash[s.hash] = z
		return
	}
	if x.others == nil {
		x.others = make(map[string]*Znode)
	}
	x.others[strings.Clone(z.key())] = z
}

// put adds a znode, and reports false if its path is taken.
func (x *index) put(z *Znode) bool {
	there, s := x.find(z.key())
	if there != nil {
		return false
	}
	x.fill(s, z)
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
