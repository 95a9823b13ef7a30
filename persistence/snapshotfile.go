package persistence

import (
	"errors"
	"fmt"
	"io"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// SnapshotTrailer is what follows the znodes of a snapshot, checksums aside.
type SnapshotTrailer struct {
	HasDigest     bool // from Apache 3.6 on
	DigestZxid    int64
	DigestVersion int32
	Digest        uint64

	HasZxid bool // from Apache 3.9 on
	Zxid    int64
}

// SnapshotZxid returns the zxid in the name of a snapshot file.
func SnapshotZxid(name string) (zxid int64, ok bool) {
	zxid, _, ok = parseName(name, snapshotPrefix)
	return zxid, ok
}

// ReadSnapshotFile reads one snapshot, of any compression, to its end and
// checks every checksum. decode reads parts 2 to 5; what it built counts only
// when there is no error. Damage is a [CorruptError].
func ReadSnapshotFile(fsys vfs.FS, path string, decode func(*jute.Reader) error) (st SnapshotTrailer, err error) {
	file, err := fsys.Open(path)
	if err != nil {
		return SnapshotTrailer{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	size, err := file.Size()
	if err != nil {
		return SnapshotTrailer{}, err
	}
	compression := compressionOf(path)
	src, err := decompress(io.NewSectionReader(file, 0, size), compression)
	if err != nil {
		return SnapshotTrailer{}, corruptSnapshot(path, 0, compression, err)
	}
	t, at, err := readSnapshotAt(src, minDecodeLimit, decode)
	if err != nil {
		return SnapshotTrailer{}, corruptSnapshot(path, at, compression, err)
	}
	return t.exported(), nil
}

func (t *trailer) exported() SnapshotTrailer {
	return SnapshotTrailer{
		HasDigest: t.hasDigest, DigestZxid: t.digestZxid, DigestVersion: t.digestVersion, Digest: t.digest,
		HasZxid: t.hasZxid, Zxid: t.zxid,
	}
}

func corruptSnapshot(path string, at int64, compression string, err error) error {
	reason := err.Error()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		reason = "the file ends before the snapshot does"
	case errors.Is(err, errSeal):
		reason = "the data before is not what was written: " + reason
	}
	if compression != CompressNone {
		reason += fmt.Sprintf(" (the offset is that of the data before %s)", compression)
	}
	return &CorruptError{File: path, Offset: at, Reason: reason, Remedy: "An older snapshot and the logs hold the same data."}
}
