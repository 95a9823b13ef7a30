package server

import "github.com/meerkat-zk/meerkat/jute/proto"

// opKind says which way a request takes.
type opKind byte

const (
	kindUnknown opKind = iota // answered Unimplemented, then the connection closes
	kindRead                  // answered from the tree, in its session's order
	kindWrite                 // becomes a transaction
	kindSync                  // a read that may have to wait for the leader's word
)

// ops are the requests that the server knows. To add one: its number and
// record in jute/proto, a line here, a case in [reader.run] for a read, or in
// package prepare and [appendWriteBody] for a write, and its short name in
// package fourletter.
var ops = map[proto.Op]opKind{
	proto.OpCreate:          kindWrite,
	proto.OpCreate2:         kindWrite,
	proto.OpCreateContainer: kindWrite,
	proto.OpCreateTTL:       kindWrite,
	proto.OpDelete:          kindWrite,
	proto.OpDeleteContainer: kindWrite,
	proto.OpSetData:         kindWrite,
	proto.OpSetACL:          kindWrite,
	proto.OpReconfig:        kindWrite,
	proto.OpMulti:           kindWrite,
	proto.OpCloseSession:    kindWrite,

	proto.OpExists:               kindRead,
	proto.OpGetData:              kindRead,
	proto.OpGetACL:               kindRead,
	proto.OpGetChildren:          kindRead,
	proto.OpGetChildren2:         kindRead,
	proto.OpGetAllChildrenNumber: kindRead,
	proto.OpGetEphemerals:        kindRead,
	proto.OpMultiRead:            kindRead,
	proto.OpSync:                 kindSync,
	proto.OpPing:                 kindRead,
	proto.OpWhoAmI:               kindRead,
	proto.OpSetWatches:           kindRead,
	proto.OpSetWatches2:          kindRead,
	proto.OpAddWatch:             kindRead,
	proto.OpCheckWatches:         kindRead,
	proto.OpRemoveWatches:        kindRead,
}

// kinds is ops by number for the codes that fit, since every request asks.
var kinds = func() (k [128]opKind) {
	for code, kind := range ops {
		if code >= 0 {
			k[code] = kind
		}
	}
	return k
}()

// kindOf returns the way of a request. createSession is no request: sessions
// are made by the handshake.
func kindOf(code proto.Op) opKind {
	if code >= 0 && int(code) < len(kinds) {
		return kinds[code]
	}
	return ops[code]
}
