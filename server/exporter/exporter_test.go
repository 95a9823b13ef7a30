package exporter

import (
	"context"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/server/stats"
)

// newRegistry is a registry in which everything has happened once.
func newRegistry() *stats.Registry {
	r := stats.NewRegistry()
	stats.NewServer(r, func() int64 { return 1 })
	for i := range stats.Table {
		d := &stats.Table[i]
		switch d.Kind {
		case stats.KindGauge:
			r.IntGauge(d.Name, func() int64 { return int64(i) })
		case stats.KindGaugeSet:
			r.GaugeSet(d.Name, func() map[string]int64 { return map[string]int64{"app": int64(i)} })
		case stats.KindCounterSet:
			r.CounterSet(d.Name).Of("app").Add(int64(i))
		case stats.KindSummarySet, stats.KindAdvancedSet:
			if d.Name != "read_per_namespace" {
				r.SummarySet(d.Name).Of("app").Add(int64(i))
			}
		}
	}
	return r
}

// scrape asks as Prometheus does and reads the answer with its parser.
func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d, %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func TestScrape(t *testing.T) {
	r := newRegistry()
	r.Counter("throttled_ops").Add(3)
	r.Summary("fsynctime").Observe(5 * time.Millisecond)
	r.SummarySet("write_per_namespace").Of("bad \xff").Add(1)
	s, err := New(r, true).Start("127.0.0.1:0", zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	url := "http://" + s.Addr().String()
	families := scrape(t, url+"/metrics")
	types := map[stats.Kind]dto.MetricType{
		stats.KindCounter: dto.MetricType_COUNTER, stats.KindCounterSet: dto.MetricType_COUNTER,
		stats.KindGauge: dto.MetricType_GAUGE, stats.KindGaugeSet: dto.MetricType_GAUGE,
	}
	for _, d := range stats.Table {
		want, ok := types[d.Kind]
		if !ok {
			want = dto.MetricType_SUMMARY
		}
		f := families[d.Name]
		switch {
		case f == nil && d.Name == "read_per_namespace": // nobody has read
		case f == nil:
			t.Errorf("%s is missing", d.Name)
		case f.GetType() != want:
			t.Errorf("%s is a %v, want %v", d.Name, f.GetType(), want)
		case d.Kind.IsSet() != (len(f.Metric[0].Label) == 1):
			t.Errorf("%s has the labels %v", d.Name, f.Metric[0].Label)
		}
	}
	if v := families["throttled_ops"].Metric[0].Counter.GetValue(); v != 3 {
		t.Errorf("throttled_ops is %v", v)
	}
	fsync := families["fsynctime"].Metric[0].Summary
	if fsync.GetSampleCount() != 1 || fsync.GetSampleSum() != 5 || len(fsync.Quantile) != 1 || fsync.Quantile[0].GetValue() != 5 {
		t.Errorf("fsynctime is %v", fsync)
	}
	if q := families["updatelatency"].Metric[0].Summary.Quantile; len(q) != 3 || !math.IsNaN(q[2].GetValue()) {
		t.Errorf("updatelatency, never used, is %v", q)
	}
	for _, name := range []string{"go_goroutines", "process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	for path, want := range map[string]int{"/": 404, "/other": 404} {
		resp, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// What mntr shows is what is scraped, under Apache's spelling of labels.
func TestDump(t *testing.T) {
	r := newRegistry()
	got := map[string]stats.Value{}
	if err := New(r, false).Dump(func(name string, v stats.Value) { got[name] = v }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"throttled_ops", `fsynctime{quantile="0.5"}`, "fsynctime_count", "fsynctime_sum", `updatelatency{quantile="0.99"}`,
		`write_per_namespace{key="app",quantile="0.5"}`, `write_per_namespace_count{key="app"}`, `quota_bytes_usage_per_namespace{key="app"}`,
	} {
		v, ok := got[name]
		if !ok {
			t.Errorf("%s is missing: %v", name, slices.Sorted(maps.Keys(got)))
			break
		}
		if !strings.Contains(v.String(), ".") && v.String() != "NaN" {
			t.Errorf("%s is %s, no double", name, v)
		}
	}
}

// Quantiles forget what is older than the window, counts do not.
func TestWindow(t *testing.T) {
	r := stats.NewRegistry()
	now := time.Unix(0, 0)
	c := newCollector(r, func() time.Time { return now })
	median := func() float64 {
		var dist *stats.Distribution
		r.Samples(func(s *stats.Sample) {
			if s.Def.Name == "fsynctime" {
				dist = s.Summary
			}
		})
		id := windowKey{"fsynctime", ""}
		if c.windows[id] == nil {
			c.windows[id] = &window{}
		}
		return c.windows[id].recent(dist, now).Quantile(0.5)
	}
	s := r.Summary("fsynctime")
	s.Add(10)
	if m := median(); m != 10 {
		t.Errorf("at first %v", m)
	}
	for range 9 {
		now = now.Add(time.Minute)
		median()
	}
	s.Add(40)
	s.Add(40)
	now = now.Add(time.Minute)
	if m := median(); m != 40 {
		t.Errorf("after 10 minutes %v: the first value is still counted", m)
	}
	for range 20 {
		now = now.Add(time.Minute)
		median()
	}
	if m := median(); !math.IsNaN(m) {
		t.Errorf("after 20 quiet minutes %v", m)
	}
	if n := len(c.windows[windowKey{"fsynctime", ""}].states); n > 8 {
		t.Errorf("%d states are kept", n)
	}
}
