package prepare

import (
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/session"
)

// Config says how writes are checked.
type Config struct {
	EnforceQuota      bool
	ExtendedTypes     bool // TTL znodes may be created
	ReconfigEnabled   bool
	CloseSessionPaths bool // closeSession lists the ephemerals it deletes
	Digest            bool // predict the tree digest into each transaction
	MaxTxnBytes       int  // no transaction is larger, for no peer could read it
}

// Sessions answers whether a session may act; see [session.Tracker].
type Sessions interface {
	Check(id int64, owner *session.Owner) proto.ErrCode
	SetClosing(id int64)
}

// Request is one write.
type Request struct {
	Session int64
	Owner   *session.Owner // where the request came in
	Cxid    int32
	Op      proto.Op
	Body    []byte // the record after the request header
	IDs     []proto.ID
	TimeMs  int64 // wall clock, since the Unix epoch
}

// Result is what a write became.
type Result struct {
	// Entry is the transaction. It is only there when Malformed is false.
	Entry proto.Entry
	// Raw is Entry's wire form. It is valid until the next Prepare.
	Raw []byte
	// Malformed means that the record could not be read: the client gets
	// [proto.ErrMarshalling], and there is no transaction.
	Malformed bool
}

// Preparer prepares one write after the other. It is not safe for concurrent
// use, and while it works nobody may change the tree.
type Preparer struct {
	cfg      Config
	tree     *datatree.Tree
	auth     *auth.Registry
	sessions Sessions
	overlay  *overlay
	zxid     int64  // last one given out
	digest   uint64 // of the tree once everything up to zxid is applied
	raw      []byte // Result.Raw of the last Prepare

	// Of the write at hand:
	req *Request
	now proto.TxnHeader
}

// New returns a preparer that goes on from the tree's last zxid.
func New(cfg Config, tree *datatree.Tree, registry *auth.Registry, sessions Sessions) *Preparer {
	return &Preparer{
		cfg: cfg, tree: tree, auth: registry, sessions: sessions, overlay: newOverlay(),
		zxid: tree.LastZxid(), digest: tree.Digest(),
	}
}

// Zxid returns the last zxid given out.
func (p *Preparer) Zxid() int64 { return p.zxid }

// Advance makes the next zxid the one after this: a leader begins its epoch.
func (p *Preparer) Advance(zxid int64) { p.zxid = max(p.zxid, zxid) }

// Decline gives a write that was not even looked at a transaction that tells
// why.
func (p *Preparer) Decline(r *Request, code proto.ErrCode) Result {
	p.begin(r)
	p.now.Type = proto.OpError
	result, _ := p.finish(&proto.ErrorTxn{Err: code})
	return result
}

// Readable tells whether the record of a write can be read.
func Readable(op proto.Op, body []byte) bool {
	var p Preparer
	d := jute.NewDecoder(body)
	return p.decode(&Request{Op: op, Body: body}, &d) != nil
}

// Changes returns how many changes of znodes were prepared, and how many of
// these the preparer has seen applied. It may be called at any time.
func (p *Preparer) Changes() (prepared, applied int64) {
	return p.overlay.pushed.Load(), p.overlay.trimmed.Load()
}

// Prepare turns a write into a transaction with the next zxid.
func (p *Preparer) Prepare(r *Request) Result {
	p.overlay.trim(p.tree.LastZxid())
	d := jute.NewDecoder(r.Body)
	step := p.decode(r, &d)
	if step == nil {
		return Result{Malformed: true}
	}
	p.begin(r)
	mark, digest := p.overlay.mark(), p.digest
	txn, code := step()
	if code == proto.OK {
		if result, fits := p.finish(txn); fits {
			return result
		}
		code = proto.ErrMarshalling
	}
	p.overlay.rollback(mark)
	p.digest = digest
	p.now.Type = proto.OpError
	result, _ := p.finish(&proto.ErrorTxn{Err: code})
	return result
}

// begin gives the write its zxid and header.
func (p *Preparer) begin(r *Request) {
	p.zxid++
	p.req = r
	p.now = proto.TxnHeader{ClientID: r.Session, Cxid: r.Cxid, Zxid: p.zxid, TimeMs: r.TimeMs, Type: r.Op}
}

// finish encodes the transaction, and reports false when no peer could read
// one of its size.
func (p *Preparer) finish(txn proto.Txn) (Result, bool) {
	e := proto.Entry{Header: p.now, Txn: txn}
	if p.cfg.Digest && p.now.Type != proto.OpError { // an error changes nothing, and has none in Apache's logs
		e.HasDigest = true
		e.Digest = proto.TxnDigest{Version: proto.DigestVersion, TreeDigest: p.digest}
	}
	p.raw = e.Append(p.raw[:0])
	if cap(p.raw) > keepRawBytes {
		defer func() { p.raw = nil }()
	}
	return Result{Entry: e, Raw: p.raw}, len(p.raw) <= p.cfg.MaxTxnBytes
}

// keepRawBytes bounds the buffer that is kept from one write to the next.
const keepRawBytes = 1 << 20

// step checks one write and builds its transaction.
type step func() (proto.Txn, proto.ErrCode)

func fail(code proto.ErrCode) step {
	return func() (proto.Txn, proto.ErrCode) { return nil, code }
}

// decode reads the record of a write and returns the step that prepares it;
// nil when the record cannot be read and does not even become an error
// transaction.
func (p *Preparer) decode(r *Request, d *jute.Decoder) (s step) {
	switch r.Op {
	case proto.OpCloseSession:
		return p.closeSession
	case proto.OpCreateSession:
		timeout := d.Int()
		s = func() (proto.Txn, proto.ErrCode) {
			return &proto.CreateSessionTxn{TimeoutMs: timeout}, proto.OK
		}
	case proto.OpReconfig:
		var req proto.ReconfigRequest
		req.Decode(d)
		s = p.reconfig
	case proto.OpMulti:
		ops, err := p.decodeMulti(d)
		switch {
		case errors.Is(err, errNullACL):
			return nil
		case err != nil:
			return fail(proto.ErrMarshalling)
		}
		return func() (proto.Txn, proto.ErrCode) { return p.multi(ops), proto.OK }
	default:
		s = p.decodeOp(r.Op, d)
	}
	if d.Err() != nil {
		return nil
	}
	return s
}

// decodeOp reads the record of a write that may also stand inside a multi.
func (p *Preparer) decodeOp(op proto.Op, d *jute.Decoder) step {
	switch op {
	case proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		req := proto.CreateRequest{HasTTL: op == proto.OpCreateTTL, TTLMs: noTTL}
		req.Decode(d)
		return func() (proto.Txn, proto.ErrCode) { return p.create(op, &req) }
	case proto.OpDelete:
		var req proto.DeleteRequest
		req.Decode(d)
		return func() (proto.Txn, proto.ErrCode) { return p.delete(&req) }
	case proto.OpDeleteContainer:
		var req proto.DeleteContainerRequest
		req.Decode(d)
		return func() (proto.Txn, proto.ErrCode) { return p.deleteContainer(req.Path) }
	case proto.OpSetData:
		var req proto.SetDataRequest
		req.Decode(d)
		return func() (proto.Txn, proto.ErrCode) { return p.setData(&req) }
	case proto.OpSetACL:
		var req proto.SetACLRequest
		req.Decode(d)
		return func() (proto.Txn, proto.ErrCode) { return p.setACL(&req) }
	case proto.OpCheck:
		var req proto.CheckVersionRequest
		req.Decode(d)
		return func() (proto.Txn, proto.ErrCode) { return p.check(&req) }
	}
	panic(fmt.Sprintf("prepare: %s is not a write", op))
}

// lookup returns the znode at path as it will be; nil when there will be none.
func (p *Preparer) lookup(path string) *record {
	if r := p.overlay.get(path); r != nil {
		if r.gone {
			return nil
		}
		return r
	}
	z := p.tree.Lookup(path)
	if z == nil {
		return nil
	}
	r := &record{
		path: z.Path(), stat: z.Persisted(), children: int32(z.NumChildren()), acl: p.tree.ACL(z), data: z.Data(),
	}
	p.rehash(r)
	return r
}

// update pushes a changed copy of a record.
func (p *Preparer) update(r *record, mutate func(*record)) {
	c := *r
	c.zxid = p.zxid
	mutate(&c)
	p.rehash(&c)
	p.digest += c.digest - r.digest
	p.overlay.push(&c)
}

// active checks that the session may act.
func (p *Preparer) active() proto.ErrCode { return p.sessions.Check(p.req.Session, p.req.Owner) }

func (p *Preparer) allowed(acl []proto.ACL, perm int32) bool {
	return p.auth.Check(acl, perm, p.req.IDs)
}

// rehash computes what a record adds to the digest of the tree.
func (p *Preparer) rehash(r *record) {
	if p.cfg.Digest {
		r.digest = datatree.NodeDigest(r.path, r.data, &r.stat)
	}
}
