package proto

import "github.com/meerkat-zk/meerkat/jute"

// RequestHeader begins every frame from a client after the handshake.
type RequestHeader struct {
	Xid int32
	Op  Op
}

// Append adds the wire form to b.
func (h RequestHeader) Append(b []byte) []byte {
	return jute.AppendInt(jute.AppendInt(b, h.Xid), int32(h.Op))
}

// Decode reads the wire form.
func (h *RequestHeader) Decode(d *jute.Decoder) { h.Xid, h.Op = d.Int(), Op(d.Int()) }

// ReplyHeaderBytes is the wire size of a ReplyHeader.
const ReplyHeaderBytes = 16

// ReplyHeader begins every frame to a client after the handshake.
type ReplyHeader struct {
	Xid  int32
	Zxid int64
	Err  ErrCode
}

// Append adds the wire form to b.
func (h ReplyHeader) Append(b []byte) []byte {
	b = jute.AppendInt(b, h.Xid)
	b = jute.AppendLong(b, h.Zxid)
	return jute.AppendInt(b, int32(h.Err))
}

// Decode reads the wire form.
func (h *ReplyHeader) Decode(d *jute.Decoder) {
	h.Xid, h.Zxid, h.Err = d.Int(), d.Long(), ErrCode(d.Int())
}
