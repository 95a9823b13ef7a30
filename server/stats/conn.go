package stats

import "github.com/meerkat-zk/meerkat/jute/proto"

// Conn counts what one connection does. Its methods may be called from any
// goroutine.
type Conn struct {
	shard *shard // set once; its mu guards all that follows

	received, sent int64 // packets
	latencies      int64 // how many
	totalNs        int64
	minNs, maxNs   int64 // meaningless while latencies is 0
	lastNs         int64 // latency of the last reply
	repliedNs      int64 // when it left; 0: never
	cxid           int64 // of the last request that the client numbered; -1: none
	zxid           int64 // of the last reply; -1: none
	op             proto.Op
}

// NewConn starts the numbers of a connection.
func (s *Server) NewConn() *Conn {
	return &Conn{shard: &s.shards[s.turn.Add(1)%shardCount], cxid: -1, zxid: -1}
}

// Reply describes an answer to a request.
type Reply struct {
	Op      proto.Op
	Xid     int32
	Zxid    int64 // of the reply header
	Bytes   int   // without the length of the frame
	BeganNs int64 // when the request arrived
	EndNs   int64 // when the reply was ready
	Update  bool  // the request became a transaction
}

// Replied counts one reply at once, for goroutines that answer many
// connections in turn.
func (c *Conn) Replied(r Reply) {
	var g gathered
	g.add(&r)
	c.shard.mu.Lock()
	c.addReplies(&g)
	c.shard.mu.Unlock()
}

// Read is [Batch.Read] at once, for goroutines that answer many connections
// in turn.
func (c *Conn) Read(path string, bytes int) {
	name := Namespace(path)
	if name == "" {
		return
	}
	c.shard.mu.Lock()
	c.shard.readsOf([]byte(name)).add(readBytes(path, bytes), 1)
	c.shard.mu.Unlock()
}

// readBytes is what a read counts: the path, what it has returned, and as in
// Apache the size of a Stat.
func readBytes(path string, bytes int) int64 { return int64(len(path) + bytes + statBytes) }

const statBytes = 68

// Event counts one watch event. bytes is without the length of the frame.
func (c *Conn) Event(bytes int) {
	c.shard.mu.Lock()
	c.sent++
	c.shard.sent++
	c.shard.eventBytes += int64(bytes)
	c.shard.mu.Unlock()
}

// Packets counts what is neither request nor reply: a four-letter word and
// its answer, the frames of the handshake. bytesIn is with lengths.
func (c *Conn) Packets(received, sent, bytesIn int) {
	c.shard.mu.Lock()
	c.received += int64(received)
	c.sent += int64(sent)
	c.shard.received += int64(received)
	c.shard.sent += int64(sent)
	c.shard.bytesIn += int64(bytesIn)
	c.shard.mu.Unlock()
}

// addReplies adds replies to the numbers of the connection and to the sums.
// Callers hold shard.mu.
func (c *Conn) addReplies(g *gathered) {
	sh, n := c.shard, int64(g.count)
	c.sent += n
	sh.sent += n
	sh.replyBytes += g.bytes
	if sh.lastReplyNs == 0 {
		sh.least, sh.most = g.least, g.most
	} else {
		sh.least, sh.most = min(sh.least, g.least), max(sh.most, g.most)
	}
	sh.lastReply, sh.lastReplyNs = int64(g.last.Bytes), max(g.last.EndNs, 1)
	if c.latencies == 0 {
		c.minNs, c.maxNs = g.latency[0], g.latency[0]
	}
	for i, ns := range g.latency[:g.count] {
		if g.updates&(1<<i) != 0 {
			sh.updates.addLatency(ns)
		} else {
			sh.reads.addLatency(ns)
		}
		c.totalNs += ns
		c.minNs, c.maxNs = min(c.minNs, ns), max(c.maxNs, ns)
	}
	c.latencies += n
	c.lastNs, c.repliedNs = g.last.EndNs-g.last.BeganNs, g.last.EndNs
	c.op, c.zxid = g.last.Op, g.last.Zxid
	if g.cxid >= 0 {
		c.cxid = int64(g.cxid)
	}
}

// ConnTotals are the numbers of one connection since its start or the last
// Reset.
type ConnTotals struct {
	PacketsReceived, PacketsSent             int64
	Replied                                  bool     // there has been a reply
	LastOp                                   proto.Op // of that reply
	LastCxid                                 int64    // -1: none
	LastZxid                                 int64    // -1: none
	LastReplyMs                              int64    // when, on the server's monotonic clock; 0: never
	LastLatencyMs                            int64
	MinLatencyMs, AvgLatencyMs, MaxLatencyMs int64
}

// Totals returns the connection's numbers.
func (c *Conn) Totals() ConnTotals {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	t := ConnTotals{
		PacketsReceived: c.received, PacketsSent: c.sent,
		Replied: c.repliedNs != 0, LastOp: c.op, LastCxid: c.cxid, LastZxid: c.zxid,
		LastReplyMs: c.repliedNs / nsPerMs, LastLatencyMs: c.lastNs / nsPerMs,
		MinLatencyMs: c.minNs / nsPerMs, MaxLatencyMs: c.maxNs / nsPerMs,
	}
	if c.latencies > 0 {
		t.AvgLatencyMs = c.totalNs / c.latencies / nsPerMs
	}
	return t
}

// Reset starts the connection's numbers anew (the word crst).
func (c *Conn) Reset() {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	*c = Conn{shard: c.shard, cxid: -1, zxid: -1}
}
