package throttle

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

type fakeRequest struct {
	op      proto.Op
	arrived int64
	stale   atomic.Bool
}

func (q *fakeRequest) Op() proto.Op     { return q.op }
func (q *fakeRequest) ArrivedMs() int64 { return q.arrived }
func (q *fakeRequest) Stale() bool      { return q.stale.Load() }

// bubble runs a test in virtual time and gives it the throttle's clock.
func bubble(t *testing.T, cfg RequestsConfig, test func(r *Requests, now func() int64)) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		cfg.NowMs = func() int64 { return time.Since(start).Milliseconds() }
		test(NewRequests(cfg), cfg.NowMs)
	})
}

func TestEnterUnlimited(t *testing.T) {
	bubble(t, RequestsConfig{DropStale: true}, func(r *Requests, now func() int64) {
		q := &fakeRequest{op: proto.OpGetData}
		q.stale.Store(true) // only who waits is dropped
		for range 10 {
			if v := r.Enter(q); v != Submit {
				t.Errorf("verdict %v", v)
			}
		}
		if r.InProcess() != 10 || r.Queued() != 0 {
			t.Errorf("%d in process, %d queued", r.InProcess(), r.Queued())
		}
	})
}

// TestEnterWaits: who finds no room waits in the order of arrival, and goes on
// as soon as there is room.
func TestEnterWaits(t *testing.T) {
	bubble(t, RequestsConfig{MaxInProcess: 2, StallMs: 100}, func(r *Requests, now func() int64) {
		var order []string
		var mu sync.Mutex
		for i := range 5 {
			go func() {
				r.Enter(&fakeRequest{op: proto.OpSetData})
				mu.Lock()
				order = append(order, fmt.Sprintf("%d@%d", i, now()))
				mu.Unlock()
			}()
			synctest.Wait()
		}
		if r.InProcess() != 2 || r.Queued() != 3 {
			t.Errorf("%d in process, %d queued", r.InProcess(), r.Queued())
		}
		time.Sleep(10 * time.Millisecond)
		r.Done()
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		r.Done()
		r.Done()
		synctest.Wait()
		if got := fmt.Sprint(order); got != "[0@0 1@0 2@10 3@20 4@20]" {
			t.Errorf("order %v", got)
		}
		if r.InProcess() != 2 || r.Queued() != 0 || r.Stalls() == 0 {
			t.Errorf("%d in process, %d queued, %d stalls", r.InProcess(), r.Queued(), r.Stalls())
		}
	})
}

// TestEnterDropsStale: staleness is looked at once per stall.
func TestEnterDropsStale(t *testing.T) {
	for _, drop := range []bool{true, false} {
		bubble(t, RequestsConfig{MaxInProcess: 1, StallMs: 100, DropStale: drop}, func(r *Requests, now func() int64) {
			r.Enter(&fakeRequest{})
			q := &fakeRequest{op: proto.OpGetData}
			verdict := make(chan Verdict, 1)
			go func() { verdict <- r.Enter(q) }()
			time.Sleep(150 * time.Millisecond)
			q.stale.Store(true)
			time.Sleep(100 * time.Millisecond)
			if !drop {
				r.Done()
			}
			want := map[bool]Verdict{true: Drop, false: Submit}[drop]
			if v := <-verdict; v != want {
				t.Errorf("drop %v: verdict %v", drop, v)
			}
			if r.InProcess() != 1 || r.StaleDropped() != map[bool]int64{true: 1}[drop] {
				t.Errorf("drop %v: %d in process, %d dropped", drop, r.InProcess(), r.StaleDropped())
			}
		})
	}
}

func TestEnterRefuses(t *testing.T) {
	bubble(t, RequestsConfig{OpWaitMs: 50}, func(r *Requests, now func() int64) {
		time.Sleep(51 * time.Millisecond)
		tests := []struct {
			op      proto.Op
			arrived int64
			want    Verdict
		}{
			{proto.OpGetData, 0, Refuse},
			{proto.OpGetData, 1, Submit},
			{proto.OpPing, 0, Submit},
			{proto.OpCreateSession, 0, Submit},
			{proto.OpCloseSession, 0, Submit},
		}
		for i, tt := range tests {
			if v := r.Enter(&fakeRequest{op: tt.op, arrived: tt.arrived}); v != tt.want {
				t.Errorf("%v since %d: verdict %v", tt.op, tt.arrived, v)
			}
			if r.InProcess() != int64(i+1) {
				t.Errorf("%d in process", r.InProcess())
			}
		}
	})
}

func TestCloseDrops(t *testing.T) {
	bubble(t, RequestsConfig{MaxInProcess: 1, StallMs: 1000}, func(r *Requests, now func() int64) {
		r.Enter(&fakeRequest{})
		verdicts := make(chan Verdict, 3)
		for range cap(verdicts) {
			go func() { verdicts <- r.Enter(&fakeRequest{}) }()
		}
		synctest.Wait()
		r.Close()
		r.Close()
		for range cap(verdicts) {
			if v := <-verdicts; v != Drop {
				t.Errorf("verdict %v", v)
			}
		}
		if now() != 0 {
			t.Errorf("closing took %d ms", now())
		}
	})
}

func TestOver(t *testing.T) {
	tests := []struct {
		inProcess, queued, own int64
		want                   bool
	}{
		{10, 0, 1, false}, {11, 0, 1, true}, {11, 0, 0, false}, {0, 11, 2, true}, {10, 10, 2, false},
	}
	for _, tt := range tests {
		r := NewRequests(RequestsConfig{Outstanding: 10})
		r.inProcess.Store(tt.inProcess)
		r.queued.Store(tt.queued)
		if got := r.Over(tt.own); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// TestPause: a connection goes on when its own requests are answered, or when
// the server is below its limit.
func TestPause(t *testing.T) {
	ends := map[string]func(r *Requests, own *atomic.Int64){
		"own done": func(r *Requests, own *atomic.Int64) { own.Store(0); r.Done() },
		"below": func(r *Requests, own *atomic.Int64) {
			for range 3 {
				r.Done()
			}
		},
		"close": func(r *Requests, own *atomic.Int64) { r.Close() },
	}
	for name, end := range ends {
		bubble(t, RequestsConfig{Outstanding: 2}, func(r *Requests, now func() int64) {
			var own atomic.Int64
			own.Store(5)
			r.Pause(&own) // nothing in process yet
			for range 5 {
				r.Enter(&fakeRequest{})
			}
			resumed := make(chan struct{})
			go func() { r.Pause(&own); close(resumed) }()
			synctest.Wait()
			r.Done()
			synctest.Wait()
			select {
			case <-resumed:
				t.Errorf("%s: resumed with %d in process", name, r.InProcess())
			default:
			}
			end(r, &own)
			<-resumed
		})
	}
}

// TestRequestsStress: with everything on, nothing is lost or counted twice,
// and there is never more in process than allowed.
func TestRequestsStress(t *testing.T) {
	const conns, each, limit = 8, 500, 3
	start := time.Now()
	r := NewRequests(RequestsConfig{Outstanding: 1, MaxInProcess: limit, StallMs: 1, NowMs: func() int64 { return time.Since(start).Milliseconds() }})
	work := make(chan *atomic.Int64, conns*each)
	var workers, busy sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for own := range work {
				own.Add(-1)
				r.Done()
			}
		})
	}
	for range conns {
		busy.Go(func() {
			var own atomic.Int64
			for range each {
				r.Pause(&own)
				own.Add(1)
				if v := r.Enter(&fakeRequest{op: proto.OpGetData}); v != Submit {
					t.Errorf("verdict %v", v)
				}
				if n := r.InProcess(); n > limit {
					t.Errorf("%d in process", n)
				}
				work <- &own
			}
		})
	}
	busy.Wait()
	close(work)
	workers.Wait()
	if r.InProcess() != 0 || r.Queued() != 0 {
		t.Errorf("%d in process, %d queued", r.InProcess(), r.Queued())
	}
}

func BenchmarkEnterDone(b *testing.B) {
	r := NewRequests(RequestsConfig{Outstanding: 1000})
	q := &fakeRequest{op: proto.OpGetData}
	for b.Loop() {
		r.Enter(q)
		r.Done()
	}
}
