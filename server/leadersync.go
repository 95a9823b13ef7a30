package server

import (
	"sync"

	"github.com/meerkat-zk/meerkat/quorum"
)

// leaderSyncs are linearizable syncs of the leader's own clients. Each waits
// for two things: that everything proposed before it is committed, and that a
// quorum confirms that this server still leads.
type leaderSyncs struct {
	mu      sync.Mutex
	lastID  uint64              // mu
	waiting map[uint64]*waiting // mu: by the id of either
}

// waiting is a sync that something is missing for.
type waiting struct {
	origin *conn
	parts  int
}

// ask queues a sync behind what has been proposed. The caller has entered the
// proposer and parks the request.
func (l *leadership) ask(origin *conn) {
	s := &l.syncs
	s.mu.Lock()
	if s.waiting == nil {
		s.waiting = make(map[uint64]*waiting)
	}
	w := &waiting{origin: origin, parts: 2}
	settle, confirm := s.lastID+1, s.lastID+2
	s.lastID = confirm
	s.waiting[settle], s.waiting[confirm] = w, w
	s.mu.Unlock()
	l.queue.put(proposal{aside: &aside{input: quorum.Settle{ID: settle}}}, nil)
	l.queue.put(proposal{aside: &aside{input: quorum.Confirm{ID: confirm}}}, nil)
}

// confirmed takes answers of the quorum. It is called by the Peer's loop.
func (l *leadership) confirmed(ids []uint64) {
	s := &l.syncs
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		w := s.waiting[id]
		delete(s.waiting, id)
		if w.parts--; w.parts == 0 {
			l.m.later(w.origin.syncDone)
		}
	}
}
