package jute

import (
	"strings"
	"unicode/utf8"
)

// Text decodes UTF-8 as Java's String does. Where the bytes are not
// UTF-8 the number of replacement characters matters, for what is
// decoded may be hashed or compared later: Java writes one for each
// longest start of a character that breaks off, one for an encoded surrogate,
// and one for every other byte.
func Text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = malformed(b)
		}
		s.WriteRune(r)
		b = b[n:]
	}
	return s.String()
}

// malformed returns how many bytes one replacement character stands for. b
// does not start with a character.
func malformed(b []byte) int {
	low, high, size := byte(0x80), byte(0xBF), 0
	switch c := b[0]; {
	case c == 0xE0:
		low, size = 0xA0, 3
	case c >= 0xE1 && c <= 0xEF: // with the surrogates of 0xED
		size = 3
	case c == 0xF0:
		low, size = 0x90, 4
	case c >= 0xF1 && c <= 0xF3:
		size = 4
	case c == 0xF4:
		high, size = 0x8F, 4
	}
	n := 1
	for n < size && n < len(b) && b[n] >= low && b[n] <= high {
		low, high = 0x80, 0xBF
		n++
	}
	return n
}
