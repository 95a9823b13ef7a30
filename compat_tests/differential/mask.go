package differential

import (
	"fmt"
	"time"
)

// mask renders the numbers that differ between two servers by nature in a
// form that does not. One belongs to each side of a run.
type mask struct {
	zxidBase int64         // last zxid before the first step
	sessions map[int64]int // session id to its number within the run
	began    time.Time

	hideZxids bool // when the steps do not determine them
}

func newMask(zxidBase int64) *mask {
	return &mask{zxidBase: zxidBase, sessions: make(map[int64]int), began: time.Now()}
}

// zxid renders 0 and -1 as they are and any other as a distance, or hides it.
func (m *mask) zxid(z int64) string {
	if z == 0 || z == -1 {
		return fmt.Sprint(z)
	}
	if m.hideZxids {
		return "z"
	}
	return fmt.Sprintf("z%+d", z-m.zxidBase)
}

// session numbers a session id when it is first seen as a session's own.
func (m *mask) newSession(id int64) {
	if _, ok := m.sessions[id]; !ok && id != 0 {
		m.sessions[id] = len(m.sessions)
	}
}

func (m *mask) session(id int64) string {
	if n, ok := m.sessions[id]; ok {
		return fmt.Sprintf("session#%d", n)
	}
	return fmt.Sprintf("%#x", uint64(id))
}

// time renders a time within the run as "now", and any other in ms.
func (m *mask) time(ms int64) string {
	slack := 5 * time.Second
	at := time.UnixMilli(ms)
	if at.After(m.began.Add(-slack)) && at.Before(time.Now().Add(slack)) {
		return "now"
	}
	return fmt.Sprint(ms)
}
