package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/bench"
)

// echoServer serves until the test ends.
func echoServer(t *testing.T) (addr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addrs, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- bench.Echo(ctx, bench.EchoConfig{Listen: "127.0.0.1:0", ValueBytes: 10, Children: 10}, func(a string) { addrs <- a })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case addr = <-addrs:
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	return addr
}

func meerkat(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"meerkat"}, args...), &out, &errs)
	return out.String(), errs.String(), code
}

func TestBenchPrintsItsReport(t *testing.T) {
	addr := echoServer(t)
	out, errs, code := meerkat(t, "bench", "mixed", "-s", addr, "-c", "2", "-i", "3", "-n", "600",
		"--warm-up", "0s", "--read-ratio", "0.5", "--value-bytes", "10", "--json")
	var r bench.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK || errs != "" {
		t.Fatalf("exit code %d, %v: %s%s", code, err, out, errs)
	}
	if r.Ops != 600 || r.Connections != 2 || r.InFlight != 3 || *r.ReadRatio != 0.5 || r.Servers[0] != addr || len(r.ByClass) != 2 {
		t.Errorf("%+v", r)
	}
	out, _, code = meerkat(t, "bench", "sessions", "-s", addr, "-c", "5", "--hold", "0s")
	if code != exitOK || !strings.Contains(out, "5 operations in ") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestBenchRefusesNonsense(t *testing.T) {
	for _, tt := range []struct {
		args string
		want string
	}{
		{"bench toast", `no workload "toast"`},
		{"bench read more", `unexpected argument "more"`},
		{"bench read --toast", "toast"},
		{"bench read -c 0", "connections is 0"},
		{"bench fill --rate 5", "rate"}, // fill has no schedule
	} {
		_, errs, code := meerkat(t, strings.Fields(tt.args)...)
		if code != exitInvocation || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit code %d: %s", tt.args, code, errs)
		}
	}
	if _, errs, code := meerkat(t, "bench", "read", "-s", "127.0.0.1:1"); code != exitUnexpected || !strings.Contains(errs, "refused") {
		t.Errorf("nobody listens: exit code %d: %s", code, errs)
	}
	out, _, code := meerkat(t, "bench")
	if code != exitOK || !strings.Contains(out, "children") {
		t.Errorf("help: exit code %d: %s", code, out)
	}
}
