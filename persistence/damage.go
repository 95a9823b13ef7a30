package persistence

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// tail is what recovery knows about the place where reading a log file ended.
type tail struct {
	path     string
	why      stop
	end      int64 // where the good records end
	size     int64 // of the file
	ordered  bool
	seen     int64 // highest zxid of the good records so far, this file's and earlier
	lastZxid int64 // the same, but at least the snapshot's
	nextZxid int64 // of the first record in a later file; 0 when there is none

	// What a survey of the rest of the file found.
	surveyed  bool
	torn      bool  // the damage is as a power loss leaves it: space never written
	later     int64 // offset of a good record further on, 0 for none
	laterZxid int64
	batch     int64 // start of the batch of the last marker beyond end, 0 for none
}

// verdict is what recovery does about a tail.
type verdict int

const (
	verdictClean  verdict = iota // nothing is missing
	verdictCut                   // a crash tore what was never synced: remove it
	verdictLeave                 // damage that cost nothing: go on with the next file
	verdictRefuse                // a transaction that may have been acknowledged is missing
)

// judge decides about a tail. The rules, in order:
//
//   - In the last file, a batch marker proves that all before its batch was
//     synced: damage there is never a crash's.
//   - What a crash tears was not synced, so it may be cut, even if later parts
//     of the same batch are whole. A crash leaves sectors unwritten; it does
//     not change bits. Without markers, nothing good may follow.
//   - Before another file, nothing is missing if the next record is the next
//     transaction, as after a restart that reused the zxid of a torn record;
//     and a torn tail before a new epoch is a transaction that Apache gave up.
func (t *tail) judge() (verdict, string) {
	switch {
	case t.why == stopMagic:
		return verdictRefuse, "this is no transaction log"
	case t.nextZxid != 0:
		return t.judgeInner()
	case t.batch > t.end:
		return verdictRefuse, "later records show that this one had been synced"
	case !t.why.damage() && t.later == 0:
		return verdictClean, ""
	case t.torn && (t.ordered || t.later == 0):
		return verdictCut, "a crash tore a record before it was synced"
	case t.later != 0:
		return verdictRefuse, fmt.Sprintf("a good record of transaction 0x%x follows at offset %d", t.laterZxid, t.later)
	}
	return verdictRefuse, "it is not torn but changed, so it may have been acknowledged"
}

func (t *tail) judgeInner() (verdict, string) {
	missing := fmt.Sprintf("the next file goes on with transaction 0x%x", t.nextZxid)
	switch {
	case t.nextZxid <= t.lastZxid+1:
		if t.why.damage() {
			return verdictLeave, "the next file repeats what was lost here"
		}
		return verdictClean, ""
	case t.later != 0 && t.laterZxid < t.nextZxid:
		return verdictRefuse, fmt.Sprintf("a good record of transaction 0x%x follows at offset %d", t.laterZxid, t.later)
	case !t.why.damage():
		return verdictClean, "" // Apache leaves zxids unused, and so may we
	case t.torn && epochOf(t.nextZxid) > epochOf(t.lastZxid):
		return verdictLeave, "the transaction was given up: " + missing
	}
	return verdictRefuse, missing
}

// survey looks at the rest of a file for what judge needs to know.
func (t *tail) survey(s *logScanner) error {
	if t.surveyed {
		return nil
	}
	t.surveyed = true
	from, err := t.examine(s)
	if err != nil {
		return err
	}
	return t.search(s, from)
}

// examine tells whether the damage is a crash's, and returns where the search
// for good records begins.
func (t *tail) examine(s *logScanner) (from int64, err error) {
	t.torn = !t.why.damage() || t.why == stopHeader || t.why == stopShort
	if t.torn && t.why != stopShort {
		return t.end, nil
	}
	head, err := s.view(t.end, recordHead)
	if err != nil || len(head) < recordHead {
		return t.end, err
	}
	n := int64(int32(binary.BigEndian.Uint32(head[8:])))
	stop := t.end + recordOverhead + n
	if n <= 0 || stop > t.size {
		stop = t.end + recordHead
	}
	whole, err := t.otherLength(s, binary.BigEndian.Uint64(head))
	if err != nil || whole {
		t.torn = false
		return t.end + 1, err
	}
	if !t.torn {
		t.torn, err = t.lostSector(s, stop)
	}
	if t.why == stopChecksum {
		return stop, err // the frame is whole: what looks like a record inside is data
	}
	if !t.torn && err == nil {
		t.torn, err = t.nothingFrom(s, stop-1)
	}
	return t.end + 1, err
}

// otherLength tells whether the entry is whole, and only its length is wrong:
// with another one it has its checksum and its end.
func (t *tail) otherLength(s *logScanner, want uint64) (bool, error) {
	sum := adlerSum(1)
	start := t.end + recordHead
	for at := start; at < t.size && at-start <= int64(s.limit); {
		part, err := s.view(at, len(zeros))
		if err != nil || len(part) == 0 {
			return false, err
		}
		for i, c := range part {
			if c == recordEnd && uint64(sum) == want && at+int64(i) > start {
				return true, nil
			}
			sum = sum.add(c)
		}
		at += int64(len(part))
	}
	return false, nil
}

// adlerSum is an Adler-32 that grows byte by byte.
type adlerSum uint32

func (s adlerSum) add(c byte) adlerSum {
	a := (uint32(s)&0xFFFF + uint32(c)) % adlerMod
	return adlerSum((uint32(s)>>16+a)%adlerMod<<16 | a)
}

// lostSector tells whether a sector of the record that ends at stop holds what
// it held before: zeros, and at the start of a batch the marker of the one
// before. Behind a batch that was not synced there is nothing, so a sector
// that was lost is zeros to its end.
func (t *tail) lostSector(s *logScanner, stop int64) (bool, error) {
	headEnd := t.end + recordHead
	if edge := nextSector(t.end); edge < headEnd {
		first, err := s.view(t.end, int(edge-t.end))
		if err != nil {
			return false, err
		}
		// The first four bytes of a checksum are zeros in any case.
		if len(first) > 4 && allZero(first[4:]) || t.ordered && oldMarker(first, t.end) {
			return true, nil
		}
	}
	for at := headEnd; at == headEnd || at < stop; at = nextSector(at) {
		rest, err := s.view(at, int(nextSector(at)-at))
		if err != nil || len(rest) > 0 && allZero(rest) {
			return err == nil, err
		}
	}
	return false, nil
}

// nextSector returns where the sector ends that has an offset.
func nextSector(off int64) int64 { return (off/vfs.SectorBytes + 1) * vfs.SectorBytes }

// oldMarker tells whether what stands in place of the start of a record's head
// is the start of the marker that the record was to overwrite.
func oldMarker(part []byte, at int64) bool {
	if len(part) < 4 {
		return !allZero(part) // a record begins with zeros
	}
	size := int64(binary.BigEndian.Uint32(part))
	if size > at-fileHeadBytes {
		return false
	}
	marker := appendMarker(nil, at-size, at)
	return string(part) == string(marker[:len(part)])
}

// nothingFrom tells whether the file is zeros from an offset on.
func (t *tail) nothingFrom(s *logScanner, from int64) (bool, error) {
	for at := from; at < t.size; at += int64(len(zeros)) {
		part, err := s.view(at, len(zeros))
		if err != nil || !allZero(part) {
			return false, err
		}
	}
	return true, nil
}

// search finds the first good record and the last marker at or after from.
func (t *tail) search(s *logScanner, from int64) error {
	var block [len(zeros) + recordHead - 1]byte
	for at := from; at < t.size; at += int64(len(zeros)) {
		part, err := s.view(at, len(block))
		if err != nil {
			return err
		}
		if allZero(part) {
			continue
		}
		n := copy(block[:], part) // checking a candidate moves the window
		for i := 0; i < len(zeros) && i+recordHead <= n; i++ {
			if err := t.candidate(s, at+int64(i), block[i:i+recordHead]); err != nil {
				return err
			}
		}
	}
	return nil
}

// candidate notes a good record or a marker at an offset where the file has
// these bytes.
func (t *tail) candidate(s *logScanner, off int64, head []byte) error {
	n := int64(int32(binary.BigEndian.Uint32(head[8:])))
	if n == 0 && s.ordered && off > t.end {
		if start, ok := parseMarker(head, off); ok && start < off {
			t.batch = start
		}
	}
	if t.later != 0 || n < minEntryBytes || n > int64(s.limit) || off+recordOverhead+n > t.size ||
		binary.BigEndian.Uint32(head) != 0 {
		return nil
	}
	if why, err := s.peekEnd(int(n), off+recordHead+n); why != stopNone || err != nil {
		return err
	}
	body, err := s.view(off+recordHead, int(n)+1)
	if err != nil || len(body) <= int(n) || body[n] != recordEnd ||
		adler32.Checksum(body[:n]) != binary.BigEndian.Uint32(head[4:]) {
		return err
	}
	if zxid := entryZxid(body); zxid > t.seen {
		t.later, t.laterZxid = off, zxid
	}
	return nil
}
