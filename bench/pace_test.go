package bench

import (
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func TestPaceIsEven(t *testing.T) {
	p := newPace(1000, 8000, 16)
	for k := range int64(1_000_000) {
		n, i := k/16, int(k%16)
		if got, want := p.due(n, i), 1000+k*125_000; got != want {
			t.Fatalf("request %d of connection %d is due at %d, not %d", n, i, got, want)
		}
	}
}

// A server that stalls once, for stall, must show in the latencies of every
// request that fell due meanwhile; a closed loop would see one slow request
// per connection.
func TestPacedLatencyCountsFromDueTime(t *testing.T) {
	const (
		stall   = 300 * time.Millisecond
		rate    = 500
		seconds = 2
	)
	s := newStub(t)
	reads := 0
	s.behave(func(_ int, h proto.RequestHeader, usual []byte) ([]byte, bool) {
		if h.Op == proto.OpGetData {
			if reads++; reads == 300 {
				time.Sleep(stall) // all connections wait: mu is held
			}
		}
		return usual, false
	})
	c := small(Read, s.addr())
	c.Connections, c.InFlight, c.Count, c.RatePerSec = 2, 1, 0, rate
	c.Duration = seconds * time.Second
	r := mustRun(t, c)
	if r.Ops != rate*seconds {
		t.Errorf("%d operations", r.Ops)
	}
	if r.SentLate == nil || r.SentLate.Count == 0 || r.SentLate.Count > r.Ops*95/100 {
		t.Errorf("sent late: %+v: requests that waited for the window are in it", r.SentLate)
	}
	if r.Seconds < 1.9 || r.OpsPerSec > 1.05*rate {
		t.Errorf("%.0f per second for %.2f s", r.OpsPerSec, r.Seconds)
	}
	if max := time.Duration(r.Latency.Max * 1e3); max < stall*9/10 {
		t.Errorf("longest latency %v", max)
	}
	// 150 requests fell due during the stall, evenly: 15 % of all waited, and
	// the slowest 10 % of all at least a third of the stall.
	if p90 := time.Duration(r.Latency.P90 * 1e3); p90 < stall/4 {
		t.Errorf("p90 %v: requests that had to wait are missing", p90)
	}
}

func TestPacedCount(t *testing.T) {
	s := newStub(t)
	c := small(Mixed, s.addr())
	c.Count, c.RatePerSec, c.WarmUp, c.Threads = 100, 1000, 50*time.Millisecond, 2
	r := mustRun(t, c)
	if r.Ops != 100 || len(r.ByClass) != 2 || r.ByClass["read"].Count+r.ByClass["write"].Count != 100 {
		t.Errorf("%d operations, by class %+v", r.Ops, r.ByClass)
	}
}
