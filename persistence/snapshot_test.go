package persistence

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

func TestAdler(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		b := make([]byte, rng.IntN(100_000))
		for i := range b {
			b[i] = byte(rng.Uint32() | 0xF0)
		}
		cut := rng.IntN(len(b) + 1)
		head, all := adler32.Checksum(b[:cut]), adler32.Checksum(b)
		if got := adlerAppend(head, b[cut:]); got != all {
			t.Fatalf("append %d bytes to %d: %#x, want %#x", len(b)-cut, cut, got, all)
		}
		if got := adlerBefore(all, b[cut:]); got != head {
			t.Fatalf("before %d of %d bytes: %#x, want %#x", len(b)-cut, len(b), got, head)
		}
		sum := adlerSum(1)
		for _, c := range b[:min(len(b), 300)] {
			sum = sum.add(c)
		}
		if got := adler32.Checksum(b[:min(len(b), 300)]); uint32(sum) != got {
			t.Fatalf("byte by byte: %#x, want %#x", sum, got)
		}
	}
}

func someHistory(n int) *history {
	h := &history{}
	for zxid := int64(1); zxid <= int64(n); zxid++ {
		h.add(testEntry(zxid, int(zxid%50)*20))
	}
	return h
}

// TestSnapshotForms writes every combination of compression and parts, and
// reads each with every setting.
func TestSnapshotForms(t *testing.T) {
	h := someHistory(800) // several chunks of any buffer
	for _, compression := range []string{CompressNone, CompressGzip, CompressSnappy} {
		for parts := range 4 {
			digest, zxid := parts&1 != 0, parts&2 != 0
			t.Run(fmt.Sprintf("%q digest %t zxid %t", compression, digest, zxid), func(t *testing.T) {
				disk := vfs.NewMem()
				cfg := testConfig(disk)
				cfg.Compression, cfg.DigestEnabled, cfg.SerializeLastZxid = compression, digest, zxid
				s, _, _ := openTest(t, cfg)
				info, err := s.SaveSnapshot(h)
				must(t, err)
				must(t, s.Close())
				stat, err := disk.Stat(info.Path)
				must(t, err)
				if stat.SizeBytes != info.SizeBytes || info.Zxid != h.Zxid() || compressionOf(info.Path) != compression {
					t.Errorf("info %+v, size %d", info, stat.SizeBytes)
				}
				for other := range 2 {
					cfg.DigestEnabled, cfg.SerializeLastZxid = other == 0, other == 0
					s, err := Open(cfg)
					must(t, err)
					st := &snapState{}
					rec, err := s.Recover(st)
					must(t, err)
					must(t, s.Close())
					if rec.SnapshotPath != info.Path || len(st.nodes) != 801 || st.hasDigest != digest || digest && st.digest != 800 {
						t.Errorf("recovered %+v, %d nodes, digest %t %d", rec, len(st.nodes), st.hasDigest, st.digest)
					}
				}
			})
		}
	}
}

func TestCompressionNames(t *testing.T) {
	for given, want := range map[string]string{"": "", "gz": ".gz", "GZ": ".gz", "Snappy": ".snappy", "lz4": ""} {
		cfg := testConfig(vfs.NewMem())
		cfg.Compression = given
		s, h, _ := openTest(t, cfg)
		info, err := s.SaveSnapshot(h)
		must(t, err)
		must(t, s.Close())
		if info.Path != "/data/version-2/snapshot.0"+want {
			t.Errorf("%q: %s", given, info.Path)
		}
	}
}

func TestWriteSnapshotToStream(t *testing.T) {
	s, _, _ := openTest(t, testConfig(vfs.NewMem()))
	defer s.Close()
	h := someHistory(10)
	var b bytes.Buffer
	must(t, s.WriteSnapshot(&b, h))
	st := &snapState{}
	zxid, ok, err := ReadSnapshot(&b, st)
	if err != nil || !ok || zxid != 10 || len(st.nodes) != 11 || !st.hasDigest {
		t.Errorf("read back: zxid %d, %t, %v; %d nodes", zxid, ok, err, len(st.nodes))
	}
}

// TestOldDigest reads the digest of servers before 3.6.2, which was text.
func TestOldDigest(t *testing.T) {
	w := &bytes.Buffer{}
	sw := &sumWriter{dst: w, sum: 1}
	_, err := sw.Write(appendSnapshotHeader(nil))
	must(t, err)
	_, err = someHistory(1).WriteTo(sw)
	must(t, err)
	must(t, sw.seal())
	_, err = sw.Write(jute.AppendString(jute.AppendInt(jute.AppendLong(nil, 1), 1), "1f"))
	must(t, err)
	must(t, sw.seal())
	for range 2 { // without and with the last zxid
		st := &snapState{}
		tr, err := readSnapshot(bytes.NewReader(w.Bytes()), 1<<20, st.DecodeSnapshot)
		if err != nil || tr.digest != 0x1f || tr.digestVersion != 1 {
			t.Errorf("%+v, %v", tr, err)
		}
		_, err = sw.Write(jute.AppendLong(nil, 1))
		must(t, err)
		must(t, sw.seal())
	}
}

// TestDamagedSnapshots changes, cuts and empties the newest snapshot: the one
// before is used, and the state knows nothing of the bad one.
func TestDamagedSnapshots(t *testing.T) {
	for _, compression := range []string{CompressNone, CompressGzip, CompressSnappy} {
		t.Run(compression, func(t *testing.T) {
			disk := vfs.NewMem()
			cfg := testConfig(disk)
			cfg.Compression = compression
			s, h, _ := openTest(t, cfg)
			write(t, s, h, 300, seq(1, 8)...)
			_, err := s.SaveSnapshot(h.at(5))
			must(t, err)
			info, err := s.SaveSnapshot(h)
			must(t, err)
			must(t, s.Close())
			good := readFile(t, disk, info.Path)
			check := func(what string, data []byte) {
				t.Helper()
				putFile(t, disk, info.Path, data)
				got := &history{}
				s, rec, err := openRecovered(cfg, got)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				must(t, s.Close())
				sameHistory(t, got, h)
				if whole := bytes.Equal(data, good); (rec.SnapshotZxid == 8) != whole {
					t.Errorf("%s: recovered from snapshot 0x%x", what, rec.SnapshotZxid)
				}
			}
			check("unchanged", good)
			check("empty", nil)
			for at := 0; at < len(good); at += 1 + len(good)/13 {
				check(fmt.Sprintf("cut at %d", at), good[:at])
				data := bytes.Clone(good)
				data[at] ^= 0x04
				if compression != CompressGzip || at >= 10 { // the header of gzip has a time
					if at < 4 || at >= fileHeadBytes || compression != CompressNone { // version and dbid count for the seal
						check(fmt.Sprintf("changed at %d", at), data)
					}
				}
			}
			if compression == CompressNone {
				check("with more behind it", append(bytes.Clone(good), good...))
			}
		})
	}
}

func TestNoUsableSnapshot(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 10, 1, 2)
	must(t, s.Close())
	disk.Corrupt("/data/version-2/snapshot.0", 20, 1)
	_, _, err := openRecovered(testConfig(disk), &history{})
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "/data/version-2/snapshot.0") {
		t.Errorf("with only a damaged snapshot: %v", err)
	}
	must(t, disk.Remove("/data/version-2/snapshot.0"))
	if _, _, err = openRecovered(testConfig(disk), &history{}); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("with no snapshot: %v", err)
	}
	cfg := testConfig(disk)
	cfg.TrustEmptySnapshot = true
	got := &history{}
	s, rec, err := openRecovered(cfg, got) // saves one
	must(t, err)
	must(t, s.Close())
	sameHistory(t, got, h)
	if !rec.NeedsSnapshot || rec.Zxid != 2 {
		t.Errorf("recovered %+v", rec)
	}
	checkRecovers(t, testConfig(disk), h)
}

// TestFailedSnapshot lets each step of writing a snapshot fail: nothing is
// left behind, the old ones are still there, and the log goes on.
func TestFailedSnapshot(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpRename} {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		write(t, s, h, 10, 1)
		disk.Observe(func(op vfs.Op) error {
			if op.Kind == kind && strings.Contains(op.Path, "snapshot.1") {
				return syscall.EIO
			}
			return nil
		})
		if _, err := s.SaveSnapshot(h); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s fails: SaveSnapshot = %v", kind, err)
		}
		disk.Observe(nil)
		snapshots, _, err := s.Files()
		must(t, err)
		infos, err := disk.List("/data/version-2")
		must(t, err)
		if len(snapshots) != 1 || slices.ContainsFunc(infos, func(i vfs.Info) bool { return strings.HasSuffix(i.Name, tmpSuffix) }) {
			t.Errorf("%s fails: %v is left", kind, infos)
		}
		write(t, s, h, 10, 2)
		must(t, s.Close())
		checkRecovers(t, testConfig(disk), h)
	}
	s, _, _ := openTest(t, testConfig(vfs.NewMem()))
	defer s.Close()
	if _, err := s.SaveSnapshot(&negative{}); err == nil {
		t.Error("a snapshot of zxid -1 was saved")
	}
}

type negative struct{ history }

func (*negative) Zxid() int64 { return -1 }

// TestSnapshotBesideLog saves snapshots while the log is written.
func TestSnapshotBesideLog(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	base := someHistory(2000)
	done := make(chan error)
	go func() {
		var errs []error
		for range 5 {
			_, err := s.SaveSnapshot(base.at(0))
			errs = append(errs, err)
			_, err = s.Purge(MinRetain)
			errs = append(errs, err)
		}
		done <- errors.Join(errs...)
	}()
	for zxid := int64(1); zxid <= 300; zxid++ {
		write(t, s, h, 200, zxid)
	}
	must(t, <-done)
	must(t, s.Close())
	checkRecovers(t, testConfig(disk), h)
}

func TestSnappyStreams(t *testing.T) {
	pack := func(plain []byte) []byte {
		var b bytes.Buffer
		w := newSnappyWriter(&b)
		_, err := w.Write(plain)
		must(t, errors.Join(err, w.Close()))
		return b.Bytes()
	}
	unpack := func(data []byte) ([]byte, error) {
		r, err := newSnappyReader(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	long := bytes.Repeat([]byte("meerkat "), 20_000)
	both := append(pack(long), pack([]byte("more"))...) // two streams in one file
	if got, err := unpack(both); err != nil || string(got) != string(long)+"more" {
		t.Errorf("two streams: %d bytes, %v", len(got), err)
	}
	if got, err := unpack(pack(nil)); err != nil || len(got) != 0 {
		t.Errorf("empty: %q, %v", got, err)
	}
	one := pack(long)
	for name, data := range map[string][]byte{
		"nothing": nil, "short header": one[:10], "cut block": one[:len(one)-1], "cut length": one[:snappyHeadBytes+2],
		"other magic": append([]byte{0x83}, one[1:]...), "newer version": append(append(bytes.Clone(one[:12]), 0, 0, 0, 2), one[16:]...),
		"endless block":    append(bytes.Clone(one[:snappyHeadBytes]), 0x7F, 0xFF, 0xFF, 0xFF),
		"endless contents": append(bytes.Clone(one[:snappyHeadBytes]), 0, 0, 0, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F),
	} {
		if got, err := unpack(data); err == nil {
			t.Errorf("%s: %d bytes were read", name, len(got))
		}
	}
}
