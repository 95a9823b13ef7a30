//go:build compat

package packaging

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// notRun are the commands of docs/operating.md that need what a test has not:
// a container engine, a cluster.
var notRun = []string{
	"make docker",
	"docker run --name meerkat -p 2181:2181 meerkat:latest",
	"docker exec meerkat /meerkat word localhost 2181 srvr",
	"kubectl apply -f packaging/kubernetes/meerkat.yaml",
}

// TestDocumentation runs the commands of docs/operating.md one after the
// other, as an operator who reads it, on a throw-away copy of this machine.
// systemctl is a stand-in that runs the unit's lines, and a service that is
// installed is started, as systemd would.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(rig.Checkout(), "docs", "operating.md"))
	must(t, err)
	var script strings.Builder
	script.WriteString("set -eu\nexport USER=operator LC_ALL=C\ninstall -m 755 /try/systemctl.sh /usr/local/bin/systemctl\nrm /try/systemctl.sh\n")
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ ")
			if !ok {
				command, ok = strings.CutPrefix(strings.TrimSpace(line), "# ")
			}
			if !ok {
				t.Fatalf("no command: %s", line)
			}
			commands++
			command = strings.ReplaceAll(command, "amd64", runtime.GOARCH)
			fmt.Fprintf(&script, "cat <<'END'\n> %s\nEND\n%s\n", command, command)
			switch {
			case strings.HasPrefix(command, "dpkg -i"):
				script.WriteString("systemctl start meerkat\n")
			case strings.HasPrefix(command, "dpkg -r"):
				script.WriteString("systemctl stop meerkat\n")
			case strings.HasPrefix(command, "bin/zkServer.sh start"), strings.HasPrefix(command, "bin/zkServer.sh restart"):
				script.WriteString("for ((i = 0; i < 200; i++)); do [ \"$(bin/meerkat word localhost 2181 ruok 2>/dev/null)\" != imok ] || break; sleep 0.1; done\n")
			}
		}
	}
	script.WriteString("echo all commands succeeded\n")
	for _, indented := range regexp.MustCompile(`(?m)^    (\S.*)$`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains("\n"+strings.Join(notRun, "\n")+"\n", "\n"+indented[1]+"\n") {
			t.Errorf("nothing runs the command %q", indented[1])
		}
	}
	for _, command := range notRun {
		t.Logf("not run: %s", command)
	}
	if commands < 30 {
		t.Errorf("only %d commands found", commands)
	}

	needMachine(t)
	dist := dist(t)
	deb := build(t, version, "debian/build.sh", dist, runtime.GOARCH)
	path := filepath.Join(dist, "script")
	must(t, os.WriteFile(path, []byte(script.String()), 0o755))
	res := onMachine(t, path, "testdata/systemctl.sh", deb, filepath.Join(dist, "SHA256SUMS"),
		filepath.Join(dist, "meerkat-"+version+"-linux-"+runtime.GOARCH+".tar.gz"))
	t.Logf("%d commands\n%s", commands, res.Stdout)
	if res.ExitCode != 0 || !strings.HasSuffix(res.Stdout, "all commands succeeded\n") {
		t.Errorf("exit code %d\n%s", res.ExitCode, res.Stderr)
	}
	for _, want := range []string{"Mode: standalone", "imok", "verdict: sound", "world", "STOPPED"} {
		if !strings.Contains(res.Stdout, want) {
			t.Errorf("none of the commands printed %q", want)
		}
	}
}
