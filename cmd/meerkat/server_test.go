package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/rs/zerolog"
)

// process is the program, run by the test binary.
type process struct {
	*exec.Cmd
	lines *bufio.Scanner // standard error
	log   strings.Builder
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...)}
	p.Env = append(os.Environ(), "MEERKAT_TEST_MAIN=1")
	pipe, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(pipe)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill() // it may have ended long ago
		if t.Failed() {
			t.Logf("its log:\n%s", p.log.String())
		}
	})
	return p
}

// await reads the log up to a line with the words, and returns that line; ""
// when the log ends before.
func (p *process) await(words string) string {
	for p.lines.Scan() {
		p.log.WriteString(p.lines.Text() + "\n")
		if strings.Contains(p.lines.Text(), words) {
			return p.lines.Text()
		}
	}
	return ""
}

// exit waits for the end of the process and returns its exit code.
func (p *process) exit() int {
	p.await("\x00") // to the end
	var failed *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &failed) {
		return -1
	}
	return p.ProcessState.ExitCode()
}

var serving = regexp.MustCompile(`serving: connect to ([^ ,]+),`)

func (p *process) address(t *testing.T) string {
	t.Helper()
	found := serving.FindStringSubmatch(p.await("serving"))
	if found == nil {
		t.Fatal("the server did not start")
	}
	return found[1]
}

// client opens a session.
func connectTo(t *testing.T, address string) *zk.Conn {
	t.Helper()
	c, _, err := zk.Connect([]string{address}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestServeUntilSIGTERM(t *testing.T) {
	cfg := writeConfig(t, "clientPort=0", "clientPortAddress=127.0.0.1")
	p := start(t, "server", "-Dzookeeper.extendedTypesEnabled=true", cfg)
	c := connectTo(t, p.address(t))
	if _, err := c.CreateTTL("/kept", []byte("data"), zk.FlagTTL, zk.WorldACL(zk.PermAll), time.Hour); err != nil {
		t.Errorf("a TTL znode, which the property allows: %v", err)
	}

	second := start(t, "server", cfg)
	if code := second.exit(); code != exitDataDir {
		t.Errorf("a second server on the same data ended with exit code %d", code)
	}

	began := time.Now()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > stopLimit {
		t.Errorf("it took %v to stop", took)
	}

	p = start(t, "server", "-Dzookeeper.extendedTypesEnabled=true", cfg)
	if data, _, err := connectTo(t, p.address(t)).Get("/kept"); err != nil || string(data) != "data" {
		t.Errorf("after the restart: %q, error %v", data, err)
	}
}

func TestServeFromArguments(t *testing.T) {
	p := start(t, "server", "--log-format=console", "-Dzookeeper.admin.enableServer=false", "0", t.TempDir())
	if _, _, err := connectTo(t, p.address(t)).Get("/zookeeper"); err != nil {
		t.Error(err)
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// lockedBuffer is a buffer that a server may log to while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Without a client port the server still starts and stops; every notice is one
// line of JSON.
func TestServeUntilContextEnds(t *testing.T) {
	cfg := writeConfig(t, "nosuchkey=1", "admin.serverAddress=127.0.0.1", "admin.serverPort=0")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out lockedBuffer
	if code := run(ctx, []string{"meerkat", "server", cfg}, io.Discard, &out); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, out.String())
	}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var entry struct{ Level, Message string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level == "" || entry.Message == "" {
			t.Errorf("not an entry: %s (%v)", line, err)
		}
	}
	for _, want := range []string{"nosuchkey=1: has no effect: unknown key", "/commands", "clientPort is not set", "autopurge.purgeInterval"} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, out.String())
		}
	}
}

// memberOnTakenPort is the configuration of a member whose port for votes somebody else has.
func memberOnTakenPort(t *testing.T, lines ...string) string {
	t.Helper()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // only its port counts
	port := taken.Addr().(*net.TCPAddr).Port
	cfg := writeConfig(t, append(lines, "initLimit=10", "syncLimit=5",
		fmt.Sprintf("server.1=127.0.0.1:%d:%d", port%30_000+2_000, port), "server.2=127.0.0.1:1:2", "server.3=127.0.0.1:1:2")...)
	dir := filepath.Join(filepath.Dir(cfg), "data")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "myid"), []byte("1"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A port for the other servers that does not become free ends the start with
// Apache's exit code; to wait for it for ever ends when the server is stopped.
func TestPeerPortIsTaken(t *testing.T) {
	p := start(t, "server", memberOnTakenPort(t, "electionPortBindRetry=1"))
	if code := p.exit(); code != exitQuorumPort {
		t.Errorf("exit code %d", code)
	}
	p = start(t, "server", memberOnTakenPort(t, "electionPortBindRetry=0"))
	if p.await("cannot listen for other servers") == "" {
		t.Fatal("it did not try")
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// stuck is a server that does not stop.
type stuck struct{ asked chan time.Time }

func (s stuck) Stop(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	s.asked <- deadline
	select {}
}

func TestStopHasALimit(t *testing.T) {
	s := stuck{make(chan time.Time, 1)}
	began := time.Now()
	err := stopServer(s, 10*time.Millisecond, 20*time.Millisecond)
	if err == nil || exitCode(err) != exitUnexpected {
		t.Errorf("error %v", err)
	}
	if deadline := <-s.asked; deadline.Before(began) || deadline.After(began.Add(time.Second)) {
		t.Errorf("clients were given until %v", deadline)
	}
}

func TestReach(t *testing.T) {
	for _, test := range []struct {
		ip   net.IP
		want string
	}{
		{nil, "localhost:7"},
		{net.IPv4zero, "localhost:7"},
		{net.IPv6unspecified, "localhost:7"},
		{net.IPv4(127, 0, 0, 1), "127.0.0.1:7"},
		{net.IPv6loopback, "[::1]:7"},
	} {
		if got := reach(&net.TCPAddr{IP: test.ip, Port: 7}); got != test.want {
			t.Errorf("%v: got %s, want %s", test.ip, got, test.want)
		}
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	log, err := newLogger(&out, "warn", "auto")
	if err != nil {
		t.Fatal(err)
	}
	log.Info().Msg("no")
	log.Warn().Msg("yes")
	if got := out.String(); strings.Contains(got, "no\"") || !strings.HasPrefix(got, `{"level":"warn"`) {
		t.Errorf("not a terminal, level warn: %s", got)
	}
	out.Reset()
	if log, err = newLogger(&out, "trace", "console"); err != nil {
		t.Fatal(err)
	}
	log.WithLevel(zerolog.TraceLevel).Msg("text")
	if got := out.String(); !strings.Contains(got, "TRC text") || strings.Contains(got, "\x1b") {
		t.Errorf("console: %q", got)
	}
}

// The log goes where the configuration says, unless the command line says
// something else; who has started the server sees why it ends all the same.
func TestLogFile(t *testing.T) {
	dir := t.TempDir()
	configured, chosen := filepath.Join(dir, "configured"), filepath.Join(dir, "chosen")
	cfg := writeConfig(t, "clientPort=1", "clientPortAddress=192.0.2.1", "meerkat.logFile="+configured, "meerkat.logLevel=error", "meerkat.logFormat=console")
	for _, test := range []struct {
		flags       []string
		file, other string
		begins      string
	}{
		{nil, configured, chosen, ""},
		{[]string{"--log-file", chosen, "--log-level", "info", "--log-format", "json"}, chosen, configured, `{"level":"info","version"`},
	} {
		var out, errOut bytes.Buffer
		code := run(t.Context(), append(append([]string{"meerkat", "server"}, test.flags...), cfg), &out, &errOut)
		if code != exitUnexpected || strings.Count(errOut.String(), "\n") != 1 || !strings.Contains(errOut.String(), "192.0.2.1") {
			t.Errorf("%v: exit code %d, %q", test.flags, code, errOut.String())
		}
		text, err := os.ReadFile(test.file)
		if err != nil || !strings.HasPrefix(string(text), test.begins) || !strings.Contains(string(text), "exiting") {
			t.Errorf("%v: %v\n%s", test.flags, err, text)
		}
		if test.flags == nil && strings.Contains(string(text), "meerkat\n") {
			t.Errorf("more than errors are logged:\n%s", text)
		}
		if test.other == chosen {
			if _, err := os.Stat(chosen); err == nil {
				t.Error("a file that nobody has named is there")
			}
		}
	}
	blocked := writeConfig(t, "clientPort=0", "meerkat.logFile="+filepath.Join(dir, "none", "log"))
	var out, errOut bytes.Buffer
	if code := run(t.Context(), []string{"meerkat", "server", blocked}, &out, &errOut); code != exitUnexpected || !strings.Contains(errOut.String(), "log file: open "+dir) {
		t.Errorf("exit code %d, %q", code, errOut.String())
	}
}
