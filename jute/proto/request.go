package proto

import (
	"errors"

	"github.com/meerkat-zk/meerkat/jute"
)

// ErrNull means that a string which must be there was null.
var ErrNull = errors.New("proto: null where a string must be")

func required(d *jute.Decoder) string {
	s, ok := d.NullableString()
	if !ok {
		d.Fail(ErrNull)
	}
	return s
}

// The flags of a create: what kind of znode, and whether its name gets a
// sequence number (CreateMode).
const (
	FlagPersistent              int32 = 0
	FlagEphemeral               int32 = 1
	FlagPersistentSequential    int32 = 2
	FlagEphemeralSequential     int32 = 3
	FlagContainer               int32 = 4
	FlagPersistentTTL           int32 = 5
	FlagPersistentSequentialTTL int32 = 6
)

// CreateRequest asks for a new znode: create, create2, createContainer and,
// with HasTTL, createTTL.
type CreateRequest struct {
	Path   string
	Data   []byte
	ACL    []ACL
	Flags  int32
	TTLMs  int64
	HasTTL bool // set by the caller before Append or Decode: op createTTL
}

// Append adds the wire form to b.
func (r *CreateRequest) Append(b []byte) []byte {
	b = jute.AppendString(b, r.Path)
	b = jute.AppendBuffer(b, r.Data)
	b = AppendACLs(b, r.ACL)
	b = jute.AppendInt(b, r.Flags)
	if r.HasTTL {
		b = jute.AppendLong(b, r.TTLMs)
	}
	return b
}

// Decode reads the wire form.
func (r *CreateRequest) Decode(d *jute.Decoder) {
	r.Path, r.Data, r.ACL, r.Flags = required(d), d.Buffer(), DecodeACLs(d), d.Int()
	if r.HasTTL {
		r.TTLMs = d.Long()
	}
}

// DeleteRequest removes a znode. Version -1 matches any.
type DeleteRequest struct {
	Path    string
	Version int32
}

// Append adds the wire form to b.
func (r *DeleteRequest) Append(b []byte) []byte {
	return jute.AppendInt(jute.AppendString(b, r.Path), r.Version)
}

// Decode reads the wire form.
func (r *DeleteRequest) Decode(d *jute.Decoder) { r.Path, r.Version = required(d), d.Int() }

// CheckVersionRequest tests a version inside a multi; same form as a delete.
type CheckVersionRequest = DeleteRequest

// DeleteContainerRequest removes an unused container; its path is a buffer.
type DeleteContainerRequest struct{ Path string }

// Append adds the wire form to b.
func (r *DeleteContainerRequest) Append(b []byte) []byte { return jute.AppendString(b, r.Path) }

// Decode reads the wire form.
func (r *DeleteContainerRequest) Decode(d *jute.Decoder) { r.Path = required(d) }

// SetDataRequest replaces a znode's data. Version -1 matches any.
type SetDataRequest struct {
	Path    string
	Data    []byte
	Version int32
}

// Append adds the wire form to b.
func (r *SetDataRequest) Append(b []byte) []byte {
	b = jute.AppendString(b, r.Path)
	b = jute.AppendBuffer(b, r.Data)
	return jute.AppendInt(b, r.Version)
}

// Decode reads the wire form.
func (r *SetDataRequest) Decode(d *jute.Decoder) {
	r.Path, r.Data, r.Version = required(d), d.Buffer(), d.Int()
}

// SetACLRequest replaces a znode's ACL. Version -1 matches any aversion.
type SetACLRequest struct {
	Path    string
	ACL     []ACL
	Version int32
}

// Append adds the wire form to b.
func (r *SetACLRequest) Append(b []byte) []byte {
	b = jute.AppendString(b, r.Path)
	b = AppendACLs(b, r.ACL)
	return jute.AppendInt(b, r.Version)
}

// Decode reads the wire form.
func (r *SetACLRequest) Decode(d *jute.Decoder) {
	r.Path, r.ACL, r.Version = required(d), DecodeACLs(d), d.Int()
}

// WatchableRequest is exists, getData, getChildren and getChildren2.
type WatchableRequest struct {
	Path  string
	Watch bool
}

// Append adds the wire form to b.
func (r *WatchableRequest) Append(b []byte) []byte {
	return jute.AppendBool(jute.AppendString(b, r.Path), r.Watch)
}

// Decode reads the wire form.
func (r *WatchableRequest) Decode(d *jute.Decoder) { r.Path, r.Watch = required(d), d.Bool() }

// PathRequest is getACL, sync and getAllChildrenNumber.
type PathRequest struct{ Path string }

// Append adds the wire form to b.
func (r *PathRequest) Append(b []byte) []byte { return jute.AppendString(b, r.Path) }

// Decode reads the wire form.
func (r *PathRequest) Decode(d *jute.Decoder) { r.Path = required(d) }

// GetEphemeralsRequest lists the session's ephemerals below a prefix; a null
// prefix reads as "".
type GetEphemeralsRequest struct{ Prefix string }

// Append adds the wire form to b.
func (r *GetEphemeralsRequest) Append(b []byte) []byte { return jute.AppendString(b, r.Prefix) }

// Decode reads the wire form.
func (r *GetEphemeralsRequest) Decode(d *jute.Decoder) { r.Prefix = d.String() }

// ReconfigRequest changes the membership of the ensemble.
type ReconfigRequest struct {
	Joining, Leaving, NewMembers string // null reads as ""
	ConfigVersion                int64  // -1 matches any
}

// Append adds the wire form to b.
func (r *ReconfigRequest) Append(b []byte) []byte {
	b = jute.AppendString(b, r.Joining)
	b = jute.AppendString(b, r.Leaving)
	b = jute.AppendString(b, r.NewMembers)
	return jute.AppendLong(b, r.ConfigVersion)
}

// Decode reads the wire form.
func (r *ReconfigRequest) Decode(d *jute.Decoder) {
	r.Joining, r.Leaving, r.NewMembers, r.ConfigVersion = d.String(), d.String(), d.String(), d.Long()
}

// AuthPacket adds an identity to the connection.
type AuthPacket struct {
	Type   int32 // 0
	Scheme string
	Auth   []byte
}

// Append adds the wire form to b.
func (r *AuthPacket) Append(b []byte) []byte {
	b = jute.AppendInt(b, r.Type)
	b = jute.AppendString(b, r.Scheme)
	return jute.AppendBuffer(b, r.Auth)
}

// Decode reads the wire form.
func (r *AuthPacket) Decode(d *jute.Decoder) {
	r.Type, r.Scheme, r.Auth = d.Int(), required(d), d.Buffer()
}

// SASLToken is one step of a SASL exchange, both ways; null is allowed.
type SASLToken struct{ Token []byte }

// Append adds the wire form to b.
func (r *SASLToken) Append(b []byte) []byte { return jute.AppendBuffer(b, r.Token) }

// Decode reads the wire form.
func (r *SASLToken) Decode(d *jute.Decoder) { r.Token = d.Buffer() }
