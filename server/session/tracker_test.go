package session

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// manual is a tracker whose clock stands still unless it is set.
func manual(now *int64) *Tracker {
	return NewTracker(Config{TickMs: 100, ServerID: 1, NowMs: func() int64 { return *now }})
}

func TestTrackerIDs(t *testing.T) {
	now := int64(1)
	tr := manual(&now)
	a, b := tr.Create(500, Local), tr.Create(500, Local)
	if a.ID != 0x0100000000010000 || b.ID != a.ID+1 {
		t.Errorf("ids %x, %x", a.ID, b.ID)
	}
	tr.Track(b.ID+1, 500) // as of before the machine was started again
	if c := tr.Create(500, Local); c.ID != b.ID+2 {
		t.Errorf("id %x is taken twice", c.ID)
	}
	if tr.Len() != 4 {
		t.Errorf("%d sessions", tr.Len())
	}
}

func TestTrackerOwner(t *testing.T) {
	now := int64(0)
	tr := manual(&now)
	other := &Owner{Name: "learner 2"}
	const unowned, closing, unknown = 11, 12, 13
	tr.Track(unowned, 500)
	tr.Track(closing, 500)
	tr.SetClosing(closing)
	mine := tr.Create(500, Local).ID

	steps := []struct {
		name string
		got  proto.ErrCode
		want proto.ErrCode
	}{
		{"own", tr.Check(mine, Local), proto.OK},
		{"other's", tr.Check(mine, other), proto.ErrSessionMoved},
		{"first come", tr.Check(unowned, other), proto.OK},
		{"too late", tr.Check(unowned, Local), proto.ErrSessionMoved},
		{"reconnect", tr.SetOwner(unowned, Local), proto.OK},
		{"moved here", tr.Check(unowned, Local), proto.OK},
		{"moved away", tr.Check(unowned, other), proto.ErrSessionMoved},
		{"closing", tr.Check(closing, Local), proto.ErrSessionExpired},
		{"closing moves not", tr.SetOwner(closing, Local), proto.ErrSessionExpired},
		{"unknown", tr.Check(unknown, Local), proto.ErrUnknownSession},
		{"unknown, global", tr.CheckGlobal(unknown, Local), proto.ErrSessionExpired},
		{"unknown moves not", tr.SetOwner(unknown, Local), proto.ErrSessionExpired},
	}
	for _, s := range steps {
		if s.got != s.want {
			t.Errorf("%s: %v, want %v", s.name, s.got, s.want)
		}
	}
}

func TestTrackerEnds(t *testing.T) {
	now := int64(0)
	tr := manual(&now)
	s := tr.Track(7, 250)
	if !tr.Touch(7, 250) || !tr.Keep(s, now, 250) || s.Closing() {
		t.Error("a fresh session is not alive")
	}
	tr.SetClosing(7)
	if tr.Touch(7, 250) || tr.Keep(s, now, 250) || !s.Closing() || tr.Find(7) != s {
		t.Error("a closing session can be kept")
	}
	if again := tr.Track(7, 250); again != s || !s.Closing() {
		t.Error("a closing session came back")
	}
	tr.Remove(7)
	tr.Remove(7)
	if tr.Touch(7, 250) || tr.Find(7) != nil || tr.Len() != 0 {
		t.Error("a removed session is still there")
	}
	if tr.Track(7, 250); !tr.Touch(7, 250) {
		t.Error("the id cannot be used again")
	}
}

func TestDeadlines(t *testing.T) {
	now := int64(1050)
	tr := manual(&now)
	tr.Track(-2, 100) // 1150 falls into the bucket that ends at 1200
	tr.Track(3, 149)
	tr.Track(1, 150)
	tr.Track(9, 150)
	tr.SetClosing(9)
	if got := fmt.Sprint(tr.Deadlines()); got != "[{150 [3 -2]} {250 [1]}]" {
		t.Errorf("got %s", got)
	}
}

// TestExpiry: with a tick of 1000 ms a session that is silent for its timeout
// ends at the tick after it, and never while it is kept.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type end struct {
			id int64
			at time.Duration
		}
		var ends []end
		start := time.Now()
		clock := func() int64 { return time.Since(start).Milliseconds() }
		tr := NewTracker(Config{TickMs: 1000, ServerID: 1, NowMs: clock, Expire: func(s *Session) bool {
			if !s.Closing() {
				t.Errorf("session %d is not closing", s.ID)
			}
			ends = append(ends, end{s.ID, time.Since(start)})
			return s.ID != 4 || len(ends) > 4 // cannot be ended yet
		}})
		tr.Start()
		for id, timeout := range map[int64]int32{1: 999, 2: 1000, 3: 4000, 4: 3500, 5: 2000} {
			tr.Track(id, timeout)
		}
		for range 6 {
			time.Sleep(1500 * time.Millisecond)
			tr.Touch(5, 2000)
			for _, d := range tr.Deadlines() {
				if slices.Contains(d.IDs, 4) && time.Since(start) > 4*time.Second {
					t.Errorf("a closing session has a deadline: %v", d)
				}
			}
		}
		tr.Remove(3)
		time.Sleep(10 * time.Second)
		tr.Close()
		synctest.Wait()
		want := []end{{1, time.Second}, {2, 2 * time.Second}, {4, 4 * time.Second}, {3, 5 * time.Second}, {4, 5 * time.Second}, {5, 12 * time.Second}}
		got := fmt.Sprint(ends)
		swapped := []end{want[0], want[1], want[2], want[4], want[3], want[5]}
		if got != fmt.Sprint(want) && got != fmt.Sprint(swapped) {
			t.Errorf("ends %v, want %v", ends, want)
		}
	})
}

// TestCloseWaits: after Close no callback runs.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := false
		tr := NewTracker(Config{TickMs: 10, Expire: func(*Session) bool {
			time.Sleep(time.Second)
			if closed {
				t.Error("a callback ends after Close")
			}
			return true
		}})
		tr.Track(1, 10)
		tr.Start()
		time.Sleep(100 * time.Millisecond)
		tr.Close()
		closed = true
		tr.Track(2, 10)
		time.Sleep(10 * time.Second)
		if tr.Find(2).Closing() {
			t.Error("a session expired after Close")
		}
	})
}

// TestMonotonicMs: the clock that ids come from follows real time.
func TestMonotonicMs(t *testing.T) {
	now := MonotonicMs()
	a, b := now(), MonotonicMs()()
	if a <= 0 || b < a-1 || b > a+60_000 {
		t.Errorf("two clocks: %d, %d", a, b)
	}
}

func BenchmarkKeep(b *testing.B) {
	tr := NewTracker(Config{TickMs: 2000})
	s := tr.Create(30_000, Local)
	b.Run("keep", func(b *testing.B) {
		now := tr.NowMs()
		for b.Loop() {
			tr.Keep(s, now, 30_000)
		}
	})
	b.Run("keep and clock", func(b *testing.B) {
		for b.Loop() {
			tr.Keep(s, tr.NowMs(), 30_000)
		}
	})
	b.Run("touch", func(b *testing.B) {
		for b.Loop() {
			tr.Touch(s.ID, 30_000)
		}
	})
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			tr.Check(s.ID, Local)
		}
	})
}
