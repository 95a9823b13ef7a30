package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errFrameLength means that a client announced a frame that is negative or
// larger than jute.maxbuffer. The connection is closed, nothing else happens.
var errFrameLength = errors.New("frame length out of range")

// errLargeRequests means that the large requests under way take all the
// memory there is for them (largeRequestMaxBytes).
var errLargeRequests = errors.New("no room for another large request")

const (
	frameStartBytes = 128      // read buffer of a connection that says little
	frameBurstBytes = 64 << 10 // largest read buffer for many small frames
	shrinkAfter     = 64       // small reads in a row before a large buffer goes
)

// frames cuts a byte stream into length-prefixed frames. One read takes what
// is there, so a burst of pipelined requests costs one system call. It is
// owned by the connection's reader goroutine.
type frames struct {
	src   io.Reader
	limit int            // bytes, the largest frame
	fits  func(int) bool // whether a frame of so many bytes may come now; nil is always

	buf   []byte
	start int // first byte not yet returned
	end   int // end of what was read
	small int // reads in a row that would have fitted a small buffer
}

func newFrames(src io.Reader, limitBytes int) *frames {
	return &frames{src: src, limit: limitBytes, buf: make([]byte, frameStartBytes)}
}

// fill makes room and reads once. It fails with io.EOF at the end of the
// stream, also inside a frame.
func (f *frames) fill() error {
	f.makeRoom()
	n, err := f.src.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// makeRoom sees to it that there is room to read into. While reads fill the
// buffer it grows, for a frame larger than it to at most twice what has really
// arrived, whatever length a client announces; after many small reads it
// shrinks again.
func (f *frames) makeRoom() {
	held, size, full := f.end-f.start, len(f.buf), f.end == len(f.buf)
	switch {
	case full && size < frameBurstBytes:
		size *= 2
	case full && held == size:
		size = max(min(f.needed(), 2*size), size+frameBurstBytes)
	case held == 0 && f.end <= frameStartBytes && size > frameStartBytes:
		if f.small++; f.small > shrinkAfter {
			size = frameStartBytes
		}
	case held == 0:
		f.small = 0
	}
	switch {
	case size != len(f.buf):
		next := make([]byte, size)
		copy(next, f.buf[f.start:f.end])
		f.buf, f.small = next, 0
	case full:
		copy(f.buf, f.buf[f.start:f.end])
	case held > 0:
		return // there is room behind what is held
	}
	f.start, f.end = 0, held
}

// needed returns the size of the partial frame that is at the front, with its
// length word; 0 when its length is not known or not allowed.
func (f *frames) needed() int {
	if f.end-f.start < 4 {
		return 0
	}
	n := int(int32(binary.BigEndian.Uint32(f.buf[f.start:])))
	if n < 0 || n > f.limit {
		return 0
	}
	return n + 4
}

// next returns the next whole frame without its length word; false when more
// bytes must be read first. The frame shares the buffer and is valid until
// the next fill.
func (f *frames) next() (frame []byte, ok bool, err error) {
	if f.end-f.start < 4 {
		return nil, false, nil
	}
	n := int(int32(binary.BigEndian.Uint32(f.buf[f.start:])))
	if n < 0 || n > f.limit {
		return nil, false, fmt.Errorf("%w: %d, allowed are 0 to %d (jute.maxbuffer)", errFrameLength, n, f.limit)
	}
	if f.end-f.start < n+4 {
		if f.fits != nil && !f.fits(n) {
			return nil, false, errLargeRequests
		}
		return nil, false, nil
	}
	frame = f.buf[f.start+4 : f.start+4+n : f.start+4+n]
	f.start += 4 + n
	return frame, true, nil
}

// peek returns the bytes that were read and not yet returned.
func (f *frames) peek() []byte { return f.buf[f.start:f.end] }
