package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// otherHistory is one that parts from someHistory's after a few transactions.
func otherHistory(common, n int) *history {
	h := someHistory(common)
	for zxid := int64(common + 1); zxid <= int64(n); zxid++ {
		h.add(testEntry(zxid, 333))
	}
	return h
}

// installTest is a store with logs and snapshots that is about to get another
// history.
type installTest struct {
	disk *vfs.Mem
	cfg  Config
	s    *Store
	old  *history
}

// newInstallTest has ten transactions, and snapshots at the given ones.
func newInstallTest(t testing.TB, cfg Config, snapshots ...int64) *installTest {
	t.Helper()
	disk := cfg.FS.(*vfs.Mem)
	it := &installTest{disk: disk, cfg: cfg, old: &history{}}
	it.s, _, _ = openTest(t, cfg)
	all := someHistory(10)
	for i, entry := range all.entries {
		must(t, it.s.Append(all.zxids[i], entry))
		it.old.add(entry)
		must(t, it.s.Sync())
		if slices.Contains(snapshots, all.zxids[i]) {
			_, err := it.s.SaveSnapshot(it.old)
			must(t, err)
		}
		if i%3 == 2 {
			must(t, it.s.Roll())
		}
	}
	t.Cleanup(func() { _ = it.s.Close() }) // when the test has failed
	if !slices.Contains(snapshots, 0) {
		files, _, err := it.s.Files()
		must(t, err)
		must(t, disk.Remove(files[0].Path))
	}
	must(t, disk.SyncDir("/data/version-2"))
	return it
}

func TestInstall(t *testing.T) {
	for _, tc := range []struct {
		common, n   int
		snapshots   []int64
		compression string
		logDir      string
	}{
		{common: 4, n: 7, snapshots: []int64{0, 5, 9}},
		{common: 10, n: 30, snapshots: []int64{0, 5, 9}, compression: CompressGzip},
		{common: 0, n: 2, snapshots: []int64{5, 9}, compression: CompressSnappy, logDir: "/logs"},
		{common: 3, n: 5, snapshots: []int64{5}}, // in place of one with its name
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := testConfig(vfs.NewMem())
			cfg.Compression, cfg.LogDir = tc.compression, tc.logDir
			if cfg.LogDir == "" {
				cfg.LogDir = cfg.DataDir
			}
			it := newInstallTest(t, cfg, tc.snapshots...)
			must(t, it.s.Append(11, testEntry(11, 10))) // not even synced
			want := otherHistory(tc.common, tc.n)
			must(t, it.s.Install(want))
			snapshots, logs, err := it.s.Files()
			must(t, err)
			if len(snapshots) != 1 || len(logs) != 0 || snapshots[0].Zxid != int64(tc.n) {
				t.Errorf("left: %v, %v", snapshots, logs)
			}
			got := &history{}
			rec, err := it.s.Recover(got)
			must(t, err)
			sameHistory(t, got, want)
			if rec.Zxid != int64(tc.n) || rec.Txns != 0 {
				t.Errorf("recovered %+v", rec)
			}
			write(t, it.s, want, 40, int64(tc.n)+1, 1<<32|1)
			must(t, it.s.Close())
			checkRecovers(t, cfg, want)
			infos, err := it.disk.List("/data/version-2")
			must(t, err)
			for _, info := range infos {
				if strings.HasPrefix(info.Name, installName) || strings.HasPrefix(info.Name, stagedPrefix) {
					t.Errorf("%s is left", info.Name)
				}
			}
		})
	}
}

// TestInstallIntoNothing is what a member does that lost its disk: it comes
// back as one that has nothing until then.
func TestInstallIntoNothing(t *testing.T) {
	cfg := testConfig(vfs.NewMem())
	cfg.DBAutocreate = false
	for range 2 {
		s, err := Open(cfg)
		must(t, err)
		rec, err := s.Recover(&history{})
		must(t, err)
		if rec.Zxid != -1 {
			t.Fatalf("recovered %+v", rec)
		}
		if err := s.Append(1, testEntry(1, 10)); !errors.Is(err, ErrNoSnapshot) {
			t.Errorf("Append = %v", err)
		}
		must(t, s.Close())
	}
	s, err := Open(cfg)
	must(t, err)
	want := otherHistory(3, 20)
	if err := s.Install(want); !errors.Is(err, ErrNotRecovered) {
		t.Errorf("Install before Recover = %v", err)
	}
	_, err = s.Recover(&history{})
	must(t, err)
	must(t, s.Install(want))
	write(t, s, want, 40, 21)
	must(t, s.Close())
	checkRecovers(t, cfg, want)
	if err := s.Install(&negative{}); err == nil {
		t.Error("a snapshot of zxid -1 was installed")
	}
}

// TestCrashWhileInstalling finds the old history or the new one, wherever the
// install stops, and writes on. To a server that knows of no installs the files
// are, meanwhile, a beginning of the old history, or the new one.
func TestCrashWhileInstalling(t *testing.T) {
	for _, tc := range []struct {
		n         int
		snapshots []int64
		logDir    string
	}{
		{7, []int64{0, 3, 9}, "/data"}, {7, []int64{9}, "/data"}, {25, []int64{0, 9}, "/logs"}, {9, []int64{0, 9}, "/data"},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := testConfig(vfs.NewMem())
			cfg.LogDir = tc.logDir
			it := newInstallTest(t, cfg, tc.snapshots...)
			synctest.Wait()
			want := otherHistory(2, tc.n)
			var clones []*vfs.Mem
			it.disk.Observe(func(op vfs.Op) error {
				if op.Kind.Changes() {
					clones = append(clones, it.disk.Crash(vfs.LoseAll, 0), it.disk.Crash(vfs.LoseNothing, 0), it.disk.Crash(vfs.LoseSome, uint64(op.Index)))
				}
				return nil
			})
			must(t, it.s.Install(want))
			it.disk.Observe(nil)
			must(t, it.s.Close())
			seen := map[string]int{}
			for i, clone := range clones {
				cfg.FS = clone
				seen[it.checkUnaware(t, i, cfg, want)]++
				seen[it.checkCrash(t, i, cfg, want)]++
			}
			if seen["old"] == 0 || seen["new"] == 0 || seen["unaware: old"] == 0 || seen["unaware: new"] == 0 {
				t.Errorf("found %v in %d crashes", seen, len(clones))
			}
		})
	}
}

// checkUnaware reads a disk as a server would that knows of no installs.
func (it *installTest) checkUnaware(t *testing.T, i int, cfg Config, want *history) string {
	t.Helper()
	d, err := OpenDirectory(cfg)
	must(t, err)
	got := &history{}
	if _, err := d.Recover(got); err != nil {
		t.Fatalf("crash %d, unaware: %v", i, err)
	}
	switch {
	case len(got.entries) == len(want.entries) && prefixOf(got, want) == nil:
		return "unaware: new"
	case len(got.entries) == 0 || len(got.entries) > len(it.old.entries) || prefixOf(got, it.old) != nil:
		t.Fatalf("crash %d, unaware: %d transactions of no history", i, len(got.entries))
	}
	return "unaware: old"
}

func (it *installTest) checkCrash(t *testing.T, i int, cfg Config, want *history) (found string) {
	t.Helper()
	got := &history{}
	s, _, err := openRecovered(cfg, got)
	if err != nil {
		t.Fatalf("crash %d: %v", i, err)
	}
	switch {
	case len(got.entries) == len(want.entries) && prefixOf(got, want) == nil:
		found = "new"
	case len(got.entries) == len(it.old.entries) && prefixOf(got, it.old) == nil:
		found = "old"
	default:
		t.Fatalf("crash %d: %d transactions of no history", i, len(got.entries))
	}
	write(t, s, got, 77, got.Zxid()+1, got.Zxid()+2)
	must(t, s.Close())
	again := &history{}
	s, _, err = openRecovered(cfg, again)
	must(t, err)
	sameHistory(t, again, got)
	must(t, s.Close())
	return found
}

// TestInstallGivenUp: a server that knows of no installs ran after the crash.
// What it wrote stays, even a log under a name that was there before.
func TestInstallGivenUp(t *testing.T) {
	kept := 0
	for stop := range 40 {
		it := newInstallTest(t, testConfig(vfs.NewMem()), 0, 5)
		must(t, it.s.writer.pause())
		it.s.spares.trim()
		want := otherHistory(2, 8)
		var clone *vfs.Mem
		n := 0
		it.disk.Observe(func(op vfs.Op) error {
			if op.Kind.Changes() && !strings.HasSuffix(op.Path, spareName) {
				if n++; n == stop+1 {
					clone = it.disk.Crash(vfs.LoseNothing, 0)
				}
			}
			return nil
		})
		must(t, it.s.Install(want))
		it.disk.Observe(nil)
		must(t, it.s.Close())
		if clone == nil {
			break
		}
		// The other server sees neither of the two files.
		cfg := testConfig(clone)
		announce := "/data/version-2/" + installName
		_, err := clone.Stat(announce)
		announced := err == nil
		if announced {
			must(t, clone.Rename(announce, "/data/version-2/elsewhere"))
		}
		got := &history{}
		s, _, err := openRecovered(cfg, got)
		must(t, err)
		write(t, s, got, 500, got.Zxid()+1)
		must(t, s.Close())
		if announced {
			must(t, clone.Rename("/data/version-2/elsewhere", announce))
			kept++
		}
		checkRecovers(t, cfg, got)
	}
	if kept < 3 {
		t.Errorf("the other server ran %d times in the middle", kept)
	}
}

// TestInstallOnAFullDisk leaves all as it was, wherever space runs out.
func TestInstallOnAFullDisk(t *testing.T) {
	failed := 0
	for room := int64(0); room < 16<<10; room += 1 << 10 {
		synctest.Test(t, func(t *testing.T) {
			it := newInstallTest(t, testConfig(vfs.NewMem()), 0, 5)
			must(t, it.s.writer.pause())
			it.s.spares.trim()
			synctest.Wait()
			it.disk.SetLimit(it.disk.Used() + room)
			want := otherHistory(2, 24)
			err := it.s.Install(want)
			if err == nil {
				want, it.old = nil, want
			} else if failed++; !vfs.IsNoSpace(err) || errors.Is(err, ErrLogFailed) {
				t.Fatalf("with %d bytes: Install = %v", room, err)
			}
			it.disk.SetLimit(-1)
			write(t, it.s, it.old, 50, it.old.Zxid()+1)
			must(t, it.s.Close())
			checkRecovers(t, it.cfg, it.old)
		})
	}
	if failed == 0 {
		t.Error("the disk was never full")
	}
}

// TestInstallFails at each operation: the store is as before, or it has failed
// for good and the next start finds one of the two.
func TestInstallFails(t *testing.T) {
	before, final := 0, 0
	for at := 0; ; at++ {
		it := newInstallTest(t, testConfig(vfs.NewMem()), 0, 5)
		must(t, it.s.writer.pause())
		it.s.spares.trim()
		n, hit := 0, false
		it.disk.Observe(func(op vfs.Op) error {
			if strings.HasSuffix(op.Path, spareName) {
				return nil
			}
			if n++; n == at+1 {
				hit = true
				return syscall.EIO
			}
			return nil
		})
		want := otherHistory(2, 7)
		err := it.s.Install(want)
		it.disk.Observe(nil)
		if !hit {
			must(t, err)
			must(t, it.s.Close())
			break
		}
		switch {
		case errors.Is(err, ErrLogFailed):
			final++
			_ = it.s.Close() // says the same
			it.checkCrash(t, at, it.cfg, want)
		case err != nil:
			before++
			write(t, it.s, it.old, 50, it.old.Zxid()+1)
			must(t, it.s.Close())
			checkRecovers(t, it.cfg, it.old)
		default:
			t.Fatalf("operation %d failed, Install did not", at)
		}
	}
	if before < 3 || final < 3 {
		t.Errorf("%d failures before, %d after the beginning", before, final)
	}
}

// TestOlderSnapshotNeedsItsLog: when the newest snapshot is damaged the log
// must have all that it showed.
func TestOlderSnapshotNeedsItsLog(t *testing.T) {
	for _, lost := range []bool{false, true} {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		for zxid := int64(1); zxid <= 6; zxid++ {
			write(t, s, h, 50, zxid)
			must(t, s.Roll())
		}
		_, err := s.SaveSnapshot(h.at(4))
		must(t, err)
		must(t, s.Close())
		disk.Corrupt("/data/version-2/snapshot.4", 18, 1)
		if !lost {
			checkRecovers(t, testConfig(disk), h)
			continue
		}
		for _, zxid := range []int64{3, 4} {
			must(t, disk.Remove(fmt.Sprintf("/data/version-2/log.%d", zxid)))
		}
		if _, _, err := openRecovered(testConfig(disk), &history{}); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "between 0x2 and 0x5") {
			t.Errorf("Recover = %v", err)
		}
	}
}

// ends are snapshots of each form, and what they end with.
func ends(t testing.TB, txns ...int) map[string]trailer {
	t.Helper()
	files := map[string]trailer{}
	for _, end := range []trailer{
		{}, {hasDigest: true, digestZxid: 7, digestVersion: 2, digest: 99}, {hasZxid: true, zxid: 0x12F},
		{hasDigest: true, digestZxid: 0x12F, digestVersion: 2, digest: 0x12F, hasZxid: true, zxid: 0x12F},
	} {
		for _, n := range txns {
			var b bytes.Buffer
			must(t, writeSnapshot(&b, someHistory(n), end))
			files[b.String()] = end
		}
	}
	return files
}

func TestScanTrailer(t *testing.T) {
	for file, want := range ends(t, 0, 3, 700) {
		got, err := scanTrailer(strings.NewReader(file))
		if err != nil || got != want {
			t.Errorf("%d bytes: %+v, %v, want %+v", len(file), got, err, want)
		}
		for _, at := range []int{3, len(file) / 2, len(file) - 3, len(file) - 20} {
			bad := []byte(file)
			bad[at] ^= 4
			if _, err := scanTrailer(bytes.NewReader(bad)); err == nil {
				t.Errorf("%d bytes: damage at %d is not seen", len(file), at)
			}
		}
		if _, err := scanTrailer(strings.NewReader(file[:len(file)-1])); err == nil {
			t.Errorf("%d bytes: the last one is not missed", len(file))
		}
	}
}

func FuzzScanTrailer(f *testing.F) {
	for file := range ends(f, 0, 3) {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := scanTrailer(bytes.NewReader(file))
		if err != nil {
			return
		}
		// What reads the whole file, and decodes it, agrees.
		want, err := readSnapshot(bytes.NewReader(file), 1<<20, (&snapState{}).DecodeSnapshot)
		if err == nil && got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// FuzzInstallFile: an install that names no snapshot that is there, or not each
// of the logs, does not happen.
func FuzzInstallFile(f *testing.F) {
	f.Add("snapshot.7\nsnapshot.0\nlog.1 5a4b4c47\n")
	f.Add("snapshot.0\nsnapshot.0\nlog.1 5a4b4c47\n")
	f.Add("snapshot.0/../../x\n")
	f.Fuzz(func(t *testing.T, text string) {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		write(t, s, h, 20, 1, 2)
		must(t, s.Close())
		files, err := s.fingerprints()
		must(t, err)
		if strings.Contains(text, files[1]) {
			return
		}
		putFile(t, disk, "/data/version-2/"+installName, []byte(text))
		checkRecovers(t, testConfig(disk), h)
	})
}

// TestGiveUp has a damaged record in the way: nothing of what is on the disk
// counts, and nothing of it is touched, until another history is installed.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(vfs.NewMem())
		it := newInstallTest(t, cfg, 0, 5)
		must(t, it.s.Close())
		_, logs, err := it.s.Files()
		must(t, err)
		data := readFile(t, it.disk, logs[2].Path)
		data[len(data)/2] ^= 0xff
		putFile(t, it.disk, logs[2].Path, data)

		s, err := Open(cfg)
		must(t, err)
		defer func() { _ = s.Close() }() // when the test has failed
		if _, err := s.Recover(&history{}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("recover: %v", err)
		}
		if rec := s.GiveUp(); rec.Zxid != -1 {
			t.Errorf("it has 0x%x", rec.Zxid)
		}
		if err := s.Append(11, testEntry(11, 10)); !errors.Is(err, ErrNoSnapshot) {
			t.Errorf("append: %v", err)
		}
		if got := readFile(t, it.disk, logs[2].Path); !bytes.Equal(got, data) {
			t.Error("the damaged log was touched")
		}
		want := otherHistory(4, 7)
		must(t, s.Install(want))
		must(t, s.Append(8, testEntry(8, 10)))
		want.add(testEntry(8, 10))
		must(t, s.Close())
		again, got, _ := openTest(t, cfg)
		sameHistory(t, got, want)
		must(t, again.Close())
	})
}
