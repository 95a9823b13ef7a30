package wire

import (
	"fmt"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// MultiOp is one op of a multi.
type MultiOp struct {
	Op   proto.Op
	Body Record
}

// Multi is the body of a multi or multiRead request.
type Multi []MultiOp

// Append adds the wire form to b.
func (m Multi) Append(b []byte) []byte {
	for _, op := range m {
		b = proto.MultiHeader{Op: op.Op, Err: -1}.Append(b)
		b = op.Body.Append(b)
	}
	return proto.MultiEnd.Append(b)
}

// Multi runs the ops as one transaction and returns the code of each; the
// error is the first code that says why the transaction was refused.
func (c *Client) Multi(ops ...MultiOp) ([]proto.ErrCode, error) {
	d, err := c.Call(proto.OpMulti, Multi(ops))
	if err != nil {
		return nil, err
	}
	codes, err := multiCodes(d)
	if err != nil {
		return nil, err
	}
	for _, code := range codes {
		if code != proto.OK {
			return codes, code
		}
	}
	return codes, nil
}

func multiCodes(d *jute.Decoder) ([]proto.ErrCode, error) {
	var codes []proto.ErrCode
	for d.Err() == nil {
		var h proto.MultiHeader
		h.Decode(d)
		if h.Done {
			break
		}
		code, err := skipResult(d, h)
		if err != nil {
			return nil, err
		}
		codes = append(codes, code)
	}
	return codes, d.Err()
}

func skipResult(d *jute.Decoder, h proto.MultiHeader) (proto.ErrCode, error) {
	var st proto.Stat
	switch h.Op {
	case proto.OpError:
		return proto.ErrCode(d.Int()), nil
	case proto.OpCreate:
		_ = d.String()
	case proto.OpCreate2:
		_ = d.String()
		st.Decode(d)
	case proto.OpSetData:
		st.Decode(d)
	case proto.OpDelete, proto.OpCheck:
	default:
		return 0, fmt.Errorf("multi: result of type %s", h.Op)
	}
	return proto.OK, nil
}
