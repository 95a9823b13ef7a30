package vfs_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// unsynced makes a disk with /d/old durable and three changes that are not:
// the content of old, a new file and a rename.
func unsynced(t *testing.T) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	must(t, m.MkdirAll("/d"))
	put(t, m, "/d/old", "1111")
	put(t, m, "/d/moved", "m")
	must(t, m.SyncDir("/d"))
	f, err := m.OpenWrite("/d/old")
	must(t, err)
	_, err = f.WriteAt([]byte("222222"), 0)
	must(t, err)
	put(t, m, "/d/new", "n")
	must(t, m.Rename("/d/moved", "/d/target"))
	return m
}

func TestCrashLosesWhatWasNotSynced(t *testing.T) {
	m := unsynced(t)
	lost, kept := m.Crash(vfs.LoseAll, 0), m.Crash(vfs.LoseNothing, 0)
	for _, tc := range []struct{ name, lost, kept string }{
		{"/d/old", "1111", "222222"},
		{"/d/new", "(absent)", "n"},
		{"/d/moved", "m", "(absent)"},
		{"/d/target", "(absent)", "m"},
	} {
		if got := get(t, lost, tc.name); got != tc.lost {
			t.Errorf("losing all: %s = %q, want %q", tc.name, got, tc.lost)
		}
		if got := get(t, kept, tc.name); got != tc.kept {
			t.Errorf("losing nothing: %s = %q, want %q", tc.name, got, tc.kept)
		}
	}
	if got := get(t, m, "/d/target"); got != "m" {
		t.Errorf("the disk itself changed: target = %q", got)
	}
}

// TestCrashTearsInSectors writes three sectors over three and looks at what
// many crashes leave: each sector old or new as a whole, in any combination.
func TestCrashTearsInSectors(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, "/f", string(bytes.Repeat([]byte{'o'}, 3*vfs.SectorBytes)))
	must(t, m.SyncDir("/"))
	f, err := m.OpenWrite("/f")
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte{'n'}, 2*vfs.SectorBytes), vfs.SectorBytes/2)
	must(t, err)
	seen := map[string]bool{}
	for seed := range uint64(100) {
		got := get(t, m.Crash(vfs.LoseSome, seed), "/f")
		if again := get(t, m.Crash(vfs.LoseSome, seed), "/f"); again != got {
			t.Fatal("the same seed tore differently")
		}
		pattern := ""
		for i := range 3 {
			// The middle of what was written of each sector tells for it.
			at := i*vfs.SectorBytes + []int{384, 256, 128}[i]
			pattern += got[at : at+1]
		}
		if got[0] != 'o' || got[len(got)-1] != 'o' {
			t.Fatal("bytes changed that were not written")
		}
		seen[pattern] = true
	}
	if len(seen) != 8 {
		t.Errorf("saw %d of 8 ways to tear: %v", len(seen), seen)
	}
}

func TestFailedSyncLosesSilently(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, "/f", "old")
	must(t, m.SyncDir("/"))
	f, err := m.OpenWrite("/f")
	must(t, err)
	_, err = f.WriteAt([]byte("new"), 0)
	must(t, err)
	m.Observe(func(op vfs.Op) error {
		if op.Kind == vfs.OpSync {
			return syscall.EIO
		}
		return nil
	})
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Sync = %v", err)
	}
	m.Observe(nil)
	must(t, f.Sync())
	if got := get(t, m.Crash(vfs.LoseNothing, 0), "/f"); got != "old" {
		t.Errorf("after a failed sync the medium holds %q", got)
	}
	_, err = f.WriteAt([]byte("NEW"), 0)
	must(t, err)
	must(t, f.Sync())
	if got := get(t, m.Crash(vfs.LoseAll, 0), "/f"); got != "NEW" {
		t.Errorf("after writing again the medium holds %q", got)
	}
}

func TestFullDisk(t *testing.T) {
	m := vfs.NewMem()
	m.SetLimit(4 * vfs.SectorBytes)
	f, err := m.Create("/f")
	must(t, err)
	must(t, f.Truncate(100*vfs.SectorBytes)) // a hole takes no space
	n, err := f.WriteAt(make([]byte, 6*vfs.SectorBytes), 0)
	if n != 4*vfs.SectorBytes || !vfs.IsNoSpace(err) {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	if free, _ := m.FreeBytes("/"); free != 0 || m.Used() != 4*vfs.SectorBytes {
		t.Errorf("free %d, used %d", free, m.Used())
	}
	_, err = f.WriteAt(make([]byte, 4*vfs.SectorBytes), 0)
	must(t, err) // over space that is allocated
	must(t, f.Truncate(vfs.SectorBytes))
	if err := f.Allocate(5 * vfs.SectorBytes); !vfs.IsNoSpace(err) || m.Used() != vfs.SectorBytes {
		t.Errorf("Allocate = %v, used %d", err, m.Used())
	}
	must(t, f.Allocate(3*vfs.SectorBytes))
	if size, _ := f.Size(); size != 3*vfs.SectorBytes || m.Used() != 3*vfs.SectorBytes {
		t.Errorf("after Allocate: size %d, used %d", size, m.Used())
	}
	put(t, m, "/g", "x")
	must(t, m.Remove("/f"))
	must(t, f.Truncate(0)) // its space is already free
	if m.Used() != vfs.SectorBytes {
		t.Errorf("used %d after removing", m.Used())
	}
}

func TestObserver(t *testing.T) {
	m := vfs.NewMem()
	var ops []string
	m.Observe(func(op vfs.Op) error {
		if op.Kind.Changes() {
			ops = append(ops, op.Kind.String()+" "+op.Path)
		}
		return nil
	})
	must(t, m.MkdirAll("/d"))
	put(t, m, "/d/a", "x")
	must(t, m.Rename("/d/a", "/d/b"))
	must(t, m.SyncDir("/d"))
	must(t, m.Remove("/d/b"))
	want := []string{"mkdir /d", "create /d/a", "write /d/a", "sync /d/a", "rename /d/b", "syncdir /d", "remove /d/b"}
	if len(ops) != len(want) {
		t.Fatalf("observed %q", ops)
	}
	for i := range want {
		if ops[i] != want[i] {
			t.Errorf("operation %d is %q, want %q", i, ops[i], want[i])
		}
	}
}

func TestCorrupt(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, "/f", "abc")
	must(t, m.SyncDir("/"))
	if !m.Corrupt("/f", 1, 0x20) || m.Corrupt("/f", 3, 1) || m.Corrupt("/g", 0, 1) {
		t.Error("Corrupt reports wrongly")
	}
	if got := get(t, m.Crash(vfs.LoseAll, 0), "/f"); got != "aBc" {
		t.Errorf("content %q", got)
	}
}
