package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// startEcho serves until the test ends.
func startEcho(t *testing.T, c EchoConfig) (addr string) {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(context.Background())
	addrs, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- Echo(ctx, c, func(a string) { addrs <- a }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case addr = <-addrs:
	case err := <-done:
		done <- err
		t.Fatal("the echo server did not start")
	}
	return addr
}

func TestEchoServesEveryLoad(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	addr := startEcho(t, EchoConfig{ValueBytes: 100, Children: 1000, LogFile: log})
	for _, w := range []Workload{Read, Write, Mixed, Create, Children, Sessions, Fill} {
		c := small(w, addr)
		c.Count, c.Connections, c.InFlight, c.PIDs = 3000, 16, 16, []int{os.Getpid()}
		r := mustRun(t, c)
		if r.FailedOps() != 0 || r.Ops == 0 || r.Server == nil || r.Server.RSSBytes == 0 {
			t.Errorf("%s: %+v", w, r)
		}
	}
	if info, err := os.Stat(log); err != nil || info.Size() != echoLogBytes {
		t.Errorf("the log is not preallocated: %v, %v", info, err)
	}
	if _, err := FirstReply(t.Context(), addr, "/any"); err != nil {
		t.Error(err)
	}
}

func TestMeasureSync(t *testing.T) {
	dir := t.TempDir()
	took, err := MeasureSync(dir, 5)
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || took <= 0 || len(left) != 0 {
		t.Errorf("%v, %v, left %v", took, err, left)
	}
}
