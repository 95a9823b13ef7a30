package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

func frame(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

// readFrames returns copies of all frames of a stream.
func readFrames(src io.Reader, limit int) ([][]byte, error) {
	f := newFrames(src, limit)
	var all [][]byte
	for {
		got, ok, err := f.next()
		switch {
		case err != nil:
			return all, err
		case ok:
			all = append(all, bytes.Clone(got))
			continue
		}
		if err := f.fill(); err != nil {
			return all, err
		}
	}
}

func TestFramesCutStreams(t *testing.T) {
	var stream []byte
	var want [][]byte
	for i := range 200 {
		payload := bytes.Repeat([]byte{byte(i)}, i*i%3000)
		want = append(want, payload)
		stream = append(stream, frame(payload)...)
	}
	large := bytes.Repeat([]byte("large"), 40_000)
	want = append(want, large)
	stream = append(stream, frame(large)...)
	for name, src := range map[string]io.Reader{
		"whole":       bytes.NewReader(stream),
		"byte a time": iotest.OneByteReader(bytes.NewReader(stream)),
		"halves":      iotest.HalfReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readFrames(src, 1<<20)
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got, want, bytes.Equal) {
				t.Errorf("%d frames differ from the %d sent", len(got), len(want))
			}
		})
	}
}

func TestFramesRefuseLengths(t *testing.T) {
	for _, n := range []uint32{101, 1 << 30, 1 << 31, 0xffffffff} {
		_, err := readFrames(bytes.NewReader(binary.BigEndian.AppendUint32(nil, n)), 100)
		if !errors.Is(err, errFrameLength) {
			t.Errorf("length %d: %v", int32(n), err)
		}
	}
	if got, err := readFrames(bytes.NewReader(frame(make([]byte, 100))), 100); len(got) != 1 || !errors.Is(err, io.EOF) {
		t.Errorf("a frame of the limit: %d frames, %v", len(got), err)
	}
}

// TestFramesBelieveNoLength sees to it that an announced length costs no
// memory before its bytes arrive.
func TestFramesBelieveNoLength(t *testing.T) {
	f := newFrames(bytes.NewReader(binary.BigEndian.AppendUint32(nil, 1<<20)), 1<<20)
	for range 3 {
		_ = f.fill() // the stream ends after the length
		if _, ok, err := f.next(); ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
	}
	if len(f.buf) > 4096 {
		t.Errorf("a length of 1 MiB alone made a buffer of %d bytes", len(f.buf))
	}
}

func TestFramesShrink(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		_, _ = w.Write(frame(make([]byte, 300_000)))
		for range 3 * shrinkAfter {
			_, _ = w.Write(frame([]byte("ping")))
		}
		_ = w.Close()
	}()
	f := newFrames(r, 1<<20)
	for {
		if _, ok, err := f.next(); err != nil {
			t.Fatal(err)
		} else if ok {
			continue
		}
		if f.fill() != nil {
			break
		}
	}
	if len(f.buf) != frameStartBytes {
		t.Errorf("buffer of %d bytes after many small frames, want %d", len(f.buf), frameStartBytes)
	}
}
