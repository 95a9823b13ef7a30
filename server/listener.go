package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meerkat-zk/meerkat/conf"
)

// listen opens the client port.
func (srv *Server) listen() error {
	client := &srv.cfg.Client
	if client.Port == conf.NoPort {
		return nil
	}
	address := net.JoinHostPort(client.Address, strconv.Itoa(client.Port))
	config := net.ListenConfig{KeepAlive: -1}
	if client.TCPKeepAlive {
		config.KeepAlive = 0
	}
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return fmt.Errorf("clientPort %d: %w%s", client.Port, err, listenHint(err))
	}
	if err := setBacklog(listener, client.ListenBacklog); err != nil {
		return errors.Join(err, listener.Close())
	}
	srv.listener = listener
	return nil
}

// listenHint says what to do about a port that cannot be had.
func listenHint(err error) string {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return ": another process listens there, stop it or choose another clientPort"
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return ": clientPortAddress is no address of this machine"
	case errors.Is(err, unix.EACCES):
		return ": ports below 1024 are for privileged users"
	}
	return ""
}

// setBacklog changes the length of the accept queue, which the net package
// takes from the system, by listening once more on the same socket.
func setBacklog(listener net.Listener, backlog int) error {
	tcp, ok := listener.(*net.TCPListener)
	if !ok || backlog <= 0 {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = unix.Listen(int(fd), backlog) }); err != nil {
		return err
	}
	return listenErr
}

// acceptPause is how long accepting rests after it failed, for instance
// because all file descriptors are in use.
const acceptPause = 50 * time.Millisecond

// accept takes connections until the listener is closed.
func (srv *Server) accept() {
	for {
		nc, err := srv.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			srv.log.Error().Err(err).Msg("cannot accept connections")
			select {
			case <-time.After(acceptPause):
				continue
			case <-srv.stopping:
				return
			}
		}
		srv.admit(nc)
	}
}

// admit starts a connection unless its address or the server has too many.
func (srv *Server) admit(nc net.Conn) {
	c := newConn(srv, nc)
	if err := srv.caps.Take(c.remote.Addr()); err != nil {
		srv.log.Warn().Str("client", c.remote.String()).Err(err).Msg("connection refused")
		srv.meters.rejected.Add(1)
		_ = nc.Close() // refused: nothing to lose
		return
	}
	srv.conns.add(c)
	srv.readers.Add(1)
	go c.serve()
}
