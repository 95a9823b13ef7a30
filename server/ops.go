package server

import "github.com/meerkat-zk/meerkat/jute/proto"

// opKind says which way a request takes.
type opKind byte

const (
	kindUnknown opKind = iota // answered Unimplemented, then the connection closes
	kindRead                  // answered from the tree, in its session's order
	kindWrite                 // becomes a transaction
)

// op is what the server knows of an op code. To add one: its number and
// record in jute/proto, a line here, and a case in [conn.answer] for a read
// or in prepare and [conn.replyTo] for a write.
type op struct {
	kind opKind
	word string // how `cons` names it
}

var ops = map[proto.Op]op{
	proto.OpCreate:          {kindWrite, "CREA"},
	proto.OpCreate2:         {kindWrite, "CREA"},
	proto.OpCreateContainer: {kindWrite, "CREA"},
	proto.OpCreateTTL:       {kindWrite, "CREA"},
	proto.OpDelete:          {kindWrite, "DELE"},
	proto.OpDeleteContainer: {kindWrite, "DELE"},
	proto.OpSetData:         {kindWrite, "SETD"},
	proto.OpSetACL:          {kindWrite, "SETA"},
	proto.OpReconfig:        {kindWrite, "RECO"},
	proto.OpMulti:           {kindWrite, "MULT"},
	proto.OpCloseSession:    {kindWrite, "CLOS"},

	proto.OpExists:               {kindRead, "EXIS"},
	proto.OpGetData:              {kindRead, "GETD"},
	proto.OpGetACL:               {kindRead, "GETA"},
	proto.OpGetChildren:          {kindRead, "GETC"},
	proto.OpGetChildren2:         {kindRead, "GETC"},
	proto.OpGetAllChildrenNumber: {kindRead, "GETACN"},
	proto.OpGetEphemerals:        {kindRead, "GETE"},
	proto.OpMultiRead:            {kindRead, "MLTR"},
	proto.OpSync:                 {kindRead, "SYNC"},
	proto.OpPing:                 {kindRead, "PING"},
	proto.OpWhoAmI:               {kindRead, "HOMI"},
	proto.OpSetWatches:           {kindRead, "SETW"},
	proto.OpSetWatches2:          {kindRead, "STW2"},
	proto.OpAddWatch:             {kindRead, "ADDW"},
	proto.OpCheckWatches:         {kindRead, "CHKW"},
	proto.OpRemoveWatches:        {kindRead, "REMW"},
}

// kinds is ops by number for the codes that fit, since every request asks.
var kinds = func() (k [128]opKind) {
	for code, o := range ops {
		if code >= 0 {
			k[code] = o.kind
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
	return ops[code].kind
}
