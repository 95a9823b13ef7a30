package server

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/internal/memnet"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// virtual is an ensemble of whole servers on disks, a network and a time that
// exist in memory only.
type virtual struct {
	*ensemble
	net   *memnet.Net
	disks []*vfs.Mem
	dark  []*atomic.Bool // the power of a disk is gone
}

var errNoPower = errors.New("no power")

func newVirtual(t *testing.T, n int) *virtual {
	v := &virtual{net: memnet.New()}
	v.ensemble = &ensemble{t: t, configs: make([]*conf.Config, n), servers: make([]*Server, n)}
	var members []conf.Server
	for i := range n {
		members = append(members, conf.Server{ID: int64(i + 1), ClientPort: conf.NoPort,
			Addresses: []conf.Address{{Host: fmt.Sprintf("zk%d", i+1), QuorumPort: 2888, ElectionPort: 3888}}})
	}
	for i := range n {
		c := memberConfig("/data", members, i)
		c.Client.Port, c.Session.TickTimeMs = conf.NoPort, 2000
		v.configs[i] = c
		v.disks, v.dark = append(v.disks, vfs.NewMem()), append(v.dark, nil)
	}
	return v
}

// up starts a server on what its disk holds.
func (v *virtual) up(i int) {
	v.t.Helper()
	dark, disk := &atomic.Bool{}, v.disks[i]
	v.dark[i] = dark
	disk.Observe(func(vfs.Op) error {
		if dark.Load() {
			return errNoPower
		}
		return nil
	})
	network := Network{Dial: v.net.Dial, Listen: func(address string) (net.Listener, error) { return v.net.Listen(address), nil }}
	srv, err := New(v.configs[i], zerolog.Nop(), BuildInfo{}, WithFS(disk), WithNetwork(network))
	if err != nil {
		v.t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.servers[i] = srv
}

// losePower ends a server as a power cut does: what it had not synced may be
// lost, and nothing that it does from then on reaches the disk.
func (v *virtual) losePower(i int, seed uint64) {
	v.dark[i].Store(true)
	after := v.disks[i].Crash(vfs.LoseSome, seed)
	for _, c := range v.servers[i].conns.list() {
		c.cut()
	}
	_ = v.servers[i].Stop(v.t.Context()) // it has no disk to stop on
	v.servers[i], v.disks[i] = nil, after
}

// client is one that has a pipe to a server.
func (v *virtual) client(i int) *testClient {
	near, far := net.Pipe()
	_ = near.SetDeadline(time.Now().Add(time.Hour))
	v.servers[i].admit(far)
	return &testClient{t: v.t, nc: near}
}

// open opens a session of a minute.
func (v *virtual) open(i int) *testClient {
	c := v.client(i)
	c.handshake(&proto.ConnectRequest{TimeoutMs: 60_000})
	return c
}

// TestVirtualEnsemble lets minutes pass at once: every server loses its power in
// turn, in the middle of writes, the others go on, and it comes back to what its
// disk has left. No acknowledged write is lost, and of two sessions the one that
// is silent for its timeout expires, with its ephemeral, and the other does not.
func TestVirtualEnsemble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t, 3)
		for i := range 3 {
			v.up(i)
		}
		v.serving()
		silent, alive := v.open(0), v.open(1)
		silent.create("/silent", "", proto.FlagEphemeral)
		alive.create("/alive", "", proto.FlagEphemeral)
		alive.create("/n", "", 0)
		_ = silent.nc.Close()
		written := 0
		for victim := range 3 {
			for range 20 {
				alive.create(fmt.Sprintf("/n/%d", written), "data", 0)
				written++
			}
			alive.write(alive.request(proto.OpCreate, createRequest(fmt.Sprintf("/n/open-%d", victim), "", 0))) // who knows
			v.losePower(victim, uint64(victim))
			v.settled()
			moved := v.client((victim + 1) % 3)
			moved.handshake(&proto.ConnectRequest{TimeoutMs: 60_000, SessionID: alive.session.SessionID, Passwd: alive.session.Passwd})
			if moved.session.SessionID != alive.session.SessionID {
				t.Fatalf("the session that was kept is lost with server %d", victim+1)
			}
			moved.xid, alive = alive.xid, moved
			time.Sleep(30 * time.Second) // of the bubble's time
			v.up(victim)
			v.settled()
		}
		for range 3 { // the last leader's patience began anew
			alive.must(proto.OpPing, nil)
			time.Sleep(30 * time.Second)
		}
		for i := range 3 {
			c := v.open(i)
			for n := range written {
				c.must(proto.OpExists, &proto.WatchableRequest{Path: fmt.Sprintf("/n/%d", n)})
			}
			c.must(proto.OpExists, &proto.WatchableRequest{Path: "/alive"})
			if got := c.call(proto.OpExists, &proto.WatchableRequest{Path: "/silent"}); got.Err != proto.ErrNoNode {
				t.Errorf("server %d: the ephemeral of a session that says nothing any more: %v", i+1, got.Err)
			}
			_ = c.nc.Close()
		}
		_ = alive.nc.Close()
		v.agree()
		v.stop()
	})
}

// settled waits until there is a leader, and all that run serve.
func (v *virtual) settled() {
	v.t.Helper()
	eventually(v.t, "there is a leader", func() bool {
		for _, srv := range v.servers {
			if srv != nil && srv.Mode() == "leader" {
				return true
			}
		}
		return false
	})
	v.serving()
}
