package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 800}, {1 << 20, 800}, {4 << 20, 800}, {8 << 20, 400}, {16 << 20, 200}, {32 << 20, 100}, {1 << 40, 100}} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("%d bytes live: %d, want %d", c.live, got, c.want)
		}
	}
}

func TestThrift(t *testing.T) {
	const mb = 1 << 20
	var th thrift
	for i, step := range []struct {
		allocated, live, held uint64
		want                  bool
	}{
		{1 * mb, 3 * mb, 4 * mb, false},         // started
		{300 * mb, 100 * mb, 220 * mb, false},   // at work
		{600 * mb, 200 * mb, 420 * mb, false},   // at work
		{600 * mb, 200 * mb, 420 * mb, true},    // idle
		{600 * mb, 190 * mb, 200 * mb, false},   // still idle
		{600*mb + 1, 190 * mb, 420 * mb, false}, // has done next to nothing since
		{700 * mb, 190 * mb, 300 * mb, false},   // at work
		{700 * mb, 290 * mb, 300 * mb, false},   // idle, but holds what it needs
		{701 * mb, 290 * mb, 400 * mb, false},   // at work
		{701 * mb, 290 * mb, 400 * mb, true},    // idle
		{765 * mb, 60 * mb, 66 * mb, false},     // at work
		{765 * mb, 60 * mb, 66 * mb, true},      // idle, and what was alive need not be any more
	} {
		if got := th.due(heap{step.allocated, step.live, step.held}); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// A small heap is given room, and an idle one gives it back.
func TestManageGarbage(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "")
	stop := manageGarbage()
	held := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapSys - m.HeapReleased
	}
	garbage := make([][]byte, 0, 64)
	for range cap(garbage) {
		garbage = append(garbage, make([]byte, 1<<20))
	}
	full := held()
	runtime.KeepAlive(garbage)
	garbage = nil
	deadline := time.Now().Add(20 * time.Second)
	for held() > full-(48<<20) && time.Now().Before(deadline) {
		time.Sleep(thriftEvery / 5) // for the clock itself is under test
	}
	if left := held(); left > full-(48<<20) {
		t.Errorf("holds %d of %d bytes although 64 MB are garbage", left, full)
	}
	stop()
	if percent := debug.SetGCPercent(100); percent <= 100 {
		t.Errorf("GOGC is %d with a small heap", percent)
	}
	_ = garbage
}
