package prepare

import (
	"sync/atomic"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// record is a znode as it will be once everything before it is applied.
// Records are never changed after they were pushed.
type record struct {
	zxid      int64  // of the change; 0 for a record read from the tree
	path      string // in memory of its own, or of the tree
	gone      bool   // deleted: only zxid and path mean anything
	stat      datatree.Persisted
	children  int32
	acl       []proto.ACL
	dataBytes int64
	text      uint32 // CRC-32 of path and data, for the digest
	digest    uint64 // what it adds to that of the tree
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
	spare  []*record // applied or rolled back, to be used again

	pushed, trimmed atomic.Int64 // changes, ever; what was rolled back does not count
}

func newOverlay() *overlay { return &overlay{newest: make(map[string]*record)} }

func (o *overlay) get(path string) *record { return o.newest[path] }

func (o *overlay) push(r record) {
	c := o.take()
	*c = r
	o.queue = append(o.queue, change{rec: c, prev: o.newest[c.path]})
	o.newest[c.path] = c
	o.pushed.Add(1)
}

// keepSpare is how many records are kept to be used again.
const keepSpare = 4096

func (o *overlay) take() *record {
	n := len(o.spare)
	if n == 0 {
		return new(record)
	}
	r := o.spare[n-1]
	o.spare = o.spare[:n-1]
	return r
}

// free takes back a record that was applied or rolled back. A change behind it
// may still have it as prev, which nobody asks for any more: only the changes
// of the write at hand are rolled back, and while it is prepared none of what
// was there before it is freed.
func (o *overlay) free(r *record) {
	if len(o.spare) < keepSpare {
		*r = record{}
		o.spare = append(o.spare, r)
	}
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
		o.free(c.rec)
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
	before := o.done
	for o.done < len(o.queue) && o.queue[o.done].rec.zxid <= applied {
		r := o.queue[o.done].rec
		if o.newest[r.path] == r {
			delete(o.newest, r.path)
		}
		o.free(r)
		o.queue[o.done] = change{}
		o.done++
	}
	if o.done == before {
		return
	}
	o.trimmed.Add(int64(o.done - before))
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
