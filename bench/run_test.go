package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// small is a run of a fraction of a second.
func small(w Workload, addr string) Config {
	c := DefaultConfig(w)
	c.Servers = []string{addr}
	c.Connections, c.InFlight = 3, 4
	c.Keys, c.Count, c.Rounds = 50, 500, 3
	c.WarmUp, c.Hold = 0, 0
	return c
}

func mustRun(t *testing.T, c Config) *Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := Run(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryWorkloadLeavesNothingBehind(t *testing.T) {
	for _, threads := range []int{1, 2} {
		for w, wantOps := range map[Workload]int64{
			Read: 500, Write: 500, Mixed: 500, Create: 500, Children: 500, Watch: 9, Sessions: 3, Clean: 0,
		} {
			s := newStub(t)
			c := small(w, s.addr())
			c.Root, c.Threads = "/some/where", threads
			r := mustRun(t, c)
			if r.Ops != wantOps || r.FailedOps() != 0 {
				t.Errorf("%s, %d threads: %d operations, %d refused", w, threads, r.Ops, r.FailedOps())
			}
			if w != Clean && (r.Latency.Count != wantOps || r.OpsPerSec <= 0 || r.Latency.Max < r.Latency.P50) {
				t.Errorf("%s: %+v", w, r)
			}
			if n := s.znodes(); n != 0 {
				t.Errorf("%s left %d znodes", w, n)
			}
			// Watch has one connection more; the others also look around.
			if n := s.served(proto.OpCloseSession); n < c.Connections {
				t.Errorf("%s closed %d sessions of %d", w, n, c.Connections)
			}
		}
	}
}

func TestFillStaysAndIsUsedAgain(t *testing.T) {
	s := newStub(t)
	fill := small(Fill, s.addr())
	fill.Keys = 2500
	if r := mustRun(t, fill); r.Ops != 2500 || r.FailedOps() != 0 {
		t.Errorf("%d operations, %v", r.Ops, r.Errors)
	}
	const extra = 1 + 1 + 3 // root, keys, parents
	if n := s.znodes(); n != 2500+extra {
		t.Errorf("%d znodes", n)
	}
	creates := s.served(proto.OpCreate)
	read := small(Read, s.addr())
	read.Keys = 2500
	mustRun(t, read)
	if n := s.served(proto.OpCreate) - creates; n != 2 || s.znodes() != 2500+extra {
		t.Errorf("the reads created %d and left %d znodes", n, s.znodes())
	}
	read.ValueBytes = 7 // other values are asked for: they are written
	mustRun(t, read)
	if n := s.served(proto.OpSetData); n != 2500 {
		t.Errorf("%d values written", n)
	}
	if r := mustRun(t, small(Clean, s.addr())); r.Ops != 2500+extra || s.znodes() != 0 {
		t.Errorf("%d deleted, %d left", r.Ops, s.znodes())
	}
}

func TestKeepLeavesTheKeys(t *testing.T) {
	s := newStub(t)
	c := small(Read, s.addr())
	c.Keep = true
	mustRun(t, c)
	if n := s.znodes(); n != 3+50 {
		t.Errorf("%d znodes", n)
	}
}

func TestErrorCodesAreCounted(t *testing.T) {
	s := newStub(t)
	s.behave(func(n int, h proto.RequestHeader, usual []byte) ([]byte, bool) {
		if h.Op == proto.OpGetData && h.Xid%5 == 0 {
			return frame(string(proto.ReplyHeader{Xid: h.Xid, Err: proto.ErrNoAuth}.Append(nil))), false
		}
		return usual, false
	})
	r := mustRun(t, small(Read, s.addr()))
	if n := r.Errors["NoAuth"]; n < 90 || n > 110 || r.FailedOps() != n || r.Ops != 500 {
		t.Errorf("%d operations, errors %v", r.Ops, r.Errors)
	}
	var text, again bytes.Buffer
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), `refused with "NoAuth"`) {
		t.Errorf("%v: %s", err, text.String())
	}
	var back Report
	err := json.NewEncoder(&again).Encode(r)
	if err == nil {
		err = json.Unmarshal(again.Bytes(), &back)
	}
	if err != nil || back.Ops != r.Ops || back.Latency != r.Latency || back.Errors["NoAuth"] != r.Errors["NoAuth"] {
		t.Errorf("%v: %+v", err, back)
	}
}

func TestFatalReplies(t *testing.T) {
	at := func(k int, do func(h proto.RequestHeader) ([]byte, bool)) func(int, proto.RequestHeader, []byte) ([]byte, bool) {
		seen := 0
		return func(_ int, h proto.RequestHeader, usual []byte) ([]byte, bool) {
			if h.Op == proto.OpGetData {
				if seen++; seen == k {
					return do(h)
				}
			}
			return usual, false
		}
	}
	tests := map[string]struct {
		answer func(int, proto.RequestHeader, []byte) ([]byte, bool)
		want   error
	}{
		"skipped": {at(40, func(proto.RequestHeader) ([]byte, bool) { return nil, false }), ErrOrder},
		"twice": {at(40, func(h proto.RequestHeader) ([]byte, bool) {
			f := frame(string(proto.ReplyHeader{Xid: h.Xid}.Append(nil)))
			return append(f, f...), false
		}), ErrOrder},
		"hung up": {at(40, func(proto.RequestHeader) ([]byte, bool) { return nil, true }), ErrLost},
		"silent": {func(n int, _ proto.RequestHeader, usual []byte) ([]byte, bool) {
			if n > 100 {
				usual = nil
			}
			return usual, false
		}, ErrStalled},
		"too short": {at(40, func(proto.RequestHeader) ([]byte, bool) { return frame("short"), false }), ErrFrame},
	}
	for name, tt := range tests {
		s := newStub(t)
		s.behave(tt.answer)
		c := small(Read, s.addr())
		c.Patience = 100 * time.Millisecond
		if _, err := Run(t.Context(), c); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusedSessions(t *testing.T) {
	s := newStub(t)
	s.mu.Lock()
	s.expired = true
	s.mu.Unlock()
	if _, err := Run(t.Context(), small(Read, s.addr())); !errors.Is(err, ErrSession) {
		t.Errorf("an expired session: %v", err)
	}
	s.l.Close()
	if _, err := Run(t.Context(), small(Read, s.addr())); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestCancelEndsARun(t *testing.T) {
	s := newStub(t)
	c := small(Read, s.addr())
	c.Count, c.Duration = 0, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	c.Progress = func(p Progress) {
		if p.Phase == string(Read) && p.Ops > 0 {
			cancel()
		}
	}
	if _, err := Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestIdleSessionsArePinged(t *testing.T) {
	s := newStub(t)
	c := small(Sessions, s.addr())
	c.SessionTimeout, c.Hold = time.Second, 1500*time.Millisecond
	mustRun(t, c)
	if n := s.served(proto.OpPing); n < c.Connections {
		t.Errorf("%d pings", n)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"workload":    func(c *Config) { c.Workload = "toast" },
		"connections": func(c *Config) { c.Connections = 0 },
		"threads":     func(c *Config) { c.Threads = c.Connections + 1 },
		"ratio":       func(c *Config) { c.ReadRatio = 1.5 },
		"rate":        func(c *Config) { c.RatePerSec = -1 },
		"root":        func(c *Config) { c.Root = "/a/" },
		"reserved":    func(c *Config) { c.Root = "/zookeeper/quota" },
		"servers":     func(c *Config) { c.Servers = nil },
		"server":      func(c *Config) { c.Servers = []string{"localhost"} },
	} {
		c := small(Read, "127.0.0.1:1")
		change(&c)
		if _, err := Run(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
