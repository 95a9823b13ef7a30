//go:build compat

package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func jsonNumber(s string) json.Number { return json.Number(s) }

// own are the metrics that only Meerkat has.
var own = regexp.MustCompile(`^((avg|min|max|cnt|sum)_)?(datadir_free_bytes|logdir_free_bytes|oversized_requests|oversized_replies|writes_refused_disk_full|gate_wait_time|apply_time|disk_full|slow_fsync_count)(_count|_sum)?($|\{)`)

// theirs and ours are about the runtimes.
var (
	theirs = regexp.MustCompile(`^jvm_`)
	ours   = regexp.MustCompile(`^go_|^process_network_|^process_virtual_memory_max_bytes`)
)

func compareMonitor(t *testing.T, apache, subject map[string]any) {
	t.Helper()
	for key, want := range apache {
		got, ok := subject[key]
		switch {
		case theirs.MatchString(key):
		case !ok:
			t.Errorf("%s is missing (Apache: %v)", key, want)
		case shapeOf(got) != shapeOf(want) && !isNaN(got) && !isNaN(want):
			t.Errorf("%s is %v, Apache's %v", key, got, want)
		}
	}
	for key := range subject {
		if _, ok := apache[key]; !ok && !own.MatchString(key) && !ours.MatchString(key) {
			t.Errorf("%s is not in Apache's answer", key)
		}
	}
}

func isNaN(v any) bool { return v == "NaN" }

const prometheus = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"

// TestPrometheus compares the names, types and labels that both exporters
// show, and what the command monitor shows beside them.
func TestPrometheus(t *testing.T) {
	sides := both(t, map[string]string{
		"metricsProvider.className": prometheus, "metricsProvider.httpHost": "127.0.0.1", "metricsProvider.httpPort": "METRICS_PORT",
	}, nil)
	for _, s := range sides {
		occupy(t, s)
	}
	monitors := compareExporters(t, sides)
	compareMonitor(t, monitors[0], monitors[1])
}

// compareExporters compares what two servers show to Prometheus, and returns
// what they show beside it.
func compareExporters(t *testing.T, sides [2]*side) (monitors [2]map[string]any) {
	t.Helper()
	var all [2]map[string]*family
	for i, s := range sides {
		a := ask(t, "GET", fmt.Sprintf("http://127.0.0.1:%d/metrics", s.metrics), "", "")
		if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain; version=0.0.4") {
			t.Fatalf("%s: %d %s", s.Flavor, a.status, a.header.Get("Content-Type"))
		}
		all[i] = families(a.body)
		var err error
		if monitors[i], err = decode(s.ask(t, "GET", "/commands/monitor", "", "").body); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range all[0] {
		got := all[1][name]
		switch {
		case theirs.MatchString(name) || len(want.samples) == 0: // a set that nothing has happened to
		case got == nil:
			t.Errorf("%s is missing", name)
		case got.kind != want.kind || !maps.Equal(got.samples, want.samples):
			t.Errorf("%s is %s %v, Apache's %s %v", name, got.kind, slices.Sorted(maps.Keys(got.samples)), want.kind, slices.Sorted(maps.Keys(want.samples)))
		}
	}
	for name := range all[1] {
		if all[0][name] == nil && !own.MatchString(name) && !ours.MatchString(name) {
			t.Errorf("%s is not one of Apache's", name)
		}
	}
	return monitors
}
