package differential

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Step is one thing that the driver does on both servers. A step stands on
// its own: whatever steps are taken away before it, it can still be done.
type Step interface {
	// do performs the step on a side and renders what came of it.
	do(s *side) []string
	String() string
}

// request is one frame after the handshake.
type request struct {
	xid    int32
	op     proto.Op
	body   []byte
	zxidAt int // where in body a zxid stands that is relative to the base; -1: nowhere
}

// bytes is the request as a frame, with relative zxids made absolute.
func (r request) payload(zxidBase int64) []byte {
	b := proto.RequestHeader{Xid: r.xid, Op: r.op}.Append(nil)
	at := len(b) + r.zxidAt
	b = append(b, r.body...)
	if r.zxidAt >= 0 {
		addLong(b[at:], zxidBase)
	}
	return b
}

// replyXid is the xid that the reply to the request carries.
func (r request) replyXid() int32 {
	if r.op == proto.OpPing {
		return proto.XidPing
	}
	return r.xid
}

func (r request) String() string {
	return fmt.Sprintf("%s xid=%d body=%s", r.op, r.xid, shortHex(r.body))
}

// send writes requests in one burst on one connection, which is opened with a
// new session when it is closed.
type send struct {
	slot     int
	requests []request
}

func (st send) String() string {
	parts := make([]string, len(st.requests))
	for i, r := range st.requests {
		parts[i] = r.String()
	}
	return fmt.Sprintf("connection %d: %s", st.slot, strings.Join(parts, " | "))
}

// raw writes bytes that need not be a frame, then expects the connection's end
// or, with survives, that it goes on.
type raw struct {
	slot  int
	bytes []byte
}

func (st raw) String() string {
	return fmt.Sprintf("connection %d: raw bytes %s", st.slot, shortHex(st.bytes))
}

// connect opens a connection in the place of the slot's old one, which is
// left open on the wire when abandon is set and closed otherwise.
type connect struct {
	slot      int
	session   int // number of the session to resume; -1: a new one
	badPasswd bool
	timeoutMs int32
	lastZxid  int64 // relative to the base when relative is set
	relative  bool
	readOnly  int // the trailing byte; -1: absent
	passwdLen int // of the password; -1: null
	cut       int // bytes cut off the end
	extra     []byte
	behind    []request // written together with the handshake
}

func (st connect) String() string {
	return fmt.Sprintf("connection %d: connect session=%d badPasswd=%t timeout=%d lastZxid=%d relative=%t readOnly=%d passwdLen=%d cut=%d extra=%s behind=%v",
		st.slot, st.session, st.badPasswd, st.timeoutMs, st.lastZxid, st.relative, st.readOnly, st.passwdLen, st.cut, shortHex(st.extra), st.behind)
}

// drop closes a connection and leaves its session.
type drop struct{ slot int }

func (st drop) String() string { return fmt.Sprintf("connection %d: drop", st.slot) }

// expire opens a session with the shortest timeout, makes an ephemeral below
// the root with it, abandons it and waits until it has expired.
type expire struct {
	path      string
	timeoutMs int32 // as asked for: what is less than the shortest is made that
}

func (st expire) String() string { return "expire a session that owns " + st.path }

// word sends a four-letter word on a connection of its own.
type word struct{ word string }

func (st word) String() string { return "word " + st.word }

func shortHex(b []byte) string {
	const limit = 600
	if len(b) <= limit {
		return hex.EncodeToString(b)
	}
	return fmt.Sprintf("%s… (%d bytes)", hex.EncodeToString(b[:limit]), len(b))
}
