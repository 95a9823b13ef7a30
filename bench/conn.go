package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// connState is how far a connection has come.
type connState uint8

const (
	connecting  connState = iota // the socket is not connected yet
	handshaking                  // the connect request is out
	open                         // the session exists
	closing                      // the session is being closed: the server may hang up
	closed
)

// A slot remembers a request until its reply.
type slot struct {
	at    int64 // when it was due or sent: ns on the engine's clock
	class class
}

// A conn is one connection with its session. It belongs to its loop.
type conn struct {
	index int // among all connections of the run; set once
	id    int // among the loop's connections, and for its poller; set by dial
	fd    int
	addr  netip.AddrPort
	state connState
	scan  scanner
	out   []byte // frames not written yet
	// blocked means that the socket took only part of out: the poller then
	// watches it for writing.
	blocked bool

	// The requests without a reply are a ring, oldest at answered. Replies
	// must come in this order, so xids need not be kept.
	slots    []slot // as many as a power of two
	sent     uint32
	answered uint32
	lastSent int64         // ns on the engine's clock; for pings
	openedAt int64         // when connecting began
	timeout  time.Duration // of the session, as the server granted it

	// What the running phase asks of the connection.
	src    source // nil: nothing
	due    int64  // paced: requests due so far
	issued int64  // paced: requests sent so far
}

func (c *conn) outstanding() int { return int(c.sent - c.answered) }

// xidOf numbers requests from 1, and starts again before the sign bit.
func xidOf(n uint32) int32 { return int32(n%0x7FFFFFFF) + 1 }

// push remembers one more request.
func (c *conn) push(s slot) {
	if c.outstanding() == len(c.slots) {
		c.grow()
	}
	c.slots[int(c.sent)&(len(c.slots)-1)] = s
	c.sent++
}

// pop forgets the oldest request.
func (c *conn) pop() slot {
	s := c.slots[int(c.answered)&(len(c.slots)-1)]
	c.answered++
	return s
}

func (c *conn) grow() {
	bigger := make([]slot, max(4, 2*len(c.slots)))
	for n := c.answered; n != c.sent; n++ {
		bigger[int(n)&(len(bigger)-1)] = c.slots[int(n)&(len(c.slots)-1)]
	}
	c.slots = bigger
}

// connect opens a socket to addr without waiting for it.
func connect(addr netip.AddrPort) (fd int, err error) {
	family := unix.AF_INET
	if addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, fmt.Errorf("bench: socket: %w", err)
	}
	unix.CloseOnExec(fd)
	err = unix.SetNonblock(fd, true)
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil {
		err = unix.Connect(fd, sockaddr(addr))
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("bench: connect to %s: %w", addr, err)
	}
	return fd, nil
}

// sockaddr converts an address that [netip.Addr.Unmap] has simplified.
func sockaddr(addr netip.AddrPort) unix.Sockaddr {
	if addr.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
}
