package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// recordedDir is a recorded directory on a disk in memory, as /data.
func recordedDir(t testing.TB, version string) *vfs.Mem {
	t.Helper()
	disk := vfs.NewMem()
	names, err := filepath.Glob("../persistence/testdata/" + version + "/*")
	must(t, err)
	if len(names) != 8 {
		t.Fatalf("%d files", len(names))
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		must(t, err)
		put(t, disk, "/data/version-2/"+filepath.Base(name), raw)
	}
	return disk
}

func check(t testing.TB, disk vfs.FS, dataDir, logDir string) (Health, string) {
	t.Helper()
	var b strings.Builder
	health, err := (&Checker{FS: disk, DataDir: dataDir, LogDir: logDir, Out: &b}).Run()
	must(t, err)
	return health, b.String()
}

// edit changes one file of /data/version-2.
func edit(name string, change func([]byte) []byte) func(testing.TB, *vfs.Mem) {
	return func(t testing.TB, disk *vfs.Mem) {
		path := "/data/version-2/" + name
		put(t, disk, path, change(get(t, disk, path)))
	}
}

func write(name, text string) func(testing.TB, *vfs.Mem) {
	return func(t testing.TB, disk *vfs.Mem) { put(t, disk, "/data/"+name, []byte(text)) }
}

func remove(names ...string) func(testing.TB, *vfs.Mem) {
	return func(t testing.TB, disk *vfs.Mem) {
		for _, name := range names {
			must(t, disk.Remove("/data/version-2/"+name))
		}
	}
}

func cut(name string, bytes int) func(testing.TB, *vfs.Mem) {
	return edit(name, func(raw []byte) []byte { return raw[:len(raw)-bytes] })
}

// rewritten rewrites a log of Apache's with a checksum that is right, after a
// change of one of its transactions.
func rewritten(t testing.TB, disk vfs.FS, path string, change func(*proto.Entry)) {
	t.Helper()
	l, err := persistence.OpenLogFile(disk, path)
	must(t, err)
	w, err := persistence.CreateLogFile(disk, path+".new", 0)
	must(t, err)
	for {
		rec, err := l.Next()
		if err != nil {
			break
		}
		e, err := proto.DecodeEntry(rec.Entry)
		must(t, err)
		change(&e)
		entry := e.Append(nil)
		must(t, w.Append(persistence.LogSum(entry), entry))
	}
	must(t, w.Close())
	must(t, disk.Rename(path+".new", path))
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage func(testing.TB, *vfs.Mem)
		health Health
		says   []string // regular expressions
		repair string   // what the copy ends with, as a regular expression; "" if there can be none
	}{
		{"nothing", func(testing.TB, *vfs.Mem) {}, Sound,
			[]string{"log.1: ok, 35 transactions 0x1 to 0x23\n", "snapshot.26.gz: ok, zxid 0x26, 27 znodes, 2 sessions, digest agrees\n",
				"snapshot.0: replayed 35 transactions to 0x23, 31 digests agree\n", "start: a server loads snapshot.27.snappy, replays 1 transaction and is at zxid 0x28 with 27 znodes and 4 sessions\n"},
			"up to 0x28\n"},
		{"torn end", edit("log.28", func(raw []byte) []byte { return raw[:30] }), Sound,
			[]string{"log.28: ok, no transactions; torn behind offset 0: the file ends inside a record: a crash tore", "replays 0 transactions"}, "up to 0x27\n"},
		{"damaged old snapshot", edit("snapshot.23", func(raw []byte) []byte { return change(raw, len(raw)/2, 1) }), Usable,
			[]string{`snapshot.23: damaged at offset \d+: `, "start: a server loads snapshot.27", "verdict: usable"}, "up to 0x28\n"},
		{"damaged newest snapshot", cut("snapshot.27.snappy", 50), Usable,
			[]string{`snapshot.27.snappy: damaged at offset \d+: .*snappy\)`, "loads snapshot.26.gz, replays 2 transactions"}, "up to 0x28\n"},
		{"damage that a snapshot covers", edit("log.24", func(raw []byte) []byte { return change(raw, 50, 1) }), Usable,
			[]string{"log.24: damaged at offset 16: ", "replays 1 transaction and is at zxid 0x28"}, "up to 0x28\n"},
		{"damage that no snapshot covers", edit("log.28", func(raw []byte) []byte { return change(raw, 50, 1) }), Broken,
			[]string{"log.28: damaged at offset 16: a record fails its checksum", "start: a server refuses: ", "verdict: broken: no server starts"}, "transactions up to 0x27; lost are all after it: log.28 is damaged at offset 16"},
		{"no snapshot", remove("snapshot.0", "snapshot.23", "snapshot.26.gz", "snapshot.27.snappy"), Broken,
			[]string{"start: a server refuses: no snapshot found"}, ""},
		{"missing log", remove("log.27"), Sound, []string{"replays 1 transaction"}, "up to 0x28\n"},
		{"false data", func(t testing.TB, disk *vfs.Mem) {
			rewritten(t, disk, "/data/version-2/log.1", func(e *proto.Entry) {
				if e.Header.Zxid == 0x12 {
					e.Txn.(*proto.SetDataTxn).Data = []byte("false")
				}
			})
		}, Broken, []string{"snapshot.0: replayed to 0x12: .* as of zxid 0x12 is .*differs from what its writer had", "verdict: broken: a server may start"}, "up to 0x28\n"},
		{"missing log that no snapshot covers", remove("log.27", "snapshot.27.snappy"), Usable, []string{"no transactions 0x27 to 0x27: is a log"}, "up to 0x28\n"},
		{"epoch too old", func(t testing.TB, disk *vfs.Mem) {
			must(t, disk.Rename("/data/version-2/log.28", "/data/version-2/log.100000001"))
			rewritten(t, disk, "/data/version-2/log.100000001", func(e *proto.Entry) { e.Header.Zxid = 1<<32 | 1 })
			write("version-2/currentEpoch", "0")(t, disk)
		}, Broken, []string{"epochs: currentEpoch 0 is older than the last transaction 0x100000001: no quorum"}, "up to 0x100000001\n"},
		{"epochs crossed", func(t testing.TB, disk *vfs.Mem) {
			write("version-2/currentEpoch", "5")(t, disk)
			write("version-2/acceptedEpoch", "4")(t, disk)
		}, Broken, []string{"epochs: acceptedEpoch 4 is less than currentEpoch 5"}, "acceptedEpoch: copied\n"},
		{"epochs", func(t testing.TB, disk *vfs.Mem) {
			write("version-2/currentEpoch", "4\n")(t, disk)
			write("version-2/acceptedEpoch", "5")(t, disk)
			write("myid", "3\n")(t, disk)
		}, Sound, []string{"epochs: ok, currentEpoch 4, acceptedEpoch 5\n", "myid: ok, 3\n"}, "myid: copied\n"},
		{"epoch that is no number", write("version-2/currentEpoch", "five"), Broken, []string{`epochs: .*found "five"`}, "currentEpoch: copied\n"},
		{"myid that is no number", write("myid", "three"), Broken, []string{`myid: the first line is "three"`}, "myid: copied\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			disk := recordedDir(t, "3.9.5")
			test.damage(t, disk)
			before := tree(t, disk, "/data")
			health, text := check(t, disk, "/data", "")
			if health != test.health {
				t.Errorf("health %d, want %d:\n%s", health, test.health, text)
			}
			for _, want := range test.says {
				if !regexp.MustCompile(want).MatchString(text) {
					t.Errorf("does not say %q:\n%s", want, text)
				}
			}
			var b strings.Builder
			newData, newLog, err := Repair(disk, "/data", "", "/copy", &b)
			if after := tree(t, disk, "/data"); after != before {
				t.Error("the original changed")
			}
			if test.repair == "" {
				if !errors.Is(err, ErrNoRepair) {
					t.Errorf("repaired: %v", err)
				}
				return
			}
			must(t, err)
			if !regexp.MustCompile(test.repair).MatchString(b.String()) {
				t.Errorf("repair does not say %q:\n%s", test.repair, b.String())
			}
			health, text = check(t, disk, newData, newLog)
			if keepsIt := strings.Contains(test.name, "epoch") || strings.Contains(test.name, "no number") || strings.Contains(test.name, "missing"); health != Sound && !keepsIt {
				t.Errorf("the copy is %d:\n%s", health, text)
			}
		})
	}
}

// tree is every file below a directory with its content.
func tree(t testing.TB, disk vfs.FS, dir string) string {
	t.Helper()
	infos, err := disk.List(dir)
	must(t, err)
	var b strings.Builder
	for _, info := range infos {
		path := filepath.Join(dir, info.Name)
		if info.Dir {
			b.WriteString(tree(t, disk, path))
		} else {
			fmt.Fprintf(&b, "%s %x\n", path, get(t, disk, path))
		}
	}
	return b.String()
}

// TestCheckApart is about directories for logs of their own.
func TestCheckApart(t *testing.T) {
	disk := recordedDir(t, "3.8.6")
	must(t, disk.MkdirAll("/logs/version-2"))
	move := func(from, to string) {
		put(t, disk, to, get(t, disk, from))
		must(t, disk.Remove(from))
	}
	for _, name := range []string{"log.1", "log.24", "log.27", "log.28"} {
		move("/data/version-2/"+name, "/logs/version-2/"+name)
	}
	if health, text := check(t, disk, "/data", "/logs"); health != Sound {
		t.Errorf("%d:\n%s", health, text)
	}
	var b strings.Builder
	newData, newLog, err := Repair(disk, "/data", "/logs", "/copy", &b)
	if err != nil || newData != "/copy/dataDir" || newLog != "/copy/dataLogDir" {
		t.Errorf("%s, %s, %v", newData, newLog, err)
	}
	if health, text := check(t, disk, newData, newLog); health != Sound {
		t.Errorf("%d:\n%s", health, text)
	}
	move("/logs/version-2/log.1", "/data/version-2/log.1")
	if health, text := check(t, disk, "/data", "/logs"); health != Broken || !strings.Contains(text, "log.1: misplaced") {
		t.Errorf("%d:\n%s", health, text)
	}
	if _, _, err := Repair(disk, "/data", "/logs", "/copy", &b); !errors.Is(err, ErrExists) {
		t.Errorf("into a directory with files: %v", err)
	}
	if _, _, err := Repair(disk, "/data", "/logs", "/logs/../data/new", &b); !errors.Is(err, ErrExists) {
		t.Errorf("into the original: %v", err)
	}
	_, err = (&Checker{FS: disk, DataDir: "/nope", Out: &b}).Run()
	if !errors.Is(err, persistence.ErrDataDir) {
		t.Errorf("no directory: %v", err)
	}
}

// TestCheckBesideServer says that a torn end may be what is just written.
func TestCheckBesideServer(t *testing.T) {
	disk := recordedDir(t, "3.9.5")
	edit("log.28", func(raw []byte) []byte { return raw[:30] })(t, disk)
	lock, err := disk.Lock("/data/version-2")
	must(t, err)
	defer lock.Close()
	if health, text := check(t, disk, "/data", ""); health != Sound || !strings.Contains(text, "note: a server is running") {
		t.Errorf("%d:\n%s", health, text)
	}
}

func TestInitialize(t *testing.T) {
	disk := vfs.NewMem()
	var b strings.Builder
	opt := InitOptions{DataDir: "/data", LogDir: "/logs", MyID: "7"}
	must(t, Initialize(disk, opt, &b))
	same(t, b.String(), "Using myid of 7\n")
	same(t, tree(t, disk, "/data"), "/data/initialize \n/data/myid 370a\n")
	if info, err := disk.Stat("/logs/version-2"); err != nil || !info.Dir {
		t.Errorf("dataLogDir: %v", err)
	}
	put(t, disk, "/data/version-2/sub/file", []byte("x"))
	if err := Initialize(disk, opt, &b); !errors.Is(err, ErrExists) || !strings.HasPrefix(err.Error(), "ZooKeeper data directory already exists at /data (or use --force") {
		t.Errorf("again: %v", err)
	}
	lock, err := disk.Lock("/data/version-2")
	must(t, err)
	opt.Force, opt.MyID = true, ""
	if err := Initialize(disk, opt, &b); !errors.Is(err, persistence.ErrLocked) {
		t.Errorf("beside a server: %v", err)
	}
	must(t, lock.Close())
	same(t, tree(t, disk, "/data"), "/data/initialize \n/data/myid 370a\n/data/version-2/sub/file 78\n")
	b.Reset()
	must(t, Initialize(disk, opt, &b))
	same(t, b.String(), "Force enabled, data/txnlog directories will be re-initialized\n"+
		"No myid provided, be sure to specify it in /data/myid if using non-standalone\n")
	same(t, tree(t, disk, "/data"), "/data/initialize \n")
	for _, id := range []string{"x", "-1", "256"} {
		if err := Initialize(vfs.NewMem(), InitOptions{DataDir: "/data", MyID: id}, &b); err == nil {
			t.Errorf("myid %s was accepted", id)
		}
	}
}
