package stats

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

const ms = nsPerMs

func TestConnAndServer(t *testing.T) {
	now := int64(1000 * ms)
	r := NewRegistry()
	s := NewServer(r, func() int64 { return now })
	c, other := s.NewConn(), s.NewConn()
	if got, want := c.Totals(), (ConnTotals{LastCxid: -1, LastZxid: -1}); got != want {
		t.Errorf("a fresh connection: %+v", got)
	}
	if got, want := s.Totals(), (Totals{LastReplyBytes: -1, MinReplyBytes: -1, MaxReplyBytes: -1}); got != want {
		t.Errorf("a fresh server: %+v", got)
	}

	c.Packets(1, 1, 49) // the handshake
	b := NewBatch(c)
	b.Received(20)
	b.Replied(Reply{Op: proto.OpGetData, Xid: 5, Zxid: 9, Bytes: 100, BeganNs: 1000 * ms, EndNs: 1003*ms + 500_000})
	b.Received(8)
	b.Replied(Reply{Op: proto.OpPing, Xid: proto.XidPing, Zxid: 10, Bytes: 16, BeganNs: 1004 * ms, EndNs: 1004*ms + 900_000})
	if c.Totals().PacketsReceived != 1 {
		t.Error("a batch counts before it is flushed")
	}
	b.Flush()
	b.Flush()
	other.Replied(Reply{Op: proto.OpSetData, Xid: 1, Zxid: 11, Bytes: 84, BeganNs: 1000 * ms, EndNs: 1010 * ms, Update: true})
	other.Event(40)

	want := ConnTotals{
		PacketsReceived: 3, PacketsSent: 3, Replied: true, LastOp: proto.OpPing, LastCxid: 5, LastZxid: 10,
		LastReplyMs: 1004, LastLatencyMs: 0, MinLatencyMs: 0, AvgLatencyMs: 2, MaxLatencyMs: 3,
	}
	if got := c.Totals(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	total := Totals{
		PacketsReceived: 3, PacketsSent: 5, BytesReceived: 49 + 24 + 12, ReplyBytes: 200, EventBytes: 40,
		MinLatencyMs: 0, MaxLatencyMs: 10, AvgLatencyMs: 4.8,
		LastReplyBytes: 84, MinReplyBytes: 16, MaxReplyBytes: 100,
	}
	if got := s.Totals(); got != total {
		t.Errorf("got  %+v\nwant %+v", got, total)
	}
	now += 250 * ms
	got := dump(r)
	for key, want := range map[string]string{
		"avg_latency": "4.8", "max_latency": "10", "packets_sent": "5", "bytes_received_count": "85", "response_bytes": "200",
		"watch_bytes": "40", "cnt_readlatency": "2", "avg_readlatency": "2.2", "p99_readlatency": "3", "sum_updatelatency": "10",
		"uptime": "250", "min_client_response_size": "16", "last_client_response_size": "84",
	} {
		if got[key] != want {
			t.Errorf("%s: %s, want %s", key, got[key], want)
		}
	}
	if got["open_file_descriptor_count"] == "0" || got["max_file_descriptor_count"] == "0" {
		t.Errorf("descriptors: %s of %s", got["open_file_descriptor_count"], got["max_file_descriptor_count"])
	}

	c.Reset()
	if got, want := c.Totals(), (ConnTotals{LastCxid: -1, LastZxid: -1}); got != want {
		t.Errorf("after reset: %+v", got)
	}
	if s.Totals() != total {
		t.Error("crst changes the server's sums")
	}
	s.Reset()
	if got, want := s.Totals(), (Totals{LastReplyBytes: -1, MinReplyBytes: -1, MaxReplyBytes: -1}); got != want {
		t.Errorf("after reset: %+v", got)
	}
	if other.Totals().PacketsSent != 2 || s.UptimeMs() != 250 {
		t.Error("srst changes a connection, or the uptime")
	}
}

func TestReadsPerNamespace(t *testing.T) {
	r := NewRegistry()
	s := NewServer(r, func() int64 { return 1 })
	for range 2 * shardCount { // every shard knows some
		b := NewBatch(s.NewConn())
		b.Read("/app/x", 4) // 6+4+68
		b.Read("/app", 6)   // 4+6+68
		b.Read("/", 1)
		b.Read("", 1)
		b.Read("/zoo/y", 0) // 6+68
		b.Read("/"+strings.Repeat("l", MaxKeyBytes+5), 0)
		b.Flush()
	}
	got := dump(r)
	for key, want := range map[string]string{
		"cnt_app_read_per_namespace": "32", "sum_app_read_per_namespace": "2496", "avg_zoo_read_per_namespace": "74.0",
		"cnt_other_read_per_namespace": "16",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
	s.Reset()
	if got := dump(r)["cnt_app_read_per_namespace"]; got != "0" {
		t.Errorf("after reset: %q", got)
	}
}

func TestNamespacesAreBounded(t *testing.T) {
	s := NewServer(NewRegistry(), func() int64 { return 1 })
	c := s.NewConn()
	b := NewBatch(c)
	for i := range 3 * MaxKeys {
		b.Read(fmt.Sprint("/ns", i, "/x"), 1)
	}
	b.Flush()
	if n := len(c.shard.readsPerName); n != MaxKeys+1 {
		t.Errorf("%d namespaces", n)
	}
}

func TestNamespace(t *testing.T) {
	for path, want := range map[string]string{"": "", "/": "", "/a": "a", "/a/b": "a", "//b": "", "a/b": ""} {
		if got := Namespace(path); got != want {
			t.Errorf("%q: %q", path, got)
		}
	}
}

// TestConcurrently: nothing is lost whoever counts, looks and resets.
func TestConcurrently(t *testing.T) {
	const conns, each = 12, 2000
	r := NewRegistry()
	s := NewServer(r, func() int64 { return 1 })
	stop := make(chan struct{})
	var looker, busy sync.WaitGroup
	looker.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				dump(r)
			}
		}
	})
	for range conns {
		busy.Go(func() {
			c := s.NewConn()
			b := NewBatch(c)
			for i := range each {
				b.Received(10)
				b.Replied(Reply{Op: proto.OpGetData, Xid: int32(i), Bytes: 20, EndNs: int64(i) * 1000})
				b.Read("/app/x", 5)
				if i%7 == 0 {
					b.Flush()
					c.Event(9)
				}
			}
			b.Flush()
			if got := c.Totals(); got.PacketsReceived != each || got.PacketsSent != each+(each+6)/7 {
				t.Errorf("got %+v", got)
			}
		})
	}
	busy.Wait()
	close(stop)
	looker.Wait()
	got := s.Totals()
	if got.PacketsReceived != conns*each || got.BytesReceived != conns*each*14 || got.ReplyBytes != conns*each*20 {
		t.Errorf("got %+v", got)
	}
	if n := dump(r)["cnt_app_read_per_namespace"]; n != fmt.Sprint(conns*each) {
		t.Errorf("%s reads", n)
	}
}

func TestBatchDoesNotAllocate(t *testing.T) {
	s := NewServer(NewRegistry(), func() int64 { return 1 })
	b := NewBatch(s.NewConn())
	path := string([]byte("/application/node"))
	one := func() {
		b.Received(30)
		b.Read(path, 100)
		b.Replied(Reply{Op: proto.OpGetData, Xid: 1, Bytes: 100, EndNs: 5000})
		b.Flush()
	}
	one()
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, burst := range []int{1, 16} {
		b.Run(fmt.Sprint("burst ", burst), func(b *testing.B) {
			s := NewServer(NewRegistry(), func() int64 { return 1 })
			batch := NewBatch(s.NewConn())
			for i := 0; b.Loop(); i++ {
				batch.Received(30)
				batch.Replied(Reply{Op: proto.OpGetData, Xid: int32(i), Bytes: 100, EndNs: 500_000})
				if i%burst == 0 {
					batch.Flush()
				}
			}
		})
		b.Run(fmt.Sprint("burst with namespace ", burst), func(b *testing.B) {
			s := NewServer(NewRegistry(), func() int64 { return 1 })
			batch := NewBatch(s.NewConn())
			for i := 0; b.Loop(); i++ {
				batch.Received(30)
				batch.Read("/bench/node-12", 100)
				batch.Replied(Reply{Op: proto.OpGetData, Xid: int32(i), Bytes: 100, EndNs: 500_000})
				if i%burst == 0 {
					batch.Flush()
				}
			}
		})
	}
	b.Run("replied at once", func(b *testing.B) {
		c := NewServer(NewRegistry(), func() int64 { return 1 }).NewConn()
		for i := 0; b.Loop(); i++ {
			c.Replied(Reply{Op: proto.OpSetData, Xid: int32(i), Bytes: 100, EndNs: 500_000, Update: true})
		}
	})
	b.Run("counter", func(b *testing.B) {
		c := NewRegistry().Counter("connection_rejected")
		for b.Loop() {
			c.Add(1)
		}
	})
	b.Run("summary", func(b *testing.B) {
		s := NewRegistry().Summary("sync_processor_queue_time_ms")
		for b.Loop() {
			s.Observe(1000)
		}
	})
}
