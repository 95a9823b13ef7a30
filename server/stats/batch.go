package stats

import "strings"

// Batch gathers what one goroutine does for one connection, so that a burst
// of requests costs one lock. It belongs to that goroutine. The zero Batch is
// not usable: see NewBatch.
type Batch struct {
	conn *Conn

	received, bytesIn int64
	replies           gathered // those not yet added
	namespace         []byte   // of the reads in reads; its memory is reused
	reads             tally    // bytes of reads under namespace
}

// gatherSize bounds the memory of a Batch; a longer burst costs a lock for
// each such part.
const gatherSize = 8

// gathered is up to gatherSize replies of one connection.
type gathered struct {
	count       int
	latency     [gatherSize]int64 // ns
	updates     uint8             // bit i: latency i is an update's
	bytes       int64             // of all
	least, most int64             // bytes of one
	cxid        int32             // the last that is not special; -1: none
	last        Reply
}

func (g *gathered) add(r *Reply) {
	n := int64(r.Bytes)
	if g.count == 0 {
		g.updates, g.bytes, g.least, g.most, g.cxid = 0, 0, n, n, -1
	} else {
		g.least, g.most = min(g.least, n), max(g.most, n)
	}
	g.bytes += n
	g.latency[g.count] = r.EndNs - r.BeganNs
	if r.Update {
		g.updates |= 1 << g.count
	}
	if r.Xid >= 0 { // pings and the like hide nothing
		g.cxid = r.Xid
	}
	g.last = *r
	g.count++
}

// NewBatch makes a batch for a connection.
func NewBatch(c *Conn) Batch { return Batch{conn: c} }

// Received counts a request's frame, without its length.
func (b *Batch) Received(frameBytes int) {
	const lengthBytes = 4
	b.received++
	b.bytesIn += int64(frameBytes) + lengthBytes
}

// Replied counts a reply.
func (b *Batch) Replied(r Reply) {
	b.replies.add(&r)
	if b.replies.count == gatherSize {
		b.Flush()
	}
}

// Read counts what a read has returned: data or names, in bytes. path is not
// kept.
func (b *Batch) Read(path string, bytes int) {
	name := Namespace(path)
	if name == "" {
		return
	}
	if b.reads.count > 0 && string(b.namespace) != name {
		b.Flush()
	}
	if b.reads.count == 0 {
		b.namespace = append(b.namespace[:0], name[:min(len(name), MaxKeyBytes+1)]...)
	}
	b.reads.add(readBytes(path, bytes), 1)
}

// Namespace is the first part of a path, which statistics are kept by; "" for
// the root.
func Namespace(path string) string {
	if len(path) < 2 || path[0] != '/' {
		return ""
	}
	name, _, _ := strings.Cut(path[1:], "/")
	return name
}

// Flush adds the batch to the sums, for others to see. It is called when a
// burst ends, before its replies are sent.
func (b *Batch) Flush() {
	if b.received == 0 && b.replies.count == 0 && b.reads.count == 0 {
		return
	}
	c, sh := b.conn, b.conn.shard
	sh.mu.Lock()
	c.received += b.received
	sh.received += b.received
	sh.bytesIn += b.bytesIn
	if b.replies.count > 0 {
		c.addReplies(&b.replies)
	}
	if b.reads.count > 0 {
		sh.readsOf(b.namespace).merge(&b.reads)
	}
	sh.mu.Unlock()
	b.received, b.bytesIn, b.replies.count, b.reads = 0, 0, 0, tally{}
}

// readsOf returns the sums of a namespace. Callers hold mu.
func (sh *shard) readsOf(namespace []byte) *tally {
	if t, known := sh.readsPerName[string(namespace)]; known {
		return t
	}
	if len(namespace) > MaxKeyBytes || len(sh.readsPerName) >= MaxKeys {
		namespace = []byte(OtherKey)
		if t, known := sh.readsPerName[OtherKey]; known {
			return t
		}
	}
	t := new(tally)
	*t = newTally()
	sh.readsPerName[string(namespace)] = t
	return t
}
