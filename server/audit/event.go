package audit

import (
	"strconv"
	"strings"
)

// Result is how it ended.
type Result string

// The results.
const (
	Success Result = "success"
	Failure Result = "failure"
	Invoked Result = "invoked" // begun, and nobody will tell how it ended
)

// The operations that no request asks for by itself.
const (
	ServerStart    = "serverStart"
	ServerStop     = "serverStop"
	EphemeralEnded = "ephemeralZNodeDeletionOnSessionCloseOrExpire"
	multiOperation = "multiOperation"
)

// Event is one line. What is empty is left out.
type Event struct {
	Session   int64 // 0 is none
	User      string
	IP        string
	Operation string
	Znode     string
	ZnodeType string // as a create asked for it, in lower case
	ACL       string
	Result    Result
}

// String is the line, without its end: key=value, separated by tabs, in
// Apache's order.
func (e *Event) String() string {
	var b strings.Builder
	put := func(key, value string) {
		if value == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(key)
		b.WriteByte('=')
		writeText(&b, value)
	}
	if e.Session != 0 {
		put("session", "0x"+strconv.FormatUint(uint64(e.Session), 16))
	}
	put("user", e.User)
	put("ip", e.IP)
	put("operation", e.Operation)
	put("znode", e.Znode)
	put("znode_type", e.ZnodeType)
	put("acl", e.ACL)
	put("result", string(e.Result))
	return b.String()
}

// writeText writes control characters as Java would in a source file. Apache
// writes them as they are, so that a client could forge lines: paths and
// names of requests that fail may hold any character.
func writeText(b *strings.Builder, s string) {
	if strings.IndexFunc(s, isControl) < 0 {
		b.WriteString(s)
		return
	}
	for _, r := range s {
		if isControl(r) {
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:])
		} else {
			b.WriteRune(r)
		}
	}
}

func isControl(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}
