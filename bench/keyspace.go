package bench

import (
	"fmt"
	"strconv"
)

// childrenPerParent is how many keys share a parent, except where a workload
// is about the size of a parent: usual, and far from filling a frame when
// listed.
const childrenPerParent = 1000

// A keyspace numbers znodes. All paths of one keyspace are equally long, so
// that a request for another key is the same frame with other digits in it:
//
//	<root>/parent-000012/child-0000012345
type keyspace struct {
	root      string // an existing znode, without a final slash
	count     int64  // keys are 0 to count-1
	perParent int64
	child     string // the child's name before its digits
	digits    int    // of the child
}

const parentDigits = 6

// newKeyspace spreads keys over parents. Its paths are about as long as paths
// in use.
func newKeyspace(root string, count int64) keyspace {
	return keyspace{root: root, count: count, perParent: childrenPerParent, child: "/child-", digits: 10}
}

// newFamily puts all keys below one parent, under short names.
func newFamily(root string, count int64) keyspace {
	return keyspace{root: root, count: count, perParent: count, child: "/c", digits: len(strconv.FormatInt(count, 10))}
}

func (k keyspace) parents() int64 {
	return (k.count + k.perParent - 1) / k.perParent
}

func (k keyspace) parent(i int64) string {
	return fmt.Sprintf("%s/parent-%0*d", k.root, parentDigits, i)
}

func (k keyspace) path(key int64) string {
	return fmt.Sprintf("%s%s%0*d", k.parent(key/k.perParent), k.child, k.digits, key)
}

// offsets tells where in a path the digits of the parent and of the child
// begin.
func (k keyspace) offsets() (parent, child int) {
	parent = len(k.root) + len("/parent-")
	return parent, parent + parentDigits + len(k.child)
}

// LastKey is the path of the last znode that a run of Fill with these settings
// creates, and that one of Read, Write or Mixed reads.
func LastKey(c Config) string {
	return newKeyspace(c.Root+"/keys", c.Keys).path(c.Keys - 1)
}

// putDigits writes v in decimal over all of p, with leading zeros.
func putDigits(p []byte, v int64) {
	for i := len(p) - 1; i >= 0; i-- {
		q := v / 10
		p[i] = byte('0' + v - q*10)
		v = q
	}
}
