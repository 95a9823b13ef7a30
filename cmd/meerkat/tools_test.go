package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/datadir"
	"github.com/meerkat-zk/meerkat/persistence"
)

// recordedData copies a directory that Apache wrote; it returns its version-2.
func recordedData(t *testing.T) (dataDir, version string) {
	t.Helper()
	dataDir = filepath.Join(t.TempDir(), "data")
	version = filepath.Join(dataDir, "version-2")
	must(t, os.CopyFS(version, os.DirFS("../../persistence/testdata/3.9.5")))
	return dataDir, version
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runTool runs a command line with an input.
func runTool(t *testing.T, input string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	app := newApp(&o, &e)
	app.Reader = strings.NewReader(input)
	err := app.RunContext(context.Background(), append([]string{"meerkat"}, args...))
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintln(&e, "meerkat:", err)
	}
	return exitCode(err), o.String(), e.String()
}

// spoil changes a byte of a file.
func spoil(t *testing.T, path string, at int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	raw[at] ^= 1
	must(t, os.WriteFile(path, raw, 0o600))
}

func TestTools(t *testing.T) {
	_, dir := recordedData(t)
	log, snap, bad, badSnap := dir+"/log.1", dir+"/snapshot.26.gz", dir+"/log.24", dir+"/snapshot.23"
	spoil(t, bad, 16+12+34) // in the timeout of a createSession
	spoil(t, badSnap, 300)
	missing := dir + "/nope"
	for _, test := range []struct {
		args  []string
		input string
		code  int
		says  string // on standard output, or with an exit code on standard error
	}{
		{[]string{"snapshot", "dump", snap}, "", 0, "ZNode Details (count=27):\n----\n/\n  cZxid = 0x00000000000000\n"},
		{[]string{"snapshot", "dump", snap, "-d"}, "", 0, "  data = bm9uLUFTQ0lJ\n"},
		{[]string{"snapshot", "dump", "-json", snap}, "", 0, `[1,0,{"progname":"meerkat"`},
		{[]string{"snapshot", "dump", "-json", "-d", snap}, "", 2, "cannot specify both"},
		{[]string{"snapshot", "json", snap}, "", 0, `{"name":"big","asize":4096,"dsize":4096`},
		{[]string{"snapshot", "dump"}, "", 2, "snapshot dump [-d|-json] FILE"},
		{[]string{"snapshot", "dump", snap, snap}, "", 2, "snapshot dump"},
		{[]string{"snapshot", "dump", snap, "-x"}, "", 2, "unknown flag -x"},
		{[]string{"snapshot", "dump", missing}, "", 2, "nope: no such file"},
		{[]string{"snapshot", "dump", dir}, "", 2, "is a directory"},
		{[]string{"snapshot", "dump", badSnap}, "", 1, "snapshot.23: damaged at offset "},
		{[]string{"snapshot", "dump", log}, "", 1, "log.1: damaged at offset 0: does not begin with ZKSN"},
		{[]string{"snapshot", "diff", "-l", dir + "/snapshot.0", "-r", snap, "-b", "0", "-n", "0"}, "", 0, "Node /big found only in right tree."},
		{[]string{"snapshot", "diff", snap, dir + "/snapshot.27.snappy", "-b", "5"}, "", 0, "All layers compared."},
		{[]string{"snapshot", "diff", snap, snap, "-i"}, "/plain\n", 0, "Analysis for node /plain\n"},
		{[]string{"snapshot", "diff", snap}, "", 2, "LEFT RIGHT"},
		{[]string{"snapshot", "diff", snap, snap, "-b"}, "", 2, "flag needs an argument: -b"},
		{[]string{"snapshot", "diff", snap, snap, "-b", "x"}, "", 2, "-b"},
		{[]string{"snapshot", "summary", snap, "/zookeeper", "1"}, "", 0, " /zookeeper\n   children: 5\n   data: 38\n"},
		{[]string{"snapshot", "summary", snap}, "", 0, " /\n   children: 25\n"},
		{[]string{"snapshot", "summary", snap, "/nope"}, "", 1, `no such znode: "/nope"`},
		{[]string{"snapshot", "summary", snap, "/", "x"}, "", 2, "MAX_DEPTH"},
		{[]string{"snapshot", "verify", snap, dir + "/snapshot.27.snappy"}, "", 0, "snapshot.26.gz: ok, zxid 0x26, 27 znodes, 2 sessions, digest agrees\n"},
		{[]string{"snapshot", "verify", snap, badSnap, missing}, "", 1, "2 of 3 files are not good: damaged"},
		{[]string{"snapshot", "nonsense"}, "", 2, `there is no verb "nonsense"`},
		{[]string{"log", "dump", log}, "", 0, "createSession 40000\n"},
		{[]string{"log", "dump", "-d", log}, "", 0, "EOF reached after 35 txns.\n"},
		{[]string{"log", "dump", bad}, "", 1, "log.24: damaged at offset 16: a record fails its checksum"},
		{[]string{"log", "dump", snap}, "", 1, "does not begin with ZKLG"},
		{[]string{"log", "dump", missing}, "", 1, "nope: no such file"},
		{[]string{"log", "verify", log}, "", 0, "log.1: ok, 35 transactions 0x1 to 0x23\n"},
		{[]string{"log", "verify", log, bad}, "", 1, "1 of 2 files are not good"},
		{[]string{"log", "recover", bad}, "abort\n", 0, "Would you like to fix it (Yes/No/Abort) ? "},
		{[]string{"log", "recover", bad}, "", 2, "--yes does not ask"},
		{[]string{"log", "recover", bad}, "?\nYes\n", 0, "has been written with 1 fixed CRC error(s)\n"},
		{[]string{"log", "recover", "-vy", bad}, "", 1, "log.24.fixed already exists"},
		{[]string{"log", "recover", bad, "-y", "--force"}, "", 0, "CRC FIXED - "},
		{[]string{"log", "verify", bad + ".fixed"}, "", 0, "ok, 3 transactions 0x24 to 0x26\n"},
		{[]string{"log", "chop", log, "-z", "0x10"}, "", 0, "Chopping at 10 new log has 16 records\n"},
		{[]string{"log", "chop", "--zxid", "16", log}, "", 1, "log.1.chopped16 already exists"},
		{[]string{"log", "chop", "--zxid=020", log, "--force"}, "", 0, "Chopping at 10"},
		{[]string{"log", "chop", "-z", "0x99", log}, "", 1, "nothing was chopped"},
		{[]string{"log", "chop", "-z", "ten", log}, "", 2, "--zxid is"},
		{[]string{"log", "chop", log}, "", 2, "--zxid is"},
	} {
		code, out, errOut := runTool(t, test.input, test.args...)
		text := out
		if test.code != 0 {
			text = errOut
			if strings.Count(errOut, "\n") != 1 {
				t.Errorf("%q: not one line on standard error:\n%s", test.args, errOut)
			}
		}
		if code != test.code || !strings.Contains(text, test.says) {
			t.Errorf("%q: exit code %d, want %d with %q:\n%s%s", test.args, code, test.code, test.says, out[:min(len(out), 2000)], errOut)
		}
	}
}

func TestFsck(t *testing.T) {
	dataDir, dir := recordedData(t)
	cfg := filepath.Join(t.TempDir(), "zoo.cfg")
	must(t, os.WriteFile(cfg, []byte("# whatever this server would refuse\nsslQuorum=true\ndataDir = "+dataDir+" \n"), 0o600))
	for _, arg := range []string{dataDir, dir, cfg} {
		if code, out, errOut := runTool(t, "", "fsck", arg); code != 0 || !strings.HasSuffix(out, "verdict: sound\n") {
			t.Errorf("fsck %s: %d\n%s%s", arg, code, out, errOut)
		}
	}
	spoil(t, dir+"/log.28", 40)
	copied := filepath.Join(t.TempDir(), "copy")
	for _, args := range [][]string{{"fsck", dataDir}, {"fsck", dataDir, dataDir}} {
		if code, out, errOut := runTool(t, "", args...); code != 1 || errOut != "" || !strings.Contains(out, "log.28: damaged at offset 16") || !strings.HasSuffix(out, "verdict: broken: no server starts with this directory\n") {
			t.Errorf("%q: %d\n%s%s", args, code, out, errOut)
		}
	}
	code, out, _ := runTool(t, "", "fsck", "--repair", copied, dataDir)
	if code != 0 || !strings.Contains(out, "verdict: broken") || !strings.HasSuffix(out, "verdict: sound\n") {
		t.Errorf("repair: %d\n%s", code, out)
	}
	if code, _, errOut := runTool(t, "", "fsck", dataDir, "--repair", copied); code != 1 || !strings.Contains(errOut, "is not empty") {
		t.Errorf("repair into the same again: %d, %s", code, errOut)
	}
	for arg, want := range map[string]int{"/no/such/dir": exitUnexpected, t.TempDir(): exitDataDir, os.DevNull: exitInvocation} {
		if code, _, errOut := runTool(t, "", "fsck", arg); code != want || strings.Count(errOut, "\n") != 1 {
			t.Errorf("fsck %s: %d, want %d, %s", arg, code, want, errOut)
		}
	}
}

// TestReadProgress shows a line once reading takes long, and clears it before
// anything else is printed.
func TestReadProgress(t *testing.T) {
	_, dir := recordedData(t)
	var term, out bytes.Buffer
	p := &readProgress{out: &term, began: time.Now().Add(-time.Minute)}
	v, err := datadir.VerifySnapshot(p.fs(), dir+"/snapshot.26.gz")
	must(t, err)
	if want := eraseLine + "reading snapshot.26.gz, 0 MiB in all"; !strings.HasPrefix(term.String(), want) {
		t.Errorf("shows %q", term.String())
	}
	fmt.Fprint(p.over(&out), v)
	if !strings.HasSuffix(term.String(), eraseLine) || out.String() != v.String() {
		t.Errorf("prints %q over %q", out.String(), term.String())
	}
	term.Reset()
	soon := &readProgress{out: &term, began: time.Now().Add(time.Minute)}
	_, err = datadir.VerifySnapshot(soon.fs(), dir+"/snapshot.26.gz")
	if err != nil || term.Len() > 0 {
		t.Errorf("at once shows %q, %v", term.String(), err)
	}
}

// lockDir takes a data directory as a server does.
func lockDir(t *testing.T, dataDir string) *persistence.Store {
	t.Helper()
	s, err := persistence.Open(persistence.Config{DataDir: dataDir})
	must(t, err)
	return s
}

// TestPurge runs beside a server, as Apache's does.
func TestPurge(t *testing.T) {
	dataDir, dir := recordedData(t)
	files := func() []string {
		infos, err := os.ReadDir(dir)
		must(t, err)
		var names []string
		for _, info := range infos {
			names = append(names, info.Name())
		}
		return names
	}
	all := files()
	server := lockDir(t, dataDir)
	defer server.Close()
	code, out, errOut := runTool(t, "", "purge", "-n", "3", "--dry-run", dataDir)
	if code != 0 || strings.Count(out, "Would remove file: ") != 1 || !slices.Equal(files(), all) {
		t.Errorf("dry: %d, %s%s", code, out, errOut)
	}
	code, out, errOut = runTool(t, "", "purge", dataDir, dataDir, "-n", "3")
	if code != 0 || !strings.HasPrefix(out, "Removing file: ") || !strings.HasSuffix(out, "M\t"+dir+"/snapshot.0\n") {
		t.Errorf("purge: %d, %s%s", code, out, errOut)
	}
	if got, want := files(), []string{"log.1", "log.24", "log.27", "log.28", "snapshot.23", "snapshot.26.gz", "snapshot.27.snappy"}; !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"purge", "-n", "2", dataDir}, exitInvocation, "count should be greater than or equal to 3"},
		{[]string{"purge", dataDir}, exitInvocation, "count should be"},
		{[]string{"purge", "-n", "3", "/no/such/dir"}, exitUnexpected, "no such file"},
		{[]string{"purge", "-n", "3", t.TempDir()}, exitDataDir, "does not exist"},
		{[]string{"purge", "-n", "3", "a", "b", "c"}, exitInvocation, "purge -n COUNT"},
	} {
		if code, _, errOut := runTool(t, "", test.args...); code != test.code || !strings.Contains(errOut, test.says) {
			t.Errorf("%q: %d, %s", test.args, code, errOut)
		}
	}
}

func TestInit(t *testing.T) {
	cfg := writeConfig(t, "server.1=a:1:2")
	dataDir := filepath.Join(filepath.Dir(cfg), "data")
	if code, out, errOut := runTool(t, "", "init", "--configfile="+cfg, "--myid=1"); code != 0 || out != "Using myid of 1\n" {
		t.Errorf("%d, %s%s", code, out, errOut)
	}
	if id, err := os.ReadFile(dataDir + "/myid"); err != nil || string(id) != "1\n" {
		t.Errorf("myid %q, %v", id, err)
	}
	for _, name := range []string{"/initialize", "/version-2"} {
		if _, err := os.Stat(dataDir + name); err != nil {
			t.Error(err)
		}
	}
	if code, _, errOut := runTool(t, "", "init", "--configfile", cfg); code != 1 || !strings.Contains(errOut, "already exists at "+dataDir) {
		t.Errorf("again: %d, %s", code, errOut)
	}
	server := lockDir(t, dataDir)
	if code, _, errOut := runTool(t, "", "init", "--configfile", cfg, "--force"); code != exitDataDir || !strings.Contains(errOut, "a server is running") {
		t.Errorf("beside a server: %d, %s", code, errOut)
	}
	must(t, server.Close())
	if code, out, errOut := runTool(t, "", "init", "--configfile", cfg, "--force"); code != 0 || !strings.HasPrefix(out, "Force enabled") {
		t.Errorf("force: %d, %s%s", code, out, errOut)
	}
	if code, _, errOut := runTool(t, "", "init", "--configfile", "/no/such/file"); code != 1 || !strings.Contains(errOut, "unable to find config file at /no/such/file") {
		t.Errorf("no config: %d, %s", code, errOut)
	}
	if code, _, errOut := runTool(t, "", "init", "--configfile", cfg, "--myid", "x", "--force"); code != 1 || !strings.Contains(errOut, "myid") {
		t.Errorf("myid: %d, %s", code, errOut)
	}
}

// A place that is not to be written to is refused before the check, which may
// take long.
func TestRepairIntoTheOriginal(t *testing.T) {
	exampleDirs(t)
	for _, target := range []string{"data", "data/copy"} {
		code, out, errOut := runTool(t, "", "fsck", "data", "--repair", target)
		if code != exitUnexpected || out != "" || !strings.Contains(errOut, target+" is inside of data") {
			t.Errorf("%s: exit code %d, %q, %q", target, code, out, errOut)
		}
	}
}
