package proto

import (
	"bytes"

	"github.com/meerkat-zk/meerkat/jute"
)

// The permission bits of an ACL entry.
const (
	PermRead   int32 = 1
	PermWrite  int32 = 2
	PermCreate int32 = 4
	PermDelete int32 = 8
	PermAdmin  int32 = 16
	PermAll    int32 = 31
)

// ID names a user within an authentication scheme.
type ID struct {
	Scheme string
	ID     string
}

// ACL grants permissions to one identity.
type ACL struct {
	Perms int32
	ID    ID
}

// Anyone is the identity that every connection has.
var Anyone = ID{Scheme: "world", ID: "anyone"}

// OpenACL grants everything to everyone. Do not modify it.
var OpenACL = []ACL{{Perms: PermAll, ID: Anyone}}

// Append adds the wire form to b.
func (a ACL) Append(b []byte) []byte {
	b = jute.AppendInt(b, a.Perms)
	b = jute.AppendString(b, a.ID.Scheme)
	return jute.AppendString(b, a.ID.ID)
}

const aclMinBytes = 12

// AppendACLs adds a vector of ACL entries to b; nil is written as null.
func AppendACLs(b []byte, acl []ACL) []byte {
	if acl == nil {
		return jute.AppendNull(b)
	}
	b = jute.AppendInt(b, int32(len(acl)))
	for _, a := range acl {
		b = a.Append(b)
	}
	return b
}

// openACLWire is the wire form of OpenACL.
var openACLWire = AppendACLs(nil, OpenACL)

// DecodeACLs reads a vector of ACL entries; null is nil. The list is not to be
// modified: nearly all lists are OpenACL, and that is then what it returns.
func DecodeACLs(d *jute.Decoder) []ACL {
	if bytes.HasPrefix(d.Rest(), openACLWire) {
		d.Skip(len(openACLWire))
		return OpenACL
	}
	n, ok := d.Count(aclMinBytes)
	if !ok {
		return nil
	}
	acl := make([]ACL, 0, n)
	for i := 0; i < n && d.Err() == nil; i++ {
		acl = append(acl, ACL{Perms: d.Int(), ID: ID{Scheme: d.String(), ID: d.String()}})
	}
	return acl
}

// AppendIDs adds a vector of identities to b; nil is written as null.
func AppendIDs(b []byte, ids []ID) []byte {
	if ids == nil {
		return jute.AppendNull(b)
	}
	b = jute.AppendInt(b, int32(len(ids)))
	for _, id := range ids {
		b = jute.AppendString(b, id.Scheme)
		b = jute.AppendString(b, id.ID)
	}
	return b
}
