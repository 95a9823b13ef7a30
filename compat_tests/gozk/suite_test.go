//go:build compat

// Package gozk runs the test suite of github.com/go-zookeeper/zk, unmodified,
// against the subject. testdata/tests.txt lists every test of the suite, how
// many servers it needs, and whether it passes against Apache 3.9.5.
package gozk

import (
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

const (
	module    = "github.com/go-zookeeper/zk"
	testLimit = 120 * time.Second
)

//go:embed testdata/tests.txt
var table string

// listed is one line of the table.
type listed struct {
	name    string
	servers int
	passes  bool // against Apache 3.9.5
	remark  string
}

func TestSuite(t *testing.T) {
	subject := rig.Subject(t)
	suite := build(t, subject)
	tests := parseTable(t)
	demandEqual(t, suite.names(t), tests)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			switch {
			case strings.HasSuffix(test.name, "Reconfig") && subject.IsMeerkat():
				t.Skip("waits for the members of a running ensemble to be changed (reconfig)")
			case !test.passes:
				t.Skipf("fails against Apache %s: %s", rig.Reference, test.remark)
			}
			suite.run(t, test.name)
		})
	}
}

// suite is the compiled test binary and the folder that it runs in.
type suite struct {
	dir, binary, scripts string
}

func build(t *testing.T, subject rig.Flavor) suite {
	t.Helper()
	s := suite{dir: filepath.Join(rig.TempDir(t), "zk"), scripts: rig.TempDir(t)}
	s.binary = filepath.Join(s.scripts, "suite.test")
	copyModule(t, moduleDir(t), s.dir)
	compile(t, s.dir, "test", "-c", "-o", s.binary, ".")
	launcher := filepath.Join(s.scripts, "launcher")
	compile(t, rig.Checkout(), "build", "-o", launcher, "./compat_tests/gozk/launcher")
	subject.ServerScript(t, s.scripts, launcher)
	return s
}

func compile(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	if res := rig.Run(t, cmd, 3*time.Minute); res.ExitCode != 0 {
		t.Fatalf("go %v:\n%s%s", args, res.Stdout, res.Stderr)
	}
}

func moduleDir(t *testing.T) string {
	t.Helper()
	download := exec.Command("go", "mod", "download", module)
	download.Dir = rig.Checkout()
	if res := rig.Run(t, download, 3*time.Minute); res.ExitCode != 0 {
		t.Skipf("module %s is missing: %s", module, strings.TrimSpace(res.Stderr))
	}
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module)
	list.Dir = rig.Checkout()
	res := rig.Run(t, list, time.Minute)
	if res.ExitCode != 0 {
		t.Fatalf("go list: %s", res.Stderr)
	}
	return strings.TrimSpace(res.Stdout)
}

// copyModule copies the files as they are; only the folders get writable.
func copyModule(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s suite) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.binary, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "ZOOKEEPER_BIN_PATH="+s.scripts, "ZK_VERSION="+rig.Reference)
	return cmd
}

func (s suite) names(t *testing.T) []string {
	t.Helper()
	res := rig.Run(t, s.command("-test.list", "^Test"), time.Minute)
	if res.ExitCode != 0 {
		t.Fatalf("the suite does not list its tests: %s", res.Stderr)
	}
	return strings.Fields(res.Stdout)
}

func (s suite) run(t *testing.T, name string) {
	t.Helper()
	res := rig.Run(t, s.command("-test.run", "^"+name+"$", "-test.v", "-test.count=1"), testLimit)
	switch {
	case res.ExitCode != 0:
		t.Errorf("exit code %d\n%s%s", res.ExitCode, res.Stdout, res.Stderr)
	case !strings.Contains(res.Stdout, "--- PASS: "+name+" "):
		t.Errorf("it did not pass, though it did not fail:\n%s", res.Stdout)
	}
}

func parseTable(t *testing.T) []listed {
	t.Helper()
	var tests []listed
	for i, line := range strings.Split(table, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		test, err := parseLine(line)
		if err != nil {
			t.Fatalf("testdata/tests.txt, line %d: %v", i+1, err)
		}
		tests = append(tests, test)
	}
	return tests
}

func parseLine(line string) (listed, error) {
	words := strings.Fields(line)
	if len(words) < 3 {
		return listed{}, fmt.Errorf("%q has fewer than three words", line)
	}
	servers, err := strconv.Atoi(words[1])
	if err != nil {
		return listed{}, err
	}
	if words[2] != "pass" && words[2] != "fail" {
		return listed{}, fmt.Errorf("%q is neither pass nor fail", words[2])
	}
	return listed{name: words[0], servers: servers, passes: words[2] == "pass", remark: strings.Join(words[3:], " ")}, nil
}

// demandEqual fails when the table does not list exactly the suite's tests:
// no test may be forgotten.
func demandEqual(t *testing.T, names []string, tests []listed) {
	t.Helper()
	inTable := make([]string, 0, len(tests))
	for _, test := range tests {
		inTable = append(inTable, test.name)
	}
	slices.Sort(names)
	slices.Sort(inTable)
	if !slices.Equal(names, inTable) {
		t.Fatalf("testdata/tests.txt does not list the suite's tests\nsuite: %v\ntable: %v", names, inTable)
	}
}
