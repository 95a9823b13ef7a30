package datatree

import (
	"encoding/binary"

	"github.com/meerkat-zk/meerkat/jute"
)

// persistedBytes is the size of a Persisted in a snapshot and in a digest.
const persistedBytes = 60

// Persisted is the part of a znode's Stat that snapshots hold and digests
// cover. It differs from what clients see in two fields: Cversion counts only
// the creations of children, and EphemeralOwner also marks containers and TTL
// znodes.
type Persisted struct {
	Czxid          int64 // zxid of the create
	Mzxid          int64 // zxid of the last change of the data
	Ctime          int64 // ms since the Unix epoch, leader's clock
	Mtime          int64 // ms since the Unix epoch, leader's clock
	Version        int32 // changes of the data
	Cversion       int32 // creations of children
	Aversion       int32 // changes of the ACL
	EphemeralOwner int64 // session id, or one of the marks in owner.go
	Pzxid          int64 // zxid of the last change of the set of children
}

// Append adds the form that a snapshot holds.
func (p *Persisted) Append(b []byte) []byte {
	b = jute.AppendLong(b, p.Czxid)
	b = jute.AppendLong(b, p.Mzxid)
	b = jute.AppendLong(b, p.Ctime)
	b = jute.AppendLong(b, p.Mtime)
	b = jute.AppendInt(b, p.Version)
	b = jute.AppendInt(b, p.Cversion)
	b = jute.AppendInt(b, p.Aversion)
	b = jute.AppendLong(b, p.EphemeralOwner)
	return jute.AppendLong(b, p.Pzxid)
}

// decode reads the form that a snapshot holds from its 60 bytes.
func (p *Persisted) decode(b *[persistedBytes]byte) {
	p.Czxid, p.Mzxid = longAt(b[0:]), longAt(b[8:])
	p.Ctime, p.Mtime = longAt(b[16:]), longAt(b[24:])
	p.Version, p.Cversion, p.Aversion = intAt(b[32:]), intAt(b[36:]), intAt(b[40:])
	p.EphemeralOwner, p.Pzxid = longAt(b[44:]), longAt(b[52:])
}

// putHashed writes the form that the digest covers: the same numbers, pzxid
// in third place.
func (p *Persisted) putHashed(b *[persistedBytes]byte) {
	putLong(b[0:], p.Czxid)
	putLong(b[8:], p.Mzxid)
	putLong(b[16:], p.Pzxid)
	putLong(b[24:], p.Ctime)
	putLong(b[32:], p.Mtime)
	putInt(b[40:], p.Version)
	putInt(b[44:], p.Cversion)
	putInt(b[48:], p.Aversion)
	putLong(b[52:], p.EphemeralOwner)
}

func longAt(b []byte) int64     { return int64(binary.BigEndian.Uint64(b)) }
func intAt(b []byte) int32      { return int32(binary.BigEndian.Uint32(b)) }
func putLong(b []byte, v int64) { binary.BigEndian.PutUint64(b, uint64(v)) }
func putInt(b []byte, v int32)  { binary.BigEndian.PutUint32(b, uint32(v)) }
