package audit

import (
	"strings"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Subject is what a write is about, as its request tells.
type Subject struct {
	Operation string // "" when it is not logged
	Path      string
	ACL       string            // of setACL
	Mode      string            // of create; "" when there is no such mode
	Modes     map[string]string // of a multi: the modes of its creates, by path
	Users     string            // of who asks, separated by commas
}

// operations are the names of the requests that are logged.
var operations = map[proto.Op]string{
	proto.OpCreate: "create", proto.OpCreate2: "create", proto.OpCreateContainer: "create", proto.OpCreateTTL: "create",
	proto.OpDelete: "delete", proto.OpSetData: "setData", proto.OpSetACL: "setAcl", proto.OpMulti: multiOperation,
	proto.OpReconfig: "reconfig",
}

// modes are Apache's names of the flags of a create, CreateMode in lower
// case.
var modes = [...]string{
	"persistent", "ephemeral", "persistent_sequential", "ephemeral_sequential", "container",
	"persistent_with_ttl", "persistent_sequential_with_ttl",
}

func modeOf(flags int32) string {
	if flags < 0 || int(flags) >= len(modes) {
		return ""
	}
	return modes[flags]
}

// Read reads the record of a request; nil when the request is none that is
// logged or cannot be read. Nothing in the subject shares memory with body.
func Read(op proto.Op, body []byte) *Subject {
	s := &Subject{Operation: operations[op]}
	d := jute.NewDecoder(body)
	switch op {
	case proto.OpMulti:
		s.Modes = multiModes(&d)
	case proto.OpReconfig:
	default:
		if s.Operation == "" || !s.read(op, &d) {
			return nil
		}
	}
	return s
}

// read reads a request that is about one znode.
func (s *Subject) read(op proto.Op, d *jute.Decoder) bool {
	switch op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		r := proto.CreateRequest{HasTTL: op == proto.OpCreateTTL}
		r.Decode(d)
		s.Path, s.Mode = r.Path, modeOf(r.Flags)
	case proto.OpDelete:
		var r proto.DeleteRequest
		r.Decode(d)
		s.Path = r.Path
	case proto.OpSetData:
		var r proto.SetDataRequest
		r.Decode(d)
		s.Path = r.Path
	case proto.OpSetACL:
		var r proto.SetACLRequest
		r.Decode(d)
		s.Path, s.ACL = r.Path, aclText(r.ACL)
	}
	return d.Err() == nil
}

// multiModes gathers the modes of the creates in a multi, but not of those
// with a TTL, as in Apache.
func multiModes(d *jute.Decoder) map[string]string {
	found := map[string]string{}
	for {
		var h proto.MultiHeader
		h.Decode(d)
		if d.Err() != nil || h.Done {
			return found
		}
		s := &Subject{}
		switch h.Op {
		case proto.OpCheck:
			var r proto.CheckVersionRequest
			r.Decode(d)
		case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer:
			if s.read(h.Op, d) && s.Mode != "" {
				found[s.Path] = s.Mode
			}
		default:
			if operations[h.Op] == "" || !s.read(h.Op, d) {
				return found
			}
		}
	}
}

// aclText is an ACL as Apache's ZKUtil writes it: scheme:id:perms, one behind
// the other.
func aclText(acl []proto.ACL) string {
	var b strings.Builder
	for _, a := range acl {
		b.WriteString(a.ID.Scheme + ":" + a.ID.ID + ":" + permText(a.Perms))
	}
	return b.String()
}

// permText is the letters of the permissions, in Apache's order.
func permText(perms int32) string {
	var b strings.Builder
	for _, p := range []struct {
		bit    int32
		letter byte
	}{{proto.PermCreate, 'c'}, {proto.PermDelete, 'd'}, {proto.PermRead, 'r'}, {proto.PermWrite, 'w'}, {proto.PermAdmin, 'a'}} {
		if perms&p.bit != 0 {
			b.WriteByte(p.letter)
		}
	}
	return b.String()
}
