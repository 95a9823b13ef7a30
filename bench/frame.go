package bench

import (
	"encoding/binary"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// record is what every request record of jute/proto can do.
type record interface{ Append([]byte) []byte }

// encodeFrame returns a whole request frame; body may be nil.
func encodeFrame(xid int32, op proto.Op, body record) []byte {
	b := proto.RequestHeader{Xid: xid, Op: op}.Append(make([]byte, lengthBytes, 128))
	if body != nil {
		b = body.Append(b)
	}
	jute.PutInt(b, int32(len(b)-lengthBytes))
	return b
}

// encodeConnect returns the first frame of a connection: it asks for a new
// session.
func encodeConnect(timeoutMs int32) []byte {
	r := proto.ConnectRequest{TimeoutMs: timeoutMs, Passwd: make([]byte, proto.PasswdBytes), HasReadOnly: true}
	b := r.Append(make([]byte, lengthBytes, 64))
	jute.PutInt(b, int32(len(b)-lengthBytes))
	return b
}

// pathOffset is where the path begins in a frame whose record starts with it:
// after the frame's length, the header and the path's own length.
const pathOffset = lengthBytes + 8 + 4

// A template is a request frame encoded ahead, whose xid, and whose key if it
// has a keyspace, are patched into each copy.
type template struct {
	frame         []byte
	parent, child int // offsets of the digits in the frame; 0: nothing to patch
	digits        int // of the child
	perParent     int64
}

// fixed makes a template of a request that is always the same.
func fixed(op proto.Op, body record) template {
	return template{frame: encodeFrame(0, op, body)}
}

// keyed makes a template of a request whose record starts with the path of a
// key; body is the record for key 0.
func keyed(k keyspace, op proto.Op, body record) template {
	parent, child := k.offsets()
	return template{
		frame:     encodeFrame(0, op, body),
		parent:    pathOffset + parent,
		child:     pathOffset + child,
		digits:    k.digits,
		perParent: k.perParent,
	}
}

// append adds the request with this xid, for this key, to b.
func (t *template) append(b []byte, xid int32, key int64) []byte {
	n := len(b)
	b = append(b, t.frame...)
	f := b[n:]
	binary.BigEndian.PutUint32(f[lengthBytes:], uint32(xid))
	if t.child != 0 {
		putDigits(f[t.parent:t.parent+parentDigits], key/t.perParent)
		putDigits(f[t.child:t.child+t.digits], key)
	}
	return b
}

// The records that the workloads send.

func getData(path string, watch bool) *proto.WatchableRequest {
	return &proto.WatchableRequest{Path: path, Watch: watch}
}

func setData(path string, value []byte) *proto.SetDataRequest {
	return &proto.SetDataRequest{Path: path, Data: value, Version: -1}
}

func create(path string, value []byte) *proto.CreateRequest {
	return &proto.CreateRequest{Path: path, Data: value, ACL: proto.OpenACL}
}

func remove(path string) *proto.DeleteRequest {
	return &proto.DeleteRequest{Path: path, Version: -1}
}
