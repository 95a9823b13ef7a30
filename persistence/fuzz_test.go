package persistence

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// FuzzLog recovers a directory whose only log is the input: it must not
// panic, must not take more memory than the file is long, and when it starts
// must find the same a second time.
func FuzzLog(f *testing.F) {
	ordered := appendLogHeader(nil, true)
	ordered = appendRecord(appendRecord(ordered, testEntry(1, 20)), testEntry(2, 600))
	ordered = append(appendMarker(ordered, fileHeadBytes, int64(len(ordered))), make([]byte, 100)...)
	f.Add(ordered)
	f.Add(ordered[:300])
	f.Add(append(appendRecord(appendLogHeader(nil, false), testEntry(1, 0)), make([]byte, 40)...))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Add(readFile(f, vfs.OS{}, "testdata/3.9.5/log.24"))
	f.Fuzz(func(t *testing.T, data []byte) {
		disk := vfs.NewMem()
		must(t, disk.MkdirAll("/data/version-2"))
		var snapshot bytes.Buffer
		must(t, writeSnapshot(&snapshot, &history{}, trailer{}))
		putFile(t, disk, "/data/version-2/snapshot.0", snapshot.Bytes())
		putFile(t, disk, "/data/version-2/log.1", data)
		cfg := testConfig(disk)
		cfg.PreallocBytes, cfg.ReserveBytes = 0, -1
		first := &history{}
		s, _, err := openRecovered(cfg, first)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		must(t, s.Close())
		second := &history{}
		s, _, err = openRecovered(cfg, second)
		must(t, err)
		must(t, s.Close())
		sameHistory(t, second, first)
	})
}

// FuzzSnapshot reads snapshots: what passes its seals must be written again
// as it was.
func FuzzSnapshot(f *testing.F) {
	h := &history{}
	h.add(testEntry(1, 30))
	for _, t := range []trailer{{}, {hasDigest: true, digestVersion: 2, digest: 5, digestZxid: 1}, {hasZxid: true, zxid: 1},
		{hasDigest: true, digestVersion: 2, hasZxid: true}} {
		var b bytes.Buffer
		if err := writeSnapshot(&b, h, t); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add(readFile(f, vfs.OS{}, "testdata/3.9.5/snapshot.0"))
	f.Add(readFile(f, vfs.OS{}, "testdata/3.5.10/snapshot.0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var st snapState
		tr, err := readSnapshot(bytes.NewReader(data), 1<<20, st.DecodeSnapshot)
		if err != nil || tr.hasDigest && tr.digestVersion < 2 {
			return
		}
		var again bytes.Buffer
		must(t, writeSnapshot(&again, &st, tr))
		st2 := snapState{}
		tr2, err := readSnapshot(&again, 1<<20, st2.DecodeSnapshot)
		if err != nil || tr2 != tr || len(st2.nodes) != len(st.nodes) {
			t.Fatalf("written again: %+v, %v; was %+v", tr2, err, tr)
		}
	})
}

// FuzzSnappy reads streams: what can be read is the same once written again.
func FuzzSnappy(f *testing.F) {
	for _, size := range []int{0, 1, 100, snappyBlockBytes + 1} {
		var b bytes.Buffer
		w := newSnappyWriter(&b)
		if _, err := w.Write(bytes.Repeat([]byte("abc"), size)); err != nil {
			f.Fatal(err)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add(readFile(f, vfs.OS{}, "testdata/3.9.5/snapshot.27.snappy"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := newSnappyReader(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		plain, err := io.ReadAll(io.LimitReader(r, 1<<20))
		if err != nil {
			return
		}
		var b bytes.Buffer
		w := newSnappyWriter(&b)
		_, err = w.Write(plain)
		must(t, errors.Join(err, w.Close()))
		r, err = newSnappyReader(bufio.NewReader(&b))
		must(t, err)
		again, err := io.ReadAll(r)
		must(t, err)
		if !bytes.Equal(again, plain) {
			t.Fatal("another stream came back")
		}
	})
}
