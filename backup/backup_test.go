package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recorded is a copy of a data directory that Apache 3.9.5 wrote: snapshots
// at 0x0, 0x23, 0x26 and 0x27, transactions up to 0x28.
func recorded(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	must(t, os.CopyFS(filepath.Join(dir, versionDir), os.DirFS("../persistence/testdata/3.9.5")))
	return dir
}

func take(t *testing.T, dataDir, target string, opt Options) *Manifest {
	t.Helper()
	m, err := Take(context.Background(), dataDir, "", target, opt)
	must(t, err)
	return m
}

// spoil changes a byte of a file.
func spoil(t *testing.T, path string, at int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	raw[at] ^= 1
	must(t, os.WriteFile(path, raw, 0o600))
}

// only fails unless a folder has these entries.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	infos, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, info := range infos {
		got = append(got, info.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s has %q, want %q", dir, got, want)
	}
}

func TestTakeAndRestore(t *testing.T) {
	data, work := recorded(t), t.TempDir()
	bk := filepath.Join(work, "bk")
	copied := int64(0)
	m := take(t, data, bk, Options{Now: time.Unix(0, 0), Progress: func(n int64) { copied += n }})
	if m.FromZxid != "0x0" || m.UntilZxid != "0x28" || len(m.Files) != 8 || copied != m.Bytes() {
		t.Errorf("%+v, %d bytes copied", m, copied)
	}
	again, err := Open(bk)
	if err != nil || again.Verify(context.Background(), bk, nil) != nil || !slices.Equal(again.Files, m.Files) {
		t.Errorf("%+v, %v", again, err)
	}
	for _, test := range []struct {
		zxid, want int64
		snapshot   string
		txns       int
	}{
		{-1, 0x28, "snapshot.27.snappy", 1},
		{0x28, 0x28, "snapshot.27.snappy", 1},
		{0x27, 0x27, "snapshot.27.snappy", 0},
		{0x25, 0x25, "snapshot.23", 2},
		{0x23, 0x23, "snapshot.23", 0},
		{0x10, 0x10, "snapshot.0", 16},
		{0, 0, "snapshot.0", 0},
	} {
		dir := filepath.Join(work, fmt.Sprintf("restored-%x", test.zxid))
		r, err := Restore(context.Background(), bk, dir, "", RestoreOptions{Zxid: test.zxid})
		if err != nil || r.Zxid != test.want || r.Snapshot != test.snapshot || r.Txns != test.txns || r.Aside != nil {
			t.Errorf("0x%x: %+v, %v", test.zxid, r, err)
		}
	}
	if _, err := Restore(context.Background(), bk, filepath.Join(work, "new"), "", RestoreOptions{Zxid: 0x29}); !errors.Is(err, ErrZxid) {
		t.Errorf("beyond the end: %v", err)
	}
	only(t, work, "bk", "restored--1", "restored-0", "restored-10", "restored-23", "restored-25", "restored-27", "restored-28")

	// Logs apart.
	dataDir, logDir := filepath.Join(work, "d"), filepath.Join(work, "l")
	_, err = Restore(context.Background(), bk, dataDir, logDir, RestoreOptions{Zxid: 0x25})
	must(t, err)
	only(t, filepath.Join(dataDir, versionDir), "snapshot.23")
	only(t, filepath.Join(logDir, versionDir), "log.24")
}

func TestNewest(t *testing.T) {
	bk := filepath.Join(t.TempDir(), "bk")
	m := take(t, recorded(t), bk, Options{Newest: true})
	only(t, filepath.Join(bk, versionDir), "log.28", "snapshot.27.snappy")
	if m.FromZxid != "0x27" || m.UntilZxid != "0x28" {
		t.Errorf("%+v", m)
	}
	if _, err := Restore(context.Background(), bk, t.TempDir(), "", RestoreOptions{Zxid: 0x26}); !errors.Is(err, ErrZxid) {
		t.Errorf("before the beginning: %v", err)
	}
}

// TestNothingIsOverwritten unless by force, and then nothing is lost.
func TestNothingIsOverwritten(t *testing.T) {
	data, work := recorded(t), t.TempDir()
	bk, dir := filepath.Join(work, "bk"), filepath.Join(work, "dir")
	take(t, data, bk, Options{})
	for i := range 2 {
		if _, err := Take(context.Background(), data, "", bk, Options{}); !errors.Is(err, ErrExists) {
			t.Errorf("over a backup: %v", err)
		}
		take(t, data, bk, Options{Force: true, Newest: i == 1})
	}
	if _, err := Take(context.Background(), data, "", data, Options{Force: true}); !errors.Is(err, ErrExists) {
		t.Errorf("over something else: %v", err)
	}
	only(t, work, "bk")

	for i := range 3 {
		r, err := Restore(context.Background(), bk, dir, "", RestoreOptions{Zxid: -1, Force: i > 0})
		if err != nil || len(r.Aside) != min(i, 1) {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, err := Restore(context.Background(), bk, dir, "", RestoreOptions{Zxid: -1}); !errors.Is(err, ErrExists) {
			t.Errorf("over data: %v", err)
		}
	}
	only(t, dir, "version-2", "version-2.before-restore-1", "version-2.before-restore-2")
	server, err := persistence.Open(persistence.Config{FS: vfs.OS{}, DataDir: dir})
	must(t, err)
	defer server.Close()
	if _, err := Restore(context.Background(), bk, dir, "", RestoreOptions{Zxid: -1, Force: true}); !errors.Is(err, persistence.ErrLocked) {
		t.Errorf("beside a server: %v", err)
	}
	only(t, dir, "version-2", "version-2.before-restore-1", "version-2.before-restore-2")
}

// TestDamage is found when a backup is taken, and when it is restored.
func TestDamage(t *testing.T) {
	work := t.TempDir()
	bk := filepath.Join(work, "bk")
	data := recorded(t)
	spoil(t, filepath.Join(data, versionDir, "log.1"), 200)
	if _, err := Take(context.Background(), data, "", bk, Options{}); !errors.Is(err, persistence.ErrCorrupt) {
		t.Errorf("a damaged log: %v", err)
	}
	only(t, work)
	m := take(t, data, bk, Options{Newest: true}) // which does not need that log
	must(t, m.Verify(context.Background(), bk, nil))
	must(t, os.RemoveAll(bk))

	data = recorded(t)
	spoil(t, filepath.Join(data, versionDir, "snapshot.23"), 300)
	if m := take(t, data, bk, Options{}); slices.ContainsFunc(m.Files, func(f File) bool { return f.Name == "snapshot.23" }) {
		t.Errorf("a damaged snapshot is kept: %+v", m)
	}
	r, err := Restore(context.Background(), bk, filepath.Join(work, "a"), "", RestoreOptions{Zxid: 0x25})
	if err != nil || r.Snapshot != "snapshot.0" || r.Zxid != 0x25 {
		t.Errorf("%+v, %v", r, err)
	}

	spoil(t, filepath.Join(bk, versionDir, "log.24"), 60)
	if _, err := Restore(context.Background(), bk, filepath.Join(work, "b"), "", RestoreOptions{Zxid: 0x23}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged backup: %v", err)
	}
	must(t, os.Remove(filepath.Join(bk, versionDir, "log.24")))
	if _, err := Restore(context.Background(), bk, filepath.Join(work, "b"), "", RestoreOptions{Zxid: 0x23}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a backup without a file: %v", err)
	}
	for name, text := range map[string]string{
		"none": "", "text": "hello", "other": `{"format":"x","version":1}`, "later": `{"format":"meerkat-backup","version":2}`,
		"outside": `{"format":"meerkat-backup","version":1,"files":[{"name":"../x"}]}`,
	} {
		dir := filepath.Join(work, name)
		must(t, os.MkdirAll(dir, 0o700))
		if name != "none" {
			must(t, os.WriteFile(filepath.Join(dir, manifestName), []byte(text), 0o600))
		}
		if _, err := Open(dir); !errors.Is(err, ErrNoBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTornLog backs up beside a server that is just writing a record.
func TestTornLog(t *testing.T) {
	data, bk := recorded(t), filepath.Join(t.TempDir(), "bk")
	log := filepath.Join(data, versionDir, "log.28")
	c, err := persistence.CheckLogFile(vfs.OS{}, log, 0)
	must(t, err)
	raw, err := os.ReadFile(log)
	must(t, err)
	raw = append(raw[:c.EndOffset], raw[16:16+20]...) // the beginning of one more record
	must(t, os.WriteFile(log, raw, 0o600))
	m := take(t, data, bk, Options{})
	if m.UntilZxid != "0x28" {
		t.Errorf("%+v", m)
	}
	if got, err := os.ReadFile(filepath.Join(bk, versionDir, "log.28")); err != nil || !bytes.Equal(got, raw[:c.EndOffset]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestFetch(t *testing.T) {
	data := recorded(t)
	file := "snapshot.27.snappy"
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/commands/snapshot" || r.URL.Query().Get("streaming") != "true":
			http.NotFound(w, r)
		case r.Header.Get("Authorization") != "digest super:secret":
			http.Error(w, `{ "error" : "Not authenticated" }`, http.StatusUnauthorized)
		default:
			w.Header().Set("last_zxid", "0x27")
			http.ServeFile(w, r, filepath.Join(data, versionDir, file))
		}
	}))
	defer admin.Close()
	work := t.TempDir()
	bk := filepath.Join(work, "bk")
	fetch := func(base, auth string, opt Options) (*Manifest, error) {
		return Fetch(context.Background(), admin.Client(), base, &client.Auth{Scheme: "digest", Data: []byte(auth)}, bk, opt)
	}
	if _, err := fetch(admin.URL, "wrong", Options{}); err == nil || !strings.Contains(err.Error(), `401 Unauthorized: { "error" : "Not authenticated" }`) {
		t.Errorf("refused: %v", err)
	}
	only(t, work)
	for i, base := range []string{"", "/", "/commands", "/commands/"} {
		m, err := fetch(admin.URL+base, "super:secret", Options{Force: i > 0})
		if err != nil || m.FromZxid != "0x27" || m.UntilZxid != "0x27" {
			t.Errorf("%q: %+v, %v", base, m, err)
		}
	}
	only(t, filepath.Join(bk, versionDir), file)
	if r, err := Restore(context.Background(), bk, filepath.Join(work, "dir"), "", RestoreOptions{Zxid: -1}); err != nil || r.Zxid != 0x27 {
		t.Errorf("%+v, %v", r, err)
	}
	spoil(t, filepath.Join(data, versionDir, file), 500)
	if _, err := fetch(admin.URL, "super:secret", Options{Force: true}); err == nil {
		t.Error("a damaged snapshot was taken")
	}
	if m, err := Open(bk); err != nil || m.Verify(context.Background(), bk, nil) != nil {
		t.Errorf("the backup from before: %v", err)
	}
	only(t, work, "bk", "dir")
}

// TestInterrupted leaves nothing behind.
func TestInterrupted(t *testing.T) {
	data, work := recorded(t), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Take(ctx, data, "", filepath.Join(work, "bk"), Options{Progress: func(int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	only(t, work)

	// A restore that is cut off leaves what was there.
	bk, dir := filepath.Join(work, "bk"), filepath.Join(work, "dir")
	take(t, data, bk, Options{})
	_, err = Restore(context.Background(), bk, dir, "", RestoreOptions{Zxid: 0})
	must(t, err)
	ctx, cancel = context.WithCancel(context.Background())
	read := int64(0)
	_, err = Restore(ctx, bk, dir, "", RestoreOptions{Zxid: 0x10, Force: true, Progress: func(n int64) {
		if read += n; read > 17_900 { // behind the verification of the backup
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	only(t, dir, "version-2")
	only(t, filepath.Join(dir, versionDir), "snapshot.0")
	cancel()
}

// TestRestoredIsWhatWas compares a restored directory with one that a server
// would recover from the original.
func TestRestoredIsWhatWas(t *testing.T) {
	data, work := recorded(t), t.TempDir()
	bk, dir := filepath.Join(work, "bk"), filepath.Join(work, "dir")
	take(t, data, bk, Options{})
	_, err := Restore(context.Background(), bk, dir, "", RestoreOptions{Zxid: 0x10})
	must(t, err)
	var said bytes.Buffer
	if health, err := (&datadir.Checker{FS: vfs.OS{}, DataDir: dir, Out: &said}).Run(); err != nil || health != datadir.Sound ||
		!strings.Contains(said.String(), "snapshot.0: replayed 16 transactions to 0x10, 16 digests agree") {
		t.Errorf("%v, %v\n%s", health, err, said.String())
	}
}
