package persistence

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// BenchmarkSpace compares ways to have space for the log: what one write and
// one sync cost on this machine's disk. FORMAT.md and spare.go rest on it.
func BenchmarkSpace(b *testing.B) {
	const fileBytes = 32 << 20
	ways := []struct {
		name    string
		prepare func(f vfs.File) error
	}{
		{"grow", func(vfs.File) error { return nil }},
		{"sparse", func(f vfs.File) error { return f.Truncate(fileBytes) }},
		{"fallocate", func(f vfs.File) error { return f.Allocate(fileBytes) }},
		{"zeros", func(f vfs.File) error {
			zeros := make([]byte, 1<<20)
			for off := int64(0); off < fileBytes; off += int64(len(zeros)) {
				if _, err := f.WriteAt(zeros, off); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	for _, sizeBytes := range []int{300, 20_000} {
		for _, way := range ways {
			b.Run(fmt.Sprintf("%s/%dB", way.name, sizeBytes), func(b *testing.B) {
				f, err := vfs.OS{}.Create(filepath.Join(b.TempDir(), "log"))
				must(b, err)
				defer f.Close()
				must(b, way.prepare(f))
				must(b, f.Sync())
				data := make([]byte, sizeBytes)
				for i := range data {
					data[i] = byte(i) | 1
				}
				var took []time.Duration
				off := int64(fileHeadBytes)
				for b.Loop() {
					if off+int64(sizeBytes) > fileBytes {
						off = fileHeadBytes // over space that was written: only "zeros" stays comparable
					}
					start := time.Now()
					_, err := f.WriteAt(data, off)
					must(b, err)
					must(b, f.Sync())
					took = append(took, time.Since(start))
					off += int64(sizeBytes)
				}
				reportQuantiles(b, took)
			})
		}
	}
}

func reportQuantiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkAppend is what a transaction of 200 bytes costs the log's goroutine
// before the sync.
func BenchmarkAppend(b *testing.B) {
	cfg := benchConfig(b)
	cfg.ForceSync = false
	s, _, _ := openTest(b, cfg)
	defer s.Close()
	entry := testEntry(1, 100)
	b.SetBytes(int64(len(entry)))
	b.ReportAllocs()
	zxid := int64(0)
	for b.Loop() {
		zxid++
		for i := range 8 {
			entry[12+i] = byte(zxid >> (56 - 8*i))
		}
		if err := s.Append(zxid, entry); err != nil {
			b.Fatal(err)
		}
		if zxid%1000 == 0 {
			b.StopTimer()
			must(b, s.Sync())
			b.StartTimer()
		}
	}
}

// BenchmarkSync is one batch: append, write and sync.
func BenchmarkSync(b *testing.B) {
	for _, records := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("%d", records), func(b *testing.B) {
			s, _, _ := openTest(b, benchConfig(b))
			defer s.Close()
			zxid := int64(0)
			var took []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				var entries [][]byte
				for range records {
					zxid++
					entries = append(entries, testEntry(zxid, 100))
				}
				b.StartTimer()
				start := time.Now()
				for _, e := range entries {
					must(b, s.Append(entryZxid(e), e))
				}
				must(b, s.Sync())
				took = append(took, time.Since(start))
			}
			reportQuantiles(b, took)
		})
	}
}

// BenchmarkSyncBesideSnapshot is one batch while a snapshot is written.
func BenchmarkSyncBesideSnapshot(b *testing.B) {
	s, _, _ := openTest(b, benchConfig(b))
	defer s.Close()
	big := &history{}
	for zxid := int64(1); zxid <= 2000; zxid++ {
		big.add(testEntry(zxid, 50_000)) // 100 MB
	}
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, err := s.SaveSnapshot(big); err != nil {
				done <- err
				return
			}
		}
	}()
	zxid := int64(10_000)
	var took []time.Duration
	for b.Loop() {
		zxid++
		start := time.Now()
		must(b, s.Append(zxid, testEntry(zxid, 2000)))
		must(b, s.Sync())
		took = append(took, time.Since(start))
	}
	close(stop)
	must(b, <-done)
	reportQuantiles(b, took)
}

// BenchmarkRecover replays a log of 100,000 transactions of 200 bytes.
func BenchmarkRecover(b *testing.B) {
	cfg := benchConfig(b)
	s, _, _ := openTest(b, cfg)
	for zxid := int64(1); zxid <= 100_000; zxid++ {
		must(b, s.Append(zxid, testEntry(zxid, 100)))
		if zxid%5000 == 0 {
			must(b, s.Sync())
		}
	}
	size := s.LogBytes()
	must(b, s.Close())
	b.SetBytes(size)
	for b.Loop() {
		s, err := Open(cfg)
		must(b, err)
		rec, err := s.Recover(&snapState{})
		must(b, err)
		if rec.Txns != 100_000 {
			b.Fatal(rec)
		}
		must(b, s.Close())
	}
}

func benchConfig(b *testing.B) Config {
	return Config{
		DataDir: b.TempDir(), Autocreate: true, PreallocBytes: 64 << 20, ForceSync: true, DBAutocreate: true,
		DigestEnabled: true, SerializeLastZxid: true, Log: zerolog.New(os.Stderr).Level(zerolog.WarnLevel),
	}
}

// BenchmarkReach looks at the log, and reads it, for a learner that is 100,000
// transactions of 150 bytes behind.
func BenchmarkReach(b *testing.B) {
	const txns = 100_000
	disk := vfs.NewMem()
	cfg := testConfig(disk)
	cfg.PreallocBytes, cfg.ReserveBytes = 64<<20, 32<<20
	s, _, _ := openTest(b, cfg)
	defer s.Close()
	for zxid := int64(1); zxid <= txns; zxid++ {
		must(b, s.Append(zxid, testEntry(zxid, 100)))
	}
	must(b, s.Sync())
	b.Run("reach", func(b *testing.B) {
		for b.Loop() {
			if r, err := s.Reach(1, txns, 0); err != nil || !r.Complete {
				b.Fatal(r, err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			must(b, s.ReadEntries(1, txns, func(int64, []byte) error { return nil }))
		}
	})
	b.Run("tail", func(b *testing.B) {
		for b.Loop() {
			if _, entries, err := s.Tail(txns, 500, 1<<20); err != nil || len(entries) != 500 {
				b.Fatal(len(entries), err)
			}
		}
	})
}
