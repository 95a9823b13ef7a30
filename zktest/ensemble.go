package zktest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
)

// Ensemble is some servers that replicate one tree.
type Ensemble struct {
	t       TB        // set once
	net     *network  // set once
	servers []*Server // set once
}

// Start runs a standalone server until the test ends. It serves when Start
// returns.
func Start(t TB, opts ...Option) *Server {
	t.Helper()
	return run(t, 1, opts).servers[0]
}

// StartEnsemble runs an ensemble of n voters, numbered from 1, until the test
// ends. It has a leader, and all of them serve, when StartEnsemble returns.
func StartEnsemble(t TB, n int, opts ...Option) *Ensemble {
	t.Helper()
	if n < 2 {
		t.Fatalf("zktest: an ensemble of %d", n)
	}
	return run(t, n, opts)
}

func run(t TB, n int, opts []Option) *Ensemble {
	t.Helper()
	o := &options{log: zerolog.Nop()}
	for _, option := range opts {
		option(o)
	}
	e := &Ensemble{t: t, net: newNetwork()}
	t.Cleanup(e.close)
	for i := range n {
		s, err := newServer(t, i+1, o.member(i+1, n), o, e.net)
		if err != nil {
			t.Fatalf("zktest: %v", err)
		}
		e.servers = append(e.servers, s)
	}
	if err := e.start(); err != nil {
		t.Fatalf("zktest: %v", err)
	}
	return e
}

// member is the configuration of one server of n.
func (o *options) member(id, n int) *conf.Config {
	c := o.config()
	if n > 1 {
		c.Quorum.Enabled, c.Quorum.ID = true, int64(id)
		c.Quorum.InitTicks, c.Quorum.SyncTicks, c.Quorum.ConnectTicks = 50, 10, 20
		for i := range n {
			// No port is opened: these are names in the memory of the process.
			c.Quorum.Servers = append(c.Quorum.Servers, conf.Server{
				ID: int64(i + 1), ClientPort: conf.NoPort,
				Addresses: []conf.Address{{Host: fmt.Sprintf("server-%d", i+1), QuorumPort: 2888, ElectionPort: 3888}},
			})
		}
		c.Election.ConnectTimeoutMs, c.Election.HandshakeTimeoutMs, c.Election.BindRetries = 500, 500, 1
	}
	for _, change := range o.change {
		change(c)
	}
	return c
}

// start starts all servers and waits until they serve.
func (e *Ensemble) start() error {
	for _, s := range e.servers {
		if err := s.start(); err != nil {
			return err
		}
	}
	return await(func() bool {
		for _, s := range e.servers {
			if s.Mode() == "" {
				return false
			}
		}
		return true
	})
}

// close ends everything.
func (e *Ensemble) close() {
	e.Heal()
	errs := make([]error, len(e.servers))
	var stopping sync.WaitGroup
	for i, s := range e.servers {
		s.Thaw()
		s.disk.resume()
		s.disk.delay(0)
		_ = s.listener.Close() // only accept notices
		s.served.Wait()
		stopping.Go(func() {
			s.DropConnections()
			errs[i] = s.stop()
			s.dying.Wait()
		})
	}
	stopping.Wait()
	e.net.close()
	for _, s := range e.servers {
		s.disk.discard()
	}
	if err := errors.Join(errs...); err != nil {
		e.t.Errorf("zktest: %v", err)
	}
}

// Servers returns the members; [Server.ID] of the first is 1.
func (e *Ensemble) Servers() []*Server { return append([]*Server(nil), e.servers...) }

// Server returns a member by its id, from 1.
func (e *Ensemble) Server(id int) *Server { return e.servers[id-1] }

// Addrs are where clients connect, one address for each member.
func (e *Ensemble) Addrs() []string {
	addrs := make([]string, len(e.servers))
	for i, s := range e.servers {
		addrs[i] = s.Addr()
	}
	return addrs
}

// ConnectString is Addrs with commas between them.
func (e *Ensemble) ConnectString() string { return strings.Join(e.Addrs(), ",") }

// Leader waits until there is a leader that serves, and returns it. With two
// that both believe to lead it is the one of the newer epoch, which the other
// has yet to hear of.
func (e *Ensemble) Leader() *Server {
	e.t.Helper()
	var leader *Server
	err := await(func() bool {
		leader = e.leader()
		return leader != nil
	})
	if err != nil {
		e.t.Fatalf("zktest: nobody leads: %v", err)
	}
	return leader
}

// leader is the server that leads, nil when there is none. A frozen one does
// not count, nor one that was cut off from the majority of the others.
func (e *Ensemble) leader() *Server {
	for _, s := range e.servers {
		if s.Mode() == "leader" && e.reachesMajority(s) {
			return s
		}
	}
	return nil
}

// reachesMajority tells whether a server and those that it reaches are more
// than half.
func (e *Ensemble) reachesMajority(s *Server) bool {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	reached := 0
	for _, other := range e.servers {
		if !e.net.heldLocked(pairOf(s.id, other.id)) {
			reached++
		}
	}
	return 2*reached > len(e.servers)
}

// Followers returns the members that run and are not the leader.
func (e *Ensemble) Followers() []*Server {
	e.t.Helper()
	leader := e.Leader()
	var all []*Server
	for _, s := range e.servers {
		if s != leader && s.Running() {
			all = append(all, s)
		}
	}
	return all
}

// AwaitServing waits until all members that run serve clients.
func (e *Ensemble) AwaitServing() {
	e.t.Helper()
	for _, s := range e.servers {
		if s.Running() {
			s.AwaitServing()
		}
	}
}

// Partition splits the members into groups that cannot reach each other; those
// in no group are a group together. Clients reach all of them.
func (e *Ensemble) Partition(groups ...[]*Server) {
	group := map[int]int{}
	for i, members := range groups {
		for _, s := range members {
			group[s.id] = i + 1
		}
	}
	e.net.change(func() {
		for _, a := range e.servers {
			for _, b := range e.servers {
				if a.id < b.id {
					e.net.blocked[pairOf(a.id, b.id)] = group[a.id] != group[b.id]
				}
			}
		}
	})
}

// Isolate cuts one member off from all others.
func (e *Ensemble) Isolate(s *Server) { e.Partition([]*Server{s}) }

// Heal ends all partitions, between members and from clients.
func (e *Ensemble) Heal() { e.net.change(func() { clear(e.net.blocked) }) }

// ExpireSession ends a session as if its client had been silent for too long.
// The client learns it when it is connected: its connection is cut.
func (e *Ensemble) ExpireSession(session int64) {
	e.t.Helper()
	err := await(func() bool {
		for _, s := range e.servers {
			if srv := s.process(); srv != nil && srv.ExpireSession(session) {
				return true
			}
		}
		return false
	})
	if err != nil {
		e.t.Fatalf("zktest: session 0x%x cannot be expired: %v", session, err)
	}
}
