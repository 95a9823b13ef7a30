package prepare

import (
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// errMulti means that a multi holds an op that may not be there.
var errMulti = errors.New("not allowed in a multi")

// subOp is one op of a multi that is yet to be prepared.
type subOp struct {
	op   proto.Op
	step step
}

// decodeMulti reads all ops of a multi. A flag that names no kind of znode
// fails the whole multi here, where a create alone gets BadArguments.
func (p *Preparer) decodeMulti(d *jute.Decoder) ([]subOp, error) {
	var ops []subOp
	for {
		var h proto.MultiHeader
		h.Decode(d)
		if d.Err() != nil || h.Done {
			return ops, d.Err()
		}
		switch h.Op {
		case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
			if !p.validFlags(h.Op, d) {
				return nil, fmt.Errorf("create flags: %w", errMulti)
			}
		case proto.OpDelete, proto.OpSetData, proto.OpCheck:
		default:
			return nil, fmt.Errorf("%s: %w", h.Op, errMulti)
		}
		s := p.decodeOp(h.Op, d)
		if d.Err() != nil {
			return nil, d.Err()
		}
		ops = append(ops, subOp{op: h.Op, step: s})
	}
}

// validFlags looks ahead at a create's flags.
func (p *Preparer) validFlags(op proto.Op, d *jute.Decoder) bool {
	ahead := *d
	req := proto.CreateRequest{HasTTL: op == proto.OpCreateTTL}
	req.Decode(&ahead)
	return ahead.Err() != nil || req.Flags >= proto.FlagPersistent && req.Flags <= proto.FlagPersistentSequentialTTL
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
