package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// EchoConfig says how an echo server answers.
type EchoConfig struct {
	Listen     string // host:port; port 0 picks a free one
	ValueBytes int    // of every znode
	Children   int    // names that getChildren answers
	LogFile    string // when set, writes are appended and synced here first
}

// Echo serves until the context ends. It grants sessions and answers every
// request at once with the same bytes, having looked at nothing but its
// header: what a load reaches here is what the machine and the load generator
// allow at most. With a log file a write costs what it costs at least: one
// append and one fdatasync for all the writes that are at hand. It keeps no
// znodes and sends no watch events. ready is told the address.
func Echo(ctx context.Context, c EchoConfig, ready func(addr string)) (err error) {
	s, err := newEcho(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	ready(s.addr.String())
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		if err := s.step(); err != nil {
			return err
		}
	}
	return nil
}

// echo is the server; all of it belongs to the goroutine that runs Echo.
type echo struct {
	addr    netip.AddrPort
	listen  int
	poll    poller
	conns   []*echoConn // by id - 1; nil when hung up
	free    []int       // ids of the nil ones
	buf     []byte
	replies map[proto.Op][]byte // whole frames, to be patched with the xid
	other   []byte              // the reply to any op that is not there
	hello   []byte
	log     *echoLog // nil: none
	dirty   []*echoConn
}

type echoConn struct {
	id, fd  int
	scan    scanner
	greeted bool
	out     []byte
	blocked bool
	ending  bool // the session is closed: hang up after the reply
}

const listenerID = 0

func newEcho(ctx context.Context, c EchoConfig) (s *echo, err error) {
	addr, err := resolve(ctx, c.Listen)
	if err != nil {
		return nil, err
	}
	if err := raiseFileLimit(12_000); err != nil {
		return nil, err
	}
	s = &echo{listen: -1, buf: make([]byte, readBytes)}
	s.encodeReplies(c)
	if s.poll, err = newPoller(); err != nil {
		return nil, err
	}
	if s.listen, s.addr, err = listenOn(addr); err == nil {
		err = s.poll.add(s.listen, listenerID, false)
	}
	if err == nil && c.LogFile != "" {
		s.log, err = openEchoLog(c.LogFile)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// encodeReplies makes the frames of every reply ahead.
func (s *echo) encodeReplies(c EchoConfig) {
	stat := proto.Stat{Version: 1, DataLength: int32(c.ValueBytes)}
	ok := func(body []byte) []byte {
		b := proto.ReplyHeader{Zxid: 1}.Append(make([]byte, lengthBytes))
		b = append(b, body...)
		jute.PutInt(b, int32(len(b)-lengthBytes))
		return b
	}
	names := make([]string, c.Children)
	family := newFamily("", int64(c.Children))
	for i := range names {
		names[i] = path.Base(family.path(int64(i)))
	}
	s.other = ok(nil)
	s.replies = map[proto.Op][]byte{
		proto.OpGetData:      ok(stat.Append(jute.AppendBuffer(nil, make([]byte, c.ValueBytes)))),
		proto.OpExists:       ok(stat.Append(nil)),
		proto.OpSetData:      ok(stat.Append(nil)),
		proto.OpCreate:       ok(jute.AppendString(nil, newKeyspace("/meerkat-bench/keys", 1).path(0))),
		proto.OpGetChildren:  ok(jute.AppendStrings(nil, names)),
		proto.OpGetChildren2: ok(stat.Append(jute.AppendStrings(nil, names))),
	}
	hello := proto.ConnectResponse{TimeoutMs: 30_000, SessionID: 1, Passwd: make([]byte, proto.PasswdBytes), HasReadOnly: true}
	s.hello = hello.Append(make([]byte, lengthBytes))
	jute.PutInt(s.hello, int32(len(s.hello)-lengthBytes))
}

// step handles all that is ready: reads and answers, then syncs, then writes.
func (s *echo) step() error {
	ready, err := s.poll.wait(maxWaitNs)
	if err != nil {
		return err
	}
	s.dirty = s.dirty[:0]
	for _, r := range ready {
		if r.id == listenerID {
			err = errors.Join(err, s.accept())
			continue
		}
		c := s.conns[r.id-1]
		if r.readable && !s.read(c) {
			s.hangUp(c)
			continue
		}
		s.dirty = append(s.dirty, c)
	}
	if s.log != nil {
		err = errors.Join(err, s.log.sync())
	}
	for _, c := range s.dirty {
		if len(c.out) > 0 && !s.flush(c) {
			s.hangUp(c)
		}
	}
	return err
}

func (s *echo) accept() error {
	for range 64 {
		fd, _, err := unix.Accept(s.listen)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ECONNABORTED) || errors.Is(err, unix.EINTR) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("bench: accept: %w", err)
		}
		unix.CloseOnExec(fd)
		if err := errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)); err != nil {
			return errors.Join(err, unix.Close(fd))
		}
		c := &echoConn{fd: fd, scan: scanner{headBytes: 8}}
		if n := len(s.free); n > 0 {
			c.id, s.free = s.free[n-1], s.free[:n-1]
			s.conns[c.id-1] = c
		} else {
			s.conns = append(s.conns, c)
			c.id = len(s.conns)
		}
		if err := s.poll.add(fd, c.id, false); err != nil {
			return err
		}
	}
	return nil
}

// read answers what one read call brings; false: hang up.
func (s *echo) read(c *echoConn) bool {
	n, err := unix.Read(c.fd, s.buf)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return true
	}
	if err != nil || n == 0 {
		return false
	}
	for p := s.buf[:n]; ; {
		head, rest, ok, err := c.scan.next(p)
		if err != nil {
			return false
		}
		if !ok {
			return true
		}
		p = rest
		s.answer(c, head)
	}
}

func (s *echo) answer(c *echoConn, head []byte) {
	if !c.greeted {
		c.greeted = true
		c.out = append(c.out, s.hello...)
		return
	}
	op := proto.Op(binary.BigEndian.Uint32(head[4:]))
	reply, ok := s.replies[op]
	if !ok {
		reply = s.other
	}
	n := len(c.out)
	c.out = append(c.out, reply...)
	copy(c.out[n+lengthBytes:], head[:4])
	switch op {
	case proto.OpCloseSession:
		c.ending = true
	case proto.OpSetData, proto.OpCreate, proto.OpDelete:
		if s.log != nil {
			s.log.pending++
		}
	}
}

// flush writes what waits; false: hang up.
func (s *echo) flush(c *echoConn) bool {
	n, err := unix.Write(c.fd, c.out)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		n, err = 0, nil
	}
	if err != nil {
		return false
	}
	c.out = c.out[:copy(c.out, c.out[n:])]
	if blocked := len(c.out) > 0; blocked != c.blocked {
		c.blocked = blocked
		return s.poll.change(c.fd, c.id, blocked) == nil
	}
	return !c.ending || c.blocked
}

func (s *echo) hangUp(c *echoConn) {
	_ = s.poll.remove(c.fd)
	_ = unix.Close(c.fd)
	s.conns[c.id-1] = nil
	s.free = append(s.free, c.id)
}

func (s *echo) close() error {
	for _, c := range s.conns {
		if c != nil {
			s.hangUp(c)
		}
	}
	var errs []error
	if s.listen >= 0 {
		errs = append(errs, unix.Close(s.listen))
	}
	if s.log != nil {
		errs = append(errs, s.log.file.Close())
	}
	return errors.Join(append(errs, s.poll.close())...)
}
