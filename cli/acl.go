package cli

import (
	"fmt"
	"strings"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

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
		perms, unknown := client.ParsePerms(entry[last+1:])
		for _, letter := range unknown {
			complain("Unknown perm type: " + string(letter))
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
		fmt.Fprintf(&b, "'%s,'%s\n: %s\n", recordEscapes.Replace(a.ID.Scheme), recordEscapes.Replace(a.ID.ID), client.PermText(a.Perms))
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
		list[i] = jsonACL{a.ID.Scheme, a.ID.ID, client.PermText(a.Perms)}
	}
	return list
}
