package persistence

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// stop says why no further record could be read from a log file.
type stop int

const (
	stopNone     stop = iota
	stopEnd           // the file ends between two records
	stopPadding       // zeros, or the marker of the last batch
	stopShort         // the file ends inside a record
	stopEOR           // the byte after the entry is not 'B'
	stopLength        // a length that no record has
	stopChecksum      // the entry is not what was written
	stopHeader        // the file is shorter than its header, or that is zeros
	stopMagic         // the file is not a log
)

var stopTexts = map[stop]string{
	stopEnd: "the log ends", stopPadding: "the log ends",
	stopShort: "the file ends inside a record", stopEOR: "a record has no end",
	stopLength: "a record has an unreasonable length", stopChecksum: "a record fails its checksum",
	stopHeader: "the file has no header", stopMagic: "the file does not begin with ZKLG",
}

// damage tells whether something is there that is not a record.
func (s stop) damage() bool { return s != stopNone && s != stopEnd && s != stopPadding }

const (
	scanWindow = 256 << 10
	// trustedLength is the length of an entry for which memory is allocated
	// before its end was looked at.
	trustedLength = 1 << 20
)

// record is one record of a log file.
type record struct {
	offset int64  // of the checksum
	entry  []byte // valid until the next record is read
}

func (r record) end() int64 { return r.offset + recordOverhead + int64(len(r.entry)) }

// logScanner reads the records of one file. It never reads at or beyond size,
// so it may run on a file that grows.
type logScanner struct {
	file    vfs.File // set once
	size    int64    // set once: bytes that may be read
	limit   int      // set once: the longest entry believed when the file ends before it does
	ordered bool     // the header says so

	offset int64  // of the next record
	buf    []byte // bytes of the file from at on
	at     int64
}

// newLogScanner reads the header. The error is one of I/O only.
func newLogScanner(file vfs.File, size int64, limitBytes int) (*logScanner, stop, error) {
	s := &logScanner{file: file, size: size, limit: limitBytes, offset: fileHeadBytes}
	head, err := s.view(0, fileHeadBytes)
	switch {
	case err != nil:
		return nil, stopNone, err
	case len(head) < fileHeadBytes || allZero(head):
		return s, stopHeader, nil
	case binary.BigEndian.Uint32(head) != logMagic:
		return s, stopMagic, nil
	}
	s.ordered = binary.BigEndian.Uint64(head[8:]) == orderedID
	return s, stopNone, nil
}

// next returns the next record, or why there is none.
func (s *logScanner) next() (record, stop, error) {
	head, err := s.view(s.offset, recordHead)
	switch {
	case err != nil:
		return record{}, stopNone, err
	case len(head) == 0:
		return record{}, stopEnd, nil
	case len(head) < recordHead:
		return record{}, shortOrEnd(head), nil
	}
	sum, n := binary.BigEndian.Uint64(head), int(int32(binary.BigEndian.Uint32(head[8:])))
	if n == 0 {
		return record{}, s.lengthZero(head), nil
	}
	end := s.offset + recordHead + int64(n)
	switch {
	case n < 0, end >= s.size && n > s.limit:
		return record{}, stopLength, nil
	case end >= s.size:
		return record{}, stopShort, nil
	}
	if why, err := s.peekEnd(n, end); why != stopNone || err != nil {
		return record{}, why, err
	}
	body, err := s.view(s.offset+recordHead, n+1)
	if err != nil {
		return record{}, stopNone, err
	}
	switch {
	case len(body) <= n:
		return record{}, stopShort, nil
	case body[n] != recordEnd:
		return record{}, stopEOR, nil
	case sum != uint64(adler32.Checksum(body[:n])):
		return record{}, stopChecksum, nil
	case n < minEntryBytes:
		return record{}, stopLength, nil
	}
	rec := record{offset: s.offset, entry: body[:n:n]}
	s.offset = rec.end()
	return rec, stopNone, nil
}

// peekEnd looks for the end of a long entry before memory is spent on it.
func (s *logScanner) peekEnd(n int, end int64) (stop, error) {
	if n <= trustedLength {
		return stopNone, nil
	}
	var b [1]byte
	if _, err := s.file.ReadAt(b[:], end); err != nil {
		return stopNone, err
	}
	if b[0] != recordEnd {
		return stopEOR, nil
	}
	return stopNone, nil
}

// lengthZero tells the end of the log from a damaged length.
func (s *logScanner) lengthZero(head []byte) stop {
	if allZero(head) {
		return stopPadding
	}
	if _, ok := parseMarker(head, s.offset); ok && s.ordered {
		return stopPadding
	}
	return stopLength
}

// shortOrEnd judges fewer bytes than a record's head at the end of a file.
func shortOrEnd(head []byte) stop {
	if allZero(head) {
		return stopPadding
	}
	return stopShort
}

// view returns n bytes at off, fewer where the file ends. They are valid
// until the next call.
func (s *logScanner) view(off int64, n int) ([]byte, error) {
	if off < s.at || off+int64(n) > s.at+int64(len(s.buf)) {
		if err := s.fill(off, n); err != nil {
			return nil, err
		}
	}
	rest := s.buf[off-s.at:]
	return rest[:min(n, len(rest))], nil
}

// fill moves the window to off, with at least n bytes if the file has them.
func (s *logScanner) fill(off int64, n int) error {
	want := max(n, scanWindow)
	if int64(want) > s.size-off {
		want = int(max(0, s.size-off))
	}
	if cap(s.buf) < want {
		s.buf = make([]byte, want)
	}
	s.buf, s.at = s.buf[:want], off
	got, err := s.file.ReadAt(s.buf, off)
	s.buf = s.buf[:got]
	if errors.Is(err, io.EOF) {
		err = nil // the file is shorter than it was
	}
	return err
}

var zeros [4096]byte

func allZero(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), len(zeros))
		if string(b[:n]) != string(zeros[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}
