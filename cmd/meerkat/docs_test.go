package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/internal/testserver"
)

// documents are the pages whose commands stand behind four blanks. Those of
// operating.md, migration.md, tools.md and cli.md have tests of their own.
var documents = []string{
	"README.md", "CONTRIBUTING.md", "compat_tests/README.md",
	"docs/admin.md", "docs/configuration.md", "docs/metrics.md", "docs/performance.md", "docs/testing.md", "docs/testing-clients.md", "docs/tutorial.md",
}

// elsewhere are the commands that are run, but not by this test.
var elsewhere = map[string]string{
	"make run":      "its recipe is run by this test",
	"make ensemble": "TestEnsembleRuns, on other ports",
	"make test":     "is what runs this test",
	"make check":    ".ci/run",
	"make compat":   ".ci/run",
	"make help":     "it prints the other targets",
	"make demo":     "examples/masterworker/demo, TestDemo",
	"make bench":    "bench/run.sh: takes half an hour, and writes docs/performance.md",
	"bin/meerkat server /etc/zookeeper/conf/zoo.cfg": "this test, with another file",
	"go run ./examples/hidden-channel":               "its own tests",
	"meerkat bench expiry":                           "bench, its own tests: sessions have to time out",
	"compat_tests/run.sh":                            ".ci/run",
	"go test -tags compat":                           ".ci/run, without these flags",
}

var command = regexp.MustCompile(`(?m)^    ((?:[A-Z_]+=(?:'[^']*'|\S*) )*(?:make|go|curl|nc|printf|docker|kubectl|systemctl|meerkat|\S*/\S+|\S+\.sh)\b.*)$`)

// commandsOf are the commands that a page shows, without what is behind a #.
func commandsOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", page))
	must(t, err)
	outside := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(text), "")
	var all []string
	for _, found := range command.FindAllStringSubmatch(outside, -1) {
		line, _, _ := strings.Cut(found[1], "  #")
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

// runElsewhere tells who runs a command, if this test does not.
func runElsewhere(command string) bool {
	command = regexp.MustCompile(`^([A-Z_]+=('[^']*'|\S*) )+`).ReplaceAllString(command, "")
	for prefix := range elsewhere {
		if command == prefix || strings.HasPrefix(command, prefix+" ") {
			return true
		}
	}
	return false
}

// TestDocumentedCommands runs the commands of the pages, as somebody who reads
// them, beside a server that was started by the recipe of make run.
func TestDocumentedCommands(t *testing.T) {
	bash, err := exec.LookPath("bash")
	must(t, err)
	_, noCurl := exec.LookPath("curl")
	var commands [][2]string // page, command
	for _, page := range documents {
		for _, command := range commandsOf(t, page) {
			commands = append(commands, [2]string{page, command})
		}
	}
	run := recipe(t, "run")
	dir, client, admin := checkout(t)
	t.Chdir(dir)
	server := exec.Command(bash, "-c", run)
	log, err := server.StderrPipe()
	must(t, err)
	must(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // it may have ended
		_ = server.Wait()
	})
	lines := bufio.NewScanner(log)
	for serves := false; !serves; serves = strings.Contains(lines.Text(), "serving: connect to") {
		if !lines.Scan() {
			t.Fatalf("%s: the server ends", run)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the server
	// What a page shows and a test cannot have: names, ports, sizes.
	fit := strings.NewReplacer(
		"localhost:2181", "localhost:"+client, "localhost 2181", "localhost "+client, "localhost:8080", "localhost:"+admin,
		"zk1:2181,zk2:2181,zk3:2181", "localhost:"+client, "zk1:2181,zk2:2181", "localhost:"+client,
		"$(pgrep -f QuorumPeerMain)", strconv.Itoa(server.Process.Pid), "1000000", "500",
	)
	ran := 0
	for _, c := range commands {
		page, command := c[0], c[1]
		switch {
		case runElsewhere(command):
			continue
		case strings.HasPrefix(command, "curl ") && noCurl != nil:
			t.Logf("%s: not run, for this machine has no curl: %s", page, command)
			continue
		}
		fitted := benchOf.ReplaceAllStringFunc(fit.Replace(command), func(bench string) string { return shortBench(bench, client) })
		shell := exec.Command(bash, "-euo", "pipefail", "-c", fitted)
		shell.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "MEERKAT_HISTORY=")
		if out, err := shell.CombinedOutput(); err != nil {
			t.Errorf("%s: %s\nas %s: %v\n%.2000s", page, command, fitted, err, out)
		}
		ran++
	}
	if ran < 10 {
		t.Errorf("only %d commands found", ran)
	}
}

var benchOf = regexp.MustCompile(`meerkat bench [^&]*`)

// shortBench makes a command load the test's server, and not for long. Of flags
// given twice the last counts.
func shortBench(command, client string) string {
	command = strings.TrimSpace(command)
	if !strings.Contains(command, "--servers") {
		command += " --servers localhost:" + client
	}
	if verb := strings.Fields(command)[2]; slices.Contains([]string{"read", "write", "mixed"}, verb) {
		command += " --duration 100ms --warm-up 0s"
	}
	return command + " "
}

// checkout makes what somebody has who has cloned and built: the binary, the
// scripts and the configuration, here with ports of its own and a super user.
func checkout(t *testing.T) (dir, client, admin string) {
	t.Helper()
	dir, client, admin = t.TempDir(), freePort(t), freePort(t)
	must(t, os.Mkdir(filepath.Join(dir, "conf"), 0o700))
	must(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	scripts, err := filepath.Glob("../../bin/*.sh")
	must(t, err)
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "bin", filepath.Base(script)), text, 0o700))
	}
	program, err := filepath.Abs(os.Args[0])
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "bin", "meerkat"), fmt.Appendf(nil, "#!/bin/sh\nMEERKAT_TEST_MAIN=1 exec %q \"$@\"\n", program), 0o700))
	text, err := os.ReadFile("../../conf/zoo.cfg")
	must(t, err)
	cfg := strings.NewReplacer("clientPort=2181", "clientPort="+client, "admin.serverPort=8080", "admin.serverPort="+admin, "maxClientCnxns=60", "maxClientCnxns=0").Replace(string(text))
	digest := sha1.Sum([]byte("super:secret")) // as docs/admin.md has it
	cfg += "DigestAuthenticationProvider.superDigest=super:" + base64.StdEncoding.EncodeToString(digest[:]) + "\n"
	must(t, os.WriteFile(filepath.Join(dir, "conf", "zoo.cfg"), []byte(cfg), 0o600))
	return dir, client, admin
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

// recipe is the last line of a target of the Makefile.
func recipe(t *testing.T, target string) string {
	t.Helper()
	text, err := os.ReadFile("../../Makefile")
	must(t, err)
	found := regexp.MustCompile(`(?m)^` + target + `:.*\n(?:\t.*\n)*\t@?(.*)$`).FindStringSubmatch(string(text))
	if found == nil {
		t.Fatalf("the Makefile has no target %s", target)
	}
	return strings.ReplaceAll(found[1], "$(BIN)", "bin/meerkat")
}

// TestReadmeProgram runs the Go code of the README as a program.
func TestReadmeProgram(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	must(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 1 {
		t.Fatalf("the README has %d programs, and this test is for one", len(blocks))
	}
	srv := testserver.Start(t)
	body := strings.ReplaceAll(blocks[0][1], "localhost:2181", srv.Addr)
	if body == blocks[0][1] {
		t.Error("it connects to nothing known")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	program := "package main\n\nimport (\n\t\"log\"\n\t\"time\"\n\n\t\"github.com/go-zookeeper/zk\"\n)\n\nfunc main() {\n" + body + "}\n"
	must(t, os.WriteFile(file, []byte(program), 0o600))
	run := exec.Command("go", "run", file)
	run.Dir = "../.." // whose modules it uses
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, program, out)
	}
	code, out, errOut := runTool(t, "", "cli", "--server", srv.Addr, "--output", "json", "get", "/hello")
	if code != 0 || !strings.Contains(out, `"data":"world"`) {
		t.Errorf("exit code %d: %s%s", code, out, errOut)
	}
}
