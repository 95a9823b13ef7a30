package jute

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendByte appends one byte.
func AppendByte(b []byte, v byte) []byte { return append(b, v) }

// AppendBool appends a boolean as 0 or 1.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendInt appends a 4-byte int.
func AppendInt(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

// AppendLong appends an 8-byte long.
func AppendLong(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// AppendBuffer appends a buffer; nil is written as null.
func AppendBuffer(b, v []byte) []byte {
	if v == nil {
		return AppendInt(b, -1)
	}
	return append(AppendInt(b, int32(len(v))), v...)
}

// AppendString appends a ustring. A Go string is never null; see
// [AppendNull]. Characters above U+FFFF go out as two three-byte surrogates,
// as Java's writer encodes each UTF-16 unit on its own.
func AppendString(b []byte, v string) []byte {
	if hasSupplementary(v) {
		return appendSurrogates(b, v)
	}
	return append(AppendInt(b, int32(len(v))), v...)
}

// AppendNull appends the null buffer, string or vector.
func AppendNull(b []byte) []byte { return AppendInt(b, -1) }

// AppendStrings appends a vector of ustrings; nil is an empty vector.
func AppendStrings(b []byte, v []string) []byte {
	b = AppendInt(b, int32(len(v)))
	for _, s := range v {
		b = AppendString(b, s)
	}
	return b
}

// hasSupplementary tells whether v has a character above U+FFFF. These begin
// with a byte that nearly no string has.
func hasSupplementary(v string) bool {
	for i := range len(v) {
		if v[i] >= 0xF0 {
			return strings.IndexFunc(v[i:], isSupplementary) >= 0
		}
	}
	return false
}

func isSupplementary(r rune) bool { return r > 0xFFFF }

func appendSurrogates(b []byte, v string) []byte {
	start := len(b)
	b = AppendInt(b, 0)
	for _, r := range v {
		if !isSupplementary(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		high, low := utf16.EncodeRune(r)
		b = appendUnit(appendUnit(b, high), low)
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// appendUnit writes one UTF-16 surrogate in three bytes, which utf8 refuses.
func appendUnit(b []byte, u rune) []byte {
	return append(b, 0xE0|byte(u>>12), 0x80|byte(u>>6)&0x3F, 0x80|byte(u)&0x3F)
}

// PutInt overwrites the first four bytes of b, for a length that is known
// only after what it counts has been appended.
func PutInt(b []byte, v int32) { binary.BigEndian.PutUint32(b, uint32(v)) }
