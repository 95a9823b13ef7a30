package server

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// startAt starts some servers, by index.
func (e *ensemble) startAt(indexes ...int) {
	e.t.Helper()
	for _, i := range indexes {
		e.start(i)
	}
}

// idle waits until a server serves nobody.
func (e *ensemble) idle(i int) {
	e.t.Helper()
	eventually(e.t, "server "+strconv.Itoa(i+1)+" serves nobody", func() bool { return e.servers[i].term.Load() == nil })
}

// TestGroups has three groups, of which two must win, and a server without a
// vote's weight, which is not elected though its id is the largest.
func TestGroups(t *testing.T) {
	e := newEnsemble(t, 4, func(c *conf.Config) {
		c.Quorum.Groups = map[int64][]int64{1: {1, 4}, 2: {2}, 3: {3}}
		c.Quorum.Weights = map[int64]int64{4: 0}
		c.Quorum.SyncTicks = 5
	})
	e.startAt(0, 1, 2, 3)
	e.serving()
	if e.leader() == 3 {
		t.Error("a server of weight 0 leads")
	}
	client := connect(t, e.servers[3])
	client.create("/a", "", 0)
	e.halt(1)
	e.halt(2) // one and four are half of the servers, and one group of three
	e.idle(0)
	e.idle(3)
	e.start(1)
	e.serving()
	connect(t, e.servers[3]).create("/b", "", 0)
	e.agree()
}

// TestOracle lets the one of two go on alone for which its file says 1.
func TestOracle(t *testing.T) {
	dir := t.TempDir()
	oracle := func(id int64) string { return filepath.Join(dir, strconv.FormatInt(id, 10)) }
	e := newEnsemble(t, 2, func(c *conf.Config) {
		c.Quorum.OraclePath, c.Quorum.SyncTicks = oracle(c.Quorum.ID), 5
	})
	e.startAt(0, 1)
	e.serving()
	connect(t, e.servers[0]).create("/both", "", 0)
	e.halt(1)
	e.idle(0)
	if err := os.WriteFile(oracle(1), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.serving()
	connect(t, e.servers[0]).create("/alone", "", 0)
	e.start(1)
	e.serving()
	e.agree()
	connect(t, e.servers[1]).must(proto.OpExists, &proto.WatchableRequest{Path: "/alone"})
}

// TestLeaderServesNobody turns clients of the leader away.
func TestLeaderServesNobody(t *testing.T) {
	e := startEnsemble(t, 3, func(c *conf.Config) { c.Leader.ServesClients = false })
	refused := dial(t, e.servers[e.leader()])
	refused.write((&proto.ConnectRequest{TimeoutMs: 10_000, HasReadOnly: true, Passwd: make([]byte, proto.PasswdBytes)}).Append(nil))
	refused.closed()
	connect(t, e.servers[e.follower()]).create("/a", "", 0)
	e.agree()
}

// lowPorts returns ports that are free on all addresses, below those that the
// system gives to whoever asks for any: nobody takes them meanwhile.
func lowPorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for try := 0; len(ports) < n; try++ {
		if try == 1000 {
			t.Fatal("no free ports")
		}
		port := 10_000 + rand.IntN(20_000)
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		_ = l.Close()
		ports = append(ports, port)
	}
	return ports
}

// TestSeveralAddresses gives each server three addresses: where nobody listens,
// of IPv6 if there is that, and its own. With quorumListenOnAllIPs the ports
// are the same on all.
func TestSeveralAddresses(t *testing.T) {
	hosts := []string{"127.0.0.1"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		_ = l.Close()
		hosts = append(hosts, "::1")
	}
	for _, all := range []bool{true, false} {
		t.Run("all addresses "+strconv.FormatBool(all), func(t *testing.T) {
			ports := lowPorts(t, 6)
			silent := freePorts(t, "127.0.0.1", 2)
			e := newEnsemble(t, 3, func(c *conf.Config) {
				c.Quorum.MultiAddress, c.Quorum.ListenOnAllIPs = true, all
				c.Quorum.Servers = slices.Clone(c.Quorum.Servers)
				for i := range c.Quorum.Servers {
					s := &c.Quorum.Servers[i]
					s.Addresses = nil
					for _, host := range hosts {
						s.Addresses = append(s.Addresses, conf.Address{Host: host, QuorumPort: ports[2*i], ElectionPort: ports[2*i+1]})
					}
					if s.ID != c.Quorum.ID {
						s.Addresses = slices.Insert(s.Addresses, 0, conf.Address{Host: "127.0.0.1", QuorumPort: silent[0], ElectionPort: silent[1]})
					}
				}
			})
			e.startAt(0, 1, 2)
			e.serving()
			connect(t, e.servers[e.follower()]).create("/a", "", 0)
			e.agree()
		})
	}
}

// names are where hosts are at this moment. The answer about one that is not
// there comes when it is, as from a name server that is away.
type names struct {
	mu      sync.Mutex
	at      map[string]string // mu
	changed chan struct{}     // mu: closed, and made anew, with each change
}

func (n *names) set(host, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at[host] = address
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *names) dial(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	for err == nil {
		n.mu.Lock()
		real, changed := n.at[host], n.changed
		n.mu.Unlock()
		if real != "" {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "tcp", net.JoinHostPort(real, port))
		}
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return nil, err
}

// TestNames starts two of three servers while the name of the third is asked for
// in vain: that delays nobody. Then the third comes, whom the others have to
// dial, and moves to another address: it is found where it is.
func TestNames(t *testing.T) {
	n := &names{at: map[string]string{}, changed: make(chan struct{})}
	e := newEnsemble(t, 3, func(c *conf.Config) {
		c.Election.ConnectTimeoutMs = 3_600_000 // nobody may wait for it
		c.Quorum.Servers = slices.Clone(c.Quorum.Servers)
		for i := range c.Quorum.Servers {
			s := &c.Quorum.Servers[i]
			host := "zk" + strconv.FormatInt(s.ID, 10) + ".invalid"
			if s.ID > 1 {
				n.set(host, s.Addresses[0].Host)
			}
			s.Addresses = []conf.Address{{Host: host, QuorumPort: s.Addresses[0].QuorumPort, ElectionPort: s.Addresses[0].ElectionPort}}
		}
	})
	run := func(i int, host string) {
		listen := func(address string) (net.Listener, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return net.Listen("tcp", net.JoinHostPort(host, port))
		}
		srv, err := New(e.configs[i], zerolog.Nop(), BuildInfo{}, WithNetwork(Network{Dial: n.dial, Listen: listen}))
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.Start(); err != nil {
			t.Fatal(err)
		}
		e.servers[i] = srv
	}
	run(1, n.at["zk2.invalid"])
	run(2, n.at["zk3.invalid"])
	e.serving()
	connect(t, e.servers[1]).create("/two", "", 0)
	for move, host := range []string{ownHost(), ownHost()} {
		n.set("zk1.invalid", host)
		run(0, host)
		e.serving()
		connect(t, e.servers[0]).create("/at-"+strconv.Itoa(move), "", 0)
		e.agree()
		e.halt(0)
		e.serving()
	}
}
