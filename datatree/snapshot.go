package datatree

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrSnapshotUsed means that a snapshot was written before or is closed.
var ErrSnapshotUsed = errors.New("snapshot was written already")

// snapshotBatch is how many znodes are copied under one hold of the gate's
// read side: some 10 to 30 µs.
const snapshotBatch = 128

// Snapshot is the state of a tree as of one zxid, to be written while the tree
// goes on changing.
//
// The order of the znodes is a clone, which costs nothing to make and which
// creates and deletes leave alone; a deleted znode is in it as it was. What
// changes inside of a znode the tree copies first, if this snapshot has yet to
// write the znode. Sessions are a clone as well, and ACL lists never change.
type Snapshot struct {
	zxid   int64  // set once
	digest uint64 // set once
	hashed bool   // set once: the tree has a digest
	read   sync.Locker

	sessions *sessionTable // these three are only read
	acls     []*aclEntry
	nodes    *order

	// Written under the gate: by the tree on its write side, by the one who
	// writes the snapshot on its read side.
	cursor *Znode            // the last znode taken; nil before the first
	images map[*Znode]*Znode // znodes that changed since, as they were

	started atomic.Bool // WriteTo was called
	done    atomic.Bool // no images are needed any more
}

// Snapshot begins a snapshot as of the last zxid. It is called under the
// gate's write side and returns at once. read is the gate's read side.
// WriteTo, from any goroutine, takes it for short moments and never while it
// writes. Close must follow.
func (t *Tree) Snapshot(read sync.Locker) *Snapshot {
	t.forgetSnapshots()
	t.dropOrphans()
	s := &Snapshot{
		zxid: t.lastZxid, digest: t.digest, hashed: t.cfg.Digest, read: read,
		sessions: t.sessions.Clone(), acls: t.acls.listed(), nodes: t.ordered.Clone(),
		images: make(map[*Znode]*Znode),
	}
	t.snapshots = append(t.snapshots, s)
	return s
}

// forgetSnapshots lets go of the snapshots that are done.
func (t *Tree) forgetSnapshots() {
	if len(t.snapshots) == 0 {
		return
	}
	kept := t.snapshots[:0]
	for _, s := range t.snapshots {
		if !s.done.Load() {
			kept = append(kept, s)
		}
	}
	clear(t.snapshots[len(kept):])
	t.snapshots = kept
}

// keepImage copies a znode that is about to change for each snapshot that has
// yet to write it.
func (t *Tree) keepImage(z *Znode) {
	for _, s := range t.snapshots {
		s.keep(z)
	}
}

func (s *Snapshot) keep(z *Znode) {
	if s.done.Load() || s.cursor != nil && !before(s.cursor, z) {
		return
	}
	if s.images[z] == nil {
		image := *z
		s.images[z] = &image
	}
}

// Zxid returns the zxid that the snapshot is exact as of.
func (s *Snapshot) Zxid() int64 { return s.zxid }

// Digest returns the digest of the tree as of Zxid; ok is false when digests
// are off.
func (s *Snapshot) Digest() (digest uint64, ok bool) { return s.digest, s.hashed }

// Close releases what the snapshot holds. It may be called more than once,
// and without the gate, but not while WriteTo runs.
func (s *Snapshot) Close() {
	s.started.Store(true)
	s.done.Store(true)
	s.sessions, s.acls, s.nodes = nil, nil, nil
}

// WriteTo writes parts 2 to 5 of a snapshot file: the sessions, the ACL
// lists, the znodes and the path "/" that ends them. It can be called once.
func (s *Snapshot) WriteTo(w io.Writer) (int64, error) {
	if s.started.Swap(true) {
		return 0, ErrSnapshotUsed
	}
	defer s.done.Store(true)
	count := countingWriter{w: w}
	out := snapshotWriter{dst: bufio.NewWriterSize(&count, 1<<16)}
	s.writeSessions(&out)
	s.writeACLs(&out)
	s.writeNodes(&out)
	out.text(rootPath)
	out.flush()
	return count.n, out.err
}

func (s *Snapshot) writeSessions(out *snapshotWriter) {
	out.int(int32(s.sessions.Len()))
	s.sessions.Ascend(func(e sessionEntry) bool {
		out.long(e.id)
		out.int(e.timeoutMs)
		return out.err == nil
	})
}

func (s *Snapshot) writeACLs(out *snapshotWriter) {
	count := int32(0)
	for _, entry := range s.acls {
		if entry != nil {
			count++
		}
	}
	out.int(count)
	for id, entry := range s.acls {
		if entry != nil {
			out.long(snapshotACL(aclID(id)))
			out.acl(entry.acl)
		}
	}
}

func (s *Snapshot) writeNodes(out *snapshotWriter) {
	batch := make([]Znode, 0, snapshotBatch)
	for out.err == nil {
		batch = s.take(batch[:0])
		for i := range batch {
			out.node(&batch[i])
		}
		if len(batch) < snapshotBatch {
			return
		}
	}
}

// take copies the next znodes as they were. The copies share the texts, which
// never change, so they are encoded without the gate.
func (s *Snapshot) take(batch []Znode) []Znode {
	s.read.Lock()
	defer s.read.Unlock()
	from := s.cursor
	visit := func(z *Znode) bool {
		if z == from {
			return true
		}
		s.cursor = z
		if image := s.images[z]; image != nil {
			batch = append(batch, *image)
			delete(s.images, z)
		} else {
			batch = append(batch, *z)
		}
		return len(batch) < snapshotBatch
	}
	if from == nil {
		s.nodes.Ascend(visit)
	} else {
		s.nodes.AscendGreaterOrEqual(from, visit)
	}
	return batch
}

// snapshotWriter encodes what a snapshot consists of. The first error sticks.
type snapshotWriter struct {
	dst     *bufio.Writer
	scratch []byte
	err     error
}

func (o *snapshotWriter) write(b []byte) {
	if o.err == nil {
		_, o.err = o.dst.Write(b)
	}
}

func (o *snapshotWriter) flush() {
	if o.err == nil {
		o.err = o.dst.Flush()
	}
}

func (o *snapshotWriter) int(v int32) { o.write(jute.AppendInt(o.scratch[:0], v)) }

func (o *snapshotWriter) long(v int64) { o.write(jute.AppendLong(o.scratch[:0], v)) }

func (o *snapshotWriter) text(s string) { o.write(appendText(o.scratch[:0], s)) }

func (o *snapshotWriter) acl(acl []proto.ACL) { o.write(proto.AppendACLs(o.scratch[:0], acl)) }

// node writes path and DataNode. Data goes out without another copy.
func (o *snapshotWriter) node(z *Znode) {
	b := appendText(o.scratch[:0], z.key())
	b = jute.AppendInt(b, z.dataLen)
	o.write(b)
	o.write(z.Data())
	st := z.Persisted()
	b = jute.AppendLong(b[:0], snapshotACL(z.acl))
	b = st.Append(b)
	o.write(b)
	o.scratch = b
}

// countingWriter counts what has been written.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
