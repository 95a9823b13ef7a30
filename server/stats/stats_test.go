package stats

import (
	"bufio"
	"fmt"
	"math"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// lines reads a file of testdata.
func lines(t *testing.T, name string) []string {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []string
	for s := bufio.NewScanner(file); s.Scan(); {
		all = append(all, s.Text())
	}
	return all
}

// TestApache compares sums and printed numbers with Apache's.
func TestApache(t *testing.T) {
	rows := lines(t, "vectors.tsv")
	if len(rows) != 423 {
		t.Errorf("%d vectors", len(rows))
	}
	for _, row := range rows {
		f := strings.Split(row, "\t")
		var got, want string
		switch f[0] {
		case "double":
			bits, _ := strconv.ParseUint(f[1], 16, 64)
			got, want = JavaDouble(math.Float64frombits(bits)), f[2]
		case "basic", "advanced":
			d := &Def{Name: "x", Kind: map[string]Kind{"basic": KindSummary, "advanced": KindAdvanced}[f[0]]}
			s := newSummary(d)
			for v := range strings.SplitSeq(f[1], ",") {
				if n, err := strconv.ParseInt(v, 10, 64); err == nil {
					s.Add(n)
				}
			}
			var prints []string
			s.emit(d, func(name string, v Value) { prints = append(prints, name+"="+v.String()) })
			got, want = strings.Join(prints, ","), f[2]
		}
		if got != want {
			t.Errorf("%s: got %s", row, got)
		}
	}
}

func TestRound4(t *testing.T) {
	for in, want := range map[float64]float64{
		0: 0, 1.00004: 1, 1.00006: 1.0001, 0.03125: 0.0313, 0.09375: 0.0938, 2.5: 2.5, 1.0 / 3: 0.3333, 1e12 + 0.5: 1e12 + 0.5,
	} {
		if got := round4(in); got != want {
			t.Errorf("%v: %v, want %v", in, got, want)
		}
	}
	if !math.IsInf(round4(math.Inf(1)), 1) {
		t.Error("infinity is not kept")
	}
}

func TestHistogramSlots(t *testing.T) {
	last := -1
	for v := int64(0); v <= histogramMax; v += 1 + v/200 {
		slot := slotOf(v)
		if slot != last && slot != last+1 || slot >= histogramSize {
			t.Fatalf("value %d has slot %d after %d", v, slot, last)
		}
		last = slot
		if off := math.Abs(valueOf(slot) - float64(v)); off > float64(v)/stepsPerPower {
			t.Fatalf("value %d is taken for %v", v, valueOf(slot))
		}
	}
	for in, want := range map[int64]int{-5: 0, 63: 63, 64: 64, 65: 64, 66: 65, math.MaxInt64: histogramSize - 1} {
		if got := slotOf(in); got != want {
			t.Errorf("slot of %d: %d, want %d", in, got, want)
		}
	}
}

// TestQuantiles: large values come out within the width of their slot.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	var h histogram
	values := make([]int64, 10_000)
	for i := range values {
		values[i] = int64(random.ExpFloat64() * 5000)
		h.add(values[i])
	}
	slices.Sort(values)
	for i, got := range h.quantiles(percentiles) {
		want := values[int(percentiles[i]*float64(len(values)))]
		if math.Abs(float64(got-want)) > float64(want)/stepsPerPower {
			t.Errorf("%s: %d, want about %d", percentileNames[i], got, want)
		}
	}
}

func dump(r *Registry) map[string]string {
	m := map[string]string{}
	r.Each(func(name string, v Value) { m[name] = v.String() })
	return m
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Table {
		if seen[d.Name] {
			t.Errorf("%s is there twice", d.Name)
		}
		seen[d.Name] = true
		if d.Help == "" || (d.Scope == Never) != (d.Why != "") {
			t.Errorf("%s: help %q, scope %v, why %q", d.Name, d.Help, d.Scope, d.Why)
		}
	}
}

// TestNamesOfApache: a full dump has every key that Apache prints, and no key
// that it does not, but Meerkat's own and those of an ensemble.
func TestNamesOfApache(t *testing.T) {
	r := NewRegistry()
	s := NewServer(r, func() int64 { return 1 })
	for _, d := range gauges {
		if d.Kind == KindGauge {
			if _, set := dump(r)[d.Name]; !set {
				r.IntGauge(d.Name, func() int64 { return 7 })
			}
		}
	}
	b := NewBatch(s.NewConn())
	b.Read("/app/x", 10)
	b.Flush()
	r.SummarySet("write_per_namespace").Of("app").Add(1)
	got := dump(r)
	for _, key := range lines(t, "mntr-keys.txt") {
		if _, ok := got[key]; !ok && key != "version" && key != "server_state" {
			t.Errorf("Apache prints %s", key)
		}
		delete(got, key)
	}
	for _, d := range own {
		d.zeroKeys(func(key string) { delete(got, key) })
	}
	if len(got) != 0 {
		t.Errorf("Apache does not print %v", got)
	}
}

// zeroKeys lists what a row prints.
func (d *Def) zeroKeys(key func(string)) {
	if m := d.zero(); m != nil {
		m.emit(d, func(name string, _ Value) { key(name) })
	}
}

func TestRegistryPanics(t *testing.T) {
	r := NewRegistry()
	for name, call := range map[string]func(){
		"unknown":    func() { r.Counter("no_such_counter") },
		"other kind": func() { r.Counter("fsynctime") },
		"gauge":      func() { r.IntGauge("proposal_count", func() int64 { return 0 }) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

func TestGauges(t *testing.T) {
	r := NewRegistry()
	there := true
	r.Gauge("connection_drop_probability", func() (Value, bool) { return Float(0.25), there })
	r.GaugeSet("quota_count_limit_per_namespace", func() map[string]int64 { return map[string]int64{"b": 2, "a": 1} })
	r.IntGauge("znode_count", func() int64 { return -3 })
	got := dump(r)
	if got["connection_drop_probability"] != "0.25" || got["znode_count"] != "-3" || got["a_quota_count_limit_per_namespace"] != "1" {
		t.Errorf("got %v", got)
	}
	there = false
	r.GaugeSet("quota_count_limit_per_namespace", nil)
	r.Gauge("znode_count", nil)
	for _, key := range []string{"connection_drop_probability", "znode_count", "a_quota_count_limit_per_namespace"} {
		if v, ok := dump(r)[key]; ok {
			t.Errorf("%s is still %s", key, v)
		}
	}
}

func TestCountedBy(t *testing.T) {
	r := NewRegistry()
	n := int64(5)
	r.CountedBy("response_packet_get_children_cache_hits", func() int64 { return n })
	if got := dump(r)["response_packet_get_children_cache_hits"]; got != "5" {
		t.Errorf("got %s", got)
	}
	r.Reset()
	n += 3
	if got := dump(r)["response_packet_get_children_cache_hits"]; got != "3" {
		t.Errorf("after reset: %s", got)
	}
}

func TestSummary(t *testing.T) {
	r := NewRegistry()
	s := r.Summary("fsynctime")
	s.Observe(1500 * time.Microsecond)
	s.Observe(250 * time.Microsecond)
	s.Add(4)
	got := dump(r)
	want := map[string]string{"avg": "1.9167", "min": "0", "max": "4", "cnt": "3", "sum": "5"}
	for k, v := range want {
		if got[k+"_fsynctime"] != v {
			t.Errorf("%s: %s, want %s", k, got[k+"_fsynctime"], v)
		}
	}
	n := r.Summary("startup_txns_loaded")
	n.Observe(2 * time.Millisecond) // counts as ms where nothing is timed
	if got := dump(r)["sum_startup_txns_loaded"]; got != "2" {
		t.Errorf("got %s", got)
	}
	r.Reset()
	if got := dump(r); got["cnt_fsynctime"] != "0" || got["max_fsynctime"] != "0" {
		t.Errorf("after reset: %v", got["cnt_fsynctime"])
	}
}

// TestSetLimits: keys come from clients, so neither many nor long ones take
// more memory than allowed.
func TestSetLimits(t *testing.T) {
	r := NewRegistry()
	set := r.CounterSet("quota_exceeded_error_per_namespace")
	set.Of(strings.Repeat("x", MaxKeyBytes+1)).Add(1)
	for i := range MaxKeys + 10 {
		set.Of(fmt.Sprint("ns", i)).Add(1)
	}
	if n := len(set.keys()); n != MaxKeys {
		t.Errorf("%d keys", n)
	}
	if got := dump(r)[OtherKey+"_quota_exceeded_error_per_namespace"]; got != "12" {
		t.Errorf("others count %s", got)
	}
	r.Reset()
	if got := dump(r)["ns5_quota_exceeded_error_per_namespace"]; got != "0" {
		t.Errorf("after reset: %q", got)
	}
}
