package persistence

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// fullConfig keeps 8 KB in reserve and files of 16 KB.
func fullConfig(disk *vfs.Mem) Config {
	cfg := testConfig(disk)
	cfg.PreallocBytes, cfg.ReserveBytes = 16<<10, 8<<10
	return cfg
}

// TestFullDisk runs into disks of many sizes: when HasRoom says no, what was
// accepted is still written; when there is space again, so is the rest; and
// all of it is found.
func TestFullDisk(t *testing.T) {
	for limit := int64(1 << 10); limit < 80<<10; limit += 2900 {
		synctest.Test(t, func(t *testing.T) {
			disk := vfs.NewMem()
			disk.SetLimit(limit)
			h := &history{}
			s, _, err := openRecovered(fullConfig(disk), h)
			if err != nil {
				if !vfs.IsNoSpace(err) {
					t.Fatalf("limit %d: %v", limit, err)
				}
				return // not even the first snapshot
			}
			zxid := int64(0)
			batch := func(records, sizeBytes int) {
				t.Helper()
				for range records {
					zxid++
					entry := testEntry(zxid, sizeBytes)
					must(t, s.Append(zxid, entry))
					h.add(entry)
				}
				if err := s.Sync(); err != nil {
					t.Fatalf("limit %d, at 0x%x: %v", limit, zxid, err)
				}
				synctest.Wait()
			}
			synctest.Wait()
			for s.HasRoom() {
				batch(3, 150)
				if zxid > 1000 {
					t.Fatalf("limit %d: there is always room", limit)
				}
			}
			if zxid > 0 {
				for range 7 { // accepted before: just below the reserve
					batch(1, 950)
				}
				must(t, s.Roll()) // may do nothing, but must do no harm
				batch(1, 10)
			}
			died := disk.Crash(vfs.LoseAll, 0)
			time.Sleep(3 * time.Second)
			if s.HasRoom() {
				t.Errorf("limit %d: room on a full disk", limit)
			}
			disk.SetLimit(-1)
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if !s.HasRoom() {
				t.Errorf("limit %d: no room on a disk with space", limit)
			}
			before := len(h.entries)
			for range 20 {
				batch(3, 500)
			}
			must(t, s.Close())
			checkRecovers(t, fullConfig(disk), h)

			// On the full disk it starts as well, to be read.
			got := &history{}
			s, _, err = openRecovered(fullConfig(died), got)
			must(t, err)
			sameHistory(t, got, h.at(before))
			must(t, s.Close())
		})
	}
}

// TestRoomBeforeTheNextFile fills a log faster than the next file is made, on a
// disk that fills up meanwhile: that is noticed before what was accepted has
// no place.
func TestRoomBeforeTheNextFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		cfg := fullConfig(disk)
		s, h, _ := openTest(t, cfg)
		synctest.Wait()
		made := make(chan struct{})
		disk.Observe(func(op vfs.Op) error {
			if op.Kind == vfs.OpCreate {
				<-made
			}
			return nil
		})
		write(t, s, h, 10, 1)
		synctest.Wait()
		disk.SetLimit(disk.Used())
		zxid := int64(1)
		for s.HasRoom() {
			zxid++
			write(t, s, h, 100, zxid)
		}
		for range 7 { // accepted before
			zxid++
			write(t, s, h, 950, zxid)
		}
		close(made)
		must(t, s.Close())
		disk.Observe(nil)
		disk.SetLimit(-1)
		checkRecovers(t, cfg, h)
	})
}

// TestShorterFiles writes to a disk that has no space for another file as long
// as usual: shorter ones do, as long as the reserve.
func TestShorterFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		cfg := fullConfig(disk)
		cfg.PreallocBytes = 128 << 10
		s, h, _ := openTest(t, cfg)
		synctest.Wait()
		const file = 128 << 10
		disk.SetLimit(disk.Used() + file/2)
		zxid := int64(0)
		for s.HasRoom() {
			zxid++
			write(t, s, h, 1000, zxid)
			synctest.Wait()
		}
		if least := (file + file/4) / int64(1000); zxid < least {
			t.Errorf("%d records fit, where at least %d should", zxid, least)
		}
		must(t, s.Close())
		disk.SetLimit(-1)
		checkRecovers(t, cfg, h)
	})
}

func checkRecovers(t *testing.T, cfg Config, want *history) {
	t.Helper()
	got := &history{}
	s, _, err := openRecovered(cfg, got)
	must(t, err)
	must(t, s.Close())
	sameHistory(t, got, want)
}

// TestStartOnFullDisk starts where not a sector is free.
func TestStartOnFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMem()
		s, h, _ := openTest(t, fullConfig(disk))
		write(t, s, h, 100, 1, 2, 3)
		must(t, s.Close())
		disk.SetLimit(disk.Used())
		s, got, _ := openTest(t, fullConfig(disk))
		sameHistory(t, got, h)
		if s.HasRoom() {
			t.Error("there is room")
		}
		if _, err := s.SaveSnapshot(h); !vfs.IsNoSpace(err) {
			t.Errorf("SaveSnapshot = %v", err)
		}
		disk.SetLimit(-1)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !s.HasRoom() {
			t.Error("there is no room yet")
		}
		write(t, s, h, 100, 4)
		must(t, s.Close())
		checkRecovers(t, fullConfig(disk), h)
	})
}

// TestFaultAtEachOperation lets one operation of a workload fail, each in
// turn, once for want of space and once for good: either all goes on, or the
// log stops for ever; and what was acknowledged is found.
func TestFaultAtEachOperation(t *testing.T) {
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO} {
		failures := 0
		for index := 0; ; index++ {
			reached := false
			synctest.Test(t, func(t *testing.T) { reached = faultAt(t, index, fault, &failures) })
			if !reached {
				break
			}
		}
		if failures == 0 {
			t.Errorf("%v never stopped the log", fault)
		}
	}
}

// faultAt runs a workload whose operation with this index fails. It reports
// whether there was such an operation.
func faultAt(t *testing.T, index int, fault error, failures *int) (reached bool) {
	disk := vfs.NewMem()
	must(t, disk.MkdirAll("/data/version-2"))
	var mu sync.Mutex // the next file is prepared on another goroutine
	var op vfs.Op
	seen := 0
	disk.Observe(func(o vfs.Op) error {
		if !o.Kind.Changes() {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if seen++; seen-1 != index {
			return nil
		}
		op, reached = o, true
		return fault
	})
	h, acked := &history{}, 0
	s, _, err := openRecovered(fullConfig(disk), h)
	if err == nil {
		acked, err = faultWorkload(t, s, h)
		if closeErr := s.Close(); err == nil && closeErr != nil && !errors.Is(closeErr, fault) {
			t.Errorf("%s %s failed with %v: Close = %v", op.Kind, op.Path, fault, closeErr)
		}
	}
	if err != nil && !errors.Is(err, fault) {
		t.Fatalf("%s %s failed with %v: %v", op.Kind, op.Path, fault, err)
	}
	if errors.Is(err, ErrLogFailed) {
		*failures++
	}
	disk.Observe(nil)
	for _, loss := range []vfs.Loss{vfs.LoseAll, vfs.LoseNothing} {
		got := &history{}
		s, _, err := openRecovered(fullConfig(disk.Crash(loss, 0)), got)
		if err != nil {
			t.Fatalf("%s %s failed with %v: %v", op.Kind, op.Path, fault, err)
		}
		must(t, s.Close())
		if err := prefixOf(got, h); err != nil || len(got.entries) < acked {
			t.Fatalf("%s %s failed with %v: %d of %d acknowledged transactions; %v", op.Kind, op.Path, fault, len(got.entries), acked, err)
		}
	}
	return reached
}

// faultWorkload writes batches, snapshots and a purge until the log fails.
func faultWorkload(t *testing.T, s *Store, h *history) (acked int, err error) {
	for zxid := int64(1); zxid <= 18; zxid++ {
		entry := testEntry(zxid, 1200)
		h.add(entry)
		if err := errors.Join(s.Append(zxid, entry), s.Sync()); err != nil {
			if again := s.Sync(); !errors.Is(again, ErrLogFailed) {
				t.Errorf("after %v Sync returns %v", err, again)
			}
			return acked, err
		}
		acked = len(h.entries)
		synctest.Wait()
		if zxid%7 == 0 {
			// These may fail, and that is not the end of the log.
			_, _ = s.SaveSnapshot(h.at(acked))
			_, _ = s.Purge(MinRetain)
		}
	}
	return acked, nil
}
