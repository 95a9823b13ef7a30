package persistence

import (
	"io"
	"sync"
)

// cuts are the truncations and installs since Open: to which zxid each has
// cut, -1 for an install, which cuts off everything.
type cuts struct {
	mu    sync.Mutex
	zxids []int64 // mu; changed by the log's goroutine
}

// History names the history that the disk now has: it changes with each
// Truncate and Install. A tree belongs to the one that is named when it is
// made: right after Recover, or after the Install of what it shows.
func (s *Store) History() uint64 {
	s.cuts.mu.Lock()
	defer s.cuts.mu.Unlock()
	return uint64(len(s.cuts.zxids))
}

// isVoid tells whether a snapshot at a zxid of a tree of a history shows what
// is no longer there.
func (s *Store) isVoid(history uint64, zxid int64) bool {
	s.cuts.mu.Lock()
	defer s.cuts.mu.Unlock()
	for i := int(history); i < len(s.cuts.zxids); i++ {
		if s.cuts.zxids[i] < zxid {
			return true
		}
	}
	return false
}

// replaceHistory keeps everything else away from the files, and makes
// snapshots of what was above a zxid void. The function that it returns ends
// that; without changed the history is as it was before.
func (s *Store) replaceHistory(zxid int64) (done func(changed bool)) {
	s.cuts.mu.Lock()
	s.cuts.zxids = append(s.cuts.zxids, zxid)
	s.cuts.mu.Unlock()
	s.saving.Lock() // given up soon: see historyWriter
	s.purging.Lock()
	s.spares.trim() // so that it comes before what is cut here
	return func(changed bool) {
		if !changed {
			s.cuts.mu.Lock()
			s.cuts.zxids = s.cuts.zxids[:len(s.cuts.zxids)-1]
			s.cuts.mu.Unlock()
		}
		s.purging.Unlock()
		s.saving.Unlock()
	}
}

// historyWriter fails when the snapshot that it writes has become void.
type historyWriter struct {
	io.Writer
	store   *Store
	history uint64
	zxid    int64
}

// Write passes p on.
func (w historyWriter) Write(p []byte) (int, error) {
	if err := w.check(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

func (w historyWriter) check() error {
	if w.store.isVoid(w.history, w.zxid) {
		return ErrReplaced
	}
	return nil
}
