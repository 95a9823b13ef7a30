package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

var (
	// ErrLost means that the server closed a connection.
	ErrLost = errors.New("bench: the server closed the connection")
	// ErrOrder means that a reply was not the reply to the oldest request.
	ErrOrder = errors.New("bench: reply out of order")
	// ErrStalled means that no reply came for longer than is patient.
	ErrStalled = errors.New("bench: the server does not answer")
	// ErrSession means that the server did not grant a session.
	ErrSession = errors.New("bench: the server refused the session")
)

const (
	readBytes = 256 << 10
	maxWaitNs = int64(200 * time.Millisecond)
)

// A phase is what a loop does for a while. Its methods run on the loop's
// thread.
type phase interface {
	// tick does what is due now, and returns for how long nothing will be.
	tick(now int64) (waitNs int64, done bool, err error)
	// opened is called when c has got its session.
	opened(c *conn, now int64)
	// replied is called with the reply to the oldest request of c.
	replied(c *conn, s slot, code proto.ErrCode, now int64)
	// notified is called for a watch event.
	notified(c *conn, now int64)
	// waiting counts what the server still owes.
	waiting() int
}

// A loop drives some of the connections on one thread.
type loop struct {
	clock   clock
	poll    poller
	conns   []*conn
	buf     []byte // every read goes here first
	hello   []byte // the connect request
	pingNs  int64  // idle connections are pinged this often
	pinged  int64  // when idle connections were last looked for
	heard   int64  // when a server last sent anything
	current phase

	patience int64 // ns without any reply while some are owed; then the run fails
}

// A clock counts nanoseconds since the run began, steadily.
type clock struct{ base time.Time }

func (c clock) now() int64 { return int64(time.Since(c.base)) }

func newLoop(c clock, sessionTimeout, patience time.Duration) (*loop, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &loop{
		clock:  c,
		poll:   p,
		buf:    make([]byte, readBytes),
		hello:  encodeConnect(int32(sessionTimeout / time.Millisecond)),
		pingNs: int64(sessionTimeout) / 3,

		patience: int64(patience),
	}, nil
}

// run drives the connections until the phase is done, stop is set, or
// something fails.
func (l *loop) run(ph phase, stop *atomic.Bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.current = ph
	l.heard = l.clock.now()
	for !stop.Load() {
		now := l.clock.now()
		wait, done, err := ph.tick(now)
		if done || err != nil {
			return err
		}
		if n := ph.waiting(); n > 0 && now-l.heard > l.patience {
			return fmt.Errorf("%w: nothing for %v, %d replies owed", ErrStalled, time.Duration(now-l.heard), n)
		}
		if err := l.keepAlive(now); err != nil {
			return err
		}
		ready, err := l.poll.wait(min(wait, maxWaitNs))
		if err != nil {
			return err
		}
		for _, r := range ready {
			if err := l.serve(l.conns[r.id], r); err != nil {
				return err
			}
		}
	}
	return nil
}

// dial begins a connection.
func (l *loop) dial(c *conn) error {
	fd, err := connect(c.addr)
	if err != nil {
		return err
	}
	c.fd, c.state = fd, connecting
	c.scan = scanner{headBytes: maxHeadBytes}
	c.id = len(l.conns)
	l.conns = append(l.conns, c)
	return l.poll.add(fd, c.id, true)
}

// serve handles one readiness.
func (l *loop) serve(c *conn, r readiness) error {
	if c.state == closed {
		return nil // hung up earlier in this round
	}
	if c.state == connecting {
		return l.connected(c, r)
	}
	if r.writable && c.blocked {
		if err := l.flush(c); err != nil {
			return err
		}
	}
	if r.readable {
		return l.read(c)
	}
	return nil
}

func (l *loop) connected(c *conn, r readiness) error {
	code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		return fmt.Errorf("bench: connect to %s: %w", c.addr, err)
	}
	if !r.writable {
		return nil
	}
	c.state = handshaking
	if err := l.poll.change(c.fd, c.id, false); err != nil {
		return err
	}
	c.out = append(c.out, l.hello...)
	return l.flush(c)
}

// read makes one read call and handles the frames that it brought; what the
// phase wants sent in return goes out with one write call.
func (l *loop) read(c *conn) error {
	n, err := unix.Read(c.fd, l.buf)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil
	case err != nil || n == 0:
		return l.hungUp(c, err)
	}
	now := l.clock.now()
	l.heard = now
	for p := l.buf[:n]; ; {
		head, rest, ok, err := c.scan.next(p)
		if err != nil {
			return fmt.Errorf("%w from %s", err, c.addr)
		}
		if !ok {
			break
		}
		p = rest
		if err := l.frame(c, head, now); err != nil {
			return err
		}
	}
	if len(c.out) > 0 && !c.blocked {
		return l.flush(c)
	}
	return nil
}

// frame handles one frame, of which it sees the first 16 bytes.
func (l *loop) frame(c *conn, head []byte, now int64) error {
	if c.state == handshaking {
		// A ConnectResponse begins with version, timeout and session id.
		if binary.BigEndian.Uint32(head[4:]) == 0 || binary.BigEndian.Uint64(head[8:]) == 0 {
			return fmt.Errorf("%w: %s", ErrSession, c.addr)
		}
		c.state, c.lastSent = open, now
		c.timeout = time.Duration(binary.BigEndian.Uint32(head[4:])) * time.Millisecond
		l.current.opened(c, now)
		return nil
	}
	switch xid := int32(binary.BigEndian.Uint32(head)); {
	case xid == proto.XidNotification:
		l.current.notified(c, now)
	case xid == proto.XidPing:
	case c.outstanding() == 0 || xid != xidOf(c.answered):
		return fmt.Errorf("%w: got xid %d from %s, expected %d of %d outstanding",
			ErrOrder, xid, c.addr, xidOf(c.answered), c.outstanding())
	default:
		code := proto.ErrCode(binary.BigEndian.Uint32(head[12:]))
		l.current.replied(c, c.pop(), code, now)
	}
	return nil
}

func (l *loop) hungUp(c *conn, err error) error {
	if c.state == closing && c.outstanding() == 0 {
		return l.drop(c)
	}
	if err == nil {
		return fmt.Errorf("%w %s with %d requests outstanding", ErrLost, c.addr, c.outstanding())
	}
	return fmt.Errorf("%w %s with %d requests outstanding: %w", ErrLost, c.addr, c.outstanding(), err)
}

// drop closes the socket.
func (l *loop) drop(c *conn) error {
	if c.state == closed {
		return nil
	}
	c.state = closed
	return errors.Join(l.poll.remove(c.fd), unix.Close(c.fd))
}

// flush makes one write call with all that waits in c.out.
func (l *loop) flush(c *conn) error {
	n, err := unix.Write(c.fd, c.out)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		n, err = 0, nil
	}
	if err != nil {
		return l.hungUp(c, err)
	}
	c.out = c.out[:copy(c.out, c.out[n:])]
	if blocked := len(c.out) > 0; blocked != c.blocked {
		c.blocked = blocked
		return l.poll.change(c.fd, c.id, blocked)
	}
	return nil
}

// keepAlive pings the connections that have sent nothing for long.
func (l *loop) keepAlive(now int64) error {
	if now-l.pinged < int64(time.Second) {
		return nil
	}
	l.pinged = now
	for _, c := range l.conns {
		if c.state != open || now-c.lastSent < l.pingNs {
			continue
		}
		c.lastSent = now
		c.out = append(c.out, pingFrame...)
		if c.blocked {
			continue
		}
		if err := l.flush(c); err != nil {
			return err
		}
	}
	return nil
}

var pingFrame = encodeFrame(proto.XidPing, proto.OpPing, nil)

// close drops every connection and the poller.
func (l *loop) close() error {
	var errs []error
	for _, c := range l.conns {
		errs = append(errs, l.drop(c))
	}
	return errors.Join(append(errs, l.poll.close())...)
}
