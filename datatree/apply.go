package datatree

import (
	"fmt"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Result is what a transaction came to, as far as a reply needs it.
type Result struct {
	Type  proto.Op // of the transaction; of an op of a failed multi, [proto.OpError]
	Err   proto.ErrCode
	Path  string     // of the znode that was meant; "" if none
	Stat  proto.Stat // of the znode right after a create, setData or setACL
	Multi []Result   // one for each op of a multi
}

// Apply applies one committed transaction: znodes, quotas, the session table,
// watch events, digest. Transactions come in zxid order; one that was applied
// before is applied again without harm, for a snapshot of Apache's may hold
// the effects of transactions behind its zxid. An error in the result means
// that the transaction, or an op of a multi, had no effect on its znode.
func (t *Tree) Apply(e *proto.Entry) Result {
	t.forgetSnapshots()
	t.comparePending(e.Header.Zxid)
	r := t.apply(&e.Header, e.Header.Type, e.Txn)
	if e.Header.Zxid > t.lastZxid {
		t.lastZxid = e.Header.Zxid
	}
	t.checkDigest(e)
	return r
}

// apply applies a transaction or an op of a multi, which has the header of
// the multi and a type of its own.
func (t *Tree) apply(h *proto.TxnHeader, op proto.Op, txn proto.Txn) Result {
	r := Result{Type: op}
	switch txn := txn.(type) {
	case *proto.CreateTxn:
		n := newNode{path: txn.Path, data: txn.Data, acl: txn.ACL, parentCversion: txn.ParentCversion, joined: txn.Joined}
		if txn.Ephemeral {
			n.owner = h.ClientID
		}
		r.created(t.create(h, &n))
		r.Path = txn.Path
	case *proto.CreateContainerTxn:
		n := newNode{path: txn.Path, data: txn.Data, acl: txn.ACL, parentCversion: txn.ParentCversion, owner: ContainerOwner}
		r.created(t.create(h, &n))
		r.Path = txn.Path
	case *proto.CreateTTLTxn:
		n := newNode{path: txn.Path, data: txn.Data, acl: txn.ACL, parentCversion: txn.ParentCversion, owner: TTLOwner(txn.TTLMs)}
		r.created(t.create(h, &n))
		r.Path = txn.Path
	case *proto.DeleteTxn:
		r.Path, r.Err = txn.Path, t.delete(txn.Path, h.Zxid)
	case *proto.SetDataTxn:
		r.Path = txn.Path
		r.Stat, r.Err = t.setData(h, txn)
	case *proto.SetACLTxn:
		r.Path = txn.Path
		r.Stat, r.Err = t.setACL(txn)
	case *proto.CheckVersionTxn:
		r.Path = txn.Path
	case *proto.ErrorTxn:
		r.Err = txn.Err
	case *proto.MultiTxn:
		t.multi(h, txn, &r)
	case *proto.CreateSessionTxn:
		t.sessions.ReplaceOrInsert(sessionEntry{id: h.ClientID, timeoutMs: txn.TimeoutMs})
	case *proto.CloseSessionTxn:
		t.closeSession(h, txn)
	}
	return r
}

func (r *Result) created(z *Znode, code proto.ErrCode) {
	if r.Err = code; code == proto.OK {
		r.Stat = z.Stat()
	}
}

// multi applies the ops of a multi, none if one of them is an error. Then
// those before the error have the result OK, and those behind it
// RuntimeInconsistency. The result of the multi has the first error code.
func (t *Tree) multi(h *proto.TxnHeader, txn *proto.MultiTxn, r *Result) {
	failed := false
	for i := range txn.Ops {
		failed = failed || txn.Ops[i].Type == proto.OpError
	}
	r.Multi = make([]Result, 0, len(txn.Ops))
	after := false
	for i := range txn.Ops {
		op := &txn.Ops[i]
		var sub Result
		switch {
		case op.Type == proto.OpError || !failed:
			sub = t.apply(h, op.Type, op.Body)
			after = after || op.Type == proto.OpError
		case after:
			sub = Result{Type: proto.OpError, Err: proto.ErrRuntimeInconsistency}
		default:
			sub = Result{Type: proto.OpError, Err: proto.OK}
		}
		if r.Err == proto.OK {
			r.Err = sub.Err
		}
		r.Multi = append(r.Multi, sub)
	}
}

// closeSession ends a session and deletes its ephemerals: those that the
// transaction lists, in this order, then any that are left. With a list none
// should be left.
func (t *Tree) closeSession(h *proto.TxnHeader, txn *proto.CloseSessionTxn) {
	session := h.ClientID
	t.sessions.Delete(sessionEntry{id: session})
	for _, path := range txn.Paths {
		t.delete(path, h.Zxid) // absent ones are the trace of a fuzzy snapshot
	}
	left := t.owned.paths(session)
	if txn.HasPaths && len(left) > 0 {
		t.notice(fmt.Sprintf("closing session 0x%x at zxid 0x%x: %d ephemerals that the transaction does not list, %s first",
			uint64(session), uint64(h.Zxid), len(left), left[0]))
	}
	for _, path := range left {
		t.delete(path, h.Zxid)
	}
	if set := t.owned.ephemerals[session]; set != nil && len(*set) == 0 {
		delete(t.owned.ephemerals, session)
	}
}
