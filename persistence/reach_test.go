package persistence

import (
	"errors"
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

func zx(epoch, counter int64) int64 { return epoch<<32 | counter }

// newEpochsTest has 1.1 to 1.6, 3.1 to 3.4 and 5.1 in files of three, with a
// snapshot at 1.2.
func newEpochsTest(t *testing.T) (*vfs.Mem, *Store, *history) {
	t.Helper()
	disk := vfs.NewMem()
	s, h, _ := openTest(t, testConfig(disk))
	t.Cleanup(func() { _ = s.Close() })
	for i, zxid := range []int64{zx(1, 1), zx(1, 2), zx(1, 3), zx(1, 4), zx(1, 5), zx(1, 6), zx(3, 1), zx(3, 2), zx(3, 3), zx(3, 4), zx(5, 1)} {
		write(t, s, h, 50, zxid)
		if i%3 == 2 {
			must(t, s.Roll())
		}
		if i == 1 {
			_, err := s.SaveSnapshot(h)
			must(t, err)
		}
	}
	return disk, s, h
}

func TestReach(t *testing.T) {
	record := int64(recordOverhead + len(testEntry(1, 50)))
	remove := func(name string) func(*testing.T, *vfs.Mem) {
		return func(t *testing.T, disk *vfs.Mem) { must(t, disk.Remove("/data/version-2/"+name)) }
	}
	first := logName(zx(1, 1))
	for _, tc := range []struct {
		name          string
		learner, upTo int64
		limit         int64
		spoil         func(*testing.T, *vfs.Mem)
		want          Reach // Bytes are not compared
	}{
		{"in the middle", zx(1, 4), zx(3, 2), 0, nil, Reach{Complete: true, Prev: zx(1, 4), Next: zx(1, 5)}},
		{"last of an epoch", zx(1, 6), zx(5, 1), 0, nil, Reach{Complete: true, Prev: zx(1, 6), Next: zx(3, 1)}},
		{"an epoch begins", zx(3, 0), zx(3, 4), 0, nil, Reach{Complete: true, Prev: zx(1, 6), Next: zx(3, 1)}},
		{"unknown epoch", zx(2, 5), zx(3, 4), 0, nil, Reach{Complete: true, Prev: zx(1, 6), Next: zx(3, 1)}},
		{"more of its epoch", zx(1, 9), zx(3, 4), 0, nil, Reach{Complete: true, Prev: zx(1, 6), Next: zx(3, 1)}},
		{"from the beginning", 0, zx(1, 6), 0, nil, Reach{Complete: true, Prev: 0, Next: zx(1, 1)}},
		{"up to what is not there", zx(1, 4), zx(3, 0), 0, nil, Reach{Prev: zx(1, 4), Next: zx(1, 5)}},
		{"up to what is not there yet", zx(1, 4), zx(5, 2), 0, nil, Reach{Prev: zx(1, 4), Next: zx(1, 5)}},
		{"just small enough", zx(1, 4), zx(3, 2), 4 * record, nil, Reach{Complete: true, Prev: zx(1, 4), Next: zx(1, 5)}},
		{"too much", zx(1, 4), zx(3, 2), 4*record - 1, nil, Reach{Prev: zx(1, 4), Next: zx(1, 5)}},
		{"purged, from its snapshot", zx(1, 3), zx(5, 1), 0, func(t *testing.T, disk *vfs.Mem) {
			remove(first)(t, disk)
			putSnapshot(t, disk, &history{}, "snapshot.100000003", trailer{})
		}, Reach{Complete: true, Prev: zx(1, 3), Next: zx(1, 4)}},
		{"purged, before", zx(1, 1), zx(5, 1), 0, remove(first), Reach{Prev: 0, Next: zx(1, 4)}},
		{"purged, nothing known", zx(1, 1), zx(5, 1), 0, func(t *testing.T, disk *vfs.Mem) {
			remove(first)(t, disk)
			remove("snapshot.0")(t, disk)
		}, Reach{Prev: -1, Next: zx(1, 4)}},
		{"an epoch begins, nothing known", zx(1, 0), zx(5, 1), 0, remove("snapshot.0"),
			Reach{Complete: true, Prev: -1, Next: zx(1, 1)}},
		{"file lost", zx(1, 2), zx(5, 1), 0, remove("log.300000001"), Reach{Prev: zx(1, 2), Next: zx(1, 3)}},
		{"a snapshot between epochs", zx(1, 4), zx(5, 1), 0, func(t *testing.T, disk *vfs.Mem) {
			putSnapshot(t, disk, &history{}, "snapshot.100000009", trailer{})
		}, Reach{Prev: zx(1, 4), Next: zx(1, 5)}},
		{"behind it", zx(1, 9), zx(3, 3), 0, func(t *testing.T, disk *vfs.Mem) {
			putSnapshot(t, disk, &history{}, "snapshot.100000009", trailer{})
		}, Reach{Complete: true, Prev: zx(1, 9), Next: zx(3, 1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk, s, _ := newEpochsTest(t)
			if tc.spoil != nil {
				tc.spoil(t, disk)
			}
			got, err := s.Reach(tc.learner, tc.upTo, tc.limit)
			must(t, err)
			got.Bytes = 0
			if got != tc.want {
				t.Errorf("Reach = %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestReachOfADamagedLog(t *testing.T) {
	disk, s, _ := newEpochsTest(t)
	disk.Corrupt("/data/version-2/log.100000004", 80, 1)
	r, err := s.Reach(zx(1, 2), zx(3, 4), 0)
	if !errors.Is(err, ErrCorrupt) || r.Complete {
		t.Errorf("Reach = %+v, %v", r, err)
	}
}

func TestReadEntries(t *testing.T) {
	disk, s, h := newEpochsTest(t)
	must(t, s.Append(zx(5, 2), testEntry(zx(5, 2), 10)))
	read := func(from, to int64) ([]int64, error) {
		var zxids []int64
		err := s.ReadEntries(from, to, func(zxid int64, entry []byte) error {
			if entryZxid(entry) != zxid {
				t.Errorf("0x%x has the entry of 0x%x", zxid, entryZxid(entry))
			}
			zxids = append(zxids, zxid)
			return nil
		})
		return zxids, err
	}
	for _, tc := range []struct {
		from, to int64
		want     []int64
	}{
		{0, zx(5, 1), h.zxids}, {zx(1, 2), zx(1, 4), h.zxids[2:4]}, {zx(1, 6), zx(3, 1), h.zxids[6:7]},
		{zx(3, 0), zx(3, 2), h.zxids[6:8]}, {zx(1, 6), zx(1, 6), nil},
	} {
		if got, err := read(tc.from, tc.to); err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("from 0x%x to 0x%x: %x, %v", tc.from, tc.to, got, err)
		}
	}
	for _, tc := range [][2]int64{{zx(1, 2), zx(5, 2)}, {zx(1, 2), zx(3, 0)}, {zx(2, 1), zx(3, 9)}} {
		if got, err := read(tc[0], tc[1]); !errors.Is(err, ErrPurged) {
			t.Errorf("from 0x%x to 0x%x: %x, %v", tc[0], tc[1], got, err)
		}
	}
	stop := errors.New("stop")
	if err := s.ReadEntries(0, zx(5, 1), func(int64, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("ReadEntries = %v", err)
	}
	must(t, disk.Remove("/data/version-2/log.300000001"))
	if got, err := read(zx(1, 1), zx(5, 1)); !errors.Is(err, ErrPurged) || !slices.Equal(got, h.zxids[1:6]) {
		t.Errorf("from a purged file: %x, %v", got, err)
	}
}

func TestTail(t *testing.T) {
	all := []int64{zx(1, 1), zx(1, 2), zx(1, 3), zx(1, 4), zx(1, 5), zx(1, 6), zx(3, 1), zx(3, 2), zx(3, 3), zx(3, 4), zx(5, 1)}
	entryBytes := int64(len(testEntry(1, 50)))
	for _, tc := range []struct {
		name  string
		n     int
		limit int64
		zxid  int64
		spoil func(*testing.T, *vfs.Mem)
		base  int64
		want  []int64
	}{
		{"none", 0, 1 << 20, zx(5, 1), nil, zx(5, 1), nil},
		{"one", 1, 1 << 20, zx(5, 1), nil, zx(3, 4), all[10:]},
		{"a file's", 2, 1 << 20, zx(5, 1), nil, zx(3, 3), all[9:]},
		{"back to an epoch's first", 5, 1 << 20, zx(5, 1), nil, zx(1, 6), all[6:]},
		{"several files", 7, 1 << 20, zx(5, 1), nil, zx(1, 4), all[4:]},
		{"all", 100, 1 << 20, zx(5, 1), nil, 0, all},
		{"few bytes", 100, 3*entryBytes + 1, zx(5, 1), nil, zx(3, 2), all[8:]},
		{"too few bytes", 100, entryBytes - 1, zx(5, 1), nil, zx(5, 1), nil},
		{"snapshot is ahead", 100, 1 << 20, zx(5, 3), nil, zx(5, 3), nil},
		{"no snapshot at the beginning", 100, 1 << 20, zx(5, 1), func(t *testing.T, disk *vfs.Mem) {
			must(t, disk.Remove("/data/version-2/snapshot.0"))
		}, zx(1, 1), all[1:]},
		{"hole with its snapshot", 100, 1 << 20, zx(5, 1), func(t *testing.T, disk *vfs.Mem) {
			must(t, disk.Remove("/data/version-2/log.100000004"))
			putSnapshot(t, disk, &history{}, "snapshot.100000006", trailer{})
		}, zx(1, 6), all[6:]},
		{"hole within an epoch", 100, 1 << 20, zx(5, 1), func(t *testing.T, disk *vfs.Mem) {
			must(t, disk.Remove("/data/version-2/log.300000001"))
		}, zx(3, 3), all[9:]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk, s, h := newEpochsTest(t)
			if tc.spoil != nil {
				tc.spoil(t, disk)
			}
			base, entries, err := s.Tail(tc.zxid, tc.n, tc.limit)
			must(t, err)
			var got []int64
			for _, e := range entries {
				got = append(got, e.Zxid)
				if i := slices.Index(h.zxids, e.Zxid); string(h.entries[i]) != string(e.Data) {
					t.Errorf("0x%x is not what was written", e.Zxid)
				}
			}
			if base != tc.base || !slices.Equal(got, tc.want) {
				t.Errorf("Tail = 0x%x, %x; want 0x%x, %x", base, got, tc.base, tc.want)
			}
		})
	}
}
