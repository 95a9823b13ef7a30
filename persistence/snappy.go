package persistence

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
)

// The stream of the snappy-java library, which is not the framing that the
// snappy project describes.
const (
	snappyMagic      = "\x82SNAPPY\x00"
	snappyHeadBytes  = len(snappyMagic) + 8 // and two version numbers
	snappyVersion    = 1
	snappyBlockBytes = 32 << 10 // what snappy-java compresses at a time
	// snappyMaxBlock is the largest block that is read, plain or compressed.
	snappyMaxBlock = 16 << 20
	// snappyMagicInt is the start of the magic read as the length of a block:
	// another stream begins there.
	snappyMagicInt = 0x82534E41
)

var errSnappy = errors.New("snappy stream is damaged")

func appendSnappyHeader(b []byte) []byte {
	b = append(b, snappyMagic...)
	b = binary.BigEndian.AppendUint32(b, snappyVersion)
	return binary.BigEndian.AppendUint32(b, snappyVersion) // the oldest version that can read it
}

// snappyWriter compresses what is written to it; Close writes the rest.
type snappyWriter struct {
	dst   io.Writer
	plain []byte // of the next block
	out   []byte // reused
	begun bool
}

func newSnappyWriter(dst io.Writer) *snappyWriter {
	return &snappyWriter{dst: dst, plain: make([]byte, 0, snappyBlockBytes)}
}

// Write takes all of p.
func (w *snappyWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), snappyBlockBytes-len(w.plain))
		w.plain = append(w.plain, rest[:n]...)
		rest = rest[n:]
		if len(w.plain) == snappyBlockBytes {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// Close writes the last block. It does not close the writer below.
func (w *snappyWriter) Close() error { return w.flush() }

func (w *snappyWriter) flush() error {
	w.out = w.out[:0]
	if !w.begun {
		w.begun = true
		w.out = appendSnappyHeader(w.out)
	}
	if len(w.plain) > 0 {
		block := snappy.Encode(nil, w.plain)
		w.out = binary.BigEndian.AppendUint32(w.out, uint32(len(block)))
		w.out = append(w.out, block...)
		w.plain = w.plain[:0]
	}
	_, err := w.dst.Write(w.out)
	return err
}

// snappyReader decompresses such a stream, or several one after the other.
type snappyReader struct {
	src   *bufio.Reader
	plain []byte // rest of the current block
	block []byte // reused for what is compressed
	out   []byte // reused for what is not
}

func newSnappyReader(src *bufio.Reader) (*snappyReader, error) {
	r := &snappyReader{src: src}
	var magic [4]byte
	if _, err := io.ReadFull(src, magic[:]); err != nil || string(magic[:]) != snappyMagic[:4] {
		return nil, errors.Join(errSnappy, err)
	}
	return r, r.header()
}

// header reads the rest of a header whose first four bytes were read.
func (r *snappyReader) header() error {
	var b [snappyHeadBytes - 4]byte
	if _, err := io.ReadFull(r.src, b[:]); err != nil {
		return errors.Join(errSnappy, err)
	}
	if oldest := binary.BigEndian.Uint32(b[8:]); string(b[:4]) != snappyMagic[4:] || oldest > snappyVersion {
		return fmt.Errorf("%w: unknown header", errSnappy)
	}
	return nil
}

// Read returns decompressed bytes.
func (r *snappyReader) Read(p []byte) (int, error) {
	for len(r.plain) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

// next reads a block; io.EOF only between two.
func (r *snappyReader) next() error {
	var head [4]byte
	switch n, err := io.ReadFull(r.src, head[:]); {
	case n == 0 && errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return errors.Join(errSnappy, err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size == snappyMagicInt {
		return r.header()
	}
	if size > snappyMaxBlock {
		return fmt.Errorf("%w: block of %d bytes", errSnappy, size)
	}
	if cap(r.block) < int(size) {
		r.block = make([]byte, size)
	}
	r.block = r.block[:size]
	if _, err := io.ReadFull(r.src, r.block); err != nil {
		return errors.Join(errSnappy, err)
	}
	plain, err := snappy.DecodedLen(r.block)
	if err != nil || plain > snappyMaxBlock {
		return fmt.Errorf("%w: block of %d bytes when decompressed", errSnappy, plain)
	}
	if cap(r.out) < plain {
		r.out = make([]byte, plain)
	}
	r.plain, err = snappy.Decode(r.out[:plain], r.block)
	if err != nil {
		return errors.Join(errSnappy, err)
	}
	return nil
}
