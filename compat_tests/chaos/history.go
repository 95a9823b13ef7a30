package chaos

import (
	"fmt"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// outcome is what a client knows of a request.
type outcome int

const (
	acked   outcome = iota // the reply says that it happened
	refused                // the reply says that it did not, and why
	unknown                // there is no reply
)

// op is a request of a client, or a sync and the read behind it.
type op struct {
	client  int // one session after the other, one request at a time
	session int64
	group   string   // the two znodes that it may be about
	changes []change // of a write: more than one is a multi
	node    int      // of a read
	synced  bool     // of a read

	call, ret time.Duration // since the start
	outcome   outcome
	code      proto.ErrCode // of a refused one
	failed    int           // the change that was refused
	zxid      int64         // of the reply
	found     znode         // of a read
}

func (o *op) isRead() bool { return len(o.changes) == 0 }

// change is one part of a write.
type change struct {
	node    int
	op      proto.Op // create, setData or delete
	version int32    // expected, -1 for any
	value   int64    // different in every change
}

// znode is what is seen of one.
type znode struct {
	exists  bool
	version int32
	value   int64
	mzxid   int64
}

func (o op) String() string {
	s := fmt.Sprintf("%.6fs-%.6fs client %d %s: ", o.call.Seconds(), o.ret.Seconds(), o.client, o.group)
	for _, c := range o.changes {
		s += fmt.Sprintf("%s %d v%d =%d ", c.op, c.node, c.version, c.value)
	}
	if o.isRead() {
		s += fmt.Sprintf("read %d synced=%v found %+v ", o.node, o.synced, o.found)
	}
	return s + fmt.Sprintf("%s zxid %#x", [...]string{"acked", fmt.Sprintf("refused %v at %d", o.code, o.failed), "unknown"}[o.outcome], o.zxid)
}

// history is what all clients asked and heard.
type history struct {
	began time.Time

	mu    sync.Mutex
	ops   []op     // mu: in the order of their replies
	wrong []string // mu: answers that no correct server gives
}

func newHistory() *history { return &history{began: time.Now()} }

func (h *history) now() time.Duration { return time.Since(h.began) }

func (h *history) add(o op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
}

// violation takes note of an answer that is wrong whatever else happened.
func (h *history) violation(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrong = append(h.wrong, fmt.Sprintf("%.3fs: ", h.now().Seconds())+fmt.Sprintf(format, args...))
}

// broken tells whether there was one.
func (h *history) broken() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.wrong) > 0
}
