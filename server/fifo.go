package server

import (
	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/audit"
)

// pending is a request that cannot be answered yet: a write whose transaction
// is on its way, or anything that came behind one.
type pending struct {
	xid  int32
	size int // of the frame in bytes
	op   proto.Op
	kind pendingKind
	code proto.ErrCode // of a rejected request
	body []byte        // of a parked request; in the fifo's own memory
	ids  []proto.ID    // of a parked request, as they were when it came
	at   int64         // when it came, in ns of the server's clock
	held *outcome      // of a held write
	// subject is what a write is about, when that may have to be told.
	subject *audit.Subject
}

type pendingKind byte

const (
	awaitsTxn   pendingKind = iota // answered when its transaction is applied
	awaitsSync                     // run when the leader says that its turn has come
	waitsBehind                    // run right after the last write ahead of it
	rejected                       // answered with code in its turn
	held                           // applied, and answered in its turn: a sync is ahead of it
)

// parked tells whether a request waits for nothing but those ahead of it.
func (k pendingKind) parked() bool { return k >= waitsBehind }

// weight is what a parked request may cost the applier, which answers it with
// everybody waiting: 1 for each kind of a small or shared reply, and for each
// 16 KiB that the request itself holds.
func (p *pending) weight() int {
	w := 1 + len(p.body)>>14
	switch {
	case p.kind != waitsBehind:
		return 0
	case p.op == proto.OpMultiRead:
		return 16 + w
	case p.op == proto.OpGetChildren || p.op == proto.OpGetChildren2:
		return 3 + w
	}
	return w
}

// outcome is what an applied write is answered from later.
type outcome struct {
	entry  proto.Entry
	result datatree.Result
}

// hold keeps the outcome of a write.
func (p *pending) hold(e *proto.Entry, result *datatree.Result) {
	p.kind, p.held = held, &outcome{entry: *e, result: *result}
}

// fifo keeps the order of one session: replies leave in the order in which
// requests came, and a read misses none of the session's writes.
//
// It is guarded by the gate: the connection's reader goroutine changes it
// holding the read side (there is one reader per connection), the applier
// holding the write side.
type fifo struct {
	items  []pending
	head   int
	weight int    // of all that is parked
	chunk  []byte // bodies are copied into it; a full one is left to its bodies
}

// chunkBytes is the size of the memory that parked bodies share.
const chunkBytes = 4 << 10

// keepPending is how many requests an empty fifo keeps room for.
const keepPending = 64

func (f *fifo) empty() bool { return f.head == len(f.items) }

func (f *fifo) len() int { return len(f.items) - f.head }

func (f *fifo) push(p pending) {
	if p.body != nil {
		p.body = f.keep(p.body)
	}
	if f.head > len(f.items)/2 && len(f.items) == cap(f.items) {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	f.items = append(f.items, p)
	f.weight += p.weight()
}

// keep copies a body, which shares the reader's buffer.
func (f *fifo) keep(body []byte) []byte {
	if cap(f.chunk)-len(f.chunk) < len(body) {
		f.chunk = make([]byte, 0, max(chunkBytes, len(body)))
	}
	at := len(f.chunk)
	f.chunk = append(f.chunk, body...)
	return f.chunk[at:len(f.chunk):len(f.chunk)]
}

func (f *fifo) front() *pending { return &f.items[f.head] }

// firstWrite returns the first write whose transaction is awaited; nil when
// there is none.
func (f *fifo) firstWrite() *pending {
	for i := f.head; i < len(f.items); i++ {
		if f.items[i].kind == awaitsTxn {
			return &f.items[i]
		}
	}
	return nil
}

// pop removes the front.
func (f *fifo) pop() {
	f.weight -= f.front().weight()
	f.items[f.head] = pending{}
	f.head++
	if f.empty() {
		f.items, f.head = f.items[:0], 0
		if cap(f.items) > keepPending {
			f.items = nil
		}
		f.chunk = f.chunk[:0]
		if cap(f.chunk) > chunkBytes {
			f.chunk = nil
		}
	}
}
