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

// decodeMulti reads all ops of a multi.
func decodeMulti(d *jute.Decoder) ([]write, error) {
	var ops []write
	for {
		var h proto.MultiHeader
		h.Decode(d)
		if d.Err() != nil || h.Done {
			return ops, d.Err()
		}
		op, err := decodeSub(h.Op, d)
		if err != nil {
			return nil, err
		}
		if d.Err() != nil {
			return nil, d.Err()
		}
		ops = append(ops, op)
	}
}

func decodeSub(op proto.Op, d *jute.Decoder) (write, error) {
	w := write{op: op}
	switch op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		return w, w.decodeSubCreate(d)
	case proto.OpDelete, proto.OpSetData, proto.OpCheck:
		w.decode(d)
		return w, nil
	}
	return w, fmt.Errorf("%s: %w", op, errMulti)
}

// decodeSubCreate reads a create. Inside a multi Apache makes more of its
// flags than it does of those of a create alone (MultiOperationRecord, Op):
// flags of a container turn any create into createContainer, flags without a
// TTL turn createTTL into a create, and a create with flags of a TTL or of no
// kind of znode fails the whole multi.
func (w *write) decodeSubCreate(d *jute.Decoder) error {
	w.decode(d)
	req := &w.create
	known := req.Flags >= proto.FlagPersistent && req.Flags <= proto.FlagPersistentSequentialTTL
	switch {
	case d.Err() != nil:
		return d.Err()
	case w.op == proto.OpCreateTTL && hasTTL(req.Flags):
	case w.op == proto.OpCreateTTL:
		w.op, req.TTLMs = proto.OpCreate, noTTL
	case !known || hasTTL(req.Flags):
		return fmt.Errorf("flags %d of a create: %w", req.Flags, errMulti)
	case req.ACL == nil:
		return errNullACL
	}
	if req.Flags == proto.FlagContainer {
		w.op = proto.OpCreateContainer
	}
	return nil
}

// multi prepares all ops under one zxid. At the first that fails, what the
// earlier ones changed is taken back; they keep their transactions in the
// list, which the error then keeps from being applied.
func (p *Preparer) multi(ops []write) proto.Txn {
	txn := &proto.MultiTxn{Ops: make([]proto.SubTxn, 0, len(ops))}
	mark, digest := p.overlay.mark(), p.digest
	failed := false
	for i := range ops {
		if failed {
			txn.Ops = append(txn.Ops, subError(proto.ErrRuntimeInconsistency))
			continue
		}
		body, code := p.run(&ops[i])
		if code == proto.OK {
			txn.Ops = append(txn.Ops, proto.SubTxn{Type: ops[i].op, Body: body})
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
