//go:build compat

package zkcli

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

//go:embed testdata
var scripts embed.FS

// shell is a release of Apache's shell.
type shell struct{ version string }

func (s shell) command(t *testing.T, srv *rig.Server, args ...string) *exec.Cmd {
	java := append(rig.JavaFlags(t), "-Dcompat.log.level=OFF", "-Dfile.encoding=UTF-8",
		"-cp", rig.Classpath(t, "apache-"+s.version), "org.apache.zookeeper.ZooKeeperMain", "-server", srv.Addr())
	return exec.Command("java", append(java, args...)...)
}

// TestShell runs every script with shells of two releases, on the reference
// and on the subject at the same time, and compares all that they print.
// Zxids are compared as they are: the servers are fresh, and every request of
// a shell is determined by the script.
//
// The shell prints watch events on a thread of its own, which may be late. It
// runs the callback of sync on the same thread, and waits for it: so a script
// has "sync /" where an event must have been printed, before printwatches
// changes what is, before the end, and before an answer that ls prints piece
// by piece, which an event could tear.
func TestShell(t *testing.T) {
	// What a server answers to reconfig depends on its configuration alone.
	for version, reconfig := range map[string]string{"3.9.5": "true", "3.8.6": "false"} {
		t.Run(version, func(t *testing.T) {
			sh, servers := shell{version}, start(t, reconfig)
			for _, name := range scriptNames(t) {
				t.Run(name, func(t *testing.T) { compareSession(t, sh, servers, name) })
			}
			t.Run("once", func(t *testing.T) { compareOnce(t, sh, servers) })
		})
	}
}

// start starts the reference and the subject. No session expires during a
// test, for that would put a transaction of its own between the script's.
func start(t *testing.T, reconfig string) [2]*rig.Server {
	var servers [2]*rig.Server
	for i, flavor := range []rig.Flavor{rig.Apache(rig.Reference), rig.Subject(t)} {
		servers[i] = rig.Start(t, rig.Spec{
			Flavor: flavor,
			Cfg: map[string]string{
				"minSessionTimeout": "600000", "maxSessionTimeout": "600000", "reconfigEnabled": reconfig,
				"extendedTypesEnabled": "true", "enforceQuota": "true", "preAllocSize": "4096",
			},
			Props: map[string]string{
				"zookeeper.DigestAuthenticationProvider.superDigest": "super:D/InIHSb7yEEbrWz8b9l71RjZJU=",
				"znode.container.checkIntervalMs":                    "3600000",
			},
		})
	}
	return servers
}

func scriptNames(t *testing.T) []string {
	entries, err := scripts.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "once.cli" {
			names = append(names, e.Name())
		}
	}
	return names
}

func lines(t *testing.T, name string) []string {
	text, err := scripts.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// compareSession feeds a script to an interactive shell.
func compareSession(t *testing.T, sh shell, servers [2]*rig.Server, name string) {
	commands := lines(t, name)
	got := onBoth(servers, func(srv *rig.Server) rig.Result {
		cmd := sh.command(t, srv, "-waitforconnection")
		cmd.Stdin = strings.NewReader(expand(t, strings.Join(commands, "\n")+"\n", srv))
		return rig.Run(t, cmd, 2*time.Minute)
	})
	want, have := newTranscript(got[0], servers[0].Addr()), newTranscript(got[1], servers[1].Addr())
	if len(want.answers) < len(commands) {
		t.Fatalf("the shell answered %d of %d commands:\n%s\n%s", len(want.answers), len(commands), got[0].Stdout, got[0].Stderr)
	}
	for i, command := range commands {
		if w, h := at(want.answers, i), at(have.answers, i); w != h {
			t.Errorf("command %d, %q, prints\n%s\nApache %s:\n%s", i, command, h, rig.Reference, w)
		}
	}
	compareLists(t, "standard error", want.errors, have.errors)
	compareLists(t, "watch events", want.events, have.events)
	if got[0].ExitCode != got[1].ExitCode {
		t.Errorf("exit code %d, Apache %d", got[1].ExitCode, got[0].ExitCode)
	}
}

// compareOnce runs one command for each start of the shell, for the exit
// codes and the options.
func compareOnce(t *testing.T, sh shell, servers [2]*rig.Server) {
	for _, line := range lines(t, "once.cli") {
		got := onBoth(servers, func(srv *rig.Server) string {
			cmd := sh.command(t, srv, strings.Fields(expand(t, line, srv))...)
			cmd.Stdin = strings.NewReader("")
			res := rig.Run(t, cmd, time.Minute)
			return fmt.Sprintf("exit code %d\n%s\n%s", res.ExitCode, mask(withoutEvents(res.Stdout), srv.Addr()), mask(res.Stderr, srv.Addr()))
		})
		if got[0] != got[1] {
			t.Errorf("%q:\n%s\nApache %s:\n%s", line, got[1], rig.Reference, got[0])
		}
	}
}

func expand(t *testing.T, text string, srv *rig.Server) string {
	if !strings.Contains(text, "${") {
		return text
	}
	dir := rig.TempDir(t)
	members, client := filepath.Join(dir, "members"), filepath.Join(dir, "client.cfg")
	for path, content := range map[string]string{members: "server.1=127.0.0.1:2888:3888;2181\n", client: "zookeeper.request.timeout=20000\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return strings.NewReplacer("${HOST}", srv.Addr(), "${FILE}", members, "${CLIENTCFG}", client).Replace(text)
}

func onBoth[T any](servers [2]*rig.Server, do func(*rig.Server) T) (results [2]T) {
	var both sync.WaitGroup
	for i, srv := range servers {
		both.Go(func() { results[i] = do(srv) })
	}
	both.Wait()
	return results
}

func compareLists(t *testing.T, what string, want, have []string) {
	t.Helper()
	for i := range max(len(want), len(have)) {
		if w, h := at(want, i), at(have, i); w != h {
			t.Errorf("%s, line %d: %q, Apache %s: %q", what, i+1, h, rig.Reference, w)
			return
		}
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(nothing)"
}
