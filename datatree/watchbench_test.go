package datatree

import (
	"fmt"
	"runtime"
	"testing"
)

// quiet is a watcher that costs nothing.
type quiet struct{ events int }

func (q *quiet) Notify(Event) { q.events++ }

// BenchmarkWatchFanOut arms 10,000 watchers of one znode and fires them.
func BenchmarkWatchFanOut(b *testing.B) {
	f := newFeed(Config{})
	f.create("/a", "")
	ws := make([]quiet, 10_000)
	for b.Loop() {
		for i := range ws {
			_ = f.t.Watches().Add("/a", WatchData, &ws[i])
		}
		f.set("/a", "", 1)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/watcher")
}

// BenchmarkWatchBytes reports the memory of a watch: of 10,000 watchers with
// one path in common, and of 100 watchers with 1,000 paths of their own each.
func BenchmarkWatchBytes(b *testing.B) {
	for _, c := range []struct {
		name            string
		watchers, paths int
		path            func(watcher, i int) string
	}{
		{"one path", 10_000, 1, func(int, int) string { return "/services/leader" }},
		{"own paths", 100, 1000, func(w, i int) string { return fmt.Sprintf("/services-%03d/instance-%030d", w, i) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			ws := make([]quiet, c.watchers)
			before := liveHeap()
			t := New(Config{})
			for w := range ws {
				for i := range c.paths {
					_ = t.Watches().Add(c.path(w, i), WatchData, &ws[w])
				}
			}
			b.ReportMetric(float64(liveHeap()-before)/float64(c.watchers*c.paths), "B/watch")
			runtime.KeepAlive(t)
		})
	}
}
