package client

import (
	"context"
	"fmt"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Op is one step of a transaction.
type Op struct {
	op   proto.Op
	path string
	body Record
}

// CreateOp makes a persistent znode.
func (c *Client) CreateOp(path string, data []byte, acl []proto.ACL) Op {
	return Op{proto.OpCreate, path, &proto.CreateRequest{Path: c.remote(path), Data: data, ACL: acl}}
}

// DeleteOp removes a znode. Version -1 matches any.
func (c *Client) DeleteOp(path string, version int32) Op {
	return Op{proto.OpDelete, path, &proto.DeleteRequest{Path: c.remote(path), Version: version}}
}

// CheckOp demands a version.
func (c *Client) CheckOp(path string, version int32) Op {
	return Op{proto.OpCheck, path, &proto.CheckVersionRequest{Path: c.remote(path), Version: version}}
}

// SetOp replaces a znode's data. Version -1 matches any.
func (c *Client) SetOp(path string, data []byte, version int32) Op {
	return Op{proto.OpSetData, path, &proto.SetDataRequest{Path: c.remote(path), Data: data, Version: version}}
}

// ops is the body of a multi.
type ops []Op

// Append adds the wire form to b.
func (m ops) Append(b []byte) []byte {
	for _, op := range m {
		b = proto.MultiHeader{Op: op.op, Err: -1}.Append(b)
		b = op.body.Append(b)
	}
	return proto.MultiEnd.Append(b)
}

// SizeBytes is how large the request of these steps is; a server refuses what
// is above its jute.maxbuffer.
func SizeBytes(list []Op) int { return len(ops(list).Append(nil)) + 8 }

// Multi does all steps or none. The error is that of the first step that was
// refused, with its path.
func (c *Client) Multi(ctx context.Context, list []Op) error {
	call, err := c.StartMulti(ctx, list)
	if err != nil {
		return err
	}
	return call.Wait(ctx)
}

// MultiCall is a transaction in flight.
type MultiCall struct {
	call *Call
	list []Op
}

// StartMulti sends a transaction and does not wait for its reply.
func (c *Client) StartMulti(ctx context.Context, list []Op) (*MultiCall, error) {
	call, err := c.Start(ctx, proto.OpMulti, "", ops(list))
	return &MultiCall{call, list}, err
}

// Wait returns what became of the transaction, as [Client.Multi] does.
func (m *MultiCall) Wait(ctx context.Context) error {
	d, err := m.call.Wait(ctx)
	if err != nil {
		return err
	}
	for i := 0; d.Err() == nil; i++ {
		var h proto.MultiHeader
		h.Decode(d)
		if h.Done || d.Err() != nil {
			break
		}
		code, err := stepResult(d, h)
		if err != nil {
			return err
		}
		if code != proto.OK && i < len(m.list) {
			return &Error{Code: code, Path: m.list[i].path}
		}
	}
	return d.Err()
}

// stepResult reads the result of one step.
func stepResult(d *jute.Decoder, h proto.MultiHeader) (proto.ErrCode, error) {
	var st proto.Stat
	switch h.Op {
	case proto.OpError:
		return proto.ErrCode(d.Int()), nil
	case proto.OpCreate:
		_ = d.String()
	case proto.OpSetData:
		st.Decode(d)
	case proto.OpDelete, proto.OpCheck:
	default:
		return proto.OK, fmt.Errorf("%w: a result of type %s in a multi", ErrProtocol, h.Op)
	}
	return proto.OK, nil
}
