package persistence

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

func TestWriteAndRecover(t *testing.T) {
	disk := vfs.NewMem()
	s, h, rec := openTest(t, testConfig(disk))
	if rec.Zxid != 0 || rec.SnapshotZxid != -1 || !rec.NeedsSnapshot {
		t.Errorf("an empty directory recovers as %+v", rec)
	}
	write(t, s, h, 100, 1, 2, 3)
	write(t, s, h, 10, 4)
	write(t, s, h, 5000, 5, 6)
	if s.LogBytes() == 0 || !s.HasRoom() {
		t.Error("LogBytes or HasRoom is wrong")
	}
	must(t, s.Close())
	must(t, s.Close())

	s, got, rec := openTest(t, testConfig(disk))
	sameHistory(t, got, h)
	if rec.Zxid != 6 || rec.SnapshotZxid != 0 || rec.Txns != 6 || rec.NeedsSnapshot {
		t.Errorf("recovered %+v", rec)
	}
	write(t, s, h, 100, 7, 1<<32|1)
	must(t, s.Close())
	s, got, rec = openTest(t, testConfig(disk))
	sameHistory(t, got, h)
	if rec.Zxid != 1<<32|1 || rec.Txns != 8 {
		t.Errorf("recovered %+v", rec)
	}
	must(t, s.Close())
}

// TestOneWriteOneSync counts what a batch costs once the log is under way.
func TestOneWriteOneSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		defer s.Close()
		synctest.Wait() // the spare is filled
		write(t, s, h, 100, 1)
		synctest.Wait() // and so is the next
		var ops []string
		disk.Observe(func(op vfs.Op) error {
			if op.Kind.Changes() {
				ops = append(ops, op.Kind.String()+" "+filepath.Base(op.Path))
			}
			return nil
		})
		write(t, s, h, 300, 2, 3, 4, 5, 6)
		// The disk calls a file by the name it was opened under.
		if want := []string{"write " + spareName, "sync " + spareName}; !slices.Equal(ops, want) {
			t.Errorf("a batch took %q", ops)
		}
	})
}

// TestFilesFollowEachOther fills several files and looks at their shape:
// begun in prepared space, cut to their length when complete.
func TestFilesFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		cfg := testConfig(disk)
		cfg.PreallocBytes, cfg.ReserveBytes = 64<<10, 16<<10
		s, h, _ := openTest(t, cfg)
		synctest.Wait()
		for zxid := int64(1); zxid <= 200; zxid++ {
			write(t, s, h, 1000, zxid)
			synctest.Wait()
		}
		_, logs, err := s.Files()
		must(t, err)
		if len(logs) < 3 {
			t.Fatalf("200 KB went to %d files", len(logs))
		}
		for i, f := range logs {
			last := i == len(logs)-1
			switch {
			case last && f.SizeBytes != 64<<10:
				t.Errorf("%s is prepared to %d bytes", f.Path, f.SizeBytes)
			case !last && (f.SizeBytes > 64<<10 || f.SizeBytes < 14<<10):
				t.Errorf("%s was cut to %d bytes", f.Path, f.SizeBytes)
			}
		}
		must(t, s.Close())
		infos, err := disk.List("/data/version-2")
		must(t, err)
		for _, info := range infos {
			if info.Name == spareName || strings.HasSuffix(info.Name, tmpSuffix) {
				t.Errorf("%s was left behind", info.Name)
			}
		}
		s, got, _ := openTest(t, cfg)
		sameHistory(t, got, h)
		must(t, s.Close())
	})
}

func TestRollAndSizeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		cfg := testConfig(disk)
		cfg.LogSizeLimitBytes = 1900
		s, h, _ := openTest(t, cfg)
		must(t, s.Roll()) // without a file: nothing to do
		for zxid := int64(1); zxid <= 10; zxid++ {
			synctest.Wait()
			write(t, s, h, 900, zxid) // the limit is passed after the second
		}
		must(t, s.Append(11, testEntry(11, 10)))
		h.add(testEntry(11, 10))
		must(t, s.Roll()) // syncs what is pending
		write(t, s, h, 10, 12)
		must(t, s.Roll())
		must(t, s.Roll())
		must(t, s.Close())
		logs, err := listLogs(disk, "/data/version-2")
		must(t, err)
		var starts []int64
		for _, f := range logs {
			starts = append(starts, f.zxid)
		}
		if want := []int64{1, 3, 5, 7, 9, 11, 12}; !slices.Equal(starts, want) {
			t.Errorf("files start at %v, want %v", starts, want)
		}
		s, got, _ := openTest(t, cfg)
		sameHistory(t, got, h)
		must(t, s.Close())
	})
}

// TestBigBatch writes more than is gathered in memory before one Sync.
func TestBigBatch(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 1<<20, seq(1, 10)...)
	must(t, s.Close())
	s, got, _ := openTest(t, testConfig(disk))
	sameHistory(t, got, h)
	must(t, s.Close())
}

func TestWithoutForceSync(t *testing.T) {
	disk := vfs.NewMem()
	cfg := testConfig(disk)
	cfg.ForceSync = false
	s, h, _ := openTest(t, cfg)
	disk.Observe(func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && strings.Contains(op.Path, logPrefix) {
			t.Errorf("%s of %s", op.Kind, op.Path)
		}
		return nil
	})
	write(t, s, h, 100, 1, 2, 3)
	write(t, s, h, 100, 4)
	disk.Observe(nil)
	// The process dies, the machine does not.
	died := disk.Crash(vfs.LoseNothing, 0)
	must(t, s.Close())
	for _, d := range []*vfs.Mem{died, disk} {
		s, got, _ := openTest(t, testConfig(d))
		sameHistory(t, got, h)
		must(t, s.Close())
	}
}

func TestAppendRefuses(t *testing.T) {
	disk := vfs.NewMem()
	cfg := testConfig(disk)
	cfg.MaxEntryBytes = 200
	s, err := Open(cfg)
	must(t, err)
	defer s.Close()
	check := func(what string, want error, zxid int64, entry []byte) {
		t.Helper()
		if err := s.Append(zxid, entry); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("before Recover", ErrNotRecovered, 1, testEntry(1, 1))
	h := &history{}
	_, err = s.Recover(h)
	must(t, err)
	check("before a snapshot", ErrNoSnapshot, 1, testEntry(1, 1))
	_, err = s.SaveSnapshot(h)
	must(t, err)
	check("too large", ErrTooLarge, 1, testEntry(1, 300))
	check("another zxid", ErrOrder, 2, testEntry(1, 1))
	check("no entry", ErrOrder, 1, nil)
	write(t, s, h, 1, 5)
	check("backwards", ErrOrder, 5, testEntry(5, 1))
	write(t, s, h, 1, 6) // refusals are not final
}

func TestFailureIsFinal(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpWrite, vfs.OpSync, vfs.OpSyncDir, vfs.OpRename} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := vfs.NewMem()
				s, h, _ := openTest(t, testConfig(disk))
				if kind == vfs.OpWrite || kind == vfs.OpSync {
					write(t, s, h, 10, 1) // so that no file has to be begun
				}
				synctest.Wait()
				must(t, s.Append(2, testEntry(2, 10)))
				armed := true
				disk.Observe(func(op vfs.Op) error {
					if op.Kind == kind && armed {
						armed = false
						return syscall.EIO
					}
					return nil
				})
				err := s.Sync()
				if !errors.Is(err, ErrLogFailed) || !errors.Is(err, syscall.EIO) {
					t.Fatalf("Sync = %v", err)
				}
				// Nothing fails any more, and still nothing works.
				for what, err := range map[string]error{
					"Sync": s.Sync(), "Append": s.Append(3, testEntry(3, 10)), "Roll": s.Roll(),
					"Truncate": s.Truncate(1), "Recover": second(s.Recover(&history{})),
				} {
					if !errors.Is(err, ErrLogFailed) {
						t.Errorf("%s after a failure: %v", what, err)
					}
				}
				if err := s.Close(); !errors.Is(err, ErrLogFailed) {
					t.Errorf("Close = %v", err)
				}
			})
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestSyncIsReported(t *testing.T) {
	disk := vfs.NewMem()
	cfg := testConfig(disk)
	cfg.FsyncWarn = time.Nanosecond
	var syncs, bytes int
	cfg.OnSync = func(_ time.Duration, n int) { syncs++; bytes += n }
	s, h, _ := openTest(t, cfg)
	write(t, s, h, 100, 1, 2)
	write(t, s, h, 100, 3)
	must(t, s.Sync()) // nothing to do
	if syncs != 2 || int64(bytes) != s.LogBytes() || s.SlowSyncs() != 2 {
		t.Errorf("%d syncs of %d bytes, %d slow; LogBytes %d", syncs, bytes, s.SlowSyncs(), s.LogBytes())
	}
	must(t, s.Close())
	if err := s.Append(4, testEntry(4, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	s, _, _ := openTest(t, testConfig(vfs.NewMem()))
	defer s.Close()
	entries := make([][]byte, 2001)
	for i := range entries {
		entries[i] = testEntry(int64(i+1), 200)
	}
	for _, e := range entries[:1000] { // let the buffer grow
		must(t, s.Append(entryZxid(e), e))
	}
	must(t, s.Sync())
	i := 1000
	if n := testing.AllocsPerRun(900, func() {
		if err := s.Append(int64(i+1), entries[i]); err != nil {
			t.Fatal(err)
		}
		i++
	}); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
}

func TestEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, testConfig(disk))
		read := func(from int64) []int64 {
			t.Helper()
			r, err := s.Entries(from)
			must(t, err)
			var zxids []int64
			for r.Next() {
				e, err := r.Decode()
				must(t, err)
				if e.Header.Zxid != r.Zxid() || string(r.Entry()) != string(e.Append(nil)) {
					t.Errorf("0x%x decodes as 0x%x", r.Zxid(), e.Header.Zxid)
				}
				zxids = append(zxids, r.Zxid())
			}
			must(t, r.Err())
			must(t, r.Close())
			return zxids
		}
		if got := read(1); len(got) != 0 {
			t.Errorf("an empty log has %v", got)
		}
		write(t, s, h, 100, seq(1, 5)...)
		must(t, s.Roll())
		synctest.Wait()
		write(t, s, h, 100, seq(6, 10)...)
		must(t, s.Append(11, testEntry(11, 10)))
		for _, from := range []int64{1, 3, 6, 10} {
			if got, want := read(from), seq(from, 10); !slices.Equal(got, want) {
				t.Errorf("from %d: %v", from, got)
			}
		}
		if got := read(11); len(got) != 0 {
			t.Errorf("what is not synced was read: %v", got)
		}
		r, err := s.Entries(1)
		must(t, err)
		must(t, disk.Remove("/data/version-2/log.6"))
		for r.Next() {
		}
		if !errors.Is(r.Err(), ErrPurged) {
			t.Errorf("reading on into a purged file: %v", r.Err())
		}
		must(t, r.Close())
		must(t, disk.Remove("/data/version-2/log.1"))
		if _, err := s.Entries(3); err == nil {
			if got := read(3); len(got) != 0 {
				t.Errorf("read %v from no files", got)
			}
		}
		must(t, s.Close())
	})
}

// TestEntriesBesideWrites reads the log again and again while it is written.
func TestEntriesBesideWrites(t *testing.T) {
	disk := vfs.NewMem()
	cfg := testConfig(disk)
	cfg.PreallocBytes, cfg.ReserveBytes = 16<<10, 8<<10
	s, h, _ := openTest(t, cfg)
	var synced atomic.Int64
	done := make(chan error, 1)
	go func() {
		for synced.Load() < 400 {
			least := synced.Load()
			r, err := s.Entries(1)
			if err != nil {
				done <- err
				return
			}
			n := int64(0)
			for r.Next() {
				if n++; r.Zxid() != n {
					break
				}
			}
			if err := errors.Join(r.Err(), r.Close()); err != nil || n < least {
				done <- errors.Join(err, errors.New("a durable transaction was not read"))
				return
			}
		}
		done <- nil
	}()
	for zxid := int64(1); zxid <= 400; zxid++ {
		write(t, s, h, 300, zxid)
		synced.Store(zxid)
	}
	must(t, <-done)
	must(t, s.Close())
}

func TestReplayErrorEndsRecovery(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 10, seq(1, 1000)...)
	must(t, s.Close())
	s, err := Open(testConfig(disk))
	must(t, err)
	bad := errors.New("bad")
	if _, err := s.Recover(&history{fail: bad}); !errors.Is(err, bad) {
		t.Errorf("Recover = %v", err)
	}
	must(t, s.Close())
}

func TestUndecodableEntryIsRefused(t *testing.T) {
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	write(t, s, h, 10, 1)
	e := proto.Entry{Header: proto.TxnHeader{Zxid: 2, Type: 77}, Txn: &proto.DeleteTxn{Path: "/x"}}
	must(t, s.Append(2, e.Append(nil)))
	must(t, s.Sync())
	must(t, s.Close())
	s, err := Open(testConfig(disk))
	must(t, err)
	_, err = s.Recover(&history{})
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.File != "/data/version-2/log.1" || corrupt.Offset == 0 {
		t.Errorf("Recover = %v", err)
	}
	must(t, s.Close())
}
