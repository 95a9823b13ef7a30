//go:build compat

package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// TestDebian installs, upgrades, removes and purges the package, with servers
// in between; see testdata/lifecycle.sh for what must hold.
func TestDebian(t *testing.T) {
	needMachine(t)
	dist := dist(t)
	for name, version := range map[string]string{"old.deb": version, "new.deb": "0.0.2"} {
		must(t, os.Rename(build(t, version, "debian/build.sh", dist, runtime.GOARCH), filepath.Join(dist, name)))
	}
	res := onMachine(t, "testdata/lifecycle.sh", filepath.Join(dist, "old.deb"), filepath.Join(dist, "new.deb"))
	t.Log(res.Stdout)
	if res.ExitCode != 0 || !strings.HasSuffix(res.Stdout, "all of it holds\n") {
		t.Errorf("exit code %d\n%s", res.ExitCode, res.Stderr)
	}
	if _, err := os.Stat("/var/lib/dpkg/info/meerkat.list"); err == nil {
		t.Error("the package is installed on this machine itself")
	}
}

// onMachine runs a script with files on a throw-away copy of this machine.
func onMachine(t *testing.T, script string, files ...string) rig.Result {
	t.Helper()
	args := append([]string{"--mount", "--net", "--pid", "--fork", "--kill-child", "testdata/machine.sh", script}, files...)
	return rig.Run(t, exec.Command("unshare", args...), 5*time.Minute)
}

// needMachine skips a test where onMachine cannot work.
func needMachine(t *testing.T) {
	needRoot(t)
	for _, program := range []string{"dpkg", "dpkg-deb", "unshare", "ip", "setpriv", "adduser", "deb-systemd-helper"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("not run: this machine has no %s", program)
		}
	}
	if res := rig.Run(t, exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "true"), time.Minute); res.ExitCode != 0 {
		t.Skipf("not run: no namespaces of one's own here: %s", strings.TrimSpace(res.Stderr))
	}
}

func needRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not run: it needs root")
	}
}
