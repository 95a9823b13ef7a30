package differential

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

func (st send) do(s *side) []string {
	lines := s.reopen(st.slot)
	if s.conns[st.slot] == nil {
		return lines
	}
	return append(lines, s.exchange(st.slot, st.requests)...)
}

// do writes the bytes and then closes the writing half, so that a server that
// waits for more sees the end. Nothing may be said but the end.
func (st raw) do(s *side) []string {
	lines := s.reopen(st.slot)
	if s.conns[st.slot] == nil {
		return lines
	}
	_ = s.conns[st.slot].Write(st.bytes)
	more, open := s.await(st.slot, request{op: proto.OpError, xid: 1 << 30})
	if open {
		more = append(more, s.closed(st.slot))
	}
	return append(lines, more...)
}

func (st connect) do(s *side) []string {
	var lines []string
	if s.conns[st.slot] != nil {
		lines = append(lines, drop{st.slot}.do(s)...)
	}
	conn, err := wire.Dial(s.addr)
	if err != nil {
		return append(lines, fmt.Sprintf("[%d] cannot connect", st.slot))
	}
	s.conns[st.slot] = conn
	_ = conn.Write(append(wire.Frame(st.payload(s)), s.burst(st.behind)...))
	frame, err := conn.ReadFrame(replyLimit)
	switch {
	case errors.Is(err, io.EOF):
		return append(lines, s.closed(st.slot))
	case err != nil:
		return append(lines, fmt.Sprintf("[%d] silence after connect", st.slot), s.closed(st.slot))
	}
	text, id, passwd := s.connect(frame)
	if id != 0 && !slices.Equal(passwd, sessionPasswd(id)) {
		text += " passwd is not what Apache computes"
	}
	if id != 0 && st.session < 0 {
		s.sessions = append(s.sessions, credential{id, passwd})
	}
	lines = append(lines, fmt.Sprintf("[%d] %s", st.slot, text))
	return append(lines, s.replies(st.slot, st.behind)...)
}

func (st connect) payload(s *side) []byte {
	req := proto.ConnectRequest{
		LastZxidSeen: st.lastZxid, TimeoutMs: st.timeoutMs, Passwd: make([]byte, proto.PasswdBytes),
		ReadOnly: st.readOnly > 0, HasReadOnly: st.readOnly >= 0,
	}
	if st.relative {
		req.LastZxidSeen += s.zxidBase
	}
	switch {
	case st.session >= len(s.sessions): // a session that no server gave
		req.SessionID = 0x7A00000000000000 + int64(st.session)
	case st.session >= 0:
		req.SessionID = s.sessions[st.session].id
		req.Passwd = slices.Clone(s.sessions[st.session].passwd)
	}
	if st.badPasswd {
		req.Passwd[3] ^= 0x40
	}
	if st.passwdLen < 0 {
		req.Passwd = nil
	} else {
		req.Passwd = append(req.Passwd, make([]byte, st.passwdLen)...)[:st.passwdLen]
	}
	b := req.Append(nil)
	return append(b[:max(0, len(b)-st.cut)], st.extra...)
}

func (st drop) do(s *side) []string {
	if s.conns[st.slot] == nil {
		return nil
	}
	return []string{s.closed(st.slot)}
}

// do waits on the monitor until the ephemeral has gone with its session.
func (st expire) do(s *side) []string {
	c, err := wire.Open(s.addr, time.Duration(st.timeoutMs)*time.Millisecond)
	if err != nil {
		return []string{"expire: " + err.Error()}
	}
	s.newSession(c.SessionID)
	s.sessions = append(s.sessions, credential{c.SessionID, c.Passwd})
	// The root may be closed to others, and nothing but its own ephemeral may
	// tell when the session has expired.
	if err := c.Auth("digest", superAuth); err != nil {
		return []string{"expire: " + err.Error()}
	}
	_, err = c.Create(st.path, nil, proto.OpenACL, proto.FlagEphemeral)
	lines := []string{fmt.Sprintf("expire: timeout=%d create err=%v", c.TimeoutMs, err)}
	c.Close()
	if err != nil {
		return lines
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := s.monitor.Exists(st.path, false); errors.Is(err, proto.ErrNoNode) {
			return append(lines, "expire: gone")
		}
	}
	return append(lines, "expire: still there after 10 s")
}

func (st word) do(s *side) []string {
	text, err := rig.FourLetterWord(s.addr, st.word)
	if err != nil {
		return []string{"word: " + err.Error()}
	}
	return s.wordLines(st.word, text)
}
