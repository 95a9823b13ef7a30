//go:build compat

package packaging

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// What the builds of these tests say of themselves.
const (
	version = "0.0.1"
	commit  = "0123456789abcdef0123456789abcdef01234567"
	date    = "2026-01-02T03:04:05Z"
)

// build runs one of the scripts of packaging.
func build(t *testing.T, version, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(rig.Checkout(), "packaging", script), args...)
	cmd.Env = append(os.Environ(), "VERSION="+version, "COMMIT="+commit, "DATE="+date)
	res := rig.Run(t, cmd, 10*time.Minute)
	if res.ExitCode != 0 {
		t.Fatalf("%s: exit code %d\n%s%s", script, res.ExitCode, res.Stdout, res.Stderr)
	}
	return strings.TrimSpace(res.Stdout)
}

// The binary for this machine, which all tests but TestDist take: built once,
// in a folder that TestMain removes.
var (
	built   sync.Once
	distDir string
)

func TestMain(m *testing.M) {
	code := m.Run()
	if distDir != "" {
		_ = os.RemoveAll(distDir)
	}
	os.Exit(code)
}

// dist returns a folder of the test's own with what packaging/dist.sh makes
// for this machine.
func dist(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "compat-dist-")
		must(t, err)
		distDir = dir
		t.Setenv("ARCHITECTURES", runtime.GOARCH)
		build(t, version, "dist.sh", dir)
	})
	dir := rig.TempDir(t)
	must(t, os.CopyFS(dir, os.DirFS(distDir)))
	return dir
}

// TestDist builds everything twice, into two folders: the bytes are equal, the
// sums are right, the binaries are static and say which build they are.
func TestDist(t *testing.T) {
	dirs := [2]string{rig.TempDir(t), rig.TempDir(t)}
	var sums [2]string
	for i, dir := range dirs {
		build(t, version, "dist.sh", dir)
		for _, arch := range []string{"amd64", "arm64"} {
			build(t, version, "debian/build.sh", dir, arch)
		}
		res := rig.Run(t, command(dir, "sh", "-c", "sha256sum * && sha256sum --check --strict --quiet SHA256SUMS"), time.Minute)
		if res.ExitCode != 0 {
			t.Fatalf("%s%s", res.Stdout, res.Stderr)
		}
		sums[i] = res.Stdout
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds differ:\n%s\n%s", sums[0], sums[1])
	}
	if n := strings.Count(sums[0], "\n"); n != 7 {
		t.Errorf("%d files, and not 2 binaries, 2 archives, 2 packages and SHA256SUMS:\n%s", n, sums[0])
	}
	for name, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		checkStatic(t, filepath.Join(dirs[0], "meerkat-linux-"+name), machine)
	}
	checkArchive(t, filepath.Join(dirs[0], "meerkat-"+version+"-linux-amd64.tar.gz"))
}

func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return cmd
}

// checkStatic demands that nothing is loaded beside the binary.
func checkStatic(t *testing.T, path string, machine elf.Machine) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != machine {
		t.Errorf("%s is for %v", path, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("%s is not static: %v", path, p.Type)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(commit)) || bytes.Contains(raw, []byte(rig.Checkout())) {
		t.Errorf("%s does not name its commit, or names the folder that it was built in", path)
	}
}

// checkArchive unpacks an archive elsewhere and uses what is in it.
func checkArchive(t *testing.T, archive string) {
	t.Helper()
	dir := rig.TempDir(t)
	if res := rig.Run(t, command(dir, "tar", "-xzf", archive, "--strip-components=1"), time.Minute); res.ExitCode != 0 {
		t.Fatal(res.Stderr)
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "conf/zoo.cfg", "docs/operating.md", "bin/zkCli.sh"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	res := rig.Run(t, command(dir, "bin/meerkat", "version"), time.Minute)
	for _, want := range []string{"meerkat " + version, commit, date} {
		if !strings.Contains(res.Stdout, want) {
			t.Errorf("%q is not in\n%s", want, res.Stdout)
		}
	}
	res = rig.Run(t, command(dir, "bin/zkServer.sh", "version"), time.Minute)
	if want := "version 3.9.5-meerkat-" + version + "-" + commit; !strings.Contains(res.Stdout, want) {
		t.Errorf("%q is not in\n%s", want, res.Stdout)
	}
}
