package jute

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Reader reads values from a stream that has no frame around them: snapshots
// and quorum packets. The first error sticks, as in [Decoder]. Every length
// is checked against the limit before memory is allocated for it.
type Reader struct {
	src     *bufio.Reader
	limit   int
	err     error
	scratch [8]byte
}

// NewReader reads from src and refuses strings and buffers above limitBytes.
func NewReader(src *bufio.Reader, limitBytes int) *Reader {
	return &Reader{src: src, limit: limitBytes}
}

// Err returns the first error; the end of the stream inside a value is
// io.ErrUnexpectedEOF, before a value io.EOF.
func (r *Reader) Err() error { return r.err }

// Fail records err unless an earlier error stands.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *Reader) fixed(n int) []byte {
	if r.err != nil {
		return nil
	}
	p := r.scratch[:n]
	if _, err := io.ReadFull(r.src, p); err != nil {
		r.err = err
		return nil
	}
	return p
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if p := r.fixed(1); p != nil {
		return p[0]
	}
	return 0
}

// Bool reads a boolean; any non-zero byte is true.
func (r *Reader) Bool() bool { return r.Byte() != 0 }

// Int reads a 4-byte int.
func (r *Reader) Int() int32 {
	if p := r.fixed(4); p != nil {
		return int32(binary.BigEndian.Uint32(p))
	}
	return 0
}

// Long reads an 8-byte long.
func (r *Reader) Long() int64 {
	if p := r.fixed(8); p != nil {
		return int64(binary.BigEndian.Uint64(p))
	}
	return 0
}

// Length reads a length or count: -1 for null, otherwise at most the limit.
func (r *Reader) Length() int {
	n := r.Int()
	if r.err != nil || n == -1 {
		return -1
	}
	if n < 0 || int(n) > r.limit {
		r.Fail(fmt.Errorf("%w = %d (limit %d)", ErrLength, n, r.limit))
		return -1
	}
	return int(n)
}

// Buffer reads a buffer; null is nil, an empty one is not.
func (r *Reader) Buffer() []byte {
	n := r.Length()
	if n < 0 {
		return nil
	}
	p := make([]byte, n)
	r.Full(p)
	return p
}

// String reads a ustring; null reads as "".
func (r *Reader) String() string {
	n := r.Length()
	if n <= 0 {
		return ""
	}
	if n <= r.src.Size() {
		return r.shortString(n)
	}
	p := make([]byte, n)
	r.Full(p)
	return Text(p)
}

// shortString makes the string straight from the stream's buffer.
func (r *Reader) shortString(n int) string {
	p, err := r.src.Peek(n)
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		r.Fail(err)
		return ""
	}
	s := Text(p)
	_, _ = r.src.Discard(n) // cannot fail: the bytes were just peeked
	return s
}

// Full fills p with the bytes that come next, for a caller that has the memory
// already and the length from [Reader.Length].
func (r *Reader) Full(p []byte) {
	if r.err != nil {
		return
	}
	if _, err := io.ReadFull(r.src, p); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		r.err = err
	}
}
