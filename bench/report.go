package bench

import (
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Report is what a run has measured. Times of requests run from the moment a
// request was sent, or with a rate from the moment it was due, to its reply.
type Report struct {
	Workload    Workload `json:"workload"`
	Servers     []string `json:"servers"`
	Connections int      `json:"connections"`
	InFlight    int      `json:"inFlight"`
	ValueBytes  int      `json:"valueBytes"`
	Keys        int64    `json:"keys,omitempty"`
	ReadRatio   *float64 `json:"readRatio,omitempty"`
	RatePerSec  float64  `json:"ratePerSec,omitempty"` // asked for; 0: a closed loop

	Seconds   float64            `json:"seconds"` // that the operations below took
	Ops       int64              `json:"ops"`
	OpsPerSec float64            `json:"opsPerSec"`
	Latency   Latency            `json:"latencyMicros"`
	ByClass   map[string]Latency `json:"byClassMicros,omitempty"` // reads and writes apart, when both occur
	Errors    map[string]int64   `json:"errors,omitempty"`        // replies with an error code, warm-up included

	// SentLate is, with a rate, how long after it was due a request was sent
	// though there was room in the window: the delay that the generator and
	// this machine added. It is part of Latency.
	SentLate *Latency `json:"sentLateMicros,omitempty"`

	// NotifiedMillis is, for each round of Watch, the time from sending the
	// change to the last watcher's event.
	NotifiedMillis []float64 `json:"notifiedMillis,omitempty"`

	// GoneMillis is, for Expiry, the time from the timeout of the sessions to
	// the end of the last ephemeral on the last server.
	GoneMillis float64 `json:"goneMillis,omitempty"`

	ClientCPUPer100k float64      `json:"clientCPUSecondsPer100kOps"` // the generator's own
	Server           *ServerUsage `json:"server,omitempty"`           // when the processes are known
}

// Latency is a summary of a [Histogram], in microseconds.
type Latency struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99.9"`
	Max   float64 `json:"max"`
}

// ServerUsage is what the run cost the servers' processes together.
type ServerUsage struct {
	CPUSeconds     float64 `json:"cpuSeconds"`
	CPUPer100k     float64 `json:"cpuSecondsPer100kOps"`
	RSSBeforeBytes int64   `json:"rssBeforeBytes"` // before the run's first connection
	RSSBytes       int64   `json:"rssBytes"`       // at the end of the measurement
	PeakRSSBytes   int64   `json:"peakRSSBytes"`   // since the process started
	// BytesPerItem is the growth of the resident memory divided by the
	// sessions of Sessions or the znodes of Fill; 0 elsewhere.
	BytesPerItem float64 `json:"bytesPerItem,omitempty"`
}

// FailedOps returns how many replies had an error code.
func (r *Report) FailedOps() (n int64) {
	for _, c := range r.Errors {
		n += c
	}
	return n
}

func summarize(h *Histogram) Latency {
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	return Latency{
		Count: h.Count(),
		Mean:  us(h.Mean()),
		P50:   us(h.Quantile(0.50)),
		P90:   us(h.Quantile(0.90)),
		P99:   us(h.Quantile(0.99)),
		P999:  us(h.Quantile(0.999)),
		Max:   us(h.Max()),
	}
}

// meter takes the usage of both sides at the ends of a measurement.
type meter struct {
	pids      []int
	rssBefore int64
	client    time.Duration
	server    Usage
	err       error // the first one
}

// newMeter also notes the server's memory, so it comes before the first
// connection.
func newMeter(pids []int) (*meter, error) {
	m := &meter{pids: pids}
	m.begin()
	m.rssBefore = m.server.RSSBytes
	return m, m.err
}

func (m *meter) begin() {
	m.client = ownCPU()
	m.server = m.usage()
}

func (m *meter) usage() Usage {
	var sum Usage
	for _, pid := range m.pids {
		if m.err != nil {
			return Usage{}
		}
		var u Usage
		u, m.err = ReadUsage(pid)
		sum.CPU += u.CPU
		sum.RSSBytes += u.RSSBytes
		sum.PeakRSSBytes += u.PeakRSSBytes
	}
	return sum
}

// end writes into r what the ops since begin have cost. items is what the
// growth of the server's memory is divided by; 0: nothing.
func (m *meter) end(r *Report, items int64) error {
	r.ClientCPUPer100k = per100k(ownCPU()-m.client, r.Ops)
	u := m.usage()
	if len(m.pids) == 0 || m.err != nil {
		return m.err
	}
	r.Server = &ServerUsage{
		CPUSeconds:     (u.CPU - m.server.CPU).Seconds(),
		CPUPer100k:     per100k(u.CPU-m.server.CPU, r.Ops),
		RSSBeforeBytes: m.rssBefore,
		RSSBytes:       u.RSSBytes,
		PeakRSSBytes:   u.PeakRSSBytes,
	}
	if items > 0 {
		r.Server.BytesPerItem = float64(u.RSSBytes-m.rssBefore) / float64(items)
	}
	return nil
}

func per100k(cpu time.Duration, ops int64) float64 {
	if ops == 0 {
		return 0
	}
	return cpu.Seconds() * 100_000 / float64(ops)
}

// newReport fills in what was asked for.
func newReport(c *Config) *Report {
	r := &Report{
		Workload:    c.Workload,
		Servers:     c.Servers,
		Connections: c.Connections,
		InFlight:    c.InFlight,
		ValueBytes:  c.ValueBytes,
		RatePerSec:  c.RatePerSec,
	}
	switch c.Workload {
	case Mixed:
		r.ReadRatio = &c.ReadRatio
		r.Keys = c.Keys
	case Read, Write, Fill, Children:
		r.Keys = c.Keys
	}
	return r
}

// requests fills in what a phase of requests has measured since began.
func (r *Report) requests(o *outcome, began int64) {
	all := o.all()
	r.Latency = summarize(all)
	r.operations(all.Count(), time.Duration(o.lastAt-began))
	if o.latency[classRead].Count() > 0 && o.latency[classWrite].Count() > 0 {
		r.ByClass = map[string]Latency{}
		for c := range numClasses {
			r.ByClass[c.String()] = summarize(&o.latency[c])
		}
	}
	if r.RatePerSec > 0 {
		late := summarize(&o.late)
		r.SentLate = &late
	}
	r.failures(o.codes)
}

func (r *Report) operations(ops int64, took time.Duration) {
	r.Ops = ops
	if ops == 0 || took <= 0 {
		return
	}
	r.Seconds = took.Seconds()
	r.OpsPerSec = float64(ops) / took.Seconds()
}

func (r *Report) failures(codes map[proto.ErrCode]int64) {
	for code, n := range codes {
		if r.Errors == nil {
			r.Errors = map[string]int64{}
		}
		r.Errors[code.Error()] += n
	}
}
