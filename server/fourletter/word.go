package fourletter

// Word is one of the four-letter words, as people write it.
type Word string

// The words.
const (
	Conf Word = "conf"
	Cons Word = "cons"
	Crst Word = "crst"
	Dirs Word = "dirs"
	Dump Word = "dump"
	Envi Word = "envi"
	Gtmk Word = "gtmk"
	Hash Word = "hash"
	Isro Word = "isro"
	Mntr Word = "mntr"
	Ruok Word = "ruok"
	Srst Word = "srst"
	Srvr Word = "srvr"
	Stat Word = "stat"
	Stmk Word = "stmk"
	Wchc Word = "wchc"
	Wchp Word = "wchp"
	Wchs Word = "wchs"

	// TelnetClose is what a telnet client sends when it is interrupted. It
	// has no answer of its own; Apache knows it to keep its logs clean.
	TelnetClose Word = "telnet close"
)

// telnetInterrupt are the bytes of TelnetClose.
const telnetInterrupt = "\xff\xf4\xff\xfd"

// Lookup tells which word the first four bytes of a connection are, if any.
func Lookup(first []byte) (w Word, known bool) {
	if len(first) != 4 {
		return "", false
	}
	if string(first) == telnetInterrupt {
		return TelnetClose, true
	}
	if _, known = answers[Word(first)]; !known { // allocates nothing, for most first bytes are no word
		return "", false
	}
	return Word(first), true
}

// ArgBytes is how many bytes follow the word: 8 for stmk, a number.
func (w Word) ArgBytes() int {
	if w == Stmk {
		return 8
	}
	return 0
}
