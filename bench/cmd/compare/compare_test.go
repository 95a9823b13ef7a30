package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/bench"
)

// TestMain lets the test binary be an echo server, or a server that dies.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "echo" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := bench.Echo(ctx, bench.EchoConfig{Listen: os.Args[2], ValueBytes: 100, Children: 10_000}, func(string) {})
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "die" {
		fmt.Fprintln(os.Stderr, "no")
		os.Exit(3)
	}
	// Programs built with -race otherwise sleep for a second when they end.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	os.Exit(m.Run())
}

func tiny(t *testing.T, only string) *suite {
	t.Helper()
	set, err := rowSet(only)
	if err != nil {
		t.Fatal(err)
	}
	return &suite{only: set, scratch: t.TempDir(), log: io.Discard, figures: figures{}, scale: scale{
		rounds: 2, measure: 100 * time.Millisecond, echo: 100 * time.Millisecond,
		settle: 10 * time.Millisecond, keys: 1000,
	}}
}

// asEcho runs an echo server under any name.
func asEcho(_, addr string) []string { return []string{os.Args[0], "echo", addr} }

func TestRoundsAreInterleaved(t *testing.T) {
	s := tiny(t, "get-1x1,empty")
	var order []string
	named := func(name string, echo bool) contender {
		return contender{name: name, echo: echo, command: func(config, addr string) []string {
			if n := len(order); n == 0 || order[n-1] != name {
				order = append(order, name)
			}
			return asEcho(config, addr)
		}}
	}
	err := s.rounds(t.Context(), []contender{named("Apache", false), named("Meerkat", false), named("Echo", true)})
	if err != nil || len(s.failed) > 0 {
		t.Fatal(err, s.failed)
	}
	if got := strings.Join(order, " "); got != "Apache Meerkat Echo Meerkat Apache" {
		t.Errorf("order %s", got)
	}
	s.expect(t, "Apache", "get-1x1", opsPerSec, 2)
	s.expect(t, "Meerkat", "empty", startMs, 2)
	s.expect(t, "Meerkat", "empty", rssMB, 2)
	s.expect(t, "Echo", "get-1x1", opsPerSec, 1)
	s.expect(t, "Echo", "empty", startMs, 0)
	s.expect(t, "Meerkat", "mixed", opsPerSec, 0)
}

func TestEveryStageIsMeasured(t *testing.T) {
	s := tiny(t, "set-16x16,sessions,filled")
	if err := s.round(t.Context(), contender{name: "Meerkat", command: asEcho}); err != nil || len(s.failed) > 0 {
		t.Fatal(err, s.failed)
	}
	s.expect(t, "Meerkat", "set-16x16", p99Micros, 1)
	s.expect(t, "Meerkat", "sessions", opsPerSec, 1)
	s.expect(t, "Meerkat", "filled", startMs, 1)
	if n := len(s.figures["Meerkat"]["sessions"][itemBytes]); n != 1 {
		t.Errorf("memory per session measured %d times", n)
	}
	if left, _ := filepath.Glob(filepath.Join(s.scratch, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// expect wants a positive figure from so many rounds.
func (s *suite) expect(t *testing.T, contender, row string, m measure, rounds int) {
	t.Helper()
	got := s.figures[contender][row][m]
	if len(got) != rounds || (rounds > 0 && got[0] <= 0) {
		t.Errorf("%s, %s, %s: %v, expected %d rounds", contender, row, m, got, rounds)
	}
}

func TestSuiteGoesOnWithoutADeadServer(t *testing.T) {
	s := tiny(t, "get-1x1,empty")
	dead := contender{name: "Meerkat", command: func(string, string) []string { return []string{os.Args[0], "die"} }}
	if err := s.round(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	if len(s.failed) != 2 || !strings.Contains(s.failed[0], "exit status 3") {
		t.Errorf("failed: %q", s.failed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.round(ctx, dead); err == nil {
		t.Error("a cancelled round goes on")
	}
}

func TestConfigFile(t *testing.T) {
	path, err := writeConfig(t.TempDir(), 2181, []string{"snapCount=7"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	for _, line := range []string{"clientPort=2181", "maxClientCnxns=0", "snapCount=7"} {
		if err != nil || !strings.Contains(string(text), line+"\n") {
			t.Errorf("%v: no %s in %s", err, line, text)
		}
	}
}

func TestRowSet(t *testing.T) {
	if set, err := rowSet("mixed, pause"); err != nil || len(set) != 2 || !set["mixed"] || !set["pause"] {
		t.Errorf("%v, %v", set, err)
	}
	if _, err := rowSet("mixed,toast"); err == nil || !strings.Contains(err.Error(), `"toast"`) {
		t.Errorf("%v", err)
	}
	seen := map[string]bool{}
	for _, key := range keysOf(allRows()) {
		if seen[key] {
			t.Errorf("two rows %q", key)
		}
		seen[key] = true
	}
}

func TestModelIn(t *testing.T) {
	if got := modelIn("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nmodel name\t: other\n"); got != "Some CPU @ 3 GHz" {
		t.Errorf("%q", got)
	}
}
