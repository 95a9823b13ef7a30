package prepare

import (
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// write is the decoded record of one write, alone or inside a multi; op says
// which of the others means something. It shares memory with the request.
type write struct {
	op        proto.Op
	create    proto.CreateRequest
	set       proto.SetDataRequest
	remove    proto.DeleteRequest // delete, deleteContainer and check
	acl       proto.SetACLRequest
	timeoutMs int32   // of createSession
	ops       []write // of multi
}

// read decodes the record of a write. It reports false when the record cannot
// be read and does not even become an error transaction, and a code other
// than OK when it becomes one at once.
func (w *write) read(d *jute.Decoder) (code proto.ErrCode, ok bool) {
	switch w.op {
	case proto.OpCloseSession:
		return proto.OK, true
	case proto.OpCreateSession:
		w.timeoutMs = d.Int()
	case proto.OpReconfig:
		var req proto.ReconfigRequest
		req.Decode(d)
	case proto.OpMulti:
		var err error
		w.ops, err = decodeMulti(d)
		switch {
		case errors.Is(err, errNullACL):
			return proto.OK, false
		case err != nil:
			return proto.ErrMarshalling, true
		}
		return proto.OK, true
	default:
		w.decode(d)
	}
	return proto.OK, d.Err() == nil
}

// decode reads the record of a write that may also stand inside a multi.
func (w *write) decode(d *jute.Decoder) {
	switch w.op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		w.create.HasTTL, w.create.TTLMs = w.op == proto.OpCreateTTL, noTTL
		w.create.Decode(d)
	case proto.OpDelete, proto.OpCheck:
		w.remove.Decode(d)
	case proto.OpDeleteContainer:
		var req proto.DeleteContainerRequest
		req.Decode(d)
		w.remove.Path = req.Path
	case proto.OpSetData:
		w.set.Decode(d)
	case proto.OpSetACL:
		w.acl.Decode(d)
	default:
		panic(fmt.Sprintf("prepare: %s is not a write", w.op))
	}
}

// run checks one write and builds its transaction.
func (p *Preparer) run(w *write) (proto.Txn, proto.ErrCode) {
	switch w.op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		return p.create(w.op, &w.create)
	case proto.OpDelete:
		return p.delete(&w.remove)
	case proto.OpDeleteContainer:
		return p.deleteContainer(w.remove.Path)
	case proto.OpSetData:
		return p.setData(&w.set)
	case proto.OpSetACL:
		return p.setACL(&w.acl)
	case proto.OpCheck:
		return p.check(&w.remove)
	case proto.OpMulti:
		return p.multi(w.ops), proto.OK
	case proto.OpReconfig:
		return p.reconfig()
	case proto.OpCreateSession:
		return &proto.CreateSessionTxn{TimeoutMs: w.timeoutMs}, proto.OK
	case proto.OpCloseSession:
		return p.closeSession()
	}
	panic(fmt.Sprintf("prepare: %s is not a write", w.op))
}
