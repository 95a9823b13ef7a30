package server

import (
	"context"
	"net"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/quorum/peer"
)

// Option replaces something of the world around a server; for tests, which
// have a disk and a network that can fail.
type Option func(*Server)

// WithFS keeps the data on another disk than the system's.
func WithFS(fs vfs.FS) Option { return func(srv *Server) { srv.fs = fs } }

// Network is how servers of an ensemble reach each other.
type Network struct {
	Dial   peer.Dial
	Listen func(address string) (net.Listener, error) // host:port as in the list of servers
}

// WithNetwork puts something else in the place of TCP between the servers.
// The settings of TCP are then up to it.
func WithNetwork(n Network) Option { return func(srv *Server) { srv.network = n } }

// ErrQuorumPort means that a member cannot listen for the other servers.
var ErrQuorumPort = peer.ErrListen

// StartUntil lets Start give up when ctx ends while it waits for such a port
// (electionPortBindRetry).
func StartUntil(ctx context.Context) Option { return func(srv *Server) { srv.startUntil = ctx } }

// Mode tells what the server is as the word srvr does: standalone, leader,
// follower, observer or read-only; "" while it serves no client.
func (srv *Server) Mode() string {
	if t := srv.term.Load(); t != nil {
		return t.mode
	}
	return ""
}

// ExpireSession ends a session as if nothing had been heard of it for its
// timeout. False: this server is not the one that ends sessions, or has no
// such session.
func (srv *Server) ExpireSession(id int64) bool {
	s := srv.sessions.Find(id)
	return s != nil && srv.expire(s)
}
