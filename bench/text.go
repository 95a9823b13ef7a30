package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// WriteText prints the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s, %d connections", r.Workload, strings.Join(r.Servers, " "), r.Connections)
	switch r.Workload {
	case Sessions, Watch, Clean, Expiry:
	default:
		fmt.Fprintf(&b, " x %d in flight, %d-byte values", r.InFlight, r.ValueBytes)
	}
	if r.RatePerSec > 0 {
		fmt.Fprintf(&b, ", %.0f requests due per second", r.RatePerSec)
	}
	fmt.Fprintf(&b, "\n%d operations in %.2f s: %.0f per second\n", r.Ops, r.Seconds, r.OpsPerSec)
	if len(r.NotifiedMillis) > 0 {
		fmt.Fprintf(&b, "all notified after %s ms\n", millis(r.NotifiedMillis))
	}
	if r.Workload == Expiry {
		fmt.Fprintf(&b, "all ephemerals gone %.1f ms after the timeout of their sessions\n", r.GoneMillis)
	}
	if r.Latency.Count > 0 {
		fmt.Fprintf(&b, "%-10s %10s %10s %10s %10s %10s %10s\n", "latency", "mean", "p50", "p90", "p99", "p99.9", "max")
		writeLatency(&b, "all", r.Latency)
		for _, name := range slices.Sorted(maps.Keys(r.ByClass)) {
			writeLatency(&b, name, r.ByClass[name])
		}
		if r.SentLate != nil {
			writeLatency(&b, "sent late", *r.SentLate)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(&b, "refused with %q: %d\n", name, r.Errors[name])
	}
	fmt.Fprintf(&b, "load generator: %.3f CPU seconds per 100,000 operations\n", r.ClientCPUPer100k)
	if s := r.Server; s != nil {
		fmt.Fprintf(&b, "server: %.3f CPU seconds per 100,000 operations, %.1f MB resident (%.1f before, %.1f at most)\n",
			s.CPUPer100k, mb(s.RSSBytes), mb(s.RSSBeforeBytes), mb(s.PeakRSSBytes))
		if s.BytesPerItem != 0 {
			what := map[Workload]string{Sessions: "session", Fill: "znode"}[r.Workload]
			fmt.Fprintf(&b, "server: %.0f bytes per %s\n", s.BytesPerItem, what)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeLatency(b *strings.Builder, name string, l Latency) {
	fmt.Fprintf(b, "%-10s", name)
	for _, us := range []float64{l.Mean, l.P50, l.P90, l.P99, l.P999, l.Max} {
		fmt.Fprintf(b, " %10s", rounded(us))
	}
	b.WriteByte('\n')
}

// rounded prints microseconds as a duration of about three digits.
func rounded(us float64) string {
	d := time.Duration(us * 1e3)
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d >= 10*time.Microsecond:
		return d.Round(time.Microsecond).String()
	}
	return d.Round(10 * time.Nanosecond).String()
}

func millis(v []float64) string {
	s := make([]string, len(v))
	for i, ms := range v {
		s[i] = fmt.Sprintf("%.1f", ms)
	}
	return strings.Join(s, " ")
}

func mb(n int64) float64 { return float64(n) / (1 << 20) }
