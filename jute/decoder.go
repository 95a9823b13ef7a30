package jute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
	"unsafe"
)

// ErrShort means that the input ended inside a value.
var ErrShort = errors.New("jute: input ends inside a value")

// ErrLength means that a length is negative or above what is allowed. The
// text of every such error starts as Apache's does, for people search for it.
var ErrLength = errors.New("Unreasonable length")

// Decoder reads values from bytes in memory. The first error sticks: later
// calls return zero values, and Err tells what went wrong. A length is never
// believed beyond the bytes that are left.
type Decoder struct {
	buf   []byte
	off   int
	alias bool
	err   error
}

// NewDecoder reads from buf and copies every string and buffer out of it.
func NewDecoder(buf []byte) Decoder { return Decoder{buf: buf} }

// NewAliasDecoder reads from buf without copying: the strings and buffers it
// returns share buf's memory and are valid only as long as buf is unchanged.
func NewAliasDecoder(buf []byte) Decoder { return Decoder{buf: buf, alias: true} }

// Err returns the first error.
func (d *Decoder) Err() error { return d.err }

// Rest returns the bytes not yet read, sharing memory with the input.
func (d *Decoder) Rest() []byte { return d.buf[d.off:] }

// Offset returns how many bytes have been read.
func (d *Decoder) Offset() int { return d.off }

// Fail records err unless an earlier error stands.
func (d *Decoder) Fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *Decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n > len(d.buf)-d.off {
		d.err = ErrShort
		return nil
	}
	d.off += n
	return d.buf[d.off-n : d.off : d.off]
}

// Skip passes over n bytes.
func (d *Decoder) Skip(n int) { d.take(n) }

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

// Bool reads a boolean; any non-zero byte is true.
func (d *Decoder) Bool() bool { return d.Byte() != 0 }

// Int reads a 4-byte int.
func (d *Decoder) Int() int32 {
	if p := d.take(4); p != nil {
		return int32(binary.BigEndian.Uint32(p))
	}
	return 0
}

// Long reads an 8-byte long.
func (d *Decoder) Long() int64 {
	if p := d.take(8); p != nil {
		return int64(binary.BigEndian.Uint64(p))
	}
	return 0
}

// Buffer reads a buffer; null is nil, an empty one is not.
func (d *Decoder) Buffer() []byte {
	p, ok := d.lengthPrefixed()
	if !ok || d.alias {
		return p
	}
	return append(make([]byte, 0, len(p)), p...)
}

// String reads a ustring; null reads as "". Bytes that are not UTF-8 become
// U+FFFD, as in Java's reader.
func (d *Decoder) String() string {
	s, _ := d.NullableString()
	return s
}

// NullableString is String, and tells whether the string was there.
func (d *Decoder) NullableString() (s string, ok bool) {
	p, ok := d.lengthPrefixed()
	if !ok {
		return "", false
	}
	if !utf8.Valid(p) {
		return Text(p), true
	}
	if d.alias {
		return unsafe.String(unsafe.SliceData(p), len(p)), true
	}
	return string(p), true
}

// lengthPrefixed returns the bytes after a length, and false for null or an
// error.
func (d *Decoder) lengthPrefixed() ([]byte, bool) {
	n := d.Int()
	if d.err != nil || n == -1 {
		return nil, false
	}
	if n < 0 {
		d.Fail(fmt.Errorf("%w = %d", ErrLength, n))
		return nil, false
	}
	p := d.take(int(n))
	return p, d.err == nil
}

// Count reads the count of a vector whose elements take at least minBytes
// each; null counts 0 and ok is false. A count below null's counts as empty,
// as in Java's reader. A count that the bytes left cannot hold is an error,
// so the caller may allocate for it.
func (d *Decoder) Count(minBytes int) (n int, ok bool) {
	c := d.Int()
	if d.err != nil || c == -1 {
		return 0, false
	}
	if c < 0 {
		return 0, true
	}
	if int64(c)*int64(minBytes) > int64(len(d.buf)-d.off) {
		d.Fail(ErrShort)
		return 0, false
	}
	return int(c), true
}

// Strings reads a vector of ustrings; null is nil.
func (d *Decoder) Strings() []string {
	n, ok := d.Count(4)
	if !ok {
		return nil
	}
	v := make([]string, 0, n)
	for i := 0; i < n && d.err == nil; i++ {
		v = append(v, d.String())
	}
	return v
}
