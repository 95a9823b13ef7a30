package stats

import (
	"math"
	"testing"
	"time"
)

// samples gathers what a registry shows, by name and key.
func samples(r *Registry) map[string]*Sample {
	all := map[string]*Sample{}
	r.Samples(func(s *Sample) {
		kept := *s
		name := s.Def.Name
		if s.Key != "" {
			name += "{" + s.Key + "}"
		}
		all[name] = &kept
	})
	return all
}

func TestSamples(t *testing.T) {
	r := NewRegistry()
	now := int64(1)
	s := NewServer(r, func() int64 { return now })
	r.Counter("throttled_ops").Add(3)
	r.CounterSet("quota_exceeded_error_per_namespace").Of("app").Add(2)
	r.SummarySet("write_per_namespace").Of("app").Add(100)
	r.Summary("fsynctime").Observe(1500 * time.Microsecond)
	r.GaugeSet("quota_bytes_usage_per_namespace", func() map[string]int64 { return map[string]int64{"app": 7} })
	r.IntGauge("znode_count", func() int64 { return 9 })
	r.Gauge("watch_count", func() (Value, bool) { return Value{}, false })
	c := s.NewConn()
	b := NewBatch(c)
	for i := range 100 {
		b.Received(10)
		b.Replied(Reply{BeganNs: 0, EndNs: int64(i+1) * nsPerMs, Bytes: 20, Xid: 1})
		b.Read("/app/x", 30)
	}
	b.Flush()

	all := samples(r)
	for name, want := range map[string]float64{
		"throttled_ops": 3, "quota_exceeded_error_per_namespace{app}": 2, "quota_bytes_usage_per_namespace{app}": 7,
		"znode_count": 9, "packets_received": 100, "bytes_received_count": 1400, "response_bytes": 2000,
	} {
		if got := all[name]; got == nil || got.Value.Float64() != want {
			t.Errorf("%s is %+v, want %v", name, got, want)
		}
	}
	if all["watch_count"] != nil {
		t.Error("a gauge without a value is shown")
	}
	for name, want := range map[string][3]float64{ // count, sum, median
		"fsynctime": {1, 1.5, 1}, "write_per_namespace{app}": {1, 100, 100.5},
		"readlatency": {100, 5050, 50}, "read_per_namespace{app}": {100, 10400, 104.5}, "updatelatency": {0, 0, math.NaN()},
	} {
		d := all[name].Summary
		if got := [3]float64{float64(d.Count), d.Sum, d.Quantile(0.5)}; got != want && !(math.IsNaN(want[2]) && math.IsNaN(got[2])) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := all["readlatency"].Summary.Quantile(0.99); got != 98.5 { // 98 and 99 share a step
		t.Errorf("the 99th percentile of 1 to 100 is %v", got)
	}
}

func TestDistributionSince(t *testing.T) {
	r := NewRegistry()
	s := r.Summary("election_time")
	dist := func() *Distribution { return samples(r)["election_time"].Summary }
	s.Add(10)
	s.Add(10)
	old := dist()
	s.Add(40)
	if d := dist().Since(old); d.Count != 1 || d.Sum != 40 || d.Quantile(0.5) != 40 {
		t.Errorf("%d values, sum %v, median %v", d.Count, d.Sum, d.Quantile(0.5))
	}
	if d := dist().Since(dist()); d.Count != 0 || !math.IsNaN(d.Quantile(0.5)) {
		t.Errorf("nothing new: %d values, median %v", d.Count, d.Quantile(0.5))
	}
	r.Reset()
	s.Add(7)
	if d := dist().Since(old); d.Count != 1 || d.Quantile(0.5) != 7 {
		t.Errorf("after a reset: %d values, median %v", d.Count, d.Quantile(0.5))
	}
}
