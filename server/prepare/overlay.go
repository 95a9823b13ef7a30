package prepare

import (
	"sync/atomic"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// record is a znode as it will be once everything before it is applied.
// Records are never changed after they were pushed.
type record struct {
	zxid     int64 // of the change; 0 for a record read from the tree
	path     string
	gone     bool // deleted: only zxid and path mean anything
	stat     datatree.Persisted
	children int32
	acl      []proto.ACL
	data     []byte
	digest   uint64
}

// change is one push, remembered so that it can be taken back.
type change struct {
	rec  *record
	prev *record // what stood at the path in the overlay before; nil if nothing
}

// overlay holds the changes that are proposed and not yet applied: the newest
// record of each path, and all of them in zxid order.
type overlay struct {
	newest map[string]*record
	queue  []change // in zxid order; the first done entries are applied
	done   int

	pushed, trimmed atomic.Int64 // changes, ever; what was rolled back does not count
}

func newOverlay() *overlay { return &overlay{newest: make(map[string]*record)} }

func (o *overlay) get(path string) *record { return o.newest[path] }

func (o *overlay) push(r *record) {
	o.queue = append(o.queue, change{rec: r, prev: o.newest[r.path]})
	o.newest[r.path] = r
	o.pushed.Add(1)
}

// mark returns a place to roll back to.
func (o *overlay) mark() int { return len(o.queue) }

// rollback takes back every push since the mark, newest first.
func (o *overlay) rollback(mark int) {
	for i := len(o.queue) - 1; i >= mark; i-- {
		c := o.queue[i]
		if c.prev == nil {
			delete(o.newest, c.rec.path)
		} else {
			o.newest[c.rec.path] = c.prev
		}
		o.queue[i] = change{}
	}
	o.pushed.Add(-int64(len(o.queue) - mark))
	o.queue = o.queue[:mark]
}

// compactAbove is how many applied entries may stand before the queue is
// moved to the front of its memory.
const compactAbove = 1024

// trim forgets the changes that the tree has applied. It is not called
// between mark and rollback.
func (o *overlay) trim(applied int64) {
	for o.done < len(o.queue) && o.queue[o.done].rec.zxid <= applied {
		r := o.queue[o.done].rec
		if o.newest[r.path] == r {
			delete(o.newest, r.path)
		}
		o.queue[o.done] = change{}
		o.done++
		o.trimmed.Add(1)
	}
	switch {
	case o.done == len(o.queue):
		o.queue, o.done = o.queue[:0], 0
	case o.done > compactAbove && o.done > len(o.queue)/2:
		n := copy(o.queue, o.queue[o.done:])
		clear(o.queue[n:])
		o.queue, o.done = o.queue[:n], 0
	}
}

// pending visits the changes not yet applied, oldest first.
func (o *overlay) pending(visit func(*record)) {
	for _, c := range o.queue[o.done:] {
		visit(c.rec)
	}
}
