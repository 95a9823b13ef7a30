package differential

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// view reads a frame from a server without believing it: what does not fit
// is shown as it is. It is not the decoder of the server under test, and
// unlike that one it tells null from empty and keeps bytes that are no text.
type view struct {
	*mask
	rest  []byte
	short bool // the frame ended inside a value
}

func (v *view) take(n int) []byte {
	if n > len(v.rest) || v.short {
		v.short = true
		return make([]byte, min(n, 8))
	}
	p := v.rest[:n]
	v.rest = v.rest[n:]
	return p
}

func (v *view) int() int32  { return int32(binary.BigEndian.Uint32(v.take(4))) }
func (v *view) long() int64 { return int64(binary.BigEndian.Uint64(v.take(8))) }

// bytes reads a buffer or string.
func (v *view) bytes() string {
	n := v.int()
	if n == -1 {
		return "null"
	}
	if n < 0 || int(n) > len(v.rest) {
		v.short = true
		return fmt.Sprintf("length=%d", n)
	}
	return strconv.QuoteToASCII(string(v.take(int(n))))
}

// vector reads a vector whose elements one reads; a sorted one has no order.
func (v *view) vector(sorted bool, one func() string) string {
	n := v.int()
	if n == -1 {
		return "null"
	}
	if n < 0 || int(n) > len(v.rest) {
		v.short = true
		return fmt.Sprintf("count=%d", n)
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, one())
	}
	if sorted {
		slices.Sort(list)
	}
	return "[" + strings.Join(list, " ") + "]"
}

func (v *view) stat() string {
	czxid, mzxid, ctime, mtime := v.long(), v.long(), v.long(), v.long()
	version, cversion, aversion := v.int(), v.int(), v.int()
	owner, length, children, pzxid := v.long(), v.int(), v.int(), v.long()
	return fmt.Sprintf("{czxid=%s mzxid=%s ctime=%s mtime=%s version=%d cversion=%d aversion=%d owner=%s length=%d children=%d pzxid=%s}",
		v.zxid(czxid), v.zxid(mzxid), v.time(ctime), v.time(mtime), version, cversion, aversion,
		v.session(owner), length, children, v.zxid(pzxid))
}

func (v *view) acls() string {
	return v.vector(false, func() string { return fmt.Sprintf("%d:%s:%s", v.int(), v.bytes(), v.bytes()) })
}

// end shows what is left, and whether the frame was too short.
func (v *view) end() string {
	switch {
	case v.short:
		return " SHORT rest=" + hex.EncodeToString(v.rest)
	case len(v.rest) > 0:
		return " rest=" + hex.EncodeToString(v.rest)
	}
	return ""
}

// header is what the driver must know of a frame to go on.
func header(frame []byte) (xid int32, ok bool) {
	if len(frame) < proto.ReplyHeaderBytes {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(frame)), true
}

// reply renders a reply to op, or a notification.
func (m *mask) reply(op proto.Op, frame []byte) string {
	v := view{mask: m, rest: frame}
	xid, zxid, err := v.int(), v.long(), proto.ErrCode(v.int())
	if xid == proto.XidNotification && !v.short {
		return fmt.Sprintf("event zxid=%s err=%d type=%d state=%d path=%s", v.zxid(zxid), err, v.int(), v.int(), v.bytes()) + v.end()
	}
	text := fmt.Sprintf("reply xid=%d zxid=%s err=%d", xid, v.zxid(zxid), err)
	if err == proto.OK && !v.short {
		text += v.body(op)
	}
	return text + v.end()
}

// body renders a response record.
func (v *view) body(op proto.Op) string {
	switch op {
	case proto.OpCreate, proto.OpSync:
		return " path=" + v.bytes()
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		return " path=" + v.bytes() + " " + v.stat()
	case proto.OpExists, proto.OpSetData, proto.OpSetACL:
		return " " + v.stat()
	case proto.OpGetData, proto.OpReconfig:
		return " data=" + v.bytes() + " " + v.stat()
	case proto.OpGetACL:
		return " acl=" + v.acls() + " " + v.stat()
	case proto.OpGetChildren, proto.OpGetEphemerals:
		return " names=" + v.vector(true, v.bytes)
	case proto.OpGetChildren2:
		return " names=" + v.vector(true, v.bytes) + " " + v.stat()
	case proto.OpGetAllChildrenNumber, proto.OpAddWatch:
		return fmt.Sprintf(" int=%d", v.int())
	case proto.OpSASL:
		return " token=" + v.bytes()
	case proto.OpWhoAmI:
		return " ids=" + v.vector(true, func() string { return v.bytes() + ":" + v.bytes() })
	case proto.OpMulti, proto.OpMultiRead:
		return v.multi()
	}
	return ""
}

func (v *view) multi() string {
	var text strings.Builder
	for {
		op, done, err := proto.Op(v.int()), v.take(1)[0], v.int()
		if v.short {
			return text.String()
		}
		fmt.Fprintf(&text, " <%d done=%d err=%d", op, done, err)
		if done != 0 {
			return text.String() + ">"
		}
		if op == proto.OpError {
			fmt.Fprintf(&text, " code=%d", v.int())
		} else {
			text.WriteString(v.body(op))
		}
		text.WriteByte('>')
	}
}

// connect renders a ConnectResponse. The password depends on the session id
// alone, which the caller checks.
func (m *mask) connect(frame []byte) (text string, id int64, passwd []byte) {
	v := view{mask: m, rest: frame}
	version, timeout := v.int(), v.int()
	id = v.long()
	n := v.int()
	if n < 0 || int(n) > len(v.rest) {
		n, v.short = 0, true
	}
	passwd = slices.Clone(v.take(int(n)))
	m.newSession(id)
	zero := ""
	if strings.Trim(string(passwd), "\x00") == "" {
		zero = " of zeros"
	}
	return fmt.Sprintf("connected version=%d timeout=%d %s passwd=%d bytes%s", version, timeout, v.session(id), len(passwd), zero) + v.end(), id, passwd
}
