package differential

// passwdSalt is what Apache's servers mix into a session id before they seed
// the generator that makes the session's password.
const passwdSalt = 0xB3415C00

// sessionPasswd computes a session's 16-byte password as Apache does: bytes
// of java.util.Random, four from each step, the lowest first.
func sessionPasswd(id int64) []byte {
	const multiplier, increment, mask48 = 0x5DEECE66D, 0xB, 1<<48 - 1
	state := (uint64(id) ^ passwdSalt ^ multiplier) & mask48
	passwd := make([]byte, 0, 16)
	for len(passwd) < 16 {
		state = (state*multiplier + increment) & mask48
		word := uint32(state >> 16)
		for range 4 {
			passwd = append(passwd, byte(word))
			word >>= 8
		}
	}
	return passwd
}
