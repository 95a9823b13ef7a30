package ensemble

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTable prints a status: a line for each member, and what is wrong.
func (s *Status) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSERVER\tROLE\tZXID\tLAG\tCONNS\tOUTST\tZNODES\tWATCHES\tLATENCY ms\tVERSION")
	for i := range s.Reports {
		r := &s.Reports[i]
		if r.Err != nil {
			fmt.Fprintf(t, "%s\t%s\tdown\t-\t-\t-\t-\t-\t-\t-\t-\n", id(r), r.Addr)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t0x%x\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", id(r), r.Addr, r.Role, uint64(r.Zxid), s.lagText(r),
			number(r.Connections), number(r.Outstanding), number(r.Znodes), number(r.Metric("watch_count")), latency(r), shortVersion(r.Version))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	sessions := ""
	if n := s.Sessions(); n >= 0 {
		sessions = fmt.Sprintf(", %d sessions", n)
	}
	answered := 0
	for _, r := range s.Reports {
		if r.Err == nil {
			answered++
		}
	}
	_, err := fmt.Fprintf(w, "%s: %d of %d servers answer%s\n", s.Health, answered, len(s.Reports), sessions)
	for _, note := range s.Notes {
		_, err = fmt.Fprintf(w, "  %s\n", note)
	}
	return err
}

func id(r *Report) string {
	if r.ID == 0 {
		return "-"
	}
	return strconv.FormatInt(r.ID, 10)
}

func number(n int64) string {
	if n < 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func (s *Status) lagText(r *Report) string {
	switch lag, ok := s.Lag(r); {
	case !ok:
		return "-"
	case lag < 0:
		return "epoch"
	default:
		return strconv.FormatInt(lag, 10)
	}
}

func latency(r *Report) string {
	if r.AvgLatency < 0 {
		return "-"
	}
	return fmt.Sprintf("%g/%g/%g", r.MinLatency, r.AvgLatency, r.MaxLatency)
}

// shortVersion drops the commit.
func shortVersion(v string) string {
	if i := strings.LastIndexByte(v, '-'); i > 0 && len(v)-i > 20 {
		return v[:i]
	}
	return v
}

// JSON is the status for programs. Zxids are texts, since they do not fit
// into what most readers take for a number; what is not known is absent.
func (s *Status) JSON() any {
	type server struct {
		ID          int64              `json:"id,omitempty"`
		Addr        string             `json:"server"`
		Error       string             `json:"error,omitempty"`
		Role        string             `json:"role,omitempty"`
		Version     string             `json:"version,omitempty"`
		Zxid        string             `json:"zxid,omitempty"`
		Lag         *int64             `json:"lag,omitempty"` // transactions; -1: an epoch
		Connections *int64             `json:"connections,omitempty"`
		Outstanding *int64             `json:"outstanding,omitempty"`
		Znodes      *int64             `json:"znodes,omitempty"`
		Watches     *int64             `json:"watches,omitempty"`
		LatencyMs   map[string]float64 `json:"latency_ms,omitempty"`
	}
	known := func(n int64) *int64 {
		if n < 0 {
			return nil
		}
		return &n
	}
	out := struct {
		Health   string   `json:"health"`
		Sessions *int64   `json:"sessions,omitempty"`
		Notes    []string `json:"notes"`
		Servers  []server `json:"servers"`
	}{Health: s.Health.String(), Sessions: known(s.Sessions()), Notes: append([]string{}, s.Notes...)}
	for i := range s.Reports {
		r := &s.Reports[i]
		if r.Err != nil {
			out.Servers = append(out.Servers, server{ID: r.ID, Addr: r.Addr, Error: r.Err.Error()})
			continue
		}
		v := server{
			ID: r.ID, Addr: r.Addr, Role: r.Role, Version: r.Version, Zxid: fmt.Sprintf("0x%x", uint64(r.Zxid)), Connections: known(r.Connections),
			Outstanding: known(r.Outstanding), Znodes: known(r.Znodes), Watches: known(r.Metric("watch_count")),
			LatencyMs: map[string]float64{"min": r.MinLatency, "avg": r.AvgLatency, "max": r.MaxLatency},
		}
		if lag, ok := s.Lag(r); ok {
			v.Lag = &lag
		}
		out.Servers = append(out.Servers, v)
	}
	return out
}
