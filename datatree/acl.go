package datatree

import (
	"slices"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// aclID names an ACL list. The ids above lostACL are those of our snapshots.
type aclID uint32

const (
	// openACL is the list that grants everything to everyone, by far the most
	// common one. Snapshots hold it as -1 and without an entry in their table.
	openACL aclID = 0

	// lostACL stands for an id that a snapshot uses and does not define.
	// Apache writes such snapshots when an ACL is first used while they are
	// written; the transaction that follows in the log then sets the list. A
	// znode that keeps it is closed to everyone but super users, and the owner
	// of the tree hears of it by [Tree.LostACLs].
	lostACL aclID = 1
)

// deniedACL is what a lost ACL reads as: not empty, for that would mean open,
// and without a permission.
var deniedACL = []proto.ACL{{Perms: 0, ID: proto.Anyone}}

// aclEntry is one list. Only refs changes after it was made.
type aclEntry struct {
	acl  []proto.ACL
	key  string // wire form of the list
	refs int64  // znodes that use it
}

// aclTable interns ACL lists.
type aclTable struct {
	entries []*aclEntry // by id; nil where free
	byKey   map[string]aclID
	free    []aclID
	scratch []byte
}

func newACLTable() *aclTable {
	return &aclTable{
		entries: []*aclEntry{openACL: {acl: proto.OpenACL}, lostACL: {acl: deniedACL}},
		byKey:   make(map[string]aclID),
	}
}

// acquire returns the id of a list and counts one more user of it. No list at
// all is the open one, as in Apache; an empty list is not the same.
func (t *aclTable) acquire(acl []proto.ACL) aclID {
	id := t.intern(acl)
	t.entries[id].refs++
	return id
}

// intern returns the id of a list without counting a user.
func (t *aclTable) intern(acl []proto.ACL) aclID {
	if acl == nil || len(acl) == 1 && acl[0] == proto.OpenACL[0] {
		return openACL
	}
	t.scratch = proto.AppendACLs(t.scratch[:0], acl)
	if id, known := t.byKey[string(t.scratch)]; known {
		return id
	}
	entry := &aclEntry{acl: cloneACL(acl), key: string(t.scratch)}
	id := t.place(entry)
	t.byKey[entry.key] = id
	return id
}

// cloneACL copies a list that will be kept for long.
func cloneACL(acl []proto.ACL) []proto.ACL {
	clone := make([]proto.ACL, 0, len(acl))
	for _, a := range acl {
		a.ID = proto.ID{Scheme: strings.Clone(a.ID.Scheme), ID: strings.Clone(a.ID.ID)}
		clone = append(clone, a)
	}
	return clone
}

func (t *aclTable) place(entry *aclEntry) aclID {
	if n := len(t.free); n > 0 {
		id := t.free[n-1]
		t.free = t.free[:n-1]
		t.entries[id] = entry
		return id
	}
	t.entries = append(t.entries, entry)
	return aclID(len(t.entries) - 1)
}

func (t *aclTable) use(id aclID) { t.entries[id].refs++ }

// release ends one use of a list; the last one frees it.
func (t *aclTable) release(id aclID) {
	entry := t.entries[id]
	entry.refs--
	if entry.refs <= 0 && id > lostACL {
		t.drop(id)
	}
}

func (t *aclTable) drop(id aclID) {
	delete(t.byKey, t.entries[id].key)
	t.entries[id] = nil
	t.free = append(t.free, id)
}

// purge drops the lists that nobody uses, which only a snapshot brings.
func (t *aclTable) purge() {
	for id, entry := range t.entries {
		if entry != nil && entry.refs == 0 && aclID(id) > lostACL {
			t.drop(aclID(id))
		}
	}
}

func (t *aclTable) get(id aclID) []proto.ACL { return t.entries[id].acl }

// listed returns what a snapshot must define, by id: every list in use but
// the open one. The entries do not change, so the slice is a snapshot itself.
func (t *aclTable) listed() []*aclEntry {
	listed := slices.Clone(t.entries)
	listed[openACL] = nil
	if listed[lostACL].refs == 0 {
		listed[lostACL] = nil
	}
	return listed
}

// snapshotACL returns how a snapshot writes the id.
func snapshotACL(id aclID) int64 {
	if id == openACL {
		return -1
	}
	return int64(id)
}

// ACL returns the ACL list of a znode. It is never changed, so it may be used
// after the gate is left, but not written to.
func (t *Tree) ACL(z *Znode) []proto.ACL { return t.acls.get(z.acl) }

// LostACLs returns how many znodes came from a snapshot without their ACL and
// did not get one since. Only super users can read or mend them.
func (t *Tree) LostACLs() int { return int(t.acls.entries[lostACL].refs) }
