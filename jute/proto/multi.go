package proto

import "github.com/meerkat-zk/meerkat/jute"

// MultiHeader stands before each op and each result of a multi. The
// terminator is {OpError, true, -1}.
type MultiHeader struct {
	Op   Op
	Done bool
	Err  ErrCode
}

// MultiEnd terminates the list of ops and the list of results.
var MultiEnd = MultiHeader{Op: OpError, Done: true, Err: -1}

// Append adds the wire form to b.
func (h MultiHeader) Append(b []byte) []byte {
	b = jute.AppendInt(b, int32(h.Op))
	b = jute.AppendBool(b, h.Done)
	return jute.AppendInt(b, int32(h.Err))
}

// Decode reads the wire form.
func (h *MultiHeader) Decode(d *jute.Decoder) {
	h.Op, h.Done, h.Err = Op(d.Int()), d.Bool(), ErrCode(d.Int())
}
