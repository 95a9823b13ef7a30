package fourletter

import (
	"encoding/binary"
	"strconv"
)

// The texts that stand in for an answer.
const (
	notServing  = "This ZooKeeper instance is not currently serving requests"
	notWhite    = " is not executed because it is not in the whitelist.\n"
	connsReset  = "Connection stats reset.\n"
	serverReset = "Server stats reset.\n"
)

// answer is how one word is answered.
type answer struct {
	text func(b []byte, v View) []byte // appends the text

	// whileDown is what a server says that does not serve; "" is text all
	// the same.
	whileDown string
}

// answers holds all words but those that Answer treats itself.
var answers = map[Word]answer{
	Conf: {appendConf, notServing + "\n"},
	Cons: {appendCons, notServing + "\n"},
	Crst: {func(b []byte, v View) []byte { v.ResetConns(); return append(b, connsReset...) }, notServing + "\n"},
	Dirs: {appendDirs, notServing + "\n"},
	Dump: {appendDump, notServing + "\n"},
	Envi: {appendEnvi, ""},
	Gtmk: {func(b []byte, v View) []byte { return strconv.AppendInt(b, v.TraceMask(), 10) }, ""},
	Hash: {appendHash, notServing},
	Isro: {appendIsro, "null"},
	Mntr: {appendMntr, notServing + "\n"},
	Ruok: {func(b []byte, _ View) []byte { return append(b, "imok"...) }, ""},
	Srst: {func(b []byte, v View) []byte { v.ResetStats(); return append(b, serverReset...) }, notServing + "\n"},
	Srvr: {appendSrvr, notServing + "\n"},
	Stat: {appendStat, notServing + "\n"},
	Stmk: {}, // sets what its argument says: see Answer
	Wchc: {appendWchc, notServing + "\n"},
	Wchp: {appendWchp, notServing + "\n"},
	Wchs: {appendWchs, notServing + "\n"},
}

// Answer appends the answer to a word. enabled tells whether the word is
// whitelisted (4lw.commands.whitelist); arg are the bytes behind the word,
// [Word.ArgBytes] of them, else the word is ignored. The connection closes
// after the answer, also when there is none.
func Answer(b []byte, w Word, enabled bool, arg []byte, v View) []byte {
	if !enabled {
		return append(append(b, w...), notWhite...)
	}
	if w == TelnetClose || len(arg) != w.ArgBytes() {
		return b
	}
	if w == Stmk {
		mask := int64(binary.BigEndian.Uint64(arg))
		v.SetTraceMask(mask)
		return strconv.AppendInt(b, mask, 10)
	}
	a, known := answers[w]
	switch {
	case !known:
		return b
	case a.whileDown != "" && !v.Serving():
		return append(b, a.whileDown...)
	}
	return a.text(b, v)
}

// DefaultTraceMask is what gtmk shows until stmk has been used. Apache's mask
// selects what is logged at trace level; here it is only kept.
const DefaultTraceMask = 306

func appendIsro(b []byte, v View) []byte {
	if v.ReadOnly() {
		return append(b, "ro"...)
	}
	return append(b, "rw"...)
}

// keyInt appends a line of the form key, separator, number.
func keyInt(b []byte, key string, n int64) []byte {
	return append(strconv.AppendInt(append(b, key...), n, 10), '\n')
}

// keyText appends a line of the form key, separator, text.
func keyText(b []byte, key, text string) []byte {
	return append(append(append(b, key...), text...), '\n')
}

// hex appends a number as Java's Long.toHexString writes it, after 0x.
func hex(b []byte, n int64) []byte {
	return strconv.AppendUint(append(b, "0x"...), uint64(n), 16)
}
