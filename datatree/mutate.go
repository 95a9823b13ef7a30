package datatree

import (
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// newNode is what a transaction says about a znode to create.
type newNode struct {
	path           string
	data           []byte
	acl            []proto.ACL
	owner          int64
	parentCversion int32 // creations in the parent with this one; -1: one more
	joined         bool  // path and data come from Join
}

// znode makes the znode.
func (n *newNode) znode() *Znode {
	if !n.joined || n.path == "" {
		return newZnode(n.path, n.data)
	}
	z := &Znode{depth: uint32(strings.Count(n.path, "/"))}
	z.takeText(n.path, n.data)
	return z
}

// beginChange comes before every change of what snapshots hold of a znode.
func (t *Tree) beginChange(z *Znode) {
	t.keepImage(z)
	t.subtractDigest(z)
}

// endChange comes after it.
func (t *Tree) endChange(z *Znode) { t.addDigest(z) }

// insert puts a complete znode into the tree, at the spot of its path, which
// nothing is at. Its ACL is acquired already.
func (t *Tree) insert(at spot, z, parent *Znode) {
	t.index.fill(at, z)
	t.hashText(z)
	t.ordered.ReplaceOrInsert(z)
	t.owned.add(z, t.cfg.kindOf(z.owner))
	t.addDigest(z)
	t.sizes += z.sizeBytes()
	if parent != nil {
		parent.kids++
		t.cache.drop(parent)
	}
}

// plant inserts one of the znodes that every tree has.
func (t *Tree) plant(z, parent *Znode) {
	_, at := t.index.find(z.key())
	t.insert(at, z, parent)
}

// remove takes a znode out of the tree. The znode itself does not change, so
// a snapshot that is being written still finds it as it was.
func (t *Tree) remove(z, parent *Znode) {
	t.subtractDigest(z)
	t.index.remove(z)
	t.ordered.Delete(z)
	t.owned.remove(z)
	t.acls.release(z.acl)
	t.sizes -= z.sizeBytes()
	parent.kids--
	t.cache.drop(parent)
	t.cache.drop(z)
	if z.kids > 0 {
		t.abandon(z)
	}
}

func (t *Tree) create(h *proto.TxnHeader, n *newNode) (*Znode, proto.ErrCode) {
	parent := t.parentOf(n.path)
	if parent == nil {
		return nil, proto.ErrNoNode
	}
	there, at := t.find(n.path)
	if there != nil {
		t.recreate(h, n, there, parent)
		return there, proto.ErrNodeExists
	}
	t.raiseCversion(parent, n.parentCversion, h.Zxid)
	z := n.znode()
	z.czxid, z.mzxid, z.pzxid = h.Zxid, h.Zxid, h.Zxid
	z.ctimeMs, z.mtimeMs = h.TimeMs, h.TimeMs
	z.owner = n.owner
	z.acl = t.acls.acquire(n.acl)
	z.kids = t.adopt(n.path)
	t.insert(at, z, parent)
	t.quotaAfterCreate(z)
	t.watches.created(parent, n.path, h.Zxid, n.acl)
	return z, proto.OK
}

// recreate follows a create of a znode that is there, which only replay over
// a fuzzy snapshot brings about: the znode was created, and perhaps deleted
// and created again, while the snapshot was written. The ACL of the
// transaction replaces that of the znode, whose id the snapshot may not
// define. The parent may be older than the creation and is caught up with it.
//
// Apache leaves it at that, and catches the parent up for transactions of type
// create only. Then a znode can keep what an earlier one of its path was given
// before a closeSession that does not list its ephemerals. Here the very
// transaction that made the znode starts it over, and all that came later
// comes again: every valid log ends in the state that its writer had.
func (t *Tree) recreate(h *proto.TxnHeader, n *newNode, z, parent *Znode) {
	t.beginChange(z)
	t.replaceACL(z, n.acl)
	if z.czxid == h.Zxid {
		t.replaceData(z, z.key(), n.data, false)
		z.mzxid, z.mtimeMs, z.pzxid = z.czxid, z.ctimeMs, z.czxid
		z.version, z.cversion, z.aversion = 0, 0, 0
		t.usageCreated(n.path)
	}
	t.endChange(z)
	t.raiseCversion(parent, n.parentCversion, h.Zxid)
}

// replaceData gives a znode new data and keeps account of its size; path is
// the znode's, and with joined it comes with the data from Join. It stands
// between beginChange and endChange.
func (t *Tree) replaceData(z *Znode, path string, data []byte, joined bool) {
	grown := -z.dataBytes()
	if joined && path == z.key() && path != "" {
		z.takeText(path, data)
	} else {
		z.setText(z.key(), data)
	}
	t.hashText(z)
	grown += z.dataBytes()
	t.sizes += grown
	t.addUsage(z.key(), 0, grown)
}

// raiseCversion counts a creation in the parent, unless the parent already
// knows of it or of a later one.
func (t *Tree) raiseCversion(parent *Znode, cversion int32, zxid int64) {
	if cversion == -1 {
		cversion = parent.cversion + 1
	}
	if cversion <= parent.cversion {
		return
	}
	t.beginChange(parent)
	parent.cversion, parent.pzxid = cversion, zxid
	t.endChange(parent)
}

// delete removes a znode. The parent learns of the deletion even if the znode
// is not there, for a fuzzy snapshot may hold the parent from before it.
func (t *Tree) delete(path string, zxid int64) proto.ErrCode {
	parent := t.parentOf(path)
	if parent == nil || path == rootPath {
		return proto.ErrNoNode
	}
	if zxid > parent.pzxid {
		t.beginChange(parent)
		parent.pzxid = zxid
		t.endChange(parent)
	}
	z := t.Lookup(path)
	if z == nil {
		return proto.ErrNoNode
	}
	acl := t.ACL(z)
	t.remove(z, parent)
	t.quotaAfterDelete(z)
	t.watches.deleted(parent, path, zxid, acl)
	return proto.OK
}

func (t *Tree) setData(h *proto.TxnHeader, txn *proto.SetDataTxn) (proto.Stat, proto.ErrCode) {
	z := t.Lookup(txn.Path)
	if z == nil {
		return proto.Stat{}, proto.ErrNoNode
	}
	t.beginChange(z)
	t.replaceData(z, txn.Path, txn.Data, txn.Joined)
	z.mtimeMs, z.mzxid, z.version = h.TimeMs, h.Zxid, txn.Version
	t.endChange(z)
	stat := z.Stat()
	t.watches.changed(z, txn.Path, h.Zxid)
	return stat, proto.OK
}

func (t *Tree) setACL(txn *proto.SetACLTxn) (proto.Stat, proto.ErrCode) {
	z := t.Lookup(txn.Path)
	if z == nil {
		return proto.Stat{}, proto.ErrNoNode
	}
	t.beginChange(z)
	t.replaceACL(z, txn.ACL)
	z.aversion = txn.Version
	t.endChange(z)
	return z.Stat(), proto.OK
}

// replaceACL acquires before it releases, so that an unchanged list is not
// freed and made again.
func (t *Tree) replaceACL(z *Znode, acl []proto.ACL) {
	id := t.acls.acquire(acl)
	t.acls.release(z.acl)
	z.acl = id
}

// addConfigNode creates /zookeeper/config as every fresh tree has it: nobody
// but super users may write it.
func (t *Tree) addConfigNode() *Znode {
	z := newZnode(configPath, emptyData)
	z.acl = t.acls.acquire([]proto.ACL{{Perms: proto.PermRead, ID: proto.Anyone}})
	z.aversion = -1
	t.plant(z, t.Lookup(systemPath))
	return z
}

// SetConfig stores the text of the ensemble's configuration in
// /zookeeper/config, outside of any transaction: as of the config's zxid, with
// version -1. The znode is created if old data lacks it.
func (t *Tree) SetConfig(text []byte, zxid, nowMs int64) {
	t.forgetSnapshots()
	if t.Lookup(systemPath) == nil {
		return
	}
	if t.Lookup(configPath) == nil {
		t.addConfigNode()
	}
	t.setData(&proto.TxnHeader{Zxid: zxid, TimeMs: nowMs}, &proto.SetDataTxn{Path: configPath, Data: text, Version: -1})
}
