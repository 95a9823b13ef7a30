package persistence

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// Compressions of snapshots, as zookeeper.snapshot.compression.method names
// them and as the last part of a file's name shows them.
const (
	CompressNone   = ""
	CompressGzip   = "gz"
	CompressSnappy = "snappy"
)

const (
	// maxSnapshots is how many snapshots are tried before giving up.
	maxSnapshots = 100
	// minSnapshotBytes is a file header's and the last string's size, near enough.
	minSnapshotBytes = 10
	// minDecodeLimit is the smallest bound for strings and buffers: what an
	// earlier server wrote under a larger limit is read all the same.
	minDecodeLimit = 64 << 20
	readBufBytes   = 64 << 10
)

// compressionOf returns the compression that a file's name shows.
func compressionOf(name string) string {
	switch ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")); ext {
	case CompressGzip, CompressSnappy:
		return ext
	}
	return CompressNone
}

// looksValid is the cheap check of a snapshot: that a plain one has its last
// bytes, that a compressed one begins as such. Where it fails there is no
// whole snapshot; where it succeeds reading may still fail.
func looksValid(fsys vfs.FS, f dataFile) (bool, error) {
	file, err := fsys.Open(f.path)
	if err != nil {
		return false, err
	}
	ok, err := looksValidFile(file, f)
	return ok && err == nil, errors.Join(err, file.Close())
}

func looksValidFile(file vfs.File, f dataFile) (bool, error) {
	has := func(off int64, want string) (bool, error) {
		got := make([]byte, len(want))
		n, err := file.ReadAt(got, off)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return string(got[:n]) == want, err
	}
	switch compressionOf(f.path) {
	case CompressGzip:
		return has(0, "\x1f\x8b")
	case CompressSnappy:
		return has(0, snappyMagic)
	}
	if f.size < minSnapshotBytes {
		return false, nil
	}
	return has(f.size-int64(len(snapshotTail)), snapshotTail)
}

// validSnapshots returns up to n snapshots that look valid, newest first.
func (s *Store) validSnapshots(n int) ([]dataFile, error) {
	files, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return nil, err
	}
	var valid []dataFile
	for i := len(files) - 1; i >= 0 && len(valid) < n; i-- {
		ok, err := looksValid(s.fs, files[i])
		switch {
		case err != nil:
			s.log.Warn().Err(err).Str("file", files[i].path).Msg("snapshot cannot be read")
		case !ok:
			s.log.Warn().Str("file", files[i].path).Msg("snapshot is incomplete and is not used")
		default:
			valid = append(valid, files[i])
		}
	}
	return valid, nil
}

// loadSnapshot reads one file into st.
func (s *Store) loadSnapshot(f dataFile, st State) (err error) {
	file, err := s.fs.Open(f.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	src, err := decompress(io.NewSectionReader(file, 0, f.size), compressionOf(f.path))
	if err != nil {
		return err
	}
	t, err := readSnapshot(src, max(s.cfg.MaxEntryBytes, minDecodeLimit), st.DecodeSnapshot)
	if err != nil {
		return err
	}
	// An older digest belongs to a tree that the snapshot does not show; zero
	// means that nothing had been applied yet.
	if t.hasDigest && t.digestZxid > 0 && t.digestZxid >= f.zxid {
		st.SnapshotDigest(t.digestZxid, t.digestVersion, t.digest)
	}
	return nil
}

func decompress(src io.Reader, compression string) (io.Reader, error) {
	switch compression {
	case CompressGzip:
		return gzip.NewReader(bufio.NewReaderSize(src, readBufBytes))
	case CompressSnappy:
		return newSnappyReader(bufio.NewReaderSize(src, readBufBytes))
	}
	return src, nil
}

// readSnapshot reads an uncompressed snapshot to its end. decode reads parts
// 2 to 5; what it built counts only when there is no error.
func readSnapshot(src io.Reader, limitBytes int, decode func(*jute.Reader) error) (trailer, error) {
	t, _, err := readSnapshotAt(src, limitBytes, decode)
	return t, err
}

// readSnapshotAt is readSnapshot that also returns the offset, in the
// uncompressed stream, which an error is about.
func readSnapshotAt(src io.Reader, limitBytes int, decode func(*jute.Reader) error) (t trailer, offset int64, err error) {
	ahead := newReadAhead(src)
	defer ahead.Close()
	buf := bufio.NewReaderSize(ahead, readBufBytes)
	at := func() int64 { return ahead.taken - int64(buf.Buffered()) }
	var head [fileHeadBytes]byte
	if _, err := io.ReadFull(buf, head[:]); err != nil {
		return trailer{}, 0, fmt.Errorf("header: %w", err)
	}
	if binary.BigEndian.Uint32(head[:]) != snapshotMagic {
		return trailer{}, 0, errors.New("does not begin with ZKSN")
	}
	r := jute.NewReader(buf, limitBytes)
	if err := errors.Join(decode(r), r.Err()); err != nil {
		return trailer{}, at(), err
	}
	offset = at()
	rest, err := io.ReadAll(io.LimitReader(buf, maxTrailer))
	if err != nil {
		return trailer{}, at(), err
	}
	if len(rest) == maxTrailer {
		return trailer{}, offset, errors.New("data follows the last node")
	}
	t, err = parseTrailer(rest, ahead.sum)
	return t, offset, err
}

// ReadSnapshot reads a whole uncompressed snapshot, as [WriteSnapshot] writes
// it and Apache's restore command takes it. It returns the zxid in its last
// part, and whether it has one. It returns only once src has, also after an
// error: a stream from the network needs a deadline.
func ReadSnapshot(src io.Reader, st State) (zxid int64, ok bool, err error) {
	t, err := readSnapshot(src, minDecodeLimit, st.DecodeSnapshot)
	if err != nil {
		return 0, false, fmt.Errorf("read snapshot: %w", err)
	}
	if t.hasDigest && t.digestZxid > 0 {
		st.SnapshotDigest(t.digestZxid, t.digestVersion, t.digest)
	}
	return t.zxid, t.hasZxid, nil
}
