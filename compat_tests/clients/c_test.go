//go:build compat

package clients

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// TestCClient builds the program with the headers and the library of
// Debian's libzookeeper-mt-dev.
func TestCClient(t *testing.T) {
	root := filepath.Join(rig.Fixture(t, rig.FixtureCClient), "root", "usr")
	archives, err := filepath.Glob(filepath.Join(root, "lib", "*", "libzookeeper_mt.so"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("libzookeeper_mt.so in %s: %q, %v", root, archives, err)
	}
	lib, binary := filepath.Dir(archives[0]), filepath.Join(rig.TempDir(t), "program")
	res := rig.Run(t, exec.Command("gcc", "-std=gnu11", "-O1", "-Wall", "-o", binary, source("c", "program.c"),
		"-I"+filepath.Join(root, "include"), "-L"+lib, "-Wl,-rpath,"+lib, "-lzookeeper_mt", "-lpthread"), programLimit)
	if res.ExitCode != 0 {
		t.Fatal(res.Stderr)
	}
	compare(t, program{binary})
}
