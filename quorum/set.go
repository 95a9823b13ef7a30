package quorum

import "slices"

// Set is a set of server ids, ascending. The zero value is empty. Ensembles
// are small, so a sorted slice beats a map, and its order never varies.
type Set []int64

// NewSet returns the set of the given ids; repeated ones count once.
func NewSet(ids ...int64) Set {
	s := slices.Clone(ids)
	slices.Sort(s)
	return slices.Compact(s)
}

// Has tells whether id is in the set.
func (s Set) Has(id int64) bool {
	_, found := slices.BinarySearch(s, id)
	return found
}

// Add returns the set with id in it, reusing the memory of s.
func (s Set) Add(id int64) Set {
	at, found := slices.BinarySearch(s, id)
	if found {
		return s
	}
	return slices.Insert(s, at, id)
}

// Without returns a copy of the set that does not have id.
func (s Set) Without(id int64) Set { return slices.Clone(s).Remove(id) }

// Remove returns the set without id, reusing the memory of s.
func (s Set) Remove(id int64) Set {
	at, found := slices.BinarySearch(s, id)
	if !found {
		return s
	}
	return slices.Delete(s, at, at+1)
}
