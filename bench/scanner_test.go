package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func frame(payload string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

// heads scans stream in the given pieces.
func heads(headBytes int, pieces ...[]byte) (got []string, err error) {
	s := scanner{headBytes: headBytes}
	for _, p := range pieces {
		for {
			head, rest, ok, err := s.next(p)
			if err != nil {
				return got, err
			}
			if !ok {
				break
			}
			got, p = append(got, string(head)), rest
		}
	}
	return got, nil
}

func TestScannerAtEverySplit(t *testing.T) {
	want := []string{"0123456789abcdef", "fedcba9876543210", "ABCDEFGHIJKLMNOP"}
	stream := slicesConcat(frame(want[0]), frame(want[1]+"a body that is skipped"), frame(want[2]+"!"))
	for i := range len(stream) + 1 {
		for j := i; j <= len(stream); j++ {
			got, err := heads(16, stream[:i], stream[i:j], stream[j:])
			if err != nil || len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
				t.Fatalf("split at %d and %d: %q, %v", i, j, got, err)
			}
		}
	}
}

func TestScannerRefusesBadLengths(t *testing.T) {
	for _, n := range []uint32{0, 15, 0x80000000, 0xFFFFFFFF, maxFrameBytes + 1} {
		p := binary.BigEndian.AppendUint32(nil, n)
		p = append(p, make([]byte, 32)...)
		if _, err := heads(16, p); !errors.Is(err, ErrFrame) {
			t.Errorf("length %d: %v", int32(n), err)
		}
		if _, err := heads(16, p[:7], p[7:]); !errors.Is(err, ErrFrame) {
			t.Errorf("length %d in two pieces: %v", int32(n), err)
		}
	}
}

func FuzzScanner(f *testing.F) {
	f.Add(slicesConcat(frame("0123456789abcdef"), frame("0123456789abcdef and more")), uint8(3))
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}, uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		whole, wholeErr := heads(8, stream)
		var pieces [][]byte
		for p := stream; len(p) > 0; {
			n := min(int(step)+1, len(p))
			pieces, p = append(pieces, p[:n]), p[n:]
		}
		cut, cutErr := heads(8, pieces...)
		if len(whole) != len(cut) || (wholeErr == nil) != (cutErr == nil) {
			t.Fatalf("at once %d frames (%v), in pieces %d (%v)", len(whole), wholeErr, len(cut), cutErr)
		}
	})
}

func slicesConcat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
