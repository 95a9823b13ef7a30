package prepare

import (
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

var (
	// errMulti means that a multi holds an op that may not be there.
	errMulti = errors.New("not allowed in a multi")
	// errNullACL means that a create inside a multi has no ACL at all. Apache
	// fails over that before it has given the multi a zxid.
	errNullACL = errors.New("null ACL in a multi")
)

// subOp is one op of a multi that is yet to be prepared.
type subOp struct {
	op   proto.Op
	step step
}

// decodeMulti reads all ops of a multi.
func (p *Preparer) decodeMulti(d *jute.Decoder) ([]subOp, error) {
	var ops []subOp
	for {
		var h proto.MultiHeader
		h.Decode(d)
		if d.Err() != nil || h.Done {
			return ops, d.Err()
		}
		op, err := p.decodeSub(h.Op, d)
		if err != nil {
			return nil, err
		}
		if d.Err() != nil {
			return nil, d.Err()
		}
		ops = append(ops, op)
	}
}

func (p *Preparer) decodeSub(op proto.Op, d *jute.Decoder) (subOp, error) {
	switch op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		return p.decodeSubCreate(op, d)
	case proto.OpDelete, proto.OpSetData, proto.OpCheck:
		return subOp{op: op, step: p.decodeOp(op, d)}, nil
	}
	return subOp{}, fmt.Errorf("%s: %w", op, errMulti)
}

// decodeSubCreate reads a create. Inside a multi Apache makes more of its
// flags than it does of those of a create alone (MultiOperationRecord, Op):
// flags of a container turn any create into createContainer, flags without a
// TTL turn createTTL into a create, and a create with flags of a TTL or of no
// kind of znode fails the whole multi.
func (p *Preparer) decodeSubCreate(op proto.Op, d *jute.Decoder) (subOp, error) {
	req := proto.CreateRequest{HasTTL: op == proto.OpCreateTTL, TTLMs: noTTL}
	req.Decode(d)
	known := req.Flags >= proto.FlagPersistent && req.Flags <= proto.FlagPersistentSequentialTTL
	switch {
	case d.Err() != nil:
		return subOp{}, d.Err()
	case op == proto.OpCreateTTL && hasTTL(req.Flags):
	case op == proto.OpCreateTTL:
		op, req.TTLMs = proto.OpCreate, noTTL
	case !known || hasTTL(req.Flags):
		return subOp{}, fmt.Errorf("flags %d of a create: %w", req.Flags, errMulti)
	case req.ACL == nil:
		return subOp{}, errNullACL
	}
	if req.Flags == proto.FlagContainer {
		op = proto.OpCreateContainer
	}
	return subOp{op: op, step: func() (proto.Txn, proto.ErrCode) { return p.create(op, &req) }}, nil
}

// multi prepares all ops under one zxid. At the first that fails, what the
// earlier ones changed is taken back; they keep their transactions in the
// list, which the error then keeps from being applied.
func (p *Preparer) multi(ops []subOp) proto.Txn {
	txn := &proto.MultiTxn{Ops: make([]proto.SubTxn, 0, len(ops))}
	mark, digest := p.overlay.mark(), p.digest
	failed := false
	for _, op := range ops {
		if failed {
			txn.Ops = append(txn.Ops, subError(proto.ErrRuntimeInconsistency))
			continue
		}
		body, code := op.step()
		if code == proto.OK {
			txn.Ops = append(txn.Ops, proto.SubTxn{Type: op.op, Body: body})
			continue
		}
		failed = true
		txn.Ops = append(txn.Ops, subError(code))
		p.overlay.rollback(mark)
		p.digest = digest
	}
	return txn
}

func subError(code proto.ErrCode) proto.SubTxn {
	return proto.SubTxn{Type: proto.OpError, Body: &proto.ErrorTxn{Err: code}}
}
