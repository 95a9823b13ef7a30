package proto

import "github.com/meerkat-zk/meerkat/jute"

// PasswdBytes is the size of a session password.
const PasswdBytes = 16

// ConnectRequest is a client's first frame. It has no request header.
type ConnectRequest struct {
	ProtocolVersion int32 // ignored
	LastZxidSeen    int64
	TimeoutMs       int32
	SessionID       int64 // 0 asks for a new session
	Passwd          []byte
	ReadOnly        bool
	HasReadOnly     bool // false for clients before 3.4, which end before the byte
}

// Append adds the wire form to b.
func (r *ConnectRequest) Append(b []byte) []byte {
	b = jute.AppendInt(b, r.ProtocolVersion)
	b = jute.AppendLong(b, r.LastZxidSeen)
	b = jute.AppendInt(b, r.TimeoutMs)
	b = jute.AppendLong(b, r.SessionID)
	b = jute.AppendBuffer(b, r.Passwd)
	if r.HasReadOnly {
		b = jute.AppendBool(b, r.ReadOnly)
	}
	return b
}

// Decode reads the wire form; the trailing boolean may be absent.
func (r *ConnectRequest) Decode(d *jute.Decoder) {
	r.ProtocolVersion, r.LastZxidSeen, r.TimeoutMs = d.Int(), d.Long(), d.Int()
	r.SessionID, r.Passwd = d.Long(), d.Buffer()
	r.HasReadOnly = d.Err() == nil && len(d.Rest()) > 0
	r.ReadOnly = r.HasReadOnly && d.Bool()
}

// ConnectResponse is the server's first frame. It has no reply header. A
// timeout of 0 tells the client that its session is gone.
type ConnectResponse struct {
	ProtocolVersion int32 // always 0
	TimeoutMs       int32
	SessionID       int64
	Passwd          []byte
	ReadOnly        bool
	HasReadOnly     bool // as in the request that it answers
}

// Append adds the wire form to b.
func (r *ConnectResponse) Append(b []byte) []byte {
	b = jute.AppendInt(b, r.ProtocolVersion)
	b = jute.AppendInt(b, r.TimeoutMs)
	b = jute.AppendLong(b, r.SessionID)
	b = jute.AppendBuffer(b, r.Passwd)
	if r.HasReadOnly {
		b = jute.AppendBool(b, r.ReadOnly)
	}
	return b
}

// Decode reads the wire form; the trailing boolean may be absent.
func (r *ConnectResponse) Decode(d *jute.Decoder) {
	r.ProtocolVersion, r.TimeoutMs = d.Int(), d.Int()
	r.SessionID, r.Passwd = d.Long(), d.Buffer()
	r.HasReadOnly = d.Err() == nil && len(d.Rest()) > 0
	r.ReadOnly = r.HasReadOnly && d.Bool()
}
