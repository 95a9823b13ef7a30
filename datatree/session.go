package datatree

import (
	"iter"

	"github.com/google/btree"
)

// sessionEntry is one session of the table.
type sessionEntry struct {
	id        int64
	timeoutMs int32 // as asked for when the session was created
}

// sessionTable holds every session that was created and not closed. It is a
// btree because a snapshot can clone that at once.
type sessionTable = btree.BTreeG[sessionEntry]

func newSessionTable() *sessionTable {
	return btree.NewG(btreeDegree, func(a, b sessionEntry) bool { return a.id < b.id })
}

// Sessions visits every session with its timeout in ms, by ascending id.
func (t *Tree) Sessions() iter.Seq2[int64, int32] {
	return func(yield func(int64, int32) bool) {
		t.sessions.Ascend(func(s sessionEntry) bool { return yield(s.id, s.timeoutMs) })
	}
}

// SessionCount returns how many sessions there are.
func (t *Tree) SessionCount() int { return t.sessions.Len() }

// SessionTimeoutMs returns the timeout that a session was created with.
func (t *Tree) SessionTimeoutMs(id int64) (timeoutMs int32, ok bool) {
	s, ok := t.sessions.Get(sessionEntry{id: id})
	return s.timeoutMs, ok
}
