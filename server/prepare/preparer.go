package prepare

import (
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
	// CheckGlobal is Check for what only a session can do that all servers
	// know.
	CheckGlobal(id int64, owner *session.Owner) proto.ErrCode
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
	hasher   datatree.Hasher
	digits   []byte // scratch of sequence
	aclBytes int    // of the lists that the write at hand stores

	// Of the write at hand:
	req Request
	op  write
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

// Rebase goes on from a tree whose whole state was replaced when nothing that
// was prepared waited to be applied.
func (p *Preparer) Rebase() {
	p.overlay.trim(p.tree.LastZxid())
	p.zxid, p.digest = p.tree.LastZxid(), p.tree.Digest()
}

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
	d := jute.NewAliasDecoder(body)
	w := write{op: op}
	_, ok := w.read(&d)
	return ok
}

// Changes returns how many changes of znodes were prepared, and how many of
// these the preparer has seen applied. It may be called at any time.
func (p *Preparer) Changes() (prepared, applied int64) {
	return p.overlay.pushed.Load(), p.overlay.trimmed.Load()
}

// Prepare turns a write into a transaction with the next zxid. Nothing in the
// result shares memory with the request.
func (p *Preparer) Prepare(r *Request) Result {
	p.overlay.trim(p.tree.LastZxid())
	d := jute.NewAliasDecoder(r.Body)
	p.op = write{op: r.Op}
	code, ok := p.op.read(&d)
	if !ok {
		return Result{Malformed: true}
	}
	p.begin(r)
	mark, digest := p.overlay.mark(), p.digest
	var txn proto.Txn
	if code == proto.OK {
		txn, code = p.run(&p.op)
	}
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
	p.req, p.aclBytes = *r, 0
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

// lookup fills into with the znode at path as it will be, and reports false
// when there will be none.
func (p *Preparer) lookup(path string, into *record) bool {
	if r := p.overlay.get(path); r != nil {
		*into = *r
		return !r.gone
	}
	z := p.tree.Lookup(path)
	if z == nil {
		return false
	}
	*into = record{
		path: z.Path(), stat: z.Persisted(), children: int32(z.NumChildren()), acl: p.tree.ACL(z),
		dataBytes: int64(len(z.Data())), text: z.TextCRC(),
	}
	into.digest = p.hash(into)
	return true
}

// exists tells whether there will be a znode at path.
func (p *Preparer) exists(path string) bool {
	if r := p.overlay.get(path); r != nil {
		return !r.gone
	}
	return p.tree.Lookup(path) != nil
}

// update pushes a record that was looked up and then changed.
func (p *Preparer) update(r *record) {
	before := r.digest
	r.zxid = p.zxid
	r.digest = p.hash(r)
	p.digest += r.digest - before
	p.overlay.push(*r)
}

// active checks that the session may act.
func (p *Preparer) active() proto.ErrCode { return p.sessions.Check(p.req.Session, p.req.Owner) }

func (p *Preparer) allowed(acl []proto.ACL, perm int32) bool {
	return p.auth.Check(acl, perm, p.req.IDs)
}

// hash returns what a record adds to the digest of the tree.
func (p *Preparer) hash(r *record) uint64 {
	if !p.cfg.Digest || !datatree.Digested(r.path) {
		return 0
	}
	return p.hasher.Node(r.text, &r.stat)
}

// hashText returns the CRC of a path and data.
func (p *Preparer) hashText(path string, data []byte) uint32 {
	switch {
	case !p.cfg.Digest:
		return 0
	case path == "/":
		path = "" // as the tree files the root
	}
	return p.hasher.Text(path, data)
}
