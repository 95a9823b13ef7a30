package quorum

import (
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// BenchmarkPropose is a leader's whole work for one transaction: the proposal,
// its own disk, and each follower's acknowledgement.
func BenchmarkPropose(b *testing.B) {
	for name, followers := range map[string]int64{"1": 0, "3": 2, "5": 4} {
		b.Run(name, func(b *testing.B) {
			c := benchLeader(b, followers)
			e := Entry{Zxid: c.LastZxid(), Data: make([]byte, 150)}
			start := EpochStart(c.Role().Epoch)
			b.ReportAllocs()
			for b.Loop() {
				e.Zxid = max(e.Zxid, start) + 1
				if err := c.Step(0, Propose{Entry: e}); err != nil {
					b.Fatal(err)
				}
				c.Ready()
				_ = c.Step(0, Persisted{Op: c.ops})
				for link := range followers {
					_ = c.Step(0, Received{Link: Link(link + 1), Packet: proto.QuorumPacket{Type: proto.PacketAck, Zxid: e.Zxid}})
				}
				c.Ready()
			}
			if c.Committed() != e.Zxid {
				b.Fatalf("committed 0x%x of 0x%x", c.Committed(), e.Zxid)
			}
		})
	}
}

// BenchmarkProposals is the same when 64 transactions go together; the figures
// are for one of them.
func BenchmarkProposals(b *testing.B) {
	const batch = 64
	for name, followers := range map[string]int64{"1": 0, "3": 2, "5": 4} {
		b.Run(name, func(b *testing.B) {
			c := benchLeader(b, followers)
			data := make([]byte, 150)
			zxid := max(c.LastZxid(), EpochStart(c.Role().Epoch))
			b.ReportAllocs()
			for done := 0; done < b.N; done += batch {
				entries := make([]Entry, batch)
				for i := range entries {
					zxid++
					entries[i] = Entry{Zxid: zxid, Data: data}
				}
				if err := c.Step(0, Proposals{Entries: entries}); err != nil {
					b.Fatal(err)
				}
				flushBench(c)
				_ = c.Step(0, Persisted{Op: c.ops})
				for link := range followers {
					for _, e := range entries {
						_ = c.Step(0, Received{Link: Link(link + 1), Packet: proto.QuorumPacket{Type: proto.PacketAck, Zxid: e.Zxid}})
					}
				}
				flushBench(c)
			}
			if c.Committed() != zxid {
				b.Fatalf("committed 0x%x of 0x%x", c.Committed(), zxid)
			}
		})
	}
}

func flushBench(c *Core) {
	out := c.Ready()
	c.Recycle(&out)
}

func benchLeader(b testing.TB, followers int64) *Core {
	b.Helper()
	voters := NewSet(9)
	for id := range followers {
		voters = voters.Add(id + 1)
	}
	cfg := Config{ID: 9, Verifier: NewMajority(voters...), Tick: time.Second, InitTicks: 10, SyncTicks: 5,
		MinNotify: time.Second, MaxNotify: time.Minute, CommitLogCount: 500}
	c, err := New(0, cfg, Recovered{})
	if err != nil {
		b.Fatal(err)
	}
	step := func(in Input) {
		_ = c.Step(0, in)
		_ = c.Step(0, Persisted{Op: c.ops})
		c.Ready()
	}
	for id := range followers {
		step(Notified{From: id + 1, Notification: proto.Notification{Leader: 9, Round: 1, Version: 2}})
	}
	packets := []proto.QuorumPacket{
		{Type: proto.PacketFollowerInfo},
		{Type: proto.PacketAckEpoch, Data: jute.AppendInt(nil, 0)},
		{Type: proto.PacketAck, Zxid: EpochStart(1)},
	}
	for _, p := range packets {
		for id := range followers {
			if p.Type == proto.PacketFollowerInfo {
				p.Data = proto.LearnerInfo{ServerID: id + 1, Protocol: proto.LearnerProtocol}.Append(nil)
			}
			step(Received{Link: Link(id + 1), Packet: p})
		}
	}
	step(Tick{})
	step(Tick{})
	if c.Role().Phase != Broadcast {
		b.Fatalf("not leading: %+v", c.Role())
	}
	return c
}
