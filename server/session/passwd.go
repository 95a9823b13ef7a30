package session

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// passwdSecret is what Apache mixes into the seed. It is no secret: the
// password only keeps clients from taking over a session by mistake.
const passwdSecret = 0xB3415C00

// Passwd returns the password of a session, which follows from its id alone,
// so that any server of an ensemble and Apache's own agree on it: the first
// 16 bytes of a java.util.Random with the seed id XOR 0xB3415C00.
func Passwd(id int64) [proto.PasswdBytes]byte {
	const (
		multiplier = 0x5DEECE66D
		increment  = 0xB
		mask48     = 1<<48 - 1
	)
	var p [proto.PasswdBytes]byte
	state := (uint64(id) ^ passwdSecret ^ multiplier) & mask48
	for i := 0; i < len(p); i += 4 {
		state = (state*multiplier + increment) & mask48
		binary.LittleEndian.PutUint32(p[i:], uint32(state>>16))
	}
	return p
}

// CheckPasswd tells whether passwd is that of the session. There is no
// session 0.
func CheckPasswd(id int64, passwd []byte) bool {
	want := Passwd(id)
	return id != 0 && subtle.ConstantTimeCompare(want[:], passwd) == 1
}
