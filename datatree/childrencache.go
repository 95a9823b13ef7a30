package datatree

import (
	"container/list"
	"sync"
	"sync/atomic"

	"github.com/meerkat-zk/meerkat/jute"
)

// minCachedChildren is how many children make a list worth keeping: shorter
// ones are encoded as fast as they are found.
const minCachedChildren = 32

// childrenCache keeps encoded lists of children, the least recently used ones
// making room. It locks itself, for readers share it.
type childrenCache struct {
	maxEntries, maxBytes int // set once

	hits, misses atomic.Int64

	mu     sync.Mutex
	byNode map[*Znode]*list.Element // mu; of encodedChildren
	recent list.List                // mu; most recently used first
	bytes  int                      // mu; of all lists
}

// encodedChildren is a vector of names in wire form. The bytes never change.
type encodedChildren struct {
	node *Znode
	wire []byte
}

func newChildrenCache(maxEntries, maxBytes int) *childrenCache {
	return &childrenCache{maxEntries: maxEntries, maxBytes: maxBytes, byNode: make(map[*Znode]*list.Element)}
}

// get returns the encoded children of z, or nil.
func (c *childrenCache) get(z *Znode) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byNode[z]
	if e == nil {
		c.misses.Add(1)
		return nil
	}
	c.hits.Add(1)
	c.recent.MoveToFront(e)
	return e.Value.(*encodedChildren).wire
}

// put keeps a list that is valid now. It is called by a reader, so nothing
// can have changed since the list was made.
func (c *childrenCache) put(z *Znode, wire []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byNode[z] != nil || len(wire) > c.maxBytes {
		return
	}
	c.byNode[z] = c.recent.PushFront(&encodedChildren{node: z, wire: wire})
	c.bytes += len(wire)
	for len(c.byNode) > c.maxEntries || c.bytes > c.maxBytes {
		c.evict(c.recent.Back())
	}
}

// drop forgets the list of a znode whose children change.
func (c *childrenCache) drop(z *Znode) {
	if z.kids < minCachedChildren-1 { // one more or less was too short, too
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byNode[z]; e != nil {
		c.evict(e)
	}
}

func (c *childrenCache) evict(e *list.Element) {
	entry := c.recent.Remove(e).(*encodedChildren)
	delete(c.byNode, entry.node)
	c.bytes -= len(entry.wire)
}

// AppendChildren adds the names of z's children to b, sorted, as a vector in
// wire form.
func (t *Tree) AppendChildren(b []byte, z *Znode) []byte {
	if wire := t.SharedChildren(z); wire != nil {
		return append(b, wire...)
	}
	return t.encodeChildren(b, z)
}

// SharedChildren returns what AppendChildren appends if the znode has many
// children and lists are cached, and nil otherwise. The bytes never change:
// they may be sent after the gate is left, but not written to.
func (t *Tree) SharedChildren(z *Znode) []byte {
	if z.kids < minCachedChildren || t.cache.maxEntries <= 0 {
		return nil
	}
	if wire := t.cache.get(z); wire != nil {
		return wire
	}
	wire := t.encodeChildren(nil, z)
	t.cache.put(z, wire)
	return wire
}

func (t *Tree) encodeChildren(b []byte, z *Znode) []byte {
	b = jute.AppendInt(b, z.kids)
	at := len(z.key()) + 1
	if cap(b)-len(b) < int(z.kids)*8 {
		b = append(make([]byte, 0, len(b)+int(z.kids)*32), b...)
	}
	t.children(z, func(c *Znode) { b = appendText(b, c.key()[at:]) })
	return b
}

// appendText is jute.AppendString for text that is hardly ever above U+FFFF,
// which takes four bytes of UTF-8 from 0xF0 on.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0xF0 {
			return jute.AppendString(b, s)
		}
	}
	return append(jute.AppendInt(b, int32(len(s))), s...)
}

// ChildrenCacheUse returns how often a cached list was there and was not.
func (t *Tree) ChildrenCacheUse() (hits, misses int64) {
	return t.cache.hits.Load(), t.cache.misses.Load()
}
