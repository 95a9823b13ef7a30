package stats

import (
	"sync"
	"sync/atomic"
)

// shardCount is how many connections can add to a Server at the same time. It
// is a power of two.
const shardCount = 8

// Server adds up what all connections do. It feeds the rows of the registry
// that stand for it.
type Server struct {
	registry *Registry
	nowNs    func() int64 // set once: monotonic
	startNs  int64        // set once
	turn     atomic.Uint32
	shards   [shardCount]shard

	// SlowSyncs counts log syncs above fsync.warningthresholdms.
	SlowSyncs atomic.Int64
	// Authentication and encryption of connections, counted by the TLS
	// listener: auth_failed_count, non_mtls_remote_conn_count,
	// non_mtls_local_conn_count.
	AuthFailed, NonMTLSRemote, NonMTLSLocal atomic.Int64
	// Handshakes is how many TLS handshakes are under way
	// (outstanding_tls_handshake).
	Handshakes atomic.Int64
}

// shard holds a part of the sums, and guards the numbers of its connections.
type shard struct {
	mu           sync.Mutex
	received     int64             // packets
	sent         int64             // packets: replies and events
	bytesIn      int64             // with the lengths of frames
	replyBytes   int64             // without them
	eventBytes   int64             // without them
	reads        tally             // latency in ns
	updates      tally             // latency in ns
	lastReply    int64             // bytes
	lastReplyNs  int64             // when it left; 0: never
	least, most  int64             // bytes of a reply; meaningless while lastReplyNs is 0
	readsPerName map[string]*tally // bytes
	_            [64]byte          // shards do not share a cache line
}

// NewServer makes the sums of a server and enters them into the registry.
// nowNs is a monotonic clock in ns, above 0; latencies are read from it by the
// callers of Batch.
func NewServer(registry *Registry, nowNs func() int64) *Server {
	s := &Server{registry: registry, nowNs: nowNs, startNs: nowNs()}
	for i := range s.shards {
		s.shards[i].reset()
	}
	s.register()
	return s
}

func (sh *shard) reset() {
	sh.received, sh.sent, sh.bytesIn, sh.replyBytes, sh.eventBytes = 0, 0, 0, 0, 0
	sh.lastReply, sh.lastReplyNs, sh.least, sh.most = 0, 0, 0, 0
	if sh.reads.hist == nil {
		sh.reads, sh.updates = newTally(), newTally()
		sh.readsPerName = map[string]*tally{}
	}
	sh.reads.reset()
	sh.updates.reset()
	for _, t := range sh.readsPerName {
		t.reset()
	}
}

// Totals are the sums since the start or the last Reset.
type Totals struct {
	PacketsReceived, PacketsSent int64
	BytesReceived                int64 // with the lengths of frames
	ReplyBytes, EventBytes       int64 // without them

	MinLatencyMs, MaxLatencyMs int64
	AvgLatencyMs               float64 // 4 digits behind the point

	LastReplyBytes, MinReplyBytes, MaxReplyBytes int64 // -1: no reply yet
}

// Totals adds up all shards.
func (s *Server) Totals() Totals {
	t := Totals{LastReplyBytes: -1, MinReplyBytes: -1, MaxReplyBytes: -1}
	var all tally
	var lastNs int64
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		t.PacketsReceived += sh.received
		t.PacketsSent += sh.sent
		t.BytesReceived += sh.bytesIn
		t.ReplyBytes += sh.replyBytes
		t.EventBytes += sh.eventBytes
		all.merge(&sh.reads)
		all.merge(&sh.updates)
		if sh.lastReplyNs != 0 {
			if sh.lastReplyNs >= lastNs {
				t.LastReplyBytes, lastNs = sh.lastReply, sh.lastReplyNs
			}
			if t.MinReplyBytes == -1 || sh.least < t.MinReplyBytes {
				t.MinReplyBytes = sh.least
			}
			t.MaxReplyBytes = max(t.MaxReplyBytes, sh.most)
		}
		sh.mu.Unlock()
	}
	t.MinLatencyMs, t.MaxLatencyMs = all.min/nsPerMs, all.max/nsPerMs
	t.AvgLatencyMs = all.avg(nsPerMs)
	return t
}

const nsPerMs = 1_000_000

// UptimeMs is the time since the server was made.
func (s *Server) UptimeMs() int64 { return (s.nowNs() - s.startNs) / nsPerMs }

// Reset starts the sums and all metrics anew (the word srst). Gauges and the
// numbers of single connections stay.
func (s *Server) Reset() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.reset()
		sh.mu.Unlock()
	}
	s.registry.Reset()
}

// register enters what the sums say into the registry.
func (s *Server) register() {
	r := s.registry
	total := func(pick func(*Totals) Value) func() (Value, bool) {
		return func() (Value, bool) { t := s.Totals(); return pick(&t), true }
	}
	r.Gauge("avg_latency", total(func(t *Totals) Value { return Float(t.AvgLatencyMs) }))
	r.Gauge("min_latency", total(func(t *Totals) Value { return Int(t.MinLatencyMs) }))
	r.Gauge("max_latency", total(func(t *Totals) Value { return Int(t.MaxLatencyMs) }))
	r.Gauge("packets_received", total(func(t *Totals) Value { return Int(t.PacketsReceived) }))
	r.Gauge("packets_sent", total(func(t *Totals) Value { return Int(t.PacketsSent) }))
	r.Gauge("last_client_response_size", total(func(t *Totals) Value { return Int(t.LastReplyBytes) }))
	r.Gauge("min_client_response_size", total(func(t *Totals) Value { return Int(t.MinReplyBytes) }))
	r.Gauge("max_client_response_size", total(func(t *Totals) Value { return Int(t.MaxReplyBytes) }))
	r.IntGauge("uptime", s.UptimeMs)
	r.IntGauge("auth_failed_count", s.AuthFailed.Load)
	r.IntGauge("non_mtls_remote_conn_count", s.NonMTLSRemote.Load)
	r.IntGauge("non_mtls_local_conn_count", s.NonMTLSLocal.Load)
	r.IntGauge("outstanding_tls_handshake", s.Handshakes.Load)
	registerProcess(r)

	sum := func(pick func(*Totals) int64) summedCounter {
		return func() int64 { t := s.Totals(); return pick(&t) }
	}
	r.set("bytes_received_count", KindCounter, sum(func(t *Totals) int64 { return t.BytesReceived }))
	r.set("response_bytes", KindCounter, sum(func(t *Totals) int64 { return t.ReplyBytes }))
	r.set("watch_bytes", KindCounter, sum(func(t *Totals) int64 { return t.EventBytes }))
	r.set("readlatency", KindAdvanced, summedLatency{s, func(sh *shard) *tally { return &sh.reads }})
	r.set("updatelatency", KindAdvanced, summedLatency{s, func(sh *shard) *tally { return &sh.updates }})
	r.set("read_per_namespace", KindSummarySet, summedReads{s})
}
