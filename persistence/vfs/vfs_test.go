package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// onBoth runs a test on the machine's file system and on the one in memory.
func onBoth(t *testing.T, test func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Run("os", func(t *testing.T) { test(t, vfs.OS{}, t.TempDir()) })
	t.Run("mem", func(t *testing.T) {
		m := vfs.NewMem()
		must(t, m.MkdirAll("/tmp"))
		test(t, m, "/tmp")
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, fsys vfs.FS, name, content string) {
	t.Helper()
	f, err := fsys.Create(name)
	must(t, err)
	_, err = f.WriteAt([]byte(content), 0)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}

func get(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	data, err := vfs.ReadFile(fsys, name, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return "(absent)"
	}
	must(t, err)
	return string(data)
}

func TestFiles(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		name := filepath.Join(dir, "a", "b", "file")
		must(t, fsys.MkdirAll(filepath.Dir(name)))
		must(t, fsys.MkdirAll(filepath.Dir(name)))
		put(t, fsys, name, "hello")
		f, err := fsys.OpenWrite(name)
		must(t, err)
		_, err = f.WriteAt([]byte("XY"), 7)
		must(t, err)
		must(t, f.Push(0, 9))
		if size, err := f.Size(); size != 9 || err != nil {
			t.Errorf("Size = %d, %v", size, err)
		}
		tail := make([]byte, 4)
		if n, err := f.ReadAt(tail, 7); n != 2 || err != io.EOF {
			t.Errorf("ReadAt over the end = %d, %v", n, err)
		}
		if err := f.Allocate(5000); !errors.Is(err, errors.ErrUnsupported) {
			must(t, err)
			if size, _ := f.Size(); size != 5000 {
				t.Errorf("Size after Allocate = %d", size)
			}
			must(t, f.Allocate(100)) // never shrinks
		}
		must(t, f.Truncate(8))
		must(t, f.Sync())
		must(t, f.Close())
		if got := get(t, fsys, name); got != "hello\x00\x00X" {
			t.Errorf("content %q", got)
		}
		if _, err := vfs.ReadFile(fsys, name, 7); err == nil {
			t.Error("ReadFile went over its limit")
		}
		other := name + "2"
		put(t, fsys, other, "old")
		must(t, fsys.Rename(name, other))
		must(t, fsys.SyncDir(filepath.Dir(name)))
		infos, err := fsys.List(filepath.Dir(name))
		must(t, err)
		if len(infos) != 1 || infos[0].Name != "file2" || infos[0].SizeBytes != 8 || infos[0].Dir {
			t.Errorf("List = %+v", infos)
		}
		if info, err := fsys.Stat(filepath.Dir(name)); err != nil || !info.Dir || info.Name != "b" {
			t.Errorf("Stat = %+v, %v", info, err)
		}
		must(t, fsys.Writable(dir))
		must(t, fsys.Remove(other))
		for op, err := range map[string]error{
			"remove": fsys.Remove(other), "rename": fsys.Rename(other, name), "list": second(fsys.List(other)),
			"open": second(fsys.Open(other)), "create": second(fsys.Create(filepath.Join(dir, "none", "x"))),
			"stat": second(fsys.Stat(other)),
		} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s of what is not there: %v", op, err)
			}
		}
		if free, err := fsys.FreeBytes(dir); err != nil || free <= 0 {
			t.Errorf("FreeBytes = %d, %v", free, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestLock(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		held, err := fsys.Lock(dir)
		must(t, err)
		if _, err := fsys.Lock(dir); !errors.Is(err, vfs.ErrLocked) {
			t.Fatalf("second lock: %v", err)
		}
		must(t, held.Close())
		held, err = fsys.Lock(dir)
		must(t, err)
		must(t, held.Close())
	})
}

func TestSameFile(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		must(t, fsys.MkdirAll(filepath.Join(dir, "x")))
		if !fsys.SameFile(dir, filepath.Join(dir, "x", "..")) || fsys.SameFile(dir, filepath.Join(dir, "x")) ||
			fsys.SameFile(dir, filepath.Join(dir, "none")) {
			t.Error("SameFile is wrong")
		}
	})
}
