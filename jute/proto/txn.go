package proto

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/jute"
)

// ErrUnknownTxn means that a transaction has a type that no server knows.
var ErrUnknownTxn = errors.New("Unsupported Txn")

// TxnHeader begins every transaction in the log and on the quorum wire.
type TxnHeader struct {
	ClientID int64 // session that asked
	Cxid     int32 // the client's xid
	Zxid     int64
	TimeMs   int64 // since the Unix epoch, leader's clock
	Type     Op
}

// Append adds the wire form to b.
func (h *TxnHeader) Append(b []byte) []byte {
	b = jute.AppendLong(b, h.ClientID)
	b = jute.AppendInt(b, h.Cxid)
	b = jute.AppendLong(b, h.Zxid)
	b = jute.AppendLong(b, h.TimeMs)
	return jute.AppendInt(b, int32(h.Type))
}

// Decode reads the wire form.
func (h *TxnHeader) Decode(d *jute.Decoder) {
	h.ClientID, h.Cxid, h.Zxid, h.TimeMs, h.Type = d.Long(), d.Int(), d.Long(), d.Long(), Op(d.Int())
}

// DigestVersion is the version of the tree digest this server computes.
const DigestVersion int32 = 2

// TxnDigest follows a transaction when digests are on: the digest of the
// whole tree after it.
type TxnDigest struct {
	Version    int32
	TreeDigest uint64
}

// Append adds the wire form to b.
func (t TxnDigest) Append(b []byte) []byte {
	return jute.AppendLong(jute.AppendInt(b, t.Version), int64(t.TreeDigest))
}

// Txn is the body of a transaction: one of the types below.
type Txn interface {
	Append(b []byte) []byte
	decode(d *jute.Decoder)
}

// CreateTxn is a create or create2.
type CreateTxn struct {
	Path           string // final, sequence number included
	Data           []byte
	ACL            []ACL
	Ephemeral      bool
	ParentCversion int32 // creations in the parent after this one; -1 in old logs
	Joined         bool  // not on the wire: Path and Data come from datatree.Join
}

// CreateContainerTxn is a createContainer.
type CreateContainerTxn struct {
	Path           string
	Data           []byte
	ACL            []ACL
	ParentCversion int32
}

// CreateTTLTxn is a createTTL.
type CreateTTLTxn struct {
	Path           string
	Data           []byte
	ACL            []ACL
	ParentCversion int32
	TTLMs          int64
}

// DeleteTxn is a delete or deleteContainer.
type DeleteTxn struct{ Path string }

// SetDataTxn is a setData, or a reconfig with the text of the new config.
type SetDataTxn struct {
	Path    string
	Data    []byte
	Version int32 // the new version
	Joined  bool  // not on the wire: Path and Data come from datatree.Join
}

// SetACLTxn is a setACL.
type SetACLTxn struct {
	Path    string
	ACL     []ACL
	Version int32 // the new aversion
}

// CheckVersionTxn is a check inside a multi; it changes nothing.
type CheckVersionTxn struct {
	Path    string
	Version int32
}

// CreateSessionTxn opens the session of the header.
type CreateSessionTxn struct{ TimeoutMs int32 }

// CloseSessionTxn ends the session of the header. HasPaths is false in logs
// written without the list of ephemerals.
type CloseSessionTxn struct {
	Paths    []string
	HasPaths bool
}

// ErrorTxn is a write that failed its checks; it changes nothing.
type ErrorTxn struct{ Err ErrCode }

// MultiTxn is a multi. When any sub-transaction is an error, none applies.
type MultiTxn struct{ Ops []SubTxn }

// SubTxn is one op of a multi.
type SubTxn struct {
	Type Op
	Body Txn
}

// Append adds the wire form to b.
func (t *CreateTxn) Append(b []byte) []byte {
	b = appendCreate(b, t.Path, t.Data, t.ACL)
	b = jute.AppendBool(b, t.Ephemeral)
	return jute.AppendInt(b, t.ParentCversion)
}

func (t *CreateTxn) decode(d *jute.Decoder) {
	t.Path, t.Data, t.ACL, t.Ephemeral = required(d), d.Buffer(), DecodeACLs(d), d.Bool()
	t.ParentCversion = -1
	if len(d.Rest()) > 0 { // logs before 3.4 end here
		t.ParentCversion = d.Int()
	}
}

// Append adds the wire form to b.
func (t *CreateContainerTxn) Append(b []byte) []byte {
	return jute.AppendInt(appendCreate(b, t.Path, t.Data, t.ACL), t.ParentCversion)
}

func (t *CreateContainerTxn) decode(d *jute.Decoder) {
	t.Path, t.Data, t.ACL, t.ParentCversion = required(d), d.Buffer(), DecodeACLs(d), d.Int()
}

// Append adds the wire form to b.
func (t *CreateTTLTxn) Append(b []byte) []byte {
	b = jute.AppendInt(appendCreate(b, t.Path, t.Data, t.ACL), t.ParentCversion)
	return jute.AppendLong(b, t.TTLMs)
}

func (t *CreateTTLTxn) decode(d *jute.Decoder) {
	t.Path, t.Data, t.ACL, t.ParentCversion = required(d), d.Buffer(), DecodeACLs(d), d.Int()
	t.TTLMs = d.Long()
}

func appendCreate(b []byte, path string, data []byte, acl []ACL) []byte {
	return AppendACLs(jute.AppendBuffer(jute.AppendString(b, path), data), acl)
}

// Append adds the wire form to b.
func (t *DeleteTxn) Append(b []byte) []byte { return jute.AppendString(b, t.Path) }

func (t *DeleteTxn) decode(d *jute.Decoder) { t.Path = required(d) }

// Append adds the wire form to b.
func (t *SetDataTxn) Append(b []byte) []byte {
	b = jute.AppendBuffer(jute.AppendString(b, t.Path), t.Data)
	return jute.AppendInt(b, t.Version)
}

func (t *SetDataTxn) decode(d *jute.Decoder) {
	t.Path, t.Data, t.Version = required(d), d.Buffer(), d.Int()
}

// Append adds the wire form to b.
func (t *SetACLTxn) Append(b []byte) []byte {
	return jute.AppendInt(AppendACLs(jute.AppendString(b, t.Path), t.ACL), t.Version)
}

func (t *SetACLTxn) decode(d *jute.Decoder) {
	t.Path, t.ACL, t.Version = required(d), DecodeACLs(d), d.Int()
}

// Append adds the wire form to b.
func (t *CheckVersionTxn) Append(b []byte) []byte {
	return jute.AppendInt(jute.AppendString(b, t.Path), t.Version)
}

func (t *CheckVersionTxn) decode(d *jute.Decoder) { t.Path, t.Version = required(d), d.Int() }

// Append adds the wire form to b.
func (t *CreateSessionTxn) Append(b []byte) []byte { return jute.AppendInt(b, t.TimeoutMs) }

func (t *CreateSessionTxn) decode(d *jute.Decoder) { t.TimeoutMs = d.Int() }

// Append adds the wire form to b.
func (t *CloseSessionTxn) Append(b []byte) []byte {
	if !t.HasPaths {
		return b
	}
	return jute.AppendStrings(b, t.Paths)
}

func (t *CloseSessionTxn) decode(d *jute.Decoder) {
	rest := d.Rest()
	// Without the list a digest may follow at once. Its version, read as the
	// count of a list, would mean two paths in eight bytes, both empty.
	digestOnly := len(rest) == txnDigestBytes && binary.BigEndian.Uint32(rest) == uint32(DigestVersion)
	if t.HasPaths = len(rest) > 0 && !digestOnly; t.HasPaths {
		t.Paths = d.Strings()
	}
}

// Append adds the wire form to b.
func (t *ErrorTxn) Append(b []byte) []byte { return jute.AppendInt(b, int32(t.Err)) }

func (t *ErrorTxn) decode(d *jute.Decoder) { t.Err = ErrCode(d.Int()) }

// Append adds the wire form to b.
func (t *MultiTxn) Append(b []byte) []byte {
	b = jute.AppendInt(b, int32(len(t.Ops)))
	for _, op := range t.Ops {
		b = jute.AppendInt(b, int32(op.Type))
		at := len(b)
		b = op.Body.Append(jute.AppendInt(b, 0))
		jute.PutInt(b[at:], int32(len(b)-at-4))
	}
	return b
}

const subTxnMinBytes = 8

func (t *MultiTxn) decode(d *jute.Decoder) {
	n, _ := d.Count(subTxnMinBytes)
	t.Ops = make([]SubTxn, 0, n)
	for i := 0; i < n && d.Err() == nil; i++ {
		op := Op(d.Int())
		body := jute.NewDecoder(d.Buffer())
		sub := newTxn(op, true)
		if sub == nil {
			d.Fail(fmt.Errorf("%w with type=%d inside a multi", ErrUnknownTxn, op))
			return
		}
		sub.decode(&body)
		if err := body.Err(); err != nil {
			d.Fail(fmt.Errorf("op %d of a multi (%s): %w", i, op, err))
			return
		}
		t.Ops = append(t.Ops, SubTxn{Type: op, Body: sub})
	}
}

func newTxn(op Op, sub bool) Txn {
	switch op {
	case OpCreate, OpCreate2:
		return &CreateTxn{}
	case OpCreateContainer:
		return &CreateContainerTxn{}
	case OpCreateTTL:
		return &CreateTTLTxn{}
	case OpDelete, OpDeleteContainer:
		return &DeleteTxn{}
	case OpSetData:
		return &SetDataTxn{}
	case OpError:
		return &ErrorTxn{}
	}
	switch {
	case sub && op == OpCheck:
		return &CheckVersionTxn{}
	case sub:
		return nil
	}
	switch op {
	case OpReconfig:
		return &SetDataTxn{}
	case OpSetACL:
		return &SetACLTxn{}
	case OpCreateSession:
		return &CreateSessionTxn{}
	case OpCloseSession:
		return &CloseSessionTxn{}
	case OpMulti:
		return &MultiTxn{}
	}
	return nil
}

// Entry is one transaction as it stands in the log and in a PROPOSAL.
type Entry struct {
	Header    TxnHeader
	Txn       Txn
	Digest    TxnDigest
	HasDigest bool
}

// Append adds the wire form to b.
func (e *Entry) Append(b []byte) []byte {
	b = e.Txn.Append(e.Header.Append(b))
	if e.HasDigest {
		b = e.Digest.Append(b)
	}
	return b
}

const txnDigestBytes = 12

// DecodeEntry reads a transaction from the whole of data. A trailer shorter
// than a digest counts as none.
func DecodeEntry(data []byte) (Entry, error) {
	var e Entry
	d := jute.NewDecoder(data)
	e.Header.Decode(&d)
	if err := d.Err(); err != nil {
		return e, fmt.Errorf("transaction header: %w", err)
	}
	e.Txn = newTxn(e.Header.Type, false)
	if e.Txn == nil {
		return e, fmt.Errorf("%w with type=%d", ErrUnknownTxn, e.Header.Type)
	}
	e.Txn.decode(&d)
	if err := d.Err(); err != nil {
		return e, fmt.Errorf("transaction 0x%x (%s): %w", e.Header.Zxid, e.Header.Type, err)
	}
	if len(d.Rest()) >= txnDigestBytes {
		e.Digest = TxnDigest{Version: d.Int(), TreeDigest: uint64(d.Long())}
		e.HasDigest = true
	}
	return e, nil
}
