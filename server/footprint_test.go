package server

import (
	"runtime"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// BenchmarkIdleSessions opens sessions over loopback that have each sent a
// request, and reports what one of them holds: heap and stacks of both its
// ends, since client and server share the process.
func BenchmarkIdleSessions(b *testing.B) {
	const sessions = 2000
	srv, err := New(testConfig(b.TempDir()), zerolog.Nop(), BuildInfo{})
	if err != nil {
		b.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stop(b, srv) })
	for b.Loop() {
		before := memory()
		clients := make([]*testClient, sessions)
		for i := range clients {
			clients[i] = connect(b, srv)
			clients[i].must(proto.OpGetData, &proto.WatchableRequest{Path: "/"})
		}
		after := memory()
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/sessions, "heap-B/session")
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/sessions, "stack-B/session")
		b.ReportMetric(float64(runtime.NumGoroutine())/sessions, "goroutines/session")
		for _, c := range clients {
			_ = c.nc.Close()
		}
		alone(b, srv, 0)
	}
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // the first one shrinks stacks and fills the pools' victims
	runtime.ReadMemStats(&m)
	return m
}
