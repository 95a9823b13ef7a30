package ensemble

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Rates turns the counters of one look after the other into what happens in a
// second. The zero value is ready; it is for one goroutine.
type Rates struct {
	when     time.Time
	received map[string]int64 // by server, and by server and client
}

// maxBusy is how many clients are listed.
const maxBusy = 10

// busy is a client, and how much it asks.
type busy struct {
	server, addr, session, lastOp string
	perSecond                     float64
	avgMs                         int64
}

// Write prints requests per second of each server and the busiest clients,
// from the second look on.
func (r *Rates) Write(w io.Writer, s *Status, now time.Time) error {
	seen := map[string]int64{}
	elapsed := now.Sub(r.when).Seconds()
	first := r.when.IsZero() || elapsed <= 0
	rate := func(key string, count int64) (float64, bool) {
		seen[key] = count
		before, ok := r.received[key]
		if first || !ok || count < before {
			return 0, false // new, or reset meanwhile
		}
		return float64(count-before) / elapsed, true
	}
	var clients []busy
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if !first {
		fmt.Fprintln(t, "\nSERVER\tREQUESTS/s\tREADS ms\tUPDATES ms\tFSYNC ms\tEPHEMERALS\tDATA MiB\tFDS")
	}
	for i := range s.Reports {
		rep := &s.Reports[i]
		if rep.Err != nil {
			continue
		}
		perSecond, ok := rate(rep.Addr, rep.Received)
		if ok {
			fmt.Fprintf(t, "%s\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\n", rep.Addr, perSecond, rep.decimal("avg_readlatency", 1), rep.decimal("avg_updatelatency", 1),
				rep.decimal("avg_fsynctime", 1), number(rep.Metric("ephemerals_count")), rep.decimal("approximate_data_size", 1<<20), number(rep.Metric("open_file_descriptor_count")))
		}
		for _, c := range rep.Clients {
			if perSecond, ok := rate(rep.Addr+" "+c.Addr, c.Received); ok && c.Session != "" {
				clients = append(clients, busy{rep.Addr, c.Addr, c.Session, c.LastOp, perSecond, c.AvgMs})
			}
		}
	}
	r.when, r.received = now, seen
	if len(clients) > 0 {
		writeBusy(t, clients)
	}
	return t.Flush()
}

func writeBusy(t io.Writer, clients []busy) {
	slices.SortFunc(clients, func(a, b busy) int {
		return cmp.Or(cmp.Compare(b.perSecond, a.perSecond), cmp.Compare(a.addr, b.addr))
	})
	fmt.Fprintln(t, "\nCLIENT\tSESSION\tOF\tREQUESTS/s\tLAST\tAVG ms")
	for _, c := range clients[:min(len(clients), maxBusy)] {
		fmt.Fprintf(t, "%s\t%s\t%s\t%.0f\t%s\t%d\n", c.addr, c.session, c.server, c.perSecond, c.lastOp, c.avgMs)
	}
}

// decimal is a number of mntr, divided.
func (r *Report) decimal(name string, by float64) string {
	v, ok := r.Metrics[name]
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.4g", v/by)
}
