package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrFrame means that a peer sent a frame that is too short, or has a length
// no server would send.
var ErrFrame = errors.New("bench: bad frame")

const (
	lengthBytes   = 4
	maxHeadBytes  = 16 // a reply header: xid, zxid, err
	maxFrameBytes = 1 << 30
)

// A scanner cuts a stream of bytes into frames, and keeps of each only its
// length and the first headBytes bytes: bodies are skipped, not copied.
type scanner struct {
	headBytes int // at most maxHeadBytes; every frame must have as many
	held      [lengthBytes + maxHeadBytes]byte
	got       int // bytes in held
	skip      int // bytes of the body that have not arrived yet
}

// next consumes p up to the end of a frame. With a frame it returns its head
// (valid until the next call) and what is left of p; without one all of p was
// consumed.
func (s *scanner) next(p []byte) (head, rest []byte, ok bool, err error) {
	need := lengthBytes + s.headBytes
	if s.got == 0 && len(p) >= need { // the common case: nothing held over
		size, err := s.size(p)
		if err != nil {
			return nil, nil, false, err
		}
		if end := lengthBytes + size; len(p) >= end {
			return p[lengthBytes:need], p[end:], true, nil
		}
	}
	if s.got < need {
		n := copy(s.held[s.got:need], p)
		s.got += n
		p = p[n:]
		if s.got < need {
			return nil, nil, false, nil
		}
		size, err := s.size(s.held[:])
		if err != nil {
			return nil, nil, false, err
		}
		s.skip = size - s.headBytes
	}
	if len(p) < s.skip {
		s.skip -= len(p)
		return nil, nil, false, nil
	}
	rest = p[s.skip:]
	s.got, s.skip = 0, 0
	return s.held[lengthBytes:need], rest, true, nil
}

func (s *scanner) size(p []byte) (int, error) {
	n := int32(binary.BigEndian.Uint32(p))
	if int(n) < s.headBytes || n > maxFrameBytes {
		return 0, fmt.Errorf("%w: length %d", ErrFrame, n)
	}
	return int(n), nil
}
