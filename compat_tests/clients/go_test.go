//go:build compat

package clients

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

func TestGoClient(t *testing.T) {
	binary := filepath.Join(rig.TempDir(t), "program")
	build := exec.Command("go", "build", "-o", binary, "./compat_tests/clients/gozk")
	build.Dir = rig.Checkout()
	if res := rig.Run(t, build, 3*time.Minute); res.ExitCode != 0 {
		t.Fatal(res.Stderr)
	}
	compare(t, program{binary})
}
