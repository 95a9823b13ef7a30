package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/fourletter"
	"github.com/meerkat-zk/meerkat/server/session"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// fake is a server with a little of everything.
type fake struct {
	fourletter.View // nil: nothing else is asked for

	serving, ready, plainSnapshots bool
	ensemble                       *Ensemble
	mask                           int64
	restored                       []byte
	broken                         bool // snapshots and restores fail
	resets                         []string
	registry                       *stats.Registry
	stats                          *stats.Server
}

func newFake() *fake {
	r := stats.NewRegistry()
	return &fake{serving: true, ready: true, plainSnapshots: true, mask: 306, registry: r, stats: stats.NewServer(r, func() int64 { return 1 })}
}

const fakeSession = 0x100_0000_0000_0001

func (f *fake) Version() string { return "3.9.5-abc, built on 2026-01-01 00:00 UTC" }
func (f *fake) Serving() bool   { return f.serving }
func (f *fake) ReadOnly() bool  { return false }
func (f *fake) Now() time.Time  { return time.Unix(0, 0) }
func (f *fake) NowMs() int64    { return 5000 }
func (f *fake) Mode() string {
	if f.ensemble != nil {
		return "leader"
	}
	return "standalone"
}
func (f *fake) Ensemble() *Ensemble { return f.ensemble }
func (f *fake) Member() *fourletter.Member {
	if f.ensemble == nil {
		return nil
	}
	return &fourletter.Member{Leads: true, LastProposal: 1, MinProposal: 1, MaxProposal: 2, PeerState: "leading - broadcast"}
}
func (f *fake) Ready() error {
	if f.ready {
		return nil
	}
	return errors.New("the disk is full")
}

func (f *fake) Status() fourletter.Status {
	return fourletter.Status{Totals: f.stats.Totals(), Connections: 1, Zxid: 0x100000007, Mode: f.Mode(), Nodes: 5}
}
func (f *fake) ResetStats() { f.resets = append(f.resets, "stats") }
func (f *fake) Config() fourletter.Config {
	return fourletter.Config{ClientPort: 2181, SecureClientPort: -1, DataDir: "/d/version-2", LogDir: "/l/version-2", TickTimeMs: 2000, MaxClientConns: 60, MinSessionMs: 4000, MaxSessionMs: 40000, ListenBacklog: -1}
}
func (f *fake) DirSizes() (data, log int64) { return 10, 20 }
func (f *fake) Conns() []fourletter.ConnInfo {
	return []fourletter.ConnInfo{{
		Remote: netip.MustParseAddrPort("[::1]:5"), InterestOps: 1, SessionID: fakeSession, TimeoutMs: 30000, EstablishedMs: 7,
		Totals: stats.ConnTotals{PacketsReceived: 3, PacketsSent: 4, Replied: true, LastOp: proto.OpGetData, LastCxid: 9, LastZxid: 8},
	}}
}
func (f *fake) ResetConns() { f.resets = append(f.resets, "conns") }
func (f *fake) Sessions() fourletter.Sessions {
	return fourletter.Sessions{Global: fourletter.SessionDeadlines{Total: 1, Deadlines: []session.Deadline{{InMs: 1000, IDs: []int64{fakeSession}}}}}
}
func (f *fake) Ephemerals() []fourletter.Ephemerals {
	return []fourletter.Ephemerals{{Session: fakeSession, Paths: []string{"/e \"1\"\n"}}}
}
func (f *fake) ConnDeadlines() fourletter.ConnDeadlines    { return fourletter.ConnDeadlines{} }
func (f *fake) WatchSummary() (watchers, paths, total int) { return 1, 2, 3 }
func (f *fake) WatchesBySession() []fourletter.SessionWatches {
	return []fourletter.SessionWatches{{Session: fakeSession, Paths: []string{"/a", "/b"}}}
}
func (f *fake) WatchesByPath() []fourletter.PathWatches {
	return []fourletter.PathWatches{{Path: "/b", Sessions: []int64{fakeSession}}, {Path: "/a", Sessions: []int64{fakeSession}}}
}
func (f *fake) Metrics(sink stats.Sink) {
	sink("uptime", stats.Int(3))
	sink("avg_latency", stats.Float(0.5))
}
func (f *fake) Digests() []fourletter.Digest {
	return []fourletter.Digest{{Zxid: 128, Digest: 1<<63 | 5}}
}
func (f *fake) TraceMask() int64        { return f.mask }
func (f *fake) SetTraceMask(mask int64) { f.mask = mask }

func (f *fake) InitialConfig() (string, bool) { return "tickTime=2000\n", true }
func (f *fake) Properties() map[string]string {
	return map[string]string{"zookeeper.b": "2", "zookeeper.a": "1"}
}
func (f *fake) Stats() *stats.Server                { return f.stats }
func (f *fake) LastSnapshot() (SavedSnapshot, bool) { return SavedSnapshot{}, false }
func (f *fake) Authenticate(peer auth.Peer, scheme string, data []byte) []proto.ID {
	switch {
	case scheme == "digest" && data != nil:
		return []proto.ID{{Scheme: scheme, ID: string(data)}}
	case scheme == "ip":
		return []proto.ID{{Scheme: scheme, ID: peer.IP}}
	}
	return nil
}
func (f *fake) Permits(ids []proto.ID, _ int32) bool {
	return ids[0].ID == "super:x" || ids[0].ID == "127.0.0.1"
}
func (f *fake) TakeSnapshot(context.Context) (*TakenSnapshot, error) {
	if f.broken {
		return nil, errors.New("disk failed")
	}
	return &TakenSnapshot{Zxid: 0x1f, SizeBytes: 4, ReadCloser: io.NopCloser(bytes.NewReader([]byte("SNAP")))}, nil
}
func (f *fake) Restore(_ context.Context, src io.Reader) (int64, error) {
	data, err := io.ReadAll(src)
	if f.broken || err != nil {
		return 0, errors.Join(err, errors.New("not a snapshot"))
	}
	f.restored = data
	return 31, nil
}
func (f *fake) CanSnapshot() bool    { return f.plainSnapshots }
func (f *fake) Shed(percent int) int { return percent / 10 }
