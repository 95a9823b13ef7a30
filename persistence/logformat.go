package persistence

import (
	"encoding/binary"
	"hash/adler32"
)

const (
	logMagic       = 0x5A4B4C47 // "ZKLG"
	formatVersion  = 2
	fileHeadBytes  = 16 // of a log and of a snapshot
	recordHead     = 12 // checksum and length
	recordOverhead = recordHead + 1
	recordEnd      = 'B'
	markerBytes    = 12

	// orderedID stands in the dbid of a log's header, which Apache writes as 0
	// and never reads: "MEERKAT1". It says that each batch of records was
	// synced before the next was written, into space filled with zeros, and
	// that each ends with a marker.
	orderedID = 0x4D4545524B415431

	// minEntryBytes is the size of a transaction header.
	minEntryBytes = 32
)

// appendLogHeader adds the header of a log file.
func appendLogHeader(b []byte, ordered bool) []byte {
	id := uint64(0)
	if ordered {
		id = orderedID
	}
	b = binary.BigEndian.AppendUint32(b, logMagic)
	b = binary.BigEndian.AppendUint32(b, formatVersion)
	return binary.BigEndian.AppendUint64(b, id)
}

// appendRecord adds the record of an entry.
func appendRecord(b, entry []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(adler32.Checksum(entry)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(entry)))
	b = append(b, entry...)
	return append(b, recordEnd)
}

// appendMarker adds the end marker of the batch in [start, at). Its length
// field is 0, so to every reader of the format it is the end of the log; the
// next batch overwrites it. Where there is a marker, all before its batch was
// synced.
func appendMarker(b []byte, start, at int64) []byte {
	if at-start > 1<<32-1 {
		return append(b, make([]byte, markerBytes)...) // says nothing
	}
	b = binary.BigEndian.AppendUint32(b, uint32(at-start))
	b = binary.BigEndian.AppendUint32(b, markerSum(uint32(at-start), at))
	return binary.BigEndian.AppendUint32(b, 0)
}

// parseMarker returns where the batch starts that the marker at an offset
// ends.
func parseMarker(b []byte, at int64) (start int64, ok bool) {
	if len(b) < markerBytes || binary.BigEndian.Uint32(b[8:]) != 0 {
		return 0, false
	}
	size := binary.BigEndian.Uint32(b)
	start = at - int64(size)
	return start, start >= fileHeadBytes && binary.BigEndian.Uint32(b[4:]) == markerSum(size, at)
}

// markerSum is the 32-bit FNV-1a hash of the batch's length and the marker's
// offset.
func markerSum(size uint32, at int64) uint32 {
	var b [12]byte
	binary.BigEndian.PutUint32(b[:], size)
	binary.BigEndian.PutUint64(b[4:], uint64(at))
	sum := uint32(2166136261)
	for _, c := range b {
		sum = (sum ^ uint32(c)) * 16777619
	}
	return sum
}

// entryZxid returns the zxid in an entry's transaction header.
func entryZxid(entry []byte) int64 { return int64(binary.BigEndian.Uint64(entry[12:])) }
