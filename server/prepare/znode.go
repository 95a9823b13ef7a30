package prepare

import (
	"errors"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// noTTL stands for the TTL of a create that has none.
const noTTL = -1

// maxTTLMs is the largest TTL that fits into a znode's ephemeral owner.
const maxTTLMs = 0x00ffffffffff

// anyVersion is the version that matches every version.
const anyVersion = -1

// create prepares create, create2, createContainer and createTTL. Which kind
// of transaction is written follows from the op and not from the flags, and so
// a create with the flags of a container makes a persistent znode.
func (p *Preparer) create(op proto.Op, r *proto.CreateRequest) (proto.Txn, proto.ErrCode) {
	if code := p.createAllowed(r); code != proto.OK {
		return nil, code
	}
	slash := strings.LastIndexByte(r.Path, '/')
	if slash < 0 || strings.IndexByte(r.Path, 0) >= 0 {
		return nil, proto.ErrBadArguments
	}
	acl, code := p.fixup(r.ACL)
	if code != proto.OK {
		return nil, code
	}
	var parent record
	if !p.lookup(parentOf(r.Path, slash), &parent) {
		return nil, proto.ErrNoNode
	}
	if !p.allowed(parent.acl, proto.PermCreate) {
		return nil, proto.ErrNoAuth
	}
	var digits []byte
	if sequential(r.Flags) {
		digits = p.sequence(parent.stat.Cversion)
	}
	path, data := datatree.Join(r.Path, digits, r.Data)
	if code := p.createFits(path, &parent, data); code != proto.OK {
		return nil, code
	}
	cversion := parent.stat.Cversion + 1
	parent.children++
	parent.stat.Cversion = cversion
	parent.stat.Pzxid = p.zxid
	p.update(&parent)
	p.insert(record{path: path, stat: p.newStat(ownerOf(op, r, p.req.Session)), acl: acl}, data)
	switch op {
	case proto.OpCreateContainer:
		return &proto.CreateContainerTxn{Path: path, Data: data, ACL: acl, ParentCversion: cversion}, proto.OK
	case proto.OpCreateTTL:
		return &proto.CreateTTLTxn{Path: path, Data: data, ACL: acl, ParentCversion: cversion, TTLMs: r.TTLMs}, proto.OK
	}
	return &proto.CreateTxn{
		Path: path, Data: data, ACL: acl, Ephemeral: ephemeral(r.Flags), ParentCversion: cversion, Joined: true,
	}, proto.OK
}

// sequence returns the digits of a sequence number, as Java's %010d writes
// them. They are valid until the next call.
func (p *Preparer) sequence(n int32) []byte {
	b, number, bound := p.digits[:0], int64(n), int64(1e9)
	if number < 0 { // the sign takes the place of a digit
		b, number, bound = append(b, '-'), -number, bound/10
	}
	for ; number < bound; bound /= 10 {
		b = append(b, '0')
	}
	if number > 0 {
		b = strconv.AppendInt(b, number, 10)
	}
	p.digits = b
	return b
}

// createAllowed checks what does not depend on the tree: flags, TTL, session.
func (p *Preparer) createAllowed(r *proto.CreateRequest) proto.ErrCode {
	ttl := hasTTL(r.Flags)
	switch {
	case r.Flags < proto.FlagPersistent || r.Flags > proto.FlagPersistentSequentialTTL:
		return proto.ErrBadArguments
	case ttl && !p.cfg.ExtendedTypes:
		return proto.ErrUnimplemented
	case ttl && (r.TTLMs <= 0 || r.TTLMs > maxTTLMs), !ttl && r.TTLMs >= 0:
		return proto.ErrBadArguments
	}
	if ephemeral(r.Flags) {
		return p.sessions.CheckGlobal(p.req.Session, p.req.Owner)
	}
	return p.active()
}

// createFits checks the final path against the tree.
func (p *Preparer) createFits(path string, parent *record, data []byte) proto.ErrCode {
	if datatree.ValidatePath(path) != nil {
		return proto.ErrBadArguments
	}
	if p.exists(path) {
		return proto.ErrNodeExists
	}
	if p.tree.IsEphemeralOwner(parent.stat.EphemeralOwner) {
		return proto.ErrNoChildrenForEphemeral
	}
	return p.quotaAllows(path, 1, int64(len(data)))
}

// delete prepares a delete. The path is not validated: one that cannot exist
// ends as NoNode.
func (p *Preparer) delete(r *proto.DeleteRequest) (proto.Txn, proto.ErrCode) {
	if code := p.active(); code != proto.OK {
		return nil, code
	}
	slash, code := deletable(r.Path)
	if code != proto.OK {
		return nil, code
	}
	var parent, node record
	if !p.lookup(parentOf(r.Path, slash), &parent) {
		return nil, proto.ErrNoNode
	}
	if !p.allowed(parent.acl, proto.PermDelete) {
		return nil, proto.ErrNoAuth
	}
	switch there := p.lookup(r.Path, &node); {
	case !there:
		return nil, proto.ErrNoNode
	case r.Version != anyVersion && r.Version != node.stat.Version:
		return nil, proto.ErrBadVersion
	case node.children > 0:
		return nil, proto.ErrNotEmpty
	}
	p.remove(&node, &parent)
	return &proto.DeleteTxn{Path: node.path}, proto.OK
}

// deleteContainer prepares the removal of an unused container. It is sent by
// the server itself; from a client it is checked no further, as in Apache.
func (p *Preparer) deleteContainer(path string) (proto.Txn, proto.ErrCode) {
	slash, code := deletable(path)
	if code != proto.OK {
		return nil, code
	}
	var node, parent record
	switch there := p.lookup(path, &node); {
	case !there:
		return nil, proto.ErrNoNode
	case node.children > 0:
		return nil, proto.ErrNotEmpty
	case p.tree.IsEphemeralOwner(node.stat.EphemeralOwner):
		return nil, proto.ErrBadVersion
	}
	if !p.lookup(parentOf(path, slash), &parent) {
		return nil, proto.ErrNoNode
	}
	p.remove(&node, &parent)
	return &proto.DeleteTxn{Path: node.path}, proto.OK
}

func (p *Preparer) setData(r *proto.SetDataRequest) (proto.Txn, proto.ErrCode) {
	var node record
	if code := p.target(r.Path, proto.PermWrite, &node); code != proto.OK {
		return nil, code
	}
	if code := p.quotaAllows(node.path, 0, int64(len(r.Data))-node.dataBytes); code != proto.OK {
		return nil, code
	}
	if r.Version != anyVersion && r.Version != node.stat.Version {
		return nil, proto.ErrBadVersion
	}
	version := node.stat.Version + 1
	path, data := datatree.Join(node.path, nil, r.Data)
	node.path, node.dataBytes, node.text = path, int64(len(data)), p.hashText(path, data)
	node.stat.Version = version
	node.stat.Mtime = p.now.TimeMs
	node.stat.Mzxid = p.zxid
	p.update(&node)
	return &proto.SetDataTxn{Path: path, Data: data, Version: version, Joined: true}, proto.OK
}

func (p *Preparer) setACL(r *proto.SetACLRequest) (proto.Txn, proto.ErrCode) {
	if code := p.active(); code != proto.OK {
		return nil, code
	}
	if datatree.ValidatePath(r.Path) != nil {
		return nil, proto.ErrBadArguments
	}
	acl, code := p.fixup(r.ACL)
	if code != proto.OK {
		return nil, code
	}
	var node record
	if code := p.target(r.Path, proto.PermAdmin, &node); code != proto.OK {
		return nil, code
	}
	if r.Version != anyVersion && r.Version != node.stat.Aversion {
		return nil, proto.ErrBadVersion
	}
	version := node.stat.Aversion + 1
	node.acl = acl
	node.stat.Aversion = version
	p.update(&node)
	return &proto.SetACLTxn{Path: node.path, ACL: acl, Version: version}, proto.OK
}

func (p *Preparer) check(r *proto.CheckVersionRequest) (proto.Txn, proto.ErrCode) {
	var node record
	if code := p.target(r.Path, proto.PermRead, &node); code != proto.OK {
		return nil, code
	}
	if r.Version != anyVersion && r.Version != node.stat.Version {
		return nil, proto.ErrBadVersion
	}
	return &proto.CheckVersionTxn{Path: node.path, Version: node.stat.Version + 1}, proto.OK
}

// reconfig answers as a server that is no member of an ensemble.
func (p *Preparer) reconfig() (proto.Txn, proto.ErrCode) {
	if !p.cfg.ReconfigEnabled {
		return nil, proto.ErrReconfigDisabled
	}
	if code := p.active(); code != proto.OK {
		return nil, code
	}
	return nil, proto.ErrUnimplemented
}

// target checks session, path, existence and permission, in this order. The
// path of a znode that is there needs no check, but for "", which the tree
// takes for the root.
func (p *Preparer) target(path string, perm int32, into *record) proto.ErrCode {
	if code := p.active(); code != proto.OK {
		return code
	}
	if path == "" || !p.lookup(path, into) {
		if datatree.ValidatePath(path) != nil {
			return proto.ErrBadArguments
		}
		return proto.ErrNoNode
	}
	if !p.allowed(into.acl, perm) {
		return proto.ErrNoAuth
	}
	return proto.OK
}

// fixup returns the list to store, which shares no memory with the request.
func (p *Preparer) fixup(acl []proto.ACL) ([]proto.ACL, proto.ErrCode) {
	fixed, err := p.auth.Fixup(p.req.IDs, acl)
	if err != nil {
		var code proto.ErrCode
		if !errors.As(err, &code) {
			code = proto.ErrInvalidACL
		}
		return nil, code
	}
	if &fixed[0] == &proto.OpenACL[0] {
		return fixed, proto.OK
	}
	for i := range fixed { // "auth" stands for all that the client has authenticated as, in each op of a multi
		p.aclBytes += perACLBytes + len(fixed[i].ID.Scheme) + len(fixed[i].ID.ID)
	}
	if p.aclBytes > p.cfg.MaxTxnBytes {
		return nil, proto.ErrMarshalling // as finish would answer
	}
	own := make([]proto.ACL, 0, len(fixed))
	for _, a := range fixed {
		own = append(own, proto.ACL{Perms: a.Perms, ID: proto.ID{
			Scheme: strings.Clone(a.ID.Scheme), ID: strings.Clone(a.ID.ID),
		}})
	}
	return own, proto.OK
}

// perACLBytes is what an ACL takes beside its texts: permissions and lengths.
const perACLBytes = 12

func (p *Preparer) quotaAllows(path string, count, sizeBytes int64) proto.ErrCode {
	if p.cfg.EnforceQuota && p.tree.QuotaExceeded(path, count, sizeBytes) {
		return proto.ErrQuotaExceeded
	}
	return proto.OK
}

// insert pushes a new znode.
func (p *Preparer) insert(r record, data []byte) {
	r.dataBytes, r.text = int64(len(data)), p.hashText(r.path, data)
	p.update(&r)
}

// remove pushes the end of a znode and the change in its parent.
func (p *Preparer) remove(node, parent *record) {
	parent.children--
	parent.stat.Pzxid = p.zxid
	p.update(parent)
	p.digest -= node.digest
	p.overlay.push(record{zxid: p.zxid, path: node.path, gone: true})
}

func (p *Preparer) newStat(owner int64) datatree.Persisted {
	return datatree.Persisted{
		Czxid: p.zxid, Mzxid: p.zxid, Pzxid: p.zxid,
		Ctime: p.now.TimeMs, Mtime: p.now.TimeMs, EphemeralOwner: owner,
	}
}

// ownerOf returns the ephemeralOwner that applying the transaction will give
// the znode. Apache predicts it from the flags alone, and where op and flags
// differ its digests do not match its own tree.
func ownerOf(op proto.Op, r *proto.CreateRequest, session int64) int64 {
	switch {
	case op == proto.OpCreateContainer:
		return datatree.ContainerOwner
	case op == proto.OpCreateTTL:
		return datatree.TTLOwner(r.TTLMs)
	case ephemeral(r.Flags):
		return session
	}
	return 0
}

func hasTTL(flags int32) bool {
	return flags == proto.FlagPersistentTTL || flags == proto.FlagPersistentSequentialTTL
}

func ephemeral(flags int32) bool {
	return flags == proto.FlagEphemeral || flags == proto.FlagEphemeralSequential
}

func sequential(flags int32) bool {
	switch flags {
	case proto.FlagPersistentSequential, proto.FlagEphemeralSequential, proto.FlagPersistentSequentialTTL:
		return true
	}
	return false
}

// deletable checks the path of a delete and returns where its name begins.
func deletable(path string) (slash int, code proto.ErrCode) {
	slash = strings.LastIndexByte(path, '/')
	if slash < 0 || strings.IndexByte(path, 0) >= 0 || datatree.Reserved(path) {
		return 0, proto.ErrBadArguments
	}
	return slash, proto.OK
}

// parentOf returns the parent of a path whose last slash is known.
func parentOf(path string, slash int) string {
	if slash == 0 {
		return "/"
	}
	return path[:slash]
}
