package zktest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/server"
)

// patience is how long anything may take before a test fails.
const patience = 30 * time.Second

// poll is how often the state of a server is looked at.
const poll = time.Millisecond

// Server is a ZooKeeper server, alone or a member of an [Ensemble]. Its
// methods may be called by any goroutine, but those that start, stop and wipe
// it by one at a time.
type Server struct {
	id       int
	t        TB           // set once
	cfg      *conf.Config // set once
	opts     *options     // set once
	net      *network     // set once
	disk     *disk        // set once
	listener net.Listener // set once: where clients connect, also while the process is down
	served   sync.WaitGroup

	intercept atomic.Pointer[func(Request) Fate]
	requests  atomic.Int64 // of clients
	events    atomic.Int64 // to clients

	mu    sync.Mutex
	srv   *server.Server // mu: nil while it is down
	dying sync.WaitGroup // processes that were killed and have not ended
}

// newServer makes a server that is down, with its client port open.
func newServer(t TB, id int, cfg *conf.Config, o *options, n *network) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{id: id, t: t, cfg: cfg, opts: o, net: n, disk: newDisk(n, id), listener: listener}
	s.served.Go(s.accept)
	return s, nil
}

// ID is the number of the server in its ensemble, from 1; a server that stands
// alone has 1.
func (s *Server) ID() int { return s.id }

// Addr is where clients connect, host:port; the same for as long as the test
// runs.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// accept relays clients to the process, and turns them away while it is down.
func (s *Server) accept() {
	for {
		client, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		s.mu.Lock()
		srv := s.srv
		s.mu.Unlock()
		var backend net.Conn
		if srv != nil {
			backend, err = net.Dial("tcp", srv.Addr().String())
		}
		if srv == nil || err != nil {
			_ = client.Close()
			continue
		}
		r := newRelay(s.net, pairOf(outside, s.id), client, backend)
		r.tap = &tap{server: s, doomed: map[int32]bool{}}
		s.net.connect(r)
	}
}

// start starts a process on the disk. The server may not serve yet.
func (s *Server) start() error {
	s.dying.Wait()
	srv, err := server.New(s.cfg, s.opts.log, server.BuildInfo{Version: "test"}, server.WithFS(s.disk.medium()),
		server.WithNetwork(server.Network{Dial: s.net.dialer(s.id), Listen: s.net.listen(s.id)}))
	if err != nil {
		return err
	}
	if err := srv.Start(); err != nil {
		return err
	}
	s.mu.Lock()
	s.srv = srv
	s.mu.Unlock()
	return nil
}

// process is what runs, nil while the server is down.
func (s *Server) process() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.srv
}

// Running tells whether the server has been started and not ended since.
func (s *Server) Running() bool { return s.process() != nil }

// Mode is what the word srvr tells: standalone, leader, follower; "" while the
// server serves no clients.
func (s *Server) Mode() string {
	if srv := s.process(); srv != nil {
		return srv.Mode()
	}
	return ""
}

// takeProcess takes the server out of sight.
func (s *Server) takeProcess() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	srv := s.srv
	s.srv = nil
	return srv
}

// Stop ends the server as an administrator does: it answers what it has
// accepted, and hands leadership over.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Errorf("zktest: server %d: %v", s.id, err)
	}
}

func (s *Server) stop() error {
	srv := s.takeProcess()
	if srv == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := srv.Stop(ctx)
	s.cutAll()
	return err
}

// Kill ends the server at once: its connections break, and what it had written
// stays on its disk, synced or not.
func (s *Server) Kill() { s.die(vfs.LoseNothing) }

// CutPower ends the server and its machine: what was not synced is lost.
func (s *Server) CutPower() { s.die(vfs.LoseAll) }

// die cuts the network first, so that nobody is told of what is not on the
// disk that stays.
func (s *Server) die(loss vfs.Loss) {
	srv := s.takeProcess()
	if srv == nil {
		return
	}
	// Not for the process that is about to end: to it, nobody else is there.
	s.net.change(func() { s.net.down(s.id) })
	s.cutAll()
	s.disk.crash(loss)
	s.dying.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = srv.Stop(ctx) // what it does and says meets nobody
	})
}

// Restart starts a server that is down, on the disk that it left, and waits
// until it serves clients. A member of an ensemble without a quorum cannot; it
// is started by [Server.Launch].
func (s *Server) Restart() {
	s.t.Helper()
	s.Launch()
	s.AwaitServing()
}

// Launch starts a server that is down and does not wait for it.
func (s *Server) Launch() {
	s.t.Helper()
	if s.Running() {
		s.t.Fatalf("zktest: server %d runs", s.id)
	}
	s.dying.Wait()
	s.net.change(func() { s.net.up(s.id) })
	if err := s.start(); err != nil {
		s.t.Fatalf("zktest: server %d: %v", s.id, err)
	}
}

// AwaitServing waits until the server serves clients.
func (s *Server) AwaitServing() {
	s.t.Helper()
	if err := await(func() bool { return s.Mode() != "" }); err != nil {
		s.t.Fatalf("zktest: server %d does not serve: %v", s.id, err)
	}
}

// Wipe gives a server that is down an empty disk.
func (s *Server) Wipe() {
	s.t.Helper()
	if s.Running() {
		s.t.Fatalf("zktest: server %d runs: it cannot be wiped", s.id)
	}
	s.dying.Wait()
	s.disk.insert(vfs.NewMem())
}

// Freeze holds everything that the server sends, receives and writes, until
// Thaw. See the package comment for what it does not hold.
func (s *Server) Freeze() { s.net.change(func() { s.net.frozen[s.id] = true }) }

// Thaw ends Freeze. What was held goes on.
func (s *Server) Thaw() { s.net.change(func() { delete(s.net.frozen, s.id) }) }

// PartitionClients holds everything between the server and its clients, until
// HealClients; the other servers reach it.
func (s *Server) PartitionClients() {
	s.net.change(func() { s.net.blocked[pairOf(outside, s.id)] = true })
}

// HealClients ends PartitionClients.
func (s *Server) HealClients() {
	s.net.change(func() { delete(s.net.blocked, pairOf(outside, s.id)) })
}

// SetLatency makes everything that the server sends or receives, to and from
// clients and servers, take so much longer. Zero is none.
func (s *Server) SetLatency(d time.Duration) { s.net.change(func() { s.net.delay[s.id] = d }) }

// StallSync holds the server's next fsync, and all after it, until ResumeSync.
func (s *Server) StallSync() { s.disk.stall() }

// SyncHeld tells whether an fsync is being held at this moment: what it is to
// make durable has been written.
func (s *Server) SyncHeld() bool { return s.disk.holds() }

// ResumeSync ends StallSync.
func (s *Server) ResumeSync() { s.disk.resume() }

// SetSyncLatency makes each fsync of the server's disk take so long.
func (s *Server) SetSyncLatency(d time.Duration) { s.disk.delay(d) }

// DropConnections cuts all clients off and returns how many there were. They
// may come back at once.
func (s *Server) DropConnections() int {
	return s.net.cut(func(r *relay) bool { return r.tap != nil && r.tap.server == s })
}

// DropSession cuts the client of one session off. It returns false when that
// is not connected to this server.
func (s *Server) DropSession(session int64) bool {
	return s.net.cut(func(r *relay) bool { return r.tap != nil && r.tap.server == s && r.tap.session.Load() == session }) > 0
}

// Intercept lets f decide about every request of every client, the connect
// request apart; nil ends it. f is called by several goroutines, may take its
// time to hold its connection up, and must not call methods of this package
// that wait.
func (s *Server) Intercept(f func(Request) Fate) {
	if f == nil {
		s.intercept.Store(nil)
		return
	}
	s.intercept.Store(&f)
}

// Requests is how many requests clients have sent through this server's
// address, pings included, connect requests not.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Events is how many watch events have come from this server.
func (s *Server) Events() int64 { return s.events.Load() }

// ExpireSession ends a session as if its client had been silent for too long.
// In an ensemble only the leader can; see [Ensemble.ExpireSession].
func (s *Server) ExpireSession(session int64) {
	s.t.Helper()
	if srv := s.process(); srv == nil || !srv.ExpireSession(session) {
		s.t.Fatalf("zktest: server %d cannot expire session 0x%x", s.id, session)
	}
}

// cutAll closes every connection of the server.
func (s *Server) cutAll() {
	s.net.cut(func(r *relay) bool { return r.ends[0] == s.id || r.ends[1] == s.id })
}

// await waits until something holds.
func await(holds func() bool) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			return errPatience
		}
	}
	return nil
}

var errPatience = errors.New("not within " + patience.String())
