package server

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// direct writes to sockets without ever waiting for one. It belongs to one
// goroutine.
type direct struct {
	rest    []byte
	written int
	err     error
	attempt func(fd uintptr) bool // set once: d.try, which would be made anew for each write
}

func newDirect() *direct {
	d := new(direct)
	d.attempt = d.try
	return d
}

// rawOf returns what direct writes to; nil if the connection is no plain
// socket.
func rawOf(nc net.Conn) syscall.RawConn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// write writes as much of b as the socket takes now.
func (d *direct) write(raw syscall.RawConn, b []byte) (int, error) {
	d.rest, d.written, d.err = b, 0, nil
	err := raw.Write(d.attempt)
	d.rest = nil
	return d.written, errors.Join(err, d.err)
}

// try is one look at the socket. It always returns true: not to be waited for.
func (d *direct) try(fd uintptr) bool {
	for len(d.rest) > 0 {
		n, err := unix.Write(int(fd), d.rest)
		switch {
		case err == nil && n > 0:
			d.rest = d.rest[n:]
			d.written += n
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return true
		default:
			d.err = err
			return true
		}
	}
	return true
}
