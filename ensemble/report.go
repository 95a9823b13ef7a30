package ensemble

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
)

// Report is what a member said of itself. Numbers that it did not tell are -1.
type Report struct {
	Member
	Err error // why there is nothing else

	Role        string // leader, follower, observer, standalone, read-only
	Version     string
	Zxid        int64
	Connections int64
	Outstanding int64
	Znodes      int64
	MinLatency  float64 // ms, since the last reset
	AvgLatency  float64
	MaxLatency  float64
	Received    int64 // packets since the last reset
	Sent        int64

	Metrics map[string]float64 // of mntr, without zk_; nil: not allowed
	Clients []Connection       // of cons; nil: not asked or not allowed
}

// Metric returns a number of mntr, -1 without one.
func (r *Report) Metric(name string) int64 {
	if v, ok := r.Metrics[name]; ok {
		return int64(v)
	}
	return -1
}

// Sessions is how many sessions the whole ensemble has, -1 if that is not
// told.
func (r *Report) Sessions() int64 { return r.Metric("global_sessions") }

// Connection is a client of a server.
type Connection struct {
	Addr     string // host:port
	Session  string // 0xHEX; "" without one
	Received int64  // packets
	LastOp   string // as cons abbreviates it
	AvgMs    int64
}

// Ask asks all members at once. With clients they are asked for their
// connections, too.
func Ask(ctx context.Context, members []Member, clients bool) []Report {
	reports := make([]Report, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { reports[i] = askMember(ctx, m, clients) })
	}
	all.Wait()
	return reports
}

func askMember(ctx context.Context, m Member, clients bool) Report {
	r := Report{Member: m, Zxid: -1, Connections: -1, Outstanding: -1, Znodes: -1, Received: -1, Sent: -1, MinLatency: -1, AvgLatency: -1, MaxLatency: -1}
	text, err := ask(ctx, m.Addr, "srvr")
	if err == nil {
		err = r.parseSrvr(text)
	}
	if err != nil {
		r.Err = err
		return r
	}
	if text, err := ask(ctx, m.Addr, "mntr"); err == nil {
		r.Metrics = parseMntr(text)
	}
	if clients {
		if text, err := ask(ctx, m.Addr, "cons"); err == nil {
			r.Clients = parseCons(text)
		}
	}
	return r
}

// parseSrvr reads the answer to srvr: lines of a name, a colon and a value.
func (r *Report) parseSrvr(text string) error {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		var err error
		switch name {
		case "Zookeeper version":
			r.Version, _, _ = strings.Cut(value, ",")
		case "Latency min/avg/max":
			_, err = fmt.Sscanf(strings.ReplaceAll(value, "/", " "), "%f %f %f", &r.MinLatency, &r.AvgLatency, &r.MaxLatency)
		case "Received":
			r.Received, err = strconv.ParseInt(value, 10, 64)
		case "Sent":
			r.Sent, err = strconv.ParseInt(value, 10, 64)
		case "Connections":
			r.Connections, err = strconv.ParseInt(value, 10, 64)
		case "Outstanding":
			r.Outstanding, err = strconv.ParseInt(value, 10, 64)
		case "Zxid":
			var zxid uint64
			zxid, err = strconv.ParseUint(value, 0, 64)
			r.Zxid = int64(zxid)
		case "Mode":
			r.Role = value
		case "Node count":
			r.Znodes, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return fmt.Errorf("%w: srvr says %q", ErrNoAnswer, strings.TrimSpace(line))
		}
	}
	if r.Role == "" || r.Zxid < 0 {
		return ErrNoAnswer
	}
	return nil
}

// parseMntr reads names and numbers; what is no number is left out.
func parseMntr(text string) map[string]float64 {
	metrics := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			metrics[strings.TrimPrefix(name, "zk_")] = v
		}
	}
	return metrics
}

// parseCons reads the answer to cons: /ADDRESS[OPS](NAME=VALUE,...).
func parseCons(text string) []Connection {
	var list []Connection
	for line := range strings.Lines(text) {
		head, rest, ok := strings.Cut(strings.TrimSpace(line), "(")
		addr, _, ok2 := cutLast(strings.TrimPrefix(head, "/"), "[")
		if _, _, err := net.SplitHostPort(addr); !ok || !ok2 || err != nil {
			continue
		}
		c := Connection{Addr: addr}
		for _, pair := range strings.Split(strings.TrimSuffix(rest, ")"), ",") {
			name, value, _ := strings.Cut(pair, "=")
			n, _ := strconv.ParseInt(value, 10, 64)
			switch name {
			case "recved":
				c.Received = n
			case "sid":
				c.Session = value
			case "lop":
				c.LastOp = value
			case "avglat":
				c.AvgMs = n
			}
		}
		list = append(list, c)
	}
	return list
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
