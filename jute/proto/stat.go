package proto

import "github.com/meerkat-zk/meerkat/jute"

// StatBytes is the wire size of a Stat.
const StatBytes = 68

// Stat is what a client sees of a znode besides its data.
type Stat struct {
	Czxid          int64 // zxid of the create
	Mzxid          int64 // zxid of the last change of the data
	Ctime          int64 // ms since the Unix epoch, leader's clock
	Mtime          int64 // ms since the Unix epoch, leader's clock
	Version        int32 // changes of the data
	Cversion       int32 // creates plus deletes of children
	Aversion       int32 // changes of the ACL
	EphemeralOwner int64 // session id; 0 unless a normal ephemeral
	DataLength     int32 // bytes
	NumChildren    int32
	Pzxid          int64 // zxid of the last change of the set of children
}

// Append adds the wire form to b.
func (s *Stat) Append(b []byte) []byte {
	b = jute.AppendLong(b, s.Czxid)
	b = jute.AppendLong(b, s.Mzxid)
	b = jute.AppendLong(b, s.Ctime)
	b = jute.AppendLong(b, s.Mtime)
	b = jute.AppendInt(b, s.Version)
	b = jute.AppendInt(b, s.Cversion)
	b = jute.AppendInt(b, s.Aversion)
	b = jute.AppendLong(b, s.EphemeralOwner)
	b = jute.AppendInt(b, s.DataLength)
	b = jute.AppendInt(b, s.NumChildren)
	return jute.AppendLong(b, s.Pzxid)
}

// Decode reads the wire form.
func (s *Stat) Decode(d *jute.Decoder) {
	s.Czxid, s.Mzxid, s.Ctime, s.Mtime = d.Long(), d.Long(), d.Long(), d.Long()
	s.Version, s.Cversion, s.Aversion = d.Int(), d.Int(), d.Int()
	s.EphemeralOwner = d.Long()
	s.DataLength, s.NumChildren = d.Int(), d.Int()
	s.Pzxid = d.Long()
}
