package peer

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// nullServer keeps nothing: what is measured is the way of the packets.
type nullServer struct {
	leads   chan int64 // gets the epoch
	applied atomic.Int64
	wake    chan struct{}
}

func (s *nullServer) Append(int64, []byte) error                           { return nil }
func (s *nullServer) Sync() error                                          { return nil }
func (s *nullServer) Truncate(int64, bool) error                           { return nil }
func (s *nullServer) Install(quorum.Link, int64) error                     { return nil }
func (s *nullServer) SetAcceptedEpoch(int64) error                         { return nil }
func (s *nullServer) SetCurrentEpoch(int64) error                          { return nil }
func (s *nullServer) Stage(quorum.Link, int64, *jute.Reader) error         { return nil }
func (s *nullServer) Unstage(quorum.Link)                                  {}
func (s *nullServer) Reach(quorum.LogQuery) quorum.LogReach                { return quorum.LogReach{} }
func (s *nullServer) ReadLog(_, _ int64, _ func(quorum.Entry) error) error { return nil }
func (s *nullServer) Confirmed([]uint64)                                   {}
func (s *nullServer) Refused(quorum.Input, error)                          {}
func (s *nullServer) LearnerGone(quorum.Link)                              {}
func (s *nullServer) FromLeader(proto.QuorumPacket)                        {}
func (s *nullServer) Touches() []byte                                      { return nil }

func (s *nullServer) FromLearner(quorum.Link, int64, bool, proto.QuorumPacket) {}

func (s *nullServer) Snapshot(context.Context, int64) (Snapshot, error) { return nil, ErrClosed }

func (s *nullServer) Apply(entries []quorum.Entry) {
	s.applied.Store(entries[len(entries)-1].Zxid)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *nullServer) Role(r quorum.Role) {
	if r.State == proto.Leading && r.Phase == quorum.Broadcast {
		s.leads <- r.Epoch
	}
}

// BenchmarkReplicate is three servers over loopback: transactions of 150 bytes,
// submitted 64 at a time, at most 1024 under way, until they are applied at
// the leader. Nothing is written to a disk.
func BenchmarkReplicate(b *testing.B) {
	servers, peers := map[int64]*nullServer{}, map[int64]*Peer{}
	leads := make(chan int64, 3)
	votes, packets := map[int64][]string{}, map[int64][]string{}
	var voteListeners, packetListeners [4]net.Listener
	for id := int64(1); id <= 3; id++ {
		tcp := func(ctx context.Context, address string) (net.Listener, error) {
			var config net.ListenConfig
			return config.Listen(ctx, "tcp", address)
		}
		all, err := Listen(b.Context(), tcp, []string{"127.0.0.1:0", "127.0.0.1:0"}, 1)
		if err != nil {
			b.Fatal(err)
		}
		voteListeners[id], packetListeners[id] = all[0], all[1]
		votes[id], packets[id] = []string{all[0].Addr().String()}, []string{all[1].Addr().String()}
	}
	var dialer net.Dialer
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", address)
	}
	for id := int64(1); id <= 3; id++ {
		servers[id] = &nullServer{leads: leads, wake: make(chan struct{}, 1)}
		p, err := Start(Config{
			Core: quorum.Config{
				ID: id, Verifier: quorum.NewMajority(1, 2, 3), Tick: 2 * time.Second, InitTicks: 10, SyncTicks: 5,
				MinNotify: 200 * time.Millisecond, MaxNotify: time.Minute, Settle: 200 * time.Millisecond, CommitLogCount: 500,
			},
			Disk: servers[id], Machine: servers[id], MaxDiskBytes: 64 << 20,
			Election: ElectionConfig{
				ID: id, Addresses: votes[id], Peers: votes, Listeners: []net.Listener{voteListeners[id]}, Dial: dial,
				DialTimeout: 5 * time.Second, HandshakeTimeout: 10 * time.Second, Log: zerolog.Nop(),
			},
			Links: LinksConfig{
				Peers: packets, Listeners: []net.Listener{packetListeners[id]}, Dial: dial, DialTimeout: 5 * time.Second,
				FirstTimeout: 20 * time.Second, MaxPacketBytes: 1 << 20, MaxQueueBytes: 64 << 20, MaxLinks: 10, Log: zerolog.Nop(),
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		peers[id] = p
	}
	zxid := quorum.EpochStart(<-leads)
	var leader int64
	for id, p := range peers {
		if p.Stats().Role.State == proto.Leading {
			leader = id
		}
	}
	const batch, window = 64, 1024
	data := make([]byte, 150)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += batch {
		for zxid-servers[leader].applied.Load() > window && servers[leader].applied.Load() != 0 {
			<-servers[leader].wake
		}
		entries := make([]quorum.Entry, batch)
		for i := range entries {
			zxid++
			entries[i] = quorum.Entry{Zxid: zxid, Data: data}
		}
		if err := peers[leader].Submit([]quorum.Input{quorum.Proposals{Entries: entries}}); err != nil {
			b.Fatal(err)
		}
	}
	for servers[leader].applied.Load() != zxid {
		<-servers[leader].wake
	}
}
