package differential

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	// replyLimit is how long a reply may take before the step says "silence".
	replyLimit = 8 * time.Second
	// longTimeoutMs keeps a session alive over a whole run, shortTimeoutMs is
	// what the servers' minSessionTimeout allows.
	longTimeoutMs  = 600000
	shortTimeoutMs = 400
	slots          = 3
)

// credential is what a client needs to resume a session.
type credential struct {
	id     int64
	passwd []byte
}

// side is one server and the driver's connections to it. It is for one
// goroutine.
type side struct {
	*mask
	addr     string
	conns    [slots]*wire.Conn // nil when closed
	sessions []credential      // in the order in which they were given
	monitor  *wire.Client      // a super user who looks and tidies up
}

// newSide opens the monitor and takes its zxid as the base.
func newSide(addr string) (*side, error) {
	monitor, err := wire.Open(addr, longTimeoutMs*time.Millisecond)
	if err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	if err := monitor.Auth("digest", superAuth); err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	if err := monitor.Ping(); err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	return &side{mask: newMask(monitor.LastZxid), addr: addr, monitor: monitor}, nil
}

// finish does a step and then pings every open connection, so that all that
// the step caused has arrived.
func (s *side) finish(st Step) []string {
	lines := st.do(s)
	for slot := range s.conns {
		if s.conns[slot] == nil {
			continue
		}
		ping := request{xid: proto.XidPing, op: proto.OpPing, zxidAt: -1}
		lines = append(lines, s.exchange(slot, []request{ping})...)
	}
	return lines
}

// exchange writes the requests at once and reads until each has its reply or
// the connection ends.
func (s *side) exchange(slot int, requests []request) []string {
	// A connection that the server has ended takes no bytes; reading tells.
	_ = s.conns[slot].Write(s.burst(requests))
	return s.replies(slot, requests)
}

func (s *side) burst(requests []request) []byte {
	var b []byte
	for _, r := range requests {
		b = append(b, wire.Frame(r.payload(s.zxidBase))...)
	}
	return b
}

func (s *side) replies(slot int, requests []request) []string {
	var lines []string
	for _, r := range requests {
		more, open := s.await(slot, r)
		lines = append(lines, more...)
		if open && strings.Contains(lines[len(lines)-1], unimplemented) {
			open = false
			lines = append(lines, s.ending(slot))
		}
		if !open {
			break
		}
	}
	return lines
}

// unimplemented marks the reply to an op that no server knows, behind which it
// closes the connection. Other requests that end with this code have a zxid.
const unimplemented = " zxid=-1 err=-6"

// ending waits for the end of a connection that the server is closing. Apache
// takes a moment for it, in which it may still answer what came behind.
func (s *side) ending(slot int) string {
	for {
		if _, err := s.conns[slot].ReadFrame(replyLimit); errors.Is(err, io.EOF) {
			return s.closed(slot)
		} else if err != nil {
			return fmt.Sprintf("[%d] not closed; %s", slot, s.closed(slot))
		}
	}
}

// await reads frames up to the reply to r, which is the last line.
func (s *side) await(slot int, r request) (lines []string, open bool) {
	for {
		frame, err := s.conns[slot].ReadFrame(replyLimit)
		switch {
		case errors.Is(err, io.EOF):
			return append(lines, s.closed(slot)), false
		case err != nil:
			line := fmt.Sprintf("[%d] silence after %s", slot, r.op)
			return append(lines, line, s.closed(slot)), false
		}
		lines = append(lines, fmt.Sprintf("[%d] %s", slot, s.reply(r.op, frame)))
		if xid, ok := header(frame); !ok || xid == r.replyXid() {
			return lines, true
		}
	}
}

func (s *side) closed(slot int) string {
	s.conns[slot].Close()
	s.conns[slot] = nil
	return fmt.Sprintf("[%d] closed", slot)
}

// reopen opens a connection with a new session in a closed slot.
func (s *side) reopen(slot int) []string {
	if s.conns[slot] != nil {
		return nil
	}
	return connect{slot: slot, session: -1, timeoutMs: longTimeoutMs, passwdLen: proto.PasswdBytes}.do(s)
}

func addLong(b []byte, v int64) {
	binary.BigEndian.PutUint64(b, binary.BigEndian.Uint64(b)+uint64(v))
}
