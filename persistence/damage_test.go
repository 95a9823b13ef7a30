package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		name string
		tail tail
		want verdict
	}{
		{"last: padding", tail{why: stopPadding, end: 100, lastZxid: 5, torn: true}, verdictClean},
		{"last: file ends", tail{why: stopEnd, end: 100, lastZxid: 5, torn: true}, verdictClean},
		{"last: torn", tail{why: stopChecksum, end: 100, lastZxid: 5, torn: true}, verdictCut},
		{"last: changed", tail{why: stopChecksum, end: 100, lastZxid: 5}, verdictRefuse},
		{"last: no log", tail{why: stopMagic}, verdictRefuse},
		{"last: no header", tail{why: stopHeader, torn: true}, verdictCut},
		{"last: torn, good records follow", tail{why: stopChecksum, end: 100, torn: true, later: 200, laterZxid: 7}, verdictRefuse},
		{"last: hole, good records follow", tail{why: stopPadding, end: 100, torn: true, later: 200, laterZxid: 7}, verdictRefuse},
		{"last: torn in one batch", tail{why: stopChecksum, end: 100, ordered: true, torn: true, later: 200, laterZxid: 7}, verdictCut},
		{"last: hole in one batch", tail{why: stopPadding, end: 100, ordered: true, torn: true, later: 200, laterZxid: 7}, verdictCut},
		{"last: torn in the marked batch", tail{why: stopChecksum, end: 100, ordered: true, torn: true, later: 200, laterZxid: 7, batch: 90}, verdictCut},
		{"last: changed in the marked batch", tail{why: stopChecksum, end: 100, ordered: true, later: 200, laterZxid: 7, batch: 90}, verdictRefuse},
		{"last: torn before the marked batch", tail{why: stopChecksum, end: 100, ordered: true, torn: true, later: 200, laterZxid: 7, batch: 110}, verdictRefuse},
		{"last: hole before the marked batch", tail{why: stopPadding, end: 100, ordered: true, torn: true, batch: 110}, verdictRefuse},
		{"inner: padding, next zxid", tail{why: stopPadding, lastZxid: 5, nextZxid: 6, torn: true}, verdictClean},
		{"inner: padding, zxids unused", tail{why: stopPadding, lastZxid: 5, nextZxid: 9, torn: true}, verdictClean},
		{"inner: padding, next epoch", tail{why: stopPadding, lastZxid: 5, nextZxid: 1<<32 | 1, torn: true}, verdictClean},
		{"inner: padding, good records behind", tail{why: stopPadding, lastZxid: 5, nextZxid: 9, torn: true, later: 200, laterZxid: 7}, verdictRefuse},
		{"inner: damaged, next zxid", tail{why: stopChecksum, lastZxid: 5, nextZxid: 6}, verdictLeave},
		{"inner: damaged, repeated", tail{why: stopChecksum, lastZxid: 5, nextZxid: 4, later: 200, laterZxid: 7}, verdictLeave},
		{"inner: damaged, zxids missing", tail{why: stopChecksum, lastZxid: 5, nextZxid: 7, torn: true}, verdictRefuse},
		{"inner: torn, next epoch", tail{why: stopShort, lastZxid: 5, nextZxid: 1<<32 | 1, torn: true}, verdictLeave},
		{"inner: changed, next epoch", tail{why: stopChecksum, lastZxid: 5, nextZxid: 1<<32 | 1}, verdictRefuse},
		{"inner: no header, next zxid", tail{why: stopHeader, lastZxid: 5, nextZxid: 6, torn: true}, verdictLeave},
		{"inner: no header, zxids missing", tail{why: stopHeader, lastZxid: 5, nextZxid: 8, torn: true}, verdictRefuse},
		{"inner: no log", tail{why: stopMagic, lastZxid: 5, nextZxid: 6}, verdictRefuse},
	} {
		if got, reason := tc.tail.judge(); got != tc.want {
			t.Errorf("%s: %d (%s), want %d", tc.name, got, reason, tc.want)
		}
	}
}

// logImage is a log file as it stands on the disk, and what it holds.
type logImage struct {
	data    []byte
	history history
	ends    []int64 // of each record
}

// newImage writes batches of records of so many bytes, padded with zeros.
func newImage(ordered bool, first int64, batches ...[]int) *logImage {
	img := &logImage{data: appendLogHeader(nil, ordered)}
	zxid := first
	for _, batch := range batches {
		start := int64(len(img.data))
		for _, size := range batch {
			entry := testEntry(zxid, size)
			img.data = appendRecord(img.data, entry)
			img.history.add(entry)
			img.ends = append(img.ends, int64(len(img.data)))
			zxid++
		}
		if ordered {
			marker := appendMarker(nil, start, int64(len(img.data)))
			defer func(at int) { // only the last batch's stays
				if at == int(img.end()) {
					copy(img.data[at:], marker)
				}
			}(len(img.data))
		}
	}
	img.data = append(img.data, make([]byte, 3000)...)
	return img
}

func (img *logImage) end() int64 { return img.ends[len(img.ends)-1] }

// someOffsets returns the offsets in and around the heads of records, and some
// in the entries.
func (img *logImage) someOffsets() []int64 {
	var offsets []int64
	near := int64(0)
	for at := range img.end() {
		for _, end := range img.ends {
			if at == end-3 {
				near = end + 20
			}
		}
		if at < fileHeadBytes+20 || at < near || at%17 == 0 {
			offsets = append(offsets, at)
		}
	}
	return offsets
}

// recoverImages recovers a directory with a snapshot of nothing and these logs.
func recoverImages(t *testing.T, logs map[string][]byte) (*history, *vfs.Mem, error) {
	t.Helper()
	disk := vfs.NewMem()
	must(t, disk.MkdirAll("/data/version-2"))
	var snapshot bytes.Buffer
	must(t, writeSnapshot(&snapshot, &history{}, trailer{}))
	putFile(t, disk, "/data/version-2/snapshot.0", snapshot.Bytes())
	for name, data := range logs {
		putFile(t, disk, filepath.Join("/data/version-2", name), data)
	}
	cfg := testConfig(disk)
	cfg.PreallocBytes, cfg.ReserveBytes = 0, -1
	h := &history{}
	s, _, err := openRecovered(cfg, h)
	if err == nil {
		must(t, s.Close())
	}
	return h, disk, err
}

// readImage reads one log as recovery does, without a store around it.
func readImage(t *testing.T, data []byte) (records int, err error) {
	t.Helper()
	disk := vfs.NewMem()
	putFile(t, disk, "/log.1", data)
	it := &logIter{fs: disk, limit: defaultMaxEntryBytes, files: []dataFile{{"/log.1", 1, int64(len(data))}}, from: 1}
	for ; ; records++ {
		if _, err := it.next(); errors.Is(err, io.EOF) {
			return records, nil
		} else if err != nil {
			return records, errors.Join(err, it.close())
		}
	}
}

// TestChangedBitsAreNeverPassedOver changes each byte of the records of a log
// in several ways: recovery finds everything, or refuses and says where.
func TestChangedBitsAreNeverPassedOver(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		img := newImage(ordered, 1, []int{20}, []int{0, 90, 30}, []int{5}, []int{40, 600, 10})
		tried, refused := 0, 0
		for _, at := range img.someOffsets() {
			for _, mask := range []byte{0x01, 0xFF} {
				tried++
				data := bytes.Clone(img.data)
				data[at] ^= mask
				n, err := readImage(t, data)
				if err == nil {
					if n != len(img.ends) {
						t.Errorf("ordered %t: byte %d ^ %#x: %d of %d transactions are there, and nobody is told",
							ordered, at, mask, n, len(img.ends))
					}
					continue
				}
				refused++
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) || corrupt.File != "/log.1" || corrupt.Offset > at || corrupt.Remedy == "" {
					t.Errorf("ordered %t: byte %d ^ %#x: %v", ordered, at, mask, err)
				}
			}
		}
		// With the first record in its place the header is not needed.
		if least := tried - 2*fileHeadBytes; refused < least {
			t.Errorf("ordered %t: %d changes were refused, at least %d expected", ordered, refused, least)
		}
	}
}

// TestZeroedByteIsNeverPassedOver does the same with bytes set to zero, which
// is what space that was never written looks like.
func TestZeroedByteIsNeverPassedOver(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		img := newImage(ordered, 1, []int{20}, []int{0, 90, 30}, []int{40, 600, 10})
		for _, at := range img.someOffsets() {
			if at == img.end()-1 {
				continue // without its last byte the record is torn
			}
			data := bytes.Clone(img.data)
			data[at] = 0
			n, err := readImage(t, data)
			if err == nil && n != len(img.ends) || err != nil && !errors.Is(err, ErrCorrupt) {
				t.Errorf("ordered %t: byte %d zeroed: %d transactions, %v", ordered, at, n, err)
			}
		}
	}
}

// TestLostSectors zeroes each sector of a log in turn, as a disk does that did
// not write it. In the last batch that is a crash, and costs no more than that
// batch; before it, the marker gives it away.
func TestLostSectors(t *testing.T) {
	img := newImage(true, 1, []int{20}, []int{900, 10}, []int{300}, []int{40, 600, 10, 700})
	lastBatch := img.ends[3]
	cut := 0
	for at := int64(0); at < img.end(); at += vfs.SectorBytes {
		data := bytes.Clone(img.data)
		end := min(at+vfs.SectorBytes, int64(len(data)))
		clear(data[at:end])
		n, err := readImage(t, data)
		switch synced := at < lastBatch; {
		case err != nil && !errors.Is(err, ErrCorrupt):
			t.Errorf("sector at %d: %v", at, err)
		case err == nil && n < 4, synced && err == nil && n != len(img.ends), !synced && err != nil:
			t.Errorf("sector at %d: %d transactions, %v", at, n, err)
		case !synced:
			cut++
		}
	}
	if cut < 2 {
		t.Errorf("%d sectors only of the last batch were lost", cut)
	}
}

// TestTornTail ends a log at each byte of its last record, as the end of the
// file and as zeros from there on.
func TestTornTail(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		img := newImage(ordered, 1, []int{20}, []int{0, 90}, []int{700})
		for at := img.ends[2]; at < img.end(); at += 1 + (at-img.ends[2])/40 {
			zeroed := bytes.Clone(img.data)
			clear(zeroed[at:])
			for name, data := range map[string][]byte{"cut": img.data[:at], "zeroed": zeroed} {
				h, disk, err := recoverImages(t, map[string][]byte{"log.1": data})
				if err != nil || len(h.entries) != 3 {
					t.Fatalf("ordered %t, %s at %d: %d transactions, %v", ordered, name, at, len(h.entries), err)
				}
				left := readFile(t, disk, "/data/version-2/log.1")
				if !bytes.HasPrefix(left, img.data[:img.ends[2]]) || !ordered && !allZero(left[img.ends[2]:]) {
					t.Fatalf("ordered %t, %s at %d: the torn record was not cut", ordered, name, at)
				}
			}
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	one, two := newImage(false, 1, []int{20, 20, 20}), newImage(false, 4, []int{20, 20})
	torn := one.data[:one.ends[2]-5] // transaction 3 is lost
	hole := bytes.Clone(one.data)
	clear(hole[one.ends[0]:one.ends[1]]) // transaction 2 is lost
	for _, tc := range []struct {
		name string
		logs map[string][]byte
		want int    // transactions
		gone string // a file that recovery removes
		err  string
	}{
		{"whole", map[string][]byte{"log.1": one.data, "log.4": two.data}, 5, "", ""},
		{"empty last file", map[string][]byte{"log.1": one.data, "log.4": nil}, 3, "log.4", ""},
		{"short last header", map[string][]byte{"log.1": one.data, "log.4": two.data[:9]}, 3, "log.4", ""},
		{"zeros as last file", map[string][]byte{"log.1": one.data, "log.4": make([]byte, 70000)}, 3, "log.4", ""},
		{"header only", map[string][]byte{"log.1": one.data, "log.4": two.data[:fileHeadBytes]}, 3, "", ""},
		{"two empty last files", map[string][]byte{"log.1": one.data, "log.4": {}, "log.5": {0, 0}}, 3, "log.5", ""},
		{"torn before an empty file", map[string][]byte{"log.1": torn, "log.3": {}}, 2, "log.3", ""},
		{"empty file between, nothing missing", map[string][]byte{"log.1": one.data, "log.3f": nil, "log.4": two.data}, 5, "", ""},
		{"empty file between, nothing else missing", map[string][]byte{"log.0": nil, "log.1": one.data}, 3, "", ""},
		{"torn, and its zxid used again", map[string][]byte{"log.1": torn, "log.3": newImage(true, 3, []int{7, 7}).data}, 4, "", ""},
		{"torn, then a new epoch", map[string][]byte{"log.1": torn, "log.100000001": newImage(false, 1<<32|1, []int{7}).data}, 3, "", ""},
		{"torn, then a gap", map[string][]byte{"log.1": torn, "log.4": two.data}, 0, "", "log.1: damaged at offset 198"},
		{"hole in the last file", map[string][]byte{"log.1": hole}, 0, "", "a good record of transaction 0x3"},
		{"hole before another file", map[string][]byte{"log.1": hole, "log.4": two.data}, 0, "", "a good record of transaction 0x3"},
		{"header lost, records there", map[string][]byte{"log.1": append(make([]byte, fileHeadBytes), one.data[fileHeadBytes:]...)}, 3, "", ""},
		{"no log", map[string][]byte{"log.1": []byte("#!/bin/sh\necho not a transaction log\n")}, 0, "", "does not begin with ZKLG"},
		{"not names of logs", map[string][]byte{"log.1": one.data, "log.2.bak": one.data, "log.xyz": nil, "logs.1": nil, "log": nil}, 3, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, disk, err := recoverImages(t, tc.logs)
			if tc.err != "" {
				if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), tc.err) || !strings.Contains(err.Error(), "truncate -s") {
					t.Fatalf("Recover = %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || len(h.entries) != tc.want {
				t.Fatalf("%d transactions, want %d; %v", len(h.entries), tc.want, err)
			}
			if tc.gone != "" {
				if _, err := disk.Stat("/data/version-2/" + tc.gone); err == nil {
					t.Errorf("%s is still there", tc.gone)
				}
			}
		})
	}
}

// TestDamageTheSnapshotCovers damages a record that the snapshot has.
func TestDamageTheSnapshotCovers(t *testing.T) {
	img := newImage(true, 1, []int{20}, []int{30}, []int{40}, []int{50})
	for record, wantErr := range []bool{false, false, true, true} {
		data := bytes.Clone(img.data)
		data[img.ends[record]-3] ^= 0x10
		disk := vfs.NewMem()
		must(t, disk.MkdirAll("/data/version-2"))
		var snapshot bytes.Buffer
		must(t, writeSnapshot(&snapshot, img.history.at(2), trailer{}))
		putFile(t, disk, "/data/version-2/snapshot.2", snapshot.Bytes())
		putFile(t, disk, "/data/version-2/log.1", data)
		h := &history{}
		s, _, err := openRecovered(testConfig(disk), h)
		if (err != nil) != wantErr {
			t.Fatalf("record %d: %v", record, err)
		}
		if err == nil {
			must(t, s.Close())
			sameHistory(t, h, &img.history)
		}
	}
}

// TestLongLengths puts lengths into a record's head that no record has.
func TestLongLengths(t *testing.T) {
	img := newImage(true, 1, []int{20}, []int{30}, []int{40})
	for _, n := range []uint32{0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 64 << 20, 3 << 20, 31, 1} {
		data := append(bytes.Clone(img.data), make([]byte, 4<<20)...)
		copy(data[img.ends[0]+8:], []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		_, _, err := recoverImages(t, map[string][]byte{"log.1": data})
		if want := fmt.Sprintf("log.1: damaged at offset %d", img.ends[0]); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("length %#x: %v", n, err)
		}
	}
}
