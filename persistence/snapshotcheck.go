package persistence

import (
	"errors"
	"io"
)

// trailerBytes are the sizes that seals, digest and last zxid have together,
// largest first: the end of a smaller one could be mistaken for the whole.
var trailerBytes = [...]int{
	3*sealBytes + digestBytes + zxidBytes, 2*sealBytes + digestBytes, 2*sealBytes + zxidBytes, sealBytes,
}

// digestBytes are zxid, version and digest, as of version 2.
const digestBytes = 20

var errTrailer = errors.New("the file does not end as a snapshot does")

// checkSnapshot reads a snapshot to its end, compares its checksums and
// returns what stands behind the znodes. Nothing is decoded.
func (s *Store) checkSnapshot(f dataFile) (t trailer, err error) {
	file, err := s.fs.Open(f.path)
	if err != nil {
		return trailer{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	src, err := decompress(io.NewSectionReader(file, 0, f.size), compressionOf(f.path))
	if err != nil {
		return trailer{}, err
	}
	return scanTrailer(src)
}

func scanTrailer(src io.Reader) (trailer, error) {
	const keep = maxTrailer
	sum := uint32(1)
	buf := make([]byte, keep+readAheadBytes) // the last bytes before, then what is read
	have := 0
	for {
		n, err := src.Read(buf[have:])
		sum = adlerAppend(sum, buf[have:have+n])
		have += n
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return trailer{}, err
		}
		if have > readAheadBytes {
			have = copy(buf, buf[have-keep:have])
		}
	}
	end := buf[max(0, have-keep):have]
	for _, n := range trailerBytes {
		at := len(end) - n
		if at < len(snapshotTail) || string(end[at-len(snapshotTail):at]) != snapshotTail {
			continue
		}
		if t, err := parseTrailer(end[at:], sum); err == nil {
			return t, nil
		}
	}
	return trailer{}, errTrailer
}
