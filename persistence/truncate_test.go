package persistence

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

func TestTruncate(t *testing.T) {
	for _, tc := range []struct {
		to        int64
		logs      []int64
		snapshots []int64
	}{
		{9, []int64{1, 4, 7}, []int64{0, 5}},
		{8, []int64{1, 4, 7}, []int64{0, 5}},
		{7, []int64{1, 4, 7}, []int64{0, 5}},
		{6, []int64{1, 4}, []int64{0, 5}},
		{5, []int64{1, 4}, []int64{0, 5}},
		{4, []int64{1, 4}, []int64{0}},
		{2, []int64{1}, []int64{0}},
		{0, nil, []int64{0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			disk := vfs.NewMem()
			s, h, _ := openTest(t, testConfig(disk))
			for _, batch := range [][]int64{{1, 2, 3}, {4, 5}, {6}, {7, 8, 9}} {
				if batch[0] != 6 {
					must(t, s.Roll())
				}
				write(t, s, h, 50, batch...)
				if batch[0] == 4 {
					_, err := s.SaveSnapshot(h)
					must(t, err)
				}
				synctest.Wait()
			}
			must(t, s.Truncate(tc.to))
			if err := s.Append(tc.to, testEntry(tc.to, 1)); !errors.Is(err, ErrOrder) {
				t.Errorf("Append of what is there already = %v", err)
			}
			snapshots, logs, err := s.Files()
			must(t, err)
			if got := zxidsOf(logs); !slices.Equal(got, tc.logs) {
				t.Errorf("to %d: logs %v, want %v", tc.to, got, tc.logs)
			}
			if got := zxidsOf(snapshots); !slices.Equal(got, tc.snapshots) {
				t.Errorf("to %d: snapshots %v, want %v", tc.to, got, tc.snapshots)
			}
			got := &history{}
			rec, err := s.Recover(got)
			must(t, err)
			want := h.at(int(tc.to))
			sameHistory(t, got, want)
			if rec.Zxid != tc.to {
				t.Errorf("recovered %+v", rec)
			}
			write(t, s, want, 30, 10, 11)
			must(t, s.Close())
			checkRecovers(t, testConfig(disk), want)
		})
	}
}

func zxidsOf(files []FileInfo) (zxids []int64) {
	for _, f := range files {
		zxids = append(zxids, f.Zxid)
	}
	return zxids
}

// TestCrashWhileTruncating finds a prefix of what was there, and at least what
// was to be kept, wherever truncation stops.
func TestCrashWhileTruncating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		for zxid := int64(1); zxid <= 8; zxid++ {
			write(t, s, h, 50, zxid)
			if zxid%2 == 0 {
				must(t, s.Roll())
				_, err := s.SaveSnapshot(h)
				must(t, err)
			}
			synctest.Wait()
		}
		var clones []*vfs.Mem
		disk.Observe(func(op vfs.Op) error {
			if op.Kind.Changes() {
				for seed := range uint64(5) {
					clones = append(clones, disk.Crash(vfs.LoseSome, seed))
				}
			}
			return nil
		})
		must(t, s.Truncate(3))
		disk.Observe(nil)
		must(t, s.Close())
		if len(clones) < 30 {
			t.Fatalf("%d crashes", len(clones))
		}
		for i, clone := range clones {
			got := &history{}
			s, _, err := openRecovered(testConfig(clone), got)
			if err != nil {
				t.Fatalf("crash %d: %v", i, err)
			}
			must(t, s.Close())
			if err := prefixOf(got, h); err != nil || len(got.entries) < 3 {
				t.Fatalf("crash %d: %d transactions, %v", i, len(got.entries), err)
			}
		}
	})
}

func TestTruncateNeedsASnapshot(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 10, 1, 2, 3)
	_, err := s.SaveSnapshot(h)
	must(t, err)
	must(t, disk.Remove("/data/version-2/snapshot.0"))
	if err := s.Truncate(2); !errors.Is(err, ErrOutOfReach) {
		t.Errorf("Truncate = %v", err)
	}
	must(t, s.Close())
	checkRecovers(t, testConfig(disk), h)
}

// putSnapshot writes the snapshot that a server began at zxid and ended with a
// trailer.
func putSnapshot(t testing.TB, disk vfs.FS, h *history, name string, end trailer) {
	t.Helper()
	var b bytes.Buffer
	must(t, writeSnapshot(&b, h, end))
	putFile(t, disk, "/data/version-2/"+name, b.Bytes())
}

// contents is what a directory holds, byte by byte; the spare is not data.
func contents(t testing.TB, disk vfs.FS) map[string]string {
	t.Helper()
	infos, err := disk.List("/data/version-2")
	must(t, err)
	files := map[string]string{}
	for _, info := range infos {
		if info.Name != spareName {
			files[info.Name] = strings.TrimRight(string(readFile(t, disk, "/data/version-2/"+info.Name)), "\x00")
		}
	}
	return files
}

// TestTruncateOutOfReach changes nothing where the log does not lead to the
// place, and the log goes on.
func TestTruncateOutOfReach(t *testing.T) {
	const e1, e2 = 1 << 32, 2 << 32
	for _, tc := range []struct {
		name    string
		txns    []int64 // a file for each
		spoil   func(t *testing.T, disk *vfs.Mem, h *history)
		to      int64
		reached bool
	}{
		{"last of an epoch", []int64{e1 | 1, e1 | 2, e2 | 1}, nil, e1 | 2, true},
		{"an epoch's beginning", []int64{e1 | 1, e1 | 2, e2 | 1}, nil, e2, false},
		{"never was", []int64{1, 2, 3}, nil, 7, false},
		{"hole", []int64{1, 2, 4, 5}, nil, 4, false},
		{"before the hole", []int64{1, 2, 4, 5}, nil, 2, true},
		{"an epoch begins in the middle", []int64{1, 2, e1 | 3}, nil, e1 | 3, false},
		{"nothing before it", []int64{1, 2, 3}, func(t *testing.T, disk *vfs.Mem, _ *history) {
			must(t, disk.Remove("/data/version-2/snapshot.0"))
		}, 2, false},
		{"log is lost", []int64{1, 2, 3}, func(t *testing.T, disk *vfs.Mem, _ *history) {
			must(t, disk.Remove("/data/version-2/log.2"))
		}, 2, false},
		{"log is damaged before", []int64{1, 2, 3}, func(_ *testing.T, disk *vfs.Mem, _ *history) {
			disk.Corrupt("/data/version-2/log.2", 60, 1)
		}, 2, false},
		{"the only snapshot is damaged", []int64{1, 2, 3}, func(_ *testing.T, disk *vfs.Mem, _ *history) {
			disk.Corrupt("/data/version-2/snapshot.0", 18, 1)
		}, 2, false},
		{"fuzzy snapshot ends above", []int64{1, 2, 3}, func(t *testing.T, disk *vfs.Mem, h *history) {
			putSnapshot(t, disk, h, "snapshot.1", trailer{hasZxid: true, zxid: 3})
			must(t, disk.Remove("/data/version-2/snapshot.0"))
		}, 2, false},
		{"its digest is above", []int64{1, 2, 3}, func(t *testing.T, disk *vfs.Mem, h *history) {
			putSnapshot(t, disk, h, "snapshot.1", trailer{hasDigest: true, digestZxid: 3, digestVersion: 2})
			must(t, disk.Remove("/data/version-2/snapshot.0"))
		}, 2, false},
		{"nobody knows where it ends", []int64{1, 2, 3}, func(t *testing.T, disk *vfs.Mem, h *history) {
			putSnapshot(t, disk, h, "snapshot.1", trailer{})
			must(t, disk.Remove("/data/version-2/snapshot.0"))
		}, 2, false},
		{"fuzzy snapshot ends at the place", []int64{1, 2, 3}, func(t *testing.T, disk *vfs.Mem, h *history) {
			putSnapshot(t, disk, h.at(1), "snapshot.1", trailer{hasDigest: true, digestZxid: 2, digestVersion: 2, hasZxid: true, zxid: 2})
			must(t, disk.Remove("/data/version-2/snapshot.0"))
		}, 2, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk := vfs.NewMem()
			s, h, _ := openTest(t, testConfig(disk))
			for _, zxid := range tc.txns {
				write(t, s, h, 50, zxid)
				must(t, s.Roll())
			}
			next := h.Zxid() + 1
			write(t, s, &history{}, 50, next)
			must(t, s.writer.pause())
			s.spares.trim()
			if tc.spoil != nil {
				tc.spoil(t, disk, h)
			}
			before := contents(t, disk)
			err := s.Truncate(tc.to)
			if tc.reached {
				must(t, err)
				got := &history{}
				rec, err := s.Recover(got)
				must(t, err)
				if rec.Zxid != tc.to || prefixOf(got, h) != nil {
					t.Errorf("recovered %+v", rec)
				}
				must(t, s.Close())
				return
			}
			if !errors.Is(err, ErrOutOfReach) {
				t.Fatalf("Truncate = %v", err)
			}
			after := contents(t, disk)
			for name := range before {
				if before[name] != after[name] {
					t.Errorf("%s was changed", name)
				}
			}
			if len(before) != len(after) {
				t.Errorf("%d files, were %d", len(after), len(before))
			}
			write(t, s, &history{}, 50, next+1)
			must(t, s.Close())
		})
	}
}

// TestTruncateRemovesFuzzySnapshots: one that began before the place and ended
// after it would bring back what is cut.
func TestTruncateRemovesFuzzySnapshots(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 50, seq(1, 9)...)
	putSnapshot(t, disk, h.at(2), "snapshot.2", trailer{hasZxid: true, zxid: 3})
	putSnapshot(t, disk, h.at(7), "snapshot.4.gz", trailer{hasZxid: true, zxid: 7}) // and damaged: it is not compressed
	putSnapshot(t, disk, h.at(7), "snapshot.5", trailer{hasZxid: true, zxid: 7})
	putSnapshot(t, disk, h.at(8), "snapshot.8", trailer{hasZxid: true, zxid: 8})
	must(t, s.Append(10, testEntry(10, 20))) // is not even synced
	must(t, s.Truncate(6))
	snapshots, _, err := s.Files()
	must(t, err)
	if got := zxidsOf(snapshots); !slices.Equal(got, []int64{0, 2}) {
		t.Errorf("snapshots %v", got)
	}
	want := h.at(6)
	write(t, s, want, 70, 7, 8) // goes on without Recover
	must(t, s.Close())
	got := &history{}
	s, rec, err := openRecovered(testConfig(disk), got)
	must(t, err)
	sameHistory(t, got, want)
	if rec.SnapshotZxid != 2 {
		t.Errorf("recovered %+v", rec)
	}
	must(t, s.Close())
}

// TestTruncateFailsForGood: once something was removed there is no way back.
func TestTruncateFailsForGood(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpRemove, vfs.OpSyncDir, vfs.OpTruncate, vfs.OpSync} {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		for zxid := int64(1); zxid <= 6; zxid += 2 {
			write(t, s, h, 50, zxid, zxid+1)
			must(t, s.Roll())
			_, err := s.SaveSnapshot(h)
			must(t, err)
		}
		must(t, s.writer.pause())
		s.spares.trim()
		disk.Observe(func(op vfs.Op) error {
			if op.Kind == kind && !strings.HasSuffix(op.Path, spareName) {
				return syscall.EIO
			}
			return nil
		})
		if err := s.Truncate(3); !errors.Is(err, ErrLogFailed) || !errors.Is(err, syscall.EIO) {
			t.Errorf("%s fails: Truncate = %v", kind, err)
		}
		disk.Observe(nil)
		if err := s.Append(9, testEntry(9, 10)); !errors.Is(err, ErrLogFailed) {
			t.Errorf("%s failed: Append = %v", kind, err)
		}
		_ = s.Close() // says the same
		got := &history{}
		s, _, err := openRecovered(testConfig(disk), got)
		must(t, err)
		if err := prefixOf(got, h); err != nil || len(got.entries) < 3 {
			t.Errorf("%s failed: %d transactions, %v", kind, len(got.entries), err)
		}
		must(t, s.Close())
	}
}

// truncating is a snapshot during the writing of which the history is cut.
type truncating struct {
	*history
	during func()
}

func (s truncating) WriteTo(w io.Writer) (int64, error) {
	s.during()
	return s.history.WriteTo(w)
}

// TestSnapshotOfAnOldHistory must not bring back what was cut.
func TestSnapshotOfAnOldHistory(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 50, seq(1, 5)...)
	line := s.History()
	cut := make(chan error, 1)
	// The truncation waits for the snapshot, which ends when it sees that.
	_, err := s.SaveSnapshotOf(line, truncating{h, func() {
		go func() { cut <- s.Truncate(2) }()
		for s.History() == line {
			runtime.Gosched()
		}
	}})
	if !errors.Is(err, ErrReplaced) {
		t.Errorf("SaveSnapshot while the log is cut = %v", err)
	}
	must(t, <-cut)
	must(t, disk.Remove("/data/version-2/snapshot.0")) // so that nothing before 2 can be reached
	if _, err := s.SaveSnapshotOf(line, h.at(4)); !errors.Is(err, ErrReplaced) {
		t.Errorf("SaveSnapshot of what was cut = %v", err)
	}
	for _, history := range []uint64{line, s.History()} { // what both have in common
		if _, err := s.SaveSnapshotOf(history, h.at(2)); err != nil {
			t.Error(err)
		}
	}
	if err := s.Truncate(1); !errors.Is(err, ErrOutOfReach) { // nothing is cut, so nothing is void
		t.Fatal(err)
	}
	if _, err := s.SaveSnapshotOf(line+1, h.at(2)); err != nil {
		t.Error(err)
	}
	must(t, s.Close())
	checkRecovers(t, testConfig(disk), h.at(2))
}
