package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// testServerProcess is a meerkat test-server in a process of its own.
type testServerProcess struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	intro testServers
}

func startTestServer(t *testing.T, args ...string) *testServerProcess {
	t.Helper()
	program, err := os.Executable()
	must(t, err)
	cmd := exec.Command(program, append([]string{"test-server"}, args...)...)
	cmd.Env = append(os.Environ(), "MEERKAT_TEST_MAIN=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	p := &testServerProcess{t: t, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(func() {
		_ = in.Close() // the process ends with its input
		limit := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer limit.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the process ended with %v", err)
		}
	})
	if !p.out.Scan() {
		t.Fatal("no introduction")
	}
	must(t, json.Unmarshal(p.out.Bytes(), &p.intro))
	return p
}

// do sends a command and returns the answer.
func (p *testServerProcess) do(command string) testAnswer {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		p.t.Fatal(err)
	}
	if !p.out.Scan() {
		p.t.Fatalf("no answer to %s", command)
	}
	var a testAnswer
	must(p.t, json.Unmarshal(p.out.Bytes(), &a))
	return a
}

// TestTestServer talks to an ensemble of three as a program in another
// language does.
func TestTestServer(t *testing.T) {
	p := startTestServer(t, "--ensemble", "3")
	if len(p.intro.Servers) != 3 || strings.Count(p.intro.Connect, ",") != 2 {
		t.Fatalf("introduction %+v", p.intro)
	}
	leader := p.do(`{"do":"leader"}`)
	if !leader.OK || leader.Server < 1 || leader.Server > 3 {
		t.Fatalf("leader: %+v", leader)
	}
	ruok := func(id int) string {
		conn, err := net.Dial("tcp", p.intro.Servers[id-1].Address)
		must(t, err)
		defer conn.Close()
		_, _ = conn.Write([]byte("ruok")) // a server that is down has hung up
		answer, _ := io.ReadAll(conn)
		return string(answer)
	}
	if got := ruok(leader.Server); got != "imok" {
		t.Errorf("the leader says %q", got)
	}
	for _, step := range []string{
		`{"do":"kill","server":%d}`, `{"do":"leader"}`, `{"do":"restart","server":%d}`, `{"do":"isolate","server":%d}`, `{"do":"heal"}`,
		`{"do":"await-serving"}`, `{"do":"partition","groups":[[%d]]}`, `{"do":"heal"}`, `{"do":"latency","server":%d,"ms":1}`,
		`{"do":"drop-connections","server":%d}`, `{"do":"mode","server":%d}`,
	} {
		command := step
		if strings.Contains(step, "%d") {
			command = fmt.Sprintf(step, leader.Server)
		}
		if a := p.do(command); !a.OK {
			t.Errorf("%s: %+v", command, a)
		}
		if strings.Contains(step, "kill") {
			if got := ruok(leader.Server); got != "" {
				t.Errorf("a dead server says %q", got)
			}
		}
	}
	for command, says := range map[string]string{
		`{"do":"dance"}`:                        "there is no command",
		`{"do":"kill","server":4}`:              "there is no server 4",
		`{"do":"kill"`:                          "unexpected EOF",
		`{"do":"kill","srever":1}`:              "unknown field",
		`{"do":"expire","session":"me"}`:        "session",
		`{"do":"wipe","server":1}`:              "cannot be wiped",
		`{"do":"drop-session","session":"0x1"}`: "not connected",
	} {
		if a := p.do(command); a.OK || !strings.Contains(a.Error, says) {
			t.Errorf("%s: %+v, want an error with %q", command, a, says)
		}
	}
}

// TestTestServerAlone needs no numbers of servers.
func TestTestServerAlone(t *testing.T) {
	p := startTestServer(t)
	if a := p.do(`{"do":"kill"}`); !a.OK {
		t.Errorf("kill: %+v", a)
	}
	if a := p.do(`{"do":"mode"}`); !a.OK || a.Mode != "" {
		t.Errorf("mode: %+v", a)
	}
	if a := p.do(`{"do":"restart"}`); !a.OK {
		t.Errorf("restart: %+v", a)
	}
	if a := p.do(`{"do":"leader"}`); a.OK {
		t.Errorf("leader: %+v", a)
	}
}

// TestTestServerWithItsParent lets a shell start a server that has no input to
// end with, and die.
func TestTestServerWithItsParent(t *testing.T) {
	program, err := os.Executable()
	must(t, err)
	cmd := exec.Command("sh", "-c", `"$0" test-server </dev/null & read line`, program)
	cmd.Env = append(os.Environ(), "MEERKAT_TEST_MAIN=1")
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("no introduction")
	}
	var intro testServers
	must(t, json.Unmarshal(lines.Bytes(), &intro))
	conn, err := net.Dial("tcp", intro.Connect)
	must(t, err)
	must(t, conn.Close())
	must(t, in.Close()) // the shell ends
	ended := make(chan bool, 1)
	go func() { ended <- lines.Scan() }() // the output is the server's until it ends
	select {
	case more := <-ended:
		if more {
			t.Errorf("it says %q", lines.Text())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it outlives its parent")
	}
	if conn, err := net.Dial("tcp", intro.Connect); err == nil {
		_ = conn.Close()
		t.Error("something still listens")
	}
	_ = cmd.Wait() // of the shell, whose read has failed
}

// TestTestServerIsTerminated sends a signal.
func TestTestServerIsTerminated(t *testing.T) {
	p := startTestServer(t, "--ensemble", "2")
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if p.out.Scan() {
		t.Errorf("it says %q", p.out.Text())
	}
}
