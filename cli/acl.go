package cli

import (
	"fmt"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// permissions are the letters of an ACL, in the order in which they are
// printed.
var permissions = []struct {
	letter rune
	bit    int32
}{{'c', proto.PermCreate}, {'d', proto.PermDelete}, {'r', proto.PermRead}, {'w', proto.PermWrite}, {'a', proto.PermAdmin}}

func permText(perms int32) string {
	var b strings.Builder
	for _, p := range permissions {
		if perms&p.bit != 0 {
			b.WriteRune(p.letter)
		}
	}
	return b.String()
}

// parseACL reads scheme:id:perms with commas between. What it cannot read it
// leaves out and complains about, as Apache's shell does; a server refuses an
// ACL of nothing.
func parseACL(text string, complain func(string)) []proto.ACL {
	var acl []proto.ACL
	for _, entry := range strings.Split(strings.TrimRight(text, ","), ",") {
		first, last := strings.IndexByte(entry, ':'), strings.LastIndexByte(entry, ':')
		if first == last {
			complain(entry + " does not have the form scheme:id:perm")
			continue
		}
		perms := int32(0)
		for _, letter := range entry[last+1:] {
			bit := int32(0)
			for _, p := range permissions {
				if p.letter == letter {
					bit = p.bit
				}
			}
			if bit == 0 {
				complain("Unknown perm type: " + string(letter))
			}
			perms |= bit
		}
		acl = append(acl, proto.ACL{Perms: perms, ID: proto.ID{Scheme: entry[:first], ID: entry[first+1 : last]}})
	}
	return acl
}

// recordEscapes are those of text within a printed record (ToStringOutputArchive).
var recordEscapes = strings.NewReplacer("\x00", "%00", "\n", "%0A", "\r", "%0D", ",", "%2C", "}", "%7D", "%", "%25")

// aclLines prints an ACL as getAcl does: the identity in the form of a Java
// record, and the permissions.
func aclLines(acl []proto.ACL) string {
	var b strings.Builder
	for _, a := range acl {
		fmt.Fprintf(&b, "'%s,'%s\n: %s\n", recordEscapes.Replace(a.ID.Scheme), recordEscapes.Replace(a.ID.ID), permText(a.Perms))
	}
	return b.String()
}

type jsonACL struct {
	Scheme string `json:"scheme"`
	ID     string `json:"id"`
	Perms  string `json:"perms"`
}

func newJSONACL(acl []proto.ACL) []jsonACL {
	list := make([]jsonACL, len(acl))
	for i, a := range acl {
		list[i] = jsonACL{a.ID.Scheme, a.ID.ID, permText(a.Perms)}
	}
	return list
}
