package server

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// ensemble is some servers in one process, which talk over loopback.
type ensemble struct {
	t       testing.TB
	configs []*conf.Config
	servers []*Server // nil while one is stopped
}

// hosts counts the ensembles of this process.
var hosts atomic.Uint32

// ownHost returns a loopback address that nobody else uses: on 127.0.0.1 the
// port of a server that is stopped for a while can be taken by any connection
// that is made. Where only that one exists it has to do.
func ownHost() string {
	host := netip.AddrFrom4([4]byte{127, byte(1 + os.Getpid()>>8%200), byte(os.Getpid()), byte(1 + hosts.Add(1)%250)}).String()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "127.0.0.1"
	}
	_ = l.Close()
	return host
}

// freePorts returns ports of a host that were free a moment ago.
func freePorts(t testing.TB, host string, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l.Addr().(*net.TCPAddr).Port
		defer func() { _ = l.Close() }() // after all are known
	}
	return ports
}

// newEnsemble configures servers 1 to n and starts none.
func newEnsemble(t testing.TB, n int, change ...func(*conf.Config)) *ensemble {
	t.Helper()
	e := &ensemble{t: t, configs: make([]*conf.Config, n), servers: make([]*Server, n)}
	host := ownHost()
	ports := freePorts(t, host, 2*n)
	var members []conf.Server
	for i := range n {
		members = append(members, conf.Server{
			ID: int64(i + 1), ClientPort: conf.NoPort,
			Addresses: []conf.Address{{Host: host, QuorumPort: ports[2*i], ElectionPort: ports[2*i+1]}},
		})
	}
	dir := t.TempDir()
	for i := range n {
		c := memberConfig(filepath.Join(dir, fmt.Sprint(i+1)), members, i)
		for _, f := range change {
			f(c)
		}
		e.configs[i] = c
	}
	t.Cleanup(e.stop)
	return e
}

// memberConfig is that of one of some members.
func memberConfig(dir string, members []conf.Server, i int) *conf.Config {
	c := testConfig(dir)
	c.Quorum = conf.Quorum{Enabled: true, ID: members[i].ID, Servers: members, InitTicks: 50, SyncTicks: 20, ConnectTicks: 20}
	c.Election = conf.Election{ConnectTimeoutMs: 5000, HandshakeTimeoutMs: 5000, BindRetries: 3, MinNotifyMs: 200, MaxNotifyMs: 60_000}
	c.Leader = conf.Leader{ServesClients: true, EpochWaitMs: -1, MaxSnapSyncs: 10, MaxDiffSyncs: 100, CommitLogCount: 500, SnapshotSizeFactor: 0.33}
	c.Learner = conf.Learner{ConnectRetryMs: 100, SyncEnabled: true}
	return c
}

// startEnsemble starts n servers and waits until all of them serve.
func startEnsemble(t testing.TB, n int, change ...func(*conf.Config)) *ensemble {
	t.Helper()
	e := newEnsemble(t, n, change...)
	for i := range n {
		e.start(i)
	}
	e.serving()
	return e
}

// start starts the server at an index.
func (e *ensemble) start(i int) *Server {
	e.t.Helper()
	log := zerolog.New(zerolog.NewTestWriter(e.t)).With().Int("server", i+1).Logger()
	srv, err := New(e.configs[i], log, BuildInfo{Version: "test"})
	if err != nil {
		e.t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.servers[i] = srv
	return srv
}

// stop ends all servers.
func (e *ensemble) stop() {
	for i, srv := range e.servers {
		if srv != nil {
			stop(e.t, srv)
			e.servers[i] = nil
		}
	}
}

// halt stops the server at an index.
func (e *ensemble) halt(i int) {
	e.t.Helper()
	stop(e.t, e.servers[i])
	e.servers[i] = nil
}

// serving waits until every server that runs serves clients.
func (e *ensemble) serving() {
	e.t.Helper()
	for i, srv := range e.servers {
		if srv != nil {
			eventually(e.t, fmt.Sprintf("server %d serves", i+1), func() bool { return srv.term.Load() != nil })
		}
	}
}

// leader returns the index of the server that leads.
func (e *ensemble) leader() int {
	e.t.Helper()
	for i, srv := range e.servers {
		if srv != nil {
			if r := srv.engine.(*member).present(); r.State == proto.Leading && r.Phase == quorum.Broadcast {
				return i
			}
		}
	}
	e.t.Fatal("nobody leads")
	return -1
}

// follower returns the index of a server that runs and does not lead.
func (e *ensemble) follower() int {
	e.t.Helper()
	leader := e.leader()
	for i, srv := range e.servers {
		if srv != nil && i != leader {
			return i
		}
	}
	e.t.Fatal("nobody follows")
	return -1
}

// TestEnsembleWrites writes through every server and reads from every other.
func TestEnsembleWrites(t *testing.T) {
	e := startEnsemble(t, 3)
	for i := range e.servers {
		client := connect(t, e.servers[i])
		path := fmt.Sprintf("/from-%d", i+1)
		client.create(path, "data", 0)
		for j := range e.servers {
			other := connect(t, e.servers[j])
			other.must(proto.OpSync, &proto.PathRequest{Path: path})
			if got := other.must(proto.OpGetData, &proto.WatchableRequest{Path: path}); got.Err != proto.OK {
				t.Errorf("server %d does not know %s: %v", j+1, path, got.Err)
			}
		}
	}
}

// TestEnsembleFailover stops the leader and goes on with the session.
func TestEnsembleFailover(t *testing.T) {
	e := startEnsemble(t, 3)
	client := connect(t, e.servers[e.follower()])
	client.create("/a", "1", 0)
	client.create("/e", "", proto.FlagEphemeral)
	e.halt(e.leader())
	eventually(t, "there is a new leader", func() bool {
		for _, srv := range e.servers {
			if srv == nil {
				continue
			}
			if term := srv.term.Load(); term != nil && term.mode == "leader" {
				return true
			}
		}
		return false
	})
	e.serving()
	again := reconnect(t, e.servers[e.follower()], client)
	if again.session.SessionID != client.session.SessionID {
		t.Fatalf("session 0x%x became 0x%x", client.session.SessionID, again.session.SessionID)
	}
	again.create("/b", "2", 0)
	for _, path := range []string{"/a", "/b", "/e"} {
		again.must(proto.OpGetData, &proto.WatchableRequest{Path: path})
	}
}
