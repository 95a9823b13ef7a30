package server

import (
	"strings"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// reader is one read on its way: what was asked, by whom, and the zxid that
// the reply carries, taken before the read runs.
type reader struct {
	c     *conn
	tree  *datatree.Tree
	xid   int32
	zxid  int64
	ids   []proto.ID
	d     jute.Decoder
	to    ledger
	start int // where the reply began in the outbox
	bytes int // of the reply
}

// answer runs a read, appends its reply and returns how many bytes that has.
// It is called under either side of the gate; body may share memory that is
// about to be used again.
func (c *conn) answer(h proto.RequestHeader, body []byte, ids []proto.ID, began int64, to ledger) int {
	r := reader{c: c, tree: c.srv.tree, xid: h.Xid, zxid: c.srv.tree.LastZxid(), ids: ids, to: to, d: jute.NewAliasDecoder(body)}
	code := r.run(h.Op)
	if code == proto.OK && r.d.Err() != nil {
		code = proto.ErrMarshalling
	}
	if code != answered {
		c.replyHeader(r.xid, r.zxid, code)
		r.bytes = proto.ReplyHeaderBytes
	}
	end := c.srv.clock.nanos()
	to.Replied(stats.Reply{Op: h.Op, Xid: h.Xid, Zxid: r.zxid, Bytes: r.bytes, BeganNs: began, EndNs: end})
	if c.srv.isNotable(end-began, r.bytes) {
		c.noteRead(h.Op, body, end-began, r.bytes)
	}
	return r.bytes
}

// ledger is where a reply is counted: the batch of the connection's reader,
// or from the applier the connection itself.
type ledger interface {
	Replied(stats.Reply)
	Read(path string, bytes int)
}

// answered is what run returns when it has appended the reply itself; OK then
// asks for a reply that is a header alone.
const answered proto.ErrCode = 1

func (r *reader) run(op proto.Op) proto.ErrCode {
	switch op {
	case proto.OpPing:
		r.xid = proto.XidPing
		return proto.OK
	case proto.OpGetData:
		return r.getData()
	case proto.OpExists:
		return r.exists()
	case proto.OpGetChildren:
		return r.getChildren(false)
	case proto.OpGetChildren2:
		return r.getChildren(true)
	case proto.OpGetACL:
		return r.getACL()
	case proto.OpGetAllChildrenNumber:
		return r.countDescendants()
	case proto.OpGetEphemerals:
		return r.getEphemerals()
	case proto.OpMultiRead:
		return r.multiRead()
	case proto.OpSync:
		return r.sync()
	case proto.OpWhoAmI:
		return r.whoAmI()
	case proto.OpSetWatches, proto.OpSetWatches2:
		return r.setWatches(op == proto.OpSetWatches2)
	case proto.OpAddWatch:
		return r.addWatch()
	case proto.OpCheckWatches, proto.OpRemoveWatches:
		return r.selectWatches(op == proto.OpRemoveWatches)
	}
	return proto.ErrUnimplemented
}

// open begins a successful reply.
func (r *reader) open() []byte {
	b := r.c.out.begin()
	r.start = len(b)
	return proto.ReplyHeader{Xid: r.xid, Zxid: r.zxid}.Append(b)
}

func (r *reader) close(b []byte) proto.ErrCode { return r.closeShared(b, nil, nil) }

func (r *reader) closeShared(b, payload, suffix []byte) proto.ErrCode {
	r.bytes = len(b) - r.start + len(payload) + len(suffix)
	r.c.out.endShared(b, payload, suffix)
	return answered
}

// readable looks a znode up and checks the permission.
func (r *reader) readable(path string, perm int32) (*datatree.Znode, proto.ErrCode) {
	z := r.tree.Lookup(path)
	if z == nil {
		return nil, proto.ErrNoNode
	}
	if !r.c.srv.auth.Check(r.tree.ACL(z), perm, r.ids) {
		return nil, proto.ErrNoAuth
	}
	return z, proto.OK
}

// watchable decodes a read with a watch flag and finds its znode.
func (r *reader) watchable(req *proto.WatchableRequest) (*datatree.Znode, proto.ErrCode) {
	req.Decode(&r.d)
	if r.d.Err() != nil {
		return nil, proto.ErrMarshalling
	}
	return r.readable(req.Path, proto.PermRead)
}

func (r *reader) getData() proto.ErrCode {
	var req proto.WatchableRequest
	z, code := r.watchable(&req)
	if code != proto.OK {
		return code
	}
	if req.Watch {
		r.watch(req.Path, datatree.WatchData)
	}
	data, stat := z.Data(), z.Stat()
	r.to.Read(req.Path, len(data))
	b := r.open()
	if data == nil {
		return r.close(stat.Append(jute.AppendNull(b)))
	}
	b = jute.AppendInt(b, int32(len(data)))
	if len(data) < shareAbove {
		return r.close(stat.Append(append(b, data...)))
	}
	return r.closeShared(b, data, stat.Append(nil))
}

// exists leaves a watch also on a znode that is not there.
func (r *reader) exists() proto.ErrCode {
	var req proto.WatchableRequest
	req.Decode(&r.d)
	switch {
	case r.d.Err() != nil:
		return proto.ErrMarshalling
	case strings.IndexByte(req.Path, 0) >= 0:
		return proto.ErrBadArguments
	}
	z, code := r.readable(req.Path, proto.PermRead)
	if req.Watch && code != proto.ErrNoAuth {
		r.watch(req.Path, datatree.WatchData)
	}
	if code != proto.OK {
		return code
	}
	r.to.Read(req.Path, 0)
	stat := z.Stat()
	return r.close(stat.Append(r.open()))
}

func (r *reader) getChildren(withStat bool) proto.ErrCode {
	var req proto.WatchableRequest
	z, code := r.watchable(&req)
	if code != proto.OK {
		return code
	}
	if req.Watch {
		r.watch(req.Path, datatree.WatchChild)
	}
	var suffix []byte
	if withStat {
		stat := z.Stat()
		suffix = stat.Append(nil)
	}
	lengths := 4 * (1 + z.NumChildren()) // around the names, which alone are counted
	if shared := r.tree.SharedChildren(z); shared != nil {
		r.to.Read(req.Path, len(shared)-lengths)
		return r.closeShared(r.open(), shared, suffix)
	}
	b := r.open()
	head := len(b)
	b = r.tree.AppendChildren(b, z)
	r.to.Read(req.Path, len(b)-head-lengths)
	return r.close(append(b, suffix...))
}

// getACL hides the digests from clients that may read but not administer.
func (r *reader) getACL() proto.ErrCode {
	var req proto.PathRequest
	req.Decode(&r.d)
	if r.d.Err() != nil {
		return proto.ErrMarshalling
	}
	z, code := r.readable(req.Path, proto.PermRead|proto.PermAdmin)
	if code != proto.OK {
		return code
	}
	acl, stat := r.tree.ACL(z), z.Stat()
	if !r.c.srv.auth.Check(acl, proto.PermAdmin, r.ids) {
		acl = auth.Mask(acl)
	}
	return r.close(stat.Append(proto.AppendACLs(r.open(), acl)))
}

func (r *reader) countDescendants() proto.ErrCode {
	var req proto.PathRequest
	req.Decode(&r.d)
	if r.d.Err() != nil {
		return proto.ErrMarshalling
	}
	z, code := r.readable(req.Path, proto.PermRead)
	if code != proto.OK {
		return code
	}
	n := r.tree.Descendants(z.Path())
	if req.Path == "" {
		n++ // Apache counts what begins with a slash, and so the root itself
	}
	return r.close(jute.AppendInt(r.open(), int32(n)))
}

func (r *reader) getEphemerals() proto.ErrCode {
	var req proto.GetEphemeralsRequest
	req.Decode(&r.d)
	if r.d.Err() != nil {
		return proto.ErrMarshalling
	}
	prefix := req.Prefix
	if trimmed := strings.TrimSpace(prefix); trimmed == "" || trimmed == "/" {
		prefix = ""
	}
	paths := r.tree.Ephemerals(r.c.sessionID())
	chosen := paths[:0]
	for _, path := range paths {
		if strings.HasPrefix(path, prefix) {
			chosen = append(chosen, path)
		}
	}
	return r.close(jute.AppendStrings(r.open(), chosen))
}

// sync has nothing to wait for: what is ahead of it in its session is applied.
func (r *reader) sync() proto.ErrCode {
	var req proto.PathRequest
	req.Decode(&r.d)
	if r.d.Err() != nil {
		return proto.ErrMarshalling
	}
	return r.close(jute.AppendString(r.open(), req.Path))
}

func (r *reader) whoAmI() proto.ErrCode {
	return r.close(proto.AppendIDs(r.open(), r.c.srv.auth.Users(r.ids)))
}

// multiRead answers each op on its own; it never fails as a whole, unless it
// cannot be read or holds another op than getData and getChildren.
func (r *reader) multiRead() proto.ErrCode {
	var b []byte
	for {
		var h proto.MultiHeader
		h.Decode(&r.d)
		if r.d.Err() != nil {
			return proto.ErrMarshalling
		}
		if h.Done {
			return r.close(proto.MultiEnd.Append(append(r.open(), b...)))
		}
		if h.Op != proto.OpGetData && h.Op != proto.OpGetChildren {
			return proto.ErrMarshalling
		}
		var req proto.WatchableRequest
		z, code := r.watchable(&req)
		switch {
		case code == proto.ErrMarshalling:
			return code
		case code != proto.OK:
			b = appendSubError(b, code)
		case h.Op == proto.OpGetData:
			stat := z.Stat()
			b = stat.Append(jute.AppendBuffer(proto.MultiHeader{Op: h.Op}.Append(b), z.Data()))
		default:
			b = r.tree.AppendChildren(proto.MultiHeader{Op: h.Op}.Append(b), z)
		}
		if len(b) > maxMultiReadBytes {
			return proto.ErrMarshalling
		}
	}
}

// maxMultiReadBytes bounds the reply to a multiRead: a request of 1 MB could
// name a znode of 1 MB seventy thousand times. No client takes such a reply.
const maxMultiReadBytes = 16 << 20

// appendSubError adds the result of an op that failed inside a multi.
func appendSubError(b []byte, code proto.ErrCode) []byte {
	b = proto.MultiHeader{Op: proto.OpError, Err: code}.Append(b)
	return jute.AppendInt(b, int32(code))
}
