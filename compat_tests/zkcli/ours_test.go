//go:build compat

package zkcli

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// ours is a command line of Meerkat's shell.
func ours(t *testing.T, srv *rig.Server, args ...string) *exec.Cmd {
	cmd := exec.Command(rig.Binary(t), append([]string{"cli", "-server", srv.Addr()}, args...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	return cmd
}

// TestOurShell gives the same scripts to Apache's shell on Apache's server
// and to Meerkat's shell on the subject, and compares all that they print.
// That Meerkat's shell has a help, a version of its own and more commands in
// its usage is all that may differ.
func TestOurShell(t *testing.T) {
	servers := start(t, "true")
	for _, name := range scriptNames(t) {
		t.Run(name, func(t *testing.T) { compareShells(t, servers, name) })
	}
	t.Run("once", func(t *testing.T) { compareShellsOnce(t, servers) })
}

func compareShells(t *testing.T, servers [2]*rig.Server, name string) {
	commands := slices.DeleteFunc(lines(t, name), func(line string) bool { return line == "help" || line == "version" })
	var got [2]rig.Result
	for i, srv := range servers {
		cmd := shell{rig.Reference}.command(t, srv, "-waitforconnection")
		if i == 1 {
			cmd = ours(t, srv, "-waitforconnection")
		}
		cmd.Stdin = strings.NewReader(expand(t, strings.Join(commands, "\n")+"\n", srv))
		got[i] = rig.Run(t, cmd, 2*time.Minute)
	}
	got[1].Stderr = withoutOwn(got[1].Stderr)
	want, have := newTranscript(got[0], servers[0].Addr()), newTranscript(got[1], servers[1].Addr())
	if len(want.answers) < len(commands) {
		t.Fatalf("Apache's shell answered %d of %d commands:\n%s\n%s", len(want.answers), len(commands), got[0].Stdout, got[0].Stderr)
	}
	for i, command := range commands {
		if w, h := at(want.answers, i), at(have.answers, i); w != h {
			t.Errorf("command %d, %q, prints\n%s\nApache's shell %s:\n%s", i, command, h, rig.Reference, w)
		}
	}
	compareLists(t, "standard error", want.errors, have.errors)
	compareLists(t, "watch events", want.events, have.events)
	if got[0].ExitCode != got[1].ExitCode {
		t.Errorf("exit code %d, Apache's shell %d", got[1].ExitCode, got[0].ExitCode)
	}
}

func compareShellsOnce(t *testing.T, servers [2]*rig.Server) {
	for _, line := range lines(t, "once.cli") {
		var got [2]string
		for i, srv := range servers {
			words := strings.Fields(expand(t, line, srv))
			cmd := shell{rig.Reference}.command(t, srv, words...)
			if i == 1 {
				cmd = ours(t, srv, words...)
			}
			cmd.Stdin = strings.NewReader("")
			res := rig.Run(t, cmd, time.Minute)
			got[i] = fmt.Sprintf("exit code %d\n%s\n%s", res.ExitCode, mask(withoutEvents(res.Stdout), srv.Addr()), mask(withoutOwn(res.Stderr), srv.Addr()))
		}
		if got[0] != got[1] {
			t.Errorf("%q:\n%s\nApache's shell %s:\n%s", line, got[1], rig.Reference, got[0])
		}
	}
}

// withoutOwn drops the commands that Apache's shell lacks from every usage.
func withoutOwn(text string) string {
	var kept []string
	own := false
	for _, line := range strings.Split(text, "\n") {
		if line == "and beyond Apache's shell:" {
			own = true
			continue
		}
		if own = own && strings.HasPrefix(line, "\t"); !own {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
