package datatree

import (
	"strings"
	"unsafe"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// nullData is the length of data that is null, which clients can tell from
// empty data.
const nullData = -1

// Znode is one node of the tree. All fields are owned by the tree and change
// under the gate's write side. The field order leaves no padding: a znode is
// 96 bytes and one allocation for path and data together.
type Znode struct {
	// text holds the path and right behind it the data. The bytes never
	// change: new data comes in a new text. So a path or data that was handed
	// out stays valid for ever.
	text *byte

	czxid, mzxid, pzxid int64
	ctimeMs, mtimeMs    int64
	owner               int64 // ephemeralOwner in the internal form

	pathLen  uint32
	dataLen  int32 // nullData for null
	version  int32
	cversion int32 // creations of children
	aversion int32
	acl      aclID
	kids     int32  // how many children there are now
	depth    uint32 // slashes in the path; 0 for the root, whose path is ""
	crc      uint32 // CRC-32 of path and data, when digests are on
	place    uint32 // kind in the two highest bits, below it the slot; see owner.go
}

// newZnode returns a znode with a path and data and everything else zero.
func newZnode(path string, data []byte) *Znode {
	z := &Znode{depth: uint32(strings.Count(path, "/"))}
	z.setText(path, data)
	return z
}

// Join copies a path, what is added to it, and data into one allocation, the
// path in front. A transaction whose path and data come from here may say so
// (Joined); the tree then keeps the allocation instead of making its own. So
// nobody may write to it.
func Join(path string, suffix, data []byte) (joinedPath string, joinedData []byte) {
	n := len(path) + len(suffix)
	text := make([]byte, n+len(data))
	copy(text[copy(text, path):], suffix)
	switch {
	case data == nil:
	case len(data) == 0:
		joinedData = emptyData
	default:
		joinedData = text[n:]
		copy(joinedData, data)
	}
	return textString(text[:n]), joinedData
}

// takeText takes over path and data that Join made.
func (z *Znode) takeText(path string, data []byte) {
	z.text = unsafe.StringData(path)
	z.pathLen, z.dataLen = uint32(len(path)), int32(len(data))
	if data == nil {
		z.dataLen = nullData
	}
}

// setText copies path and data into a new text.
func (z *Znode) setText(path string, data []byte) {
	n := len(data)
	if data == nil {
		n = nullData
	}
	z.allocate(path, n)
	copy(z.Data(), data)
}

// allocate makes a new text with the path and room for so many bytes of data,
// or for null. The data may be written until the znode is in the tree.
func (z *Znode) allocate(path string, dataLen int) {
	z.pathLen, z.dataLen = uint32(len(path)), int32(dataLen)
	z.text = nil
	if n := len(path) + max(dataLen, 0); n > 0 {
		text := make([]byte, n)
		copy(text, path)
		z.text = unsafe.SliceData(text)
	}
}

// key is the path under which the tree files the znode: as Path, but "" for
// the root.
func (z *Znode) key() string { return unsafe.String(z.text, z.pathLen) }

// Path returns the znode's path. It stays valid, and holds on to the memory
// of the data that the znode has now: clone it to keep it for long.
func (z *Znode) Path() string {
	if z.pathLen == 0 {
		return rootPath
	}
	return z.key()
}

// Name returns the last component of the path; "" for the root. It is valid
// as Path is.
func (z *Znode) Name() string {
	key := z.key()
	return key[strings.LastIndexByte(key, '/')+1:]
}

// emptyData is data of length 0 that is not null.
var emptyData = []byte{}

// Data returns the data; nil means null. The bytes never change, so they may
// be used after the gate is left, but not written to.
func (z *Znode) Data() []byte {
	switch z.dataLen {
	case nullData:
		return nil
	case 0: // a pointer past the end of text would hold on to what follows
		return emptyData
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(z.text), z.pathLen)), z.dataLen)
}

// textString returns bytes as a string that shares them, for use until they
// are overwritten.
func textString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// stringBytes returns the bytes of a string, which nobody may write to.
func stringBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// content returns path and data as one slice.
func (z *Znode) content() []byte {
	return unsafe.Slice(z.text, int64(z.pathLen)+z.dataBytes())
}

// dataBytes returns the size of the data; null has none.
func (z *Znode) dataBytes() int64 { return int64(max(z.dataLen, 0)) }

// sizeBytes is what the znode counts in the approximate data size.
func (z *Znode) sizeBytes() int64 { return utf16Len(z.key()) + z.dataBytes() }

// NumChildren returns how many children the znode has.
func (z *Znode) NumChildren() int { return int(z.kids) }

// Persisted returns the Stat as snapshots hold it.
func (z *Znode) Persisted() Persisted {
	return Persisted{
		Czxid: z.czxid, Mzxid: z.mzxid, Ctime: z.ctimeMs, Mtime: z.mtimeMs,
		Version: z.version, Cversion: z.cversion, Aversion: z.aversion,
		EphemeralOwner: z.owner, Pzxid: z.pzxid,
	}
}

// setPersisted takes over a Stat as snapshots hold it.
func (z *Znode) setPersisted(p *Persisted) {
	z.czxid, z.mzxid, z.ctimeMs, z.mtimeMs = p.Czxid, p.Mzxid, p.Ctime, p.Mtime
	z.version, z.cversion, z.aversion = p.Version, p.Cversion, p.Aversion
	z.owner, z.pzxid = p.EphemeralOwner, p.Pzxid
}

// Stat returns the Stat that clients see. Its Cversion counts creations and
// deletions: each child that was created and is not there was deleted once.
// Only a normal ephemeral shows its owner.
func (z *Znode) Stat() proto.Stat {
	s := proto.Stat{
		Czxid: z.czxid, Mzxid: z.mzxid, Ctime: z.ctimeMs, Mtime: z.mtimeMs,
		Version: z.version, Cversion: 2*z.cversion - z.kids, Aversion: z.aversion,
		DataLength: max(z.dataLen, 0), NumChildren: z.kids, Pzxid: z.pzxid,
	}
	if z.kind() == kindEphemeral {
		s.EphemeralOwner = z.owner
	}
	return s
}
