package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"strconv"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	snapshotMagic = 0x5A4B534E // "ZKSN"
	// snapshotTail is the end of every whole uncompressed snapshot: the
	// ustring "/".
	snapshotTail = "\x00\x00\x00\x01/"
	sealBytes    = 8 + len(snapshotTail)
	zxidBytes    = 8
	// maxTrailer is more than seals, digest and last zxid can take.
	maxTrailer = 128
)

// appendSnapshotHeader adds part 1. The dbid of snapshots is -1.
func appendSnapshotHeader(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, snapshotMagic)
	b = binary.BigEndian.AppendUint32(b, formatVersion)
	return binary.BigEndian.AppendUint64(b, ^uint64(0))
}

// trailer is what follows the nodes of a snapshot, seals aside.
type trailer struct {
	hasDigest     bool
	digestZxid    int64
	digestVersion int32
	digest        uint64

	hasZxid bool
	zxid    int64
}

// sumWriter computes the running Adler-32 that the seals hold.
type sumWriter struct {
	dst io.Writer
	sum uint32
	n   int64
}

// Write passes p on and adds it to the checksum.
func (w *sumWriter) Write(p []byte) (int, error) {
	n, err := w.dst.Write(p)
	w.sum = adlerAppend(w.sum, p[:n])
	w.n += int64(n)
	return n, err
}

// seal writes the checksum of all before it, and the string "/".
func (w *sumWriter) seal() error {
	b := binary.BigEndian.AppendUint64(nil, uint64(w.sum))
	_, err := w.Write(append(b, snapshotTail...))
	return err
}

// writeSnapshot writes a whole uncompressed snapshot, parts 1 to 10. body
// writes parts 2 to 5.
func writeSnapshot(dst io.Writer, body io.WriterTo, t trailer) error {
	w := &sumWriter{dst: dst, sum: 1}
	if _, err := w.Write(appendSnapshotHeader(nil)); err != nil {
		return err
	}
	if _, err := body.WriteTo(w); err != nil {
		return err
	}
	if err := w.seal(); err != nil {
		return err
	}
	if t.hasDigest {
		b := jute.AppendLong(nil, t.digestZxid)
		b = jute.AppendInt(b, t.digestVersion)
		if _, err := w.Write(jute.AppendLong(b, int64(t.digest))); err != nil {
			return err
		}
		if err := w.seal(); err != nil {
			return err
		}
	}
	if t.hasZxid {
		if _, err := w.Write(jute.AppendLong(nil, t.zxid)); err != nil {
			return err
		}
		return w.seal()
	}
	return nil
}

var errSeal = errors.New("checksum mismatch")

// parseTrailer checks the seals in the last bytes of a snapshot. total is the
// checksum of the whole stream up to its end. What parts there are is told by
// the bytes left after each seal, not by what this server would write.
func parseTrailer(rest []byte, total uint32) (trailer, error) {
	var t trailer
	rest, err := checkSeal(rest, total)
	if err != nil || len(rest) == 0 {
		return t, err
	}
	if len(rest) != zxidBytes+sealBytes {
		if rest, err = t.parseDigest(rest); err != nil {
			return t, err
		}
		if rest, err = checkSeal(rest, total); err != nil || len(rest) == 0 {
			return t, err
		}
	}
	if len(rest) != zxidBytes+sealBytes {
		return t, fmt.Errorf("%d bytes follow the last part", len(rest))
	}
	t.hasZxid, t.zxid = true, int64(binary.BigEndian.Uint64(rest))
	_, err = checkSeal(rest[zxidBytes:], total)
	return t, err
}

// parseDigest reads part 7. Versions before 2 wrote the digest in hex.
func (t *trailer) parseDigest(rest []byte) ([]byte, error) {
	d := jute.NewDecoder(rest)
	t.hasDigest = true
	t.digestZxid, t.digestVersion = d.Long(), d.Int()
	if t.digestVersion >= proto.DigestVersion {
		t.digest = uint64(d.Long())
		return d.Rest(), d.Err()
	}
	hex := d.String()
	if err := d.Err(); err != nil {
		return nil, err
	}
	if hex != "" {
		v, err := strconv.ParseInt(hex, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("digest: %w", err)
		}
		t.digest = uint64(v)
	}
	return d.Rest(), nil
}

// checkSeal compares the checksum that rest begins with to that of all bytes
// before rest, and returns what follows the seal.
func checkSeal(rest []byte, total uint32) ([]byte, error) {
	if len(rest) < sealBytes {
		return nil, io.ErrUnexpectedEOF
	}
	if binary.BigEndian.Uint64(rest) != uint64(adlerBefore(total, rest)) {
		return nil, errSeal
	}
	if string(rest[8:sealBytes]) != snapshotTail {
		return nil, errSeal
	}
	return rest[sealBytes:], nil
}

const adlerMod = 65521

// adlerAppend returns the checksum of what sum stands for followed by p. An
// Adler-32 is two sums, a of the bytes plus one and b of all values of a.
func adlerAppend(sum uint32, p []byte) uint32 {
	tail := adler32.Checksum(p)
	a, b := uint64(sum&0xFFFF), uint64(sum>>16)
	tailA, tailB := uint64(tail&0xFFFF), uint64(tail>>16)
	n := uint64(len(p)) % adlerMod
	newA := (a + tailA + adlerMod - 1) % adlerMod
	newB := (b + tailB + n*(a+adlerMod-1)) % adlerMod
	return uint32(newB<<16 | newA)
}

// adlerBefore takes p off the end: it returns the checksum that, with p
// appended, gives sum.
func adlerBefore(sum uint32, p []byte) uint32 {
	tail := adler32.Checksum(p)
	a, b := uint64(sum&0xFFFF), uint64(sum>>16)
	tailA, tailB := uint64(tail&0xFFFF), uint64(tail>>16)
	n := uint64(len(p)) % adlerMod
	oldA := (a + adlerMod + 1 - tailA) % adlerMod
	oldB := (b + 2*adlerMod - tailB + (adlerMod-n)*((oldA+adlerMod-1)%adlerMod)) % adlerMod
	return uint32(oldB<<16 | oldA)
}
