package rig

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/tied"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// How long a server may take to answer after its start, and to end after
// SIGTERM. Generous, because a JVM on a busy machine is slow.
const (
	startLimit = 60 * time.Second
	stopLimit  = 20 * time.Second
)

// Spec says what to start.
type Spec struct {
	Flavor  Flavor
	Cfg     map[string]string // lines of zoo.cfg beside the ones Start writes
	Props   map[string]string // Java system properties
	DataDir string            // a fresh temporary folder when empty
	LogDir  string            // dataLogDir; in DataDir when empty
	Port    int               // a free one when 0
	Java    []string          // flags of the JVM, after JavaFlags
	Host    string            // where it listens for clients; 127.0.0.1 when empty
	Through []string          // a command that runs the server's, which follows its arguments
}

// Server is a running server. Its methods are for one goroutine.
type Server struct {
	Spec
	t       testing.TB
	cfgPath string
	logPath string
	cmd     *exec.Cmd       // the running process, nil when stopped
	exited  <-chan struct{} // closed when cmd has ended
	waitErr error           // set before exited is closed
}

// Start writes a zoo.cfg, starts the server and returns when it serves. The
// process is killed at the end of the test at the latest.
func Start(t testing.TB, spec Spec) *Server {
	t.Helper()
	s := newServer(t, spec)
	s.Restart()
	return s
}

func newServer(t testing.TB, spec Spec) *Server {
	t.Helper()
	if spec.DataDir == "" {
		spec.DataDir = TempDir(t)
	}
	dir := TempDir(t)
	s := &Server{Spec: spec, t: t, cfgPath: filepath.Join(dir, "zoo.cfg"), logPath: filepath.Join(dir, "server.log")}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("last lines of %s's log:\n%s", s.Flavor, lastLines(s.Log(), 30))
			s.keep()
		}
	})
	return s
}

// keep copies what a failed test leaves, its log and its directory, below the
// folder that COMPAT_KEEP names.
func (s *Server) keep() {
	root := os.Getenv("COMPAT_KEEP")
	if root == "" {
		return
	}
	to := filepath.Join(root, strings.ReplaceAll(s.t.Name(), "/", "-"), fmt.Sprintf("%s-%d", s.Flavor, s.Port))
	for name, from := range map[string]string{"home": filepath.Dir(s.cfgPath), "data": s.DataDir} {
		if err := os.CopyFS(filepath.Join(to, name), os.DirFS(from)); err != nil {
			s.t.Logf("not kept: %v", err)
		}
	}
	s.t.Logf("kept in %s", to)
}

// TempDir is a folder that the end of the test removes. It is t.TempDir
// without the test's name in the path, which can be too long for a socket or
// a command line.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "compat-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Restart starts the server again, with the same port and folders, after
// Stop or Kill, and returns when it serves.
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.TryRestart(); err != nil {
		s.t.Fatalf("%s does not start: %v\n%s", s.Flavor, err, lastLines(s.Log(), 40))
	}
}

// TryRestart is Restart for tests in which a server may refuse to start.
func (s *Server) TryRestart() error {
	s.t.Helper()
	if err := s.launch(); err != nil {
		return err
	}
	err := s.awaitServing(startLimit)
	if err != nil {
		s.Kill()
	}
	return err
}

func (s *Server) zooCfg() string {
	cfg := map[string]string{
		"tickTime":               "2000",
		"dataDir":                s.DataDir,
		"clientPort":             fmt.Sprint(s.Port),
		"clientPortAddress":      s.host(),
		"admin.enableServer":     "false",
		"4lw.commands.whitelist": "*",
		"maxClientCnxns":         "0",
	}
	if s.LogDir != "" {
		cfg["dataLogDir"] = s.LogDir
	}
	for k, v := range s.Cfg {
		cfg[k] = v
	}
	var text strings.Builder
	for _, k := range sortedKeys(cfg) {
		fmt.Fprintf(&text, "%s=%s\n", k, cfg[k])
	}
	return text.String()
}

// launch starts the process, and waits for nothing.
func (s *Server) launch() error {
	s.t.Helper()
	if s.cmd != nil {
		s.t.Fatal("the server is running already")
	}
	if s.Port == 0 {
		s.Port = FreePort(s.t)
	}
	if err := os.WriteFile(s.cfgPath, []byte(s.zooCfg()), 0o600); err != nil {
		return err
	}
	log, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := s.Flavor.Command(s.t, s.cfgPath, s.Props)
	if !s.Flavor.IsMeerkat() {
		cmd.Args = slices.Insert(cmd.Args, 1+len(JavaFlags(s.t)), s.Java...)
	}
	if len(s.Through) > 0 {
		cmd = exec.Command(s.Through[0], append(slices.Clone(s.Through[1:]), cmd.Args...)...)
	}
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, filepath.Dir(s.cfgPath)
	exited, err := startTied(cmd, &s.waitErr)
	if err != nil {
		return err
	}
	s.cmd, s.exited = cmd, exited
	return nil
}

// startTied starts cmd so that it dies with this process, whatever happens to
// it; the channel is closed when it has ended, after waitErr was set.
func startTied(cmd *exec.Cmd, waitErr *error) (<-chan struct{}, error) {
	exited, started := make(chan struct{}), make(chan error)
	go func() {
		// The kernel ties the child to the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tied.ToThread(cmd)
		err := cmd.Start()
		started <- err
		if err == nil {
			*waitErr = cmd.Wait()
			close(exited)
		}
	}()
	return exited, <-started
}

func (s *Server) awaitServing(limit time.Duration) error {
	pause := 10 * time.Millisecond
	if !s.Flavor.IsMeerkat() { // a JVM takes a second, and logs each question
		pause = 100 * time.Millisecond
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		select {
		case <-s.exited:
			s.cmd = nil
			return fmt.Errorf("it ended during its start: %v", s.waitErr)
		case <-time.After(pause):
		}
		if Serves(s.Addr()) {
			return nil
		}
	}
	return errors.New("it did not answer in time")
}

// Serves tells whether the server at addr serves sessions. It asks for one
// that nobody gave: this is refused as soon as the server can tell, and leaves
// no trace in the data. An early question may go unanswered, so it is not
// waited for long.
func Serves(addr string) bool {
	conn, err := wire.Dial(addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	req := proto.ConnectRequest{TimeoutMs: 1000, SessionID: 1 << 40, Passwd: make([]byte, proto.PasswdBytes), HasReadOnly: true}
	if conn.Write(wire.Frame(req.Append(nil))) != nil {
		return false
	}
	_, err = conn.ReadFrame(time.Second)
	return err == nil
}

// Addr is the server's host:port.
func (s *Server) Addr() string { return fmt.Sprintf("%s:%d", s.host(), s.Port) }

func (s *Server) host() string { return cmp.Or(s.Host, "127.0.0.1") }

// Pid is the process id of the running server.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Exited is closed when the process that now runs has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Stop sends SIGTERM and returns the exit code and how long the end took. A
// server that does not end is killed and fails the test.
func (s *Server) Stop() (exitCode int, took time.Duration) {
	s.t.Helper()
	began := time.Now()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(stopLimit):
		s.Kill()
		s.t.Fatalf("%s still runs %v after SIGTERM", s.Flavor, stopLimit)
	}
	state := s.cmd.ProcessState
	s.cmd = nil
	return state.ExitCode(), time.Since(began)
}

// Kill ends the process at once, as kill -9, and waits for its end.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
	s.cmd = nil
}

// Log returns what the server has written to its output so far.
func (s *Server) Log() string {
	text, _ := os.ReadFile(s.logPath)
	return string(text)
}

// FreePort returns a loopback port that nothing listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// FourLetterWord sends a word (or any first bytes) and returns all that the
// server writes until it closes the connection.
func FourLetterWord(addr, word string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, word); err != nil {
		return "", err
	}
	var text bytes.Buffer
	_, err = io.Copy(&text, conn)
	return text.String(), err
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
