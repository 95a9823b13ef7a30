package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// listing is every file below /data with its content.
func listing(t *testing.T, disk vfs.FS) string {
	t.Helper()
	infos, err := disk.List("/data/version-2")
	must(t, err)
	var b strings.Builder
	for _, info := range infos {
		fmt.Fprintf(&b, "%s %x\n", info.Name, readFile(t, disk, "/data/version-2/"+info.Name))
	}
	return b.String()
}

// TestDirectoryChangesNothing looks at a directory whose last log is torn, as
// a server would read it, while a server may hold the lock.
func TestDirectoryChangesNothing(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 100, seq(1, 20)...)
	if _, err := OpenDirectory(Config{FS: disk, DataDir: "/nowhere"}); !errors.Is(err, ErrDataDir) {
		t.Errorf("a missing directory: %v", err)
	}
	d, err := OpenDirectory(testConfig(disk))
	must(t, err)
	if used, err := d.InUse(); !used || err != nil {
		t.Errorf("InUse beside a server = %t, %v", used, err)
	}
	must(t, s.SetCurrentEpoch(3))
	must(t, s.Close())
	if used, err := d.InUse(); used || err != nil {
		t.Errorf("InUse = %t, %v", used, err)
	}
	log := "/data/version-2/log.1"
	whole := readFile(t, disk, log)
	putFile(t, disk, log, whole[:len(whole)-70]) // the marker and the end of the last record
	putFile(t, disk, "/data/version-2/"+spareName, []byte("left"))

	before := listing(t, disk)
	var got history
	rec, err := d.Recover(&got)
	must(t, err)
	if rec.Zxid != 19 || rec.Txns != 19 {
		t.Errorf("recovered %+v", rec)
	}
	sameHistory(t, &got, h.at(19))
	r, err := d.EntriesAfter(7)
	must(t, err)
	n := 0
	for r.Next() {
		n++
	}
	if err := errors.Join(r.Err(), r.Close()); err != nil || n != 12 {
		t.Errorf("%d entries after 7, %v", n, err)
	}
	if epochs, pending, err := d.Epochs(); err != nil || epochs != (Epochs{Current: 3, Accepted: -1}) || pending != -1 {
		t.Errorf("epochs %+v, pending %d, %v", epochs, pending, err)
	}
	if c, err := CheckLogFile(disk, log, 0); err != nil || c.Txns != 19 || c.FirstZxid != 1 || c.LastZxid != 19 || c.Torn == "" {
		t.Errorf("check: %+v, %v", c, err)
	}
	if after := listing(t, disk); after != before {
		t.Errorf("files changed:\n%s\nfrom\n%s", after, before)
	}
}

// TestDirectoryPurge removes beside a running server what the server itself
// would, and with dry nothing.
func TestDirectoryPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		defer s.Close()
		for z := int64(1); z <= 6; z++ {
			write(t, s, h, 100, z)
			_, err := s.SaveSnapshot(h)
			must(t, err)
			must(t, s.Roll())
		}
		synctest.Wait() // the server is done with the files it left
		d, err := OpenDirectory(testConfig(disk))
		must(t, err)
		want := []string{"log.1", "log.2", "log.3", "snapshot.0", "snapshot.1", "snapshot.2", "snapshot.3"}
		for _, dry := range []bool{true, false} {
			before := listing(t, disk)
			var got []string
			must(t, d.Purge(3, dry, func(path string) { got = append(got, filepath.Base(path)) }))
			if !slices.Equal(got, want) {
				t.Errorf("dry %t: %q, want %q", dry, got, want)
			}
			if changed := listing(t, disk) != before; changed == dry {
				t.Errorf("dry %t: changed %t", dry, changed)
			}
		}
		if err := d.Purge(2, true, func(string) {}); err == nil {
			t.Error("a purge down to two snapshots was allowed")
		}
		write(t, s, h, 100, 7)
	})
}

// TestLogFile reads on behind a record that fails its checksum, and stops at
// what hides the rest.
func TestLogFile(t *testing.T) {
	disk := vfs.NewMem()
	raw := appendLogHeader(nil, false)
	var ends []int
	for z := int64(1); z <= 5; z++ {
		raw = appendRecord(raw, testEntry(z, 50))
		ends = append(ends, len(raw))
	}
	read := func(raw []byte) (zxids []int64, bad []bool, err error) {
		putFile(t, disk, "/log.1", raw)
		l, err := OpenLogFile(disk, "/log.1")
		if err != nil {
			return nil, nil, err
		}
		defer l.Close()
		if l.Version() != 2 || l.DBID() != 0 || l.SizeBytes() != int64(len(raw)) {
			t.Errorf("version %d, dbid %d, size %d", l.Version(), l.DBID(), l.SizeBytes())
		}
		for {
			rec, err := l.Next()
			if err != nil {
				return zxids, bad, err
			}
			zxids, bad = append(zxids, entryZxid(rec.Entry)), append(bad, rec.BadSum)
		}
	}
	if zxids, bad, err := read(append(bytes.Clone(raw), make([]byte, 500)...)); err != io.EOF || len(zxids) != 5 || slices.Contains(bad, true) {
		t.Errorf("good file: %d, %t, %v", zxids, bad, err)
	}
	flipped := bytes.Clone(raw)
	flipped[ends[1]+recordHead+40] ^= 1
	if zxids, bad, err := read(flipped); err != io.EOF || !slices.Equal(zxids, seq(1, 5)) || !slices.Equal(bad, []bool{false, false, true, false, false}) {
		t.Errorf("changed bit: %d, %t, %v", zxids, bad, err)
	}
	var corrupt *CorruptError
	if zxids, _, err := read(raw[:ends[3]+20]); !errors.As(err, &corrupt) || corrupt.Offset != int64(ends[3]) || len(zxids) != 4 {
		t.Errorf("torn: %d, %v", zxids, err)
	}
	if _, _, err := read([]byte("ZKSN and more that is not a log")); !errors.As(err, &corrupt) || corrupt.Offset != 0 {
		t.Errorf("no log: %v", err)
	}
}

// TestCheckLogFile judges files of Apache's, whole and damaged.
func TestCheckLogFile(t *testing.T) {
	disk := vfs.NewMem()
	raw := readFile(t, vfs.OS{}, "testdata/3.9.5/log.1")
	check := func(raw []byte, next int64) (LogCheck, error) {
		putFile(t, disk, "/log.1", raw)
		return CheckLogFile(disk, "/log.1", next)
	}
	c, err := check(raw, 0x24)
	if err != nil || c.Txns != 35 || c.FirstZxid != 1 || c.LastZxid != 0x23 || c.Torn != "" || c.Backwards != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	end := int(c.EndOffset)
	var corrupt *CorruptError
	if c, err := check(raw[:end-3], 0); err != nil || c.Txns != 34 || c.Torn == "" {
		t.Errorf("torn: %+v, %v", c, err)
	}
	flipped := bytes.Clone(raw)
	flipped[fileHeadBytes+recordHead+12] ^= 1
	if _, err := check(flipped, 0); !errors.As(err, &corrupt) || corrupt.Offset != fileHeadBytes {
		t.Errorf("changed: %v", err)
	}
	unknown := proto.Entry{Header: proto.TxnHeader{Zxid: 1, Type: 99}, Txn: &proto.DeleteTxn{Path: "/a"}}
	if _, err := check(appendRecord(appendLogHeader(nil, false), unknown.Append(nil)), 0); !errors.As(err, &corrupt) || corrupt.Offset != fileHeadBytes {
		t.Errorf("unknown type: %v", err)
	}
	if _, err := check([]byte("not a log at all, is it?"), 0); !errors.As(err, &corrupt) || corrupt.Offset != 0 {
		t.Errorf("no log: %v", err)
	}
}

// TestReadSnapshotFile names the offset of what is wrong.
func TestReadSnapshotFile(t *testing.T) {
	for name, has := range map[string]bool{"3.9.5/snapshot.26.gz": true, "3.9.5/snapshot.27.snappy": true, "3.5.10/snapshot.27": false} {
		var st snapState
		tr, err := ReadSnapshotFile(vfs.OS{}, "testdata/"+name, st.DecodeSnapshot)
		if err != nil || tr.HasDigest != has || tr.HasZxid != has || len(st.nodes) < 20 {
			t.Errorf("%s: %+v, %d nodes, %v", name, tr, len(st.nodes), err)
		}
	}
	disk := vfs.NewMem()
	plain := readFile(t, vfs.OS{}, "testdata/3.9.5/snapshot.23")
	zipped := readFile(t, vfs.OS{}, "testdata/3.9.5/snapshot.26.gz")
	changed := bytes.Clone(plain)
	changed[len(plain)/2] ^= 1
	for _, test := range []struct {
		name string
		raw  []byte
		low  int64
		high int64
	}{
		{"snapshot.1", []byte("ZKLGZKLGZKLGZKLGZKLG"), 0, 0},
		{"snapshot.1", plain[:100], 60, 100},
		{"snapshot.1", changed, int64(len(plain)/2) - 5000, int64(len(plain))},
		{"snapshot.1", append(bytes.Clone(plain), make([]byte, 200)...), int64(len(plain)) - 100, int64(len(plain))},
		{"snapshot.1.gz", zipped[:len(zipped)/2], 100, 1 << 20},
		{"snapshot.1.gz", plain, 0, 0},
		{"snapshot.1.snappy", plain, 0, 0},
	} {
		putFile(t, disk, "/"+test.name, test.raw)
		var st snapState
		_, err := ReadSnapshotFile(disk, "/"+test.name, st.DecodeSnapshot)
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) || corrupt.Offset < test.low || corrupt.Offset > test.high {
			t.Errorf("%s, %d bytes: %v, want an offset from %d to %d", test.name, len(test.raw), err, test.low, test.high)
		}
	}
	if zxid, ok := SnapshotZxid("snapshot.1f.gz"); zxid != 0x1f || !ok {
		t.Errorf("SnapshotZxid = %x, %t", zxid, ok)
	}
}
