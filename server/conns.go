package server

import (
	"sync"

	"github.com/meerkat-zk/meerkat/jute"
)

// connTable knows every open connection, and which of them has a session.
type connTable struct {
	mu        sync.Mutex
	all       map[*conn]struct{} // mu
	bySession map[int64]*conn    // mu: the newest connection of each session
	drained   sync.Cond          // on mu: all became empty
}

func newConnTable() *connTable {
	t := &connTable{all: make(map[*conn]struct{}), bySession: make(map[int64]*conn)}
	t.drained.L = &t.mu
	return t
}

func (t *connTable) add(c *conn) {
	t.mu.Lock()
	t.all[c] = struct{}{}
	t.mu.Unlock()
}

func (t *connTable) remove(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, c)
	if id := c.sessionID(); t.bySession[id] == c {
		delete(t.bySession, id)
	}
	if len(t.all) == 0 {
		t.drained.Broadcast()
	}
}

// bind makes c the connection of a session and returns the one before.
func (t *connTable) bind(session int64, c *conn) (old *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old = t.bySession[session]
	t.bySession[session] = c
	return old
}

// unbind takes a binding back that led to no session.
func (t *connTable) unbind(session int64, c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bySession[session] == c {
		delete(t.bySession, session)
	}
}

// of returns the connection of a session; nil when it has none here.
func (t *connTable) of(session int64) *conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bySession[session]
}

// touched returns the sessions that have shown life since the last call, as
// they stand in the answer to a leader's PING: a long id, an int timeout in ms.
func (t *connTable) touched() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b []byte
	for id, c := range t.bySession {
		if c.alive.Swap(false) && !c.local.Load() {
			b = jute.AppendInt(jute.AppendLong(b, id), c.timeout.Load())
		}
	}
	return b
}

// list returns all connections, in no order.
func (t *connTable) list() []*conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	conns := make([]*conn, 0, len(t.all))
	for c := range t.all {
		conns = append(conns, c)
	}
	return conns
}

func (t *connTable) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// waitEmpty blocks until the last connection is gone.
func (t *connTable) waitEmpty() {
	t.mu.Lock()
	for len(t.all) > 0 {
		t.drained.Wait()
	}
	t.mu.Unlock()
}
