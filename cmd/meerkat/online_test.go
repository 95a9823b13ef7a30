package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/internal/testserver"
)

// TestShellVerb is about what the verb adds to the shell: flags, identities,
// exit codes.
func TestShellVerb(t *testing.T) {
	srv := testserver.Start(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	auth, badAuth := write("auth", "# mine\n\ndigest:ann:secret\n"), write("bad", "digest\n")
	props, tls, badProps := write("props", "zookeeper.request.timeout=20000\nzookeeper.client.secure=false\n"), write("tls", "zookeeper.client.secure=true\n"), write("x", "zookeeper.request.timeout=x\n")
	t.Setenv("MEERKAT_AUTH", "digest:bob:builder")
	for _, test := range []struct {
		args []string
		code int
		says string // on standard output, or with an exit code on standard error
	}{
		{[]string{"-server", srv.Addr, "create", "/a", "x"}, 0, "Connecting to " + srv.Addr},
		{[]string{"-server", srv.Addr, "-timeout", "9000", "-r", "-waitforconnection", "get", "-s", "/a"}, 0, "\nx\ncZxid = 0x"},
		{[]string{"--server=" + srv.Addr + "/a", "ls", "/"}, 0, "\n[]\n"},
		{[]string{"--server", "127.0.0.1:1," + srv.Addr, "ls", "/"}, 0, "\n[a, zookeeper]\n"},
		{[]string{"--server", srv.Addr, "--auth-file", auth, "whoami"}, 0, "digest: ann\n"},
		{[]string{"--server", srv.Addr, "whoami"}, 0, "digest: bob\n"},
		{[]string{"--server", srv.Addr, "--output", "json", "ls", "/a"}, 0, `{"children":[],"path":"/a",`},
		{[]string{"--server", srv.Addr, "--client-configuration", props, "version"}, 0, "ZooKeeper CLI version: 3.9.5-meerkat-"},
		{[]string{"--server", srv.Addr, "get", "/nope"}, 1, "Node does not exist: /nope\n"},
		{[]string{"--server", srv.Addr, "nonsense"}, 127, "Command not found: Command not found nonsense\n"},
		{[]string{"--server", srv.Addr, "quit"}, 0, ""},
		{[]string{"--server", "127.0.0.1:1", "ls", "/"}, 1, "cannot connect to 127.0.0.1:1: dial tcp"},
		{[]string{"--server", "127.0.0.1:1", "-waitforconnection", "ls", "/"}, 1, "cannot connect to 127.0.0.1:1: dial tcp"},
		{[]string{"--server", "a:b", "ls", "/"}, 2, "is not a number from 1 to 65535"},
		{[]string{"--server", srv.Addr, "--timeout", "0", "ls", "/"}, 2, "must be above 0"},
		{[]string{"--server", srv.Addr, "--output", "xml", "ls", "/"}, 2, "must be text or json"},
		{[]string{"--server", srv.Addr, "--auth-file", badAuth, "ls", "/"}, 2, "is not SCHEME:AUTH"},
		{[]string{"--server", srv.Addr, "--auth-file", dir + "/nope", "ls", "/"}, 2, "no such file"},
		{[]string{"--server", srv.Addr, "--client-configuration", tls, "ls", "/"}, 2, "zookeeper.client.secure: not supported"},
		{[]string{"--server", srv.Addr, "--client-configuration", badProps, "ls", "/"}, 2, "must be a number of ms"},
		{[]string{"--nonsense"}, 2, "nonsense"},
	} {
		code, out, errOut := runTool(t, "", append([]string{"cli"}, test.args...)...)
		where := out
		if test.code != 0 {
			where = errOut
		}
		if code != test.code || !strings.Contains(where, test.says) {
			t.Errorf("%q: exit code %d, want %d with %q:\n%s\n%s", test.args, code, test.code, test.says, out, errOut)
		}
	}
	t.Setenv("MEERKAT_HISTORY", "")
	code, out, errOut := runTool(t, "get /a\nget /nope\n", "cli", "--server", srv.Addr)
	if code != 1 || !strings.Contains(out, "(CONNECTED) 0] x\n") || errOut != "Node does not exist: /nope\n" {
		t.Errorf("commands from standard input: %d\n%s\n%s", code, out, errOut)
	}
}

// TestShellOnTerminal runs the program itself on a terminal: it edits in
// $EDITOR, and Ctrl-C does not end it.
func TestShellOnTerminal(t *testing.T) {
	srv := testserver.Start(t)
	script := filepath.Join(t.TempDir(), "editor")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\nsed -i s/one/two/ \"$1\"\n"), 0o700))
	cmd := exec.Command(os.Args[0], "cli", "--server", srv.Addr)
	cmd.Env = append(os.Environ(), "MEERKAT_TEST_MAIN=1", "EDITOR="+script, "VISUAL=", "MEERKAT_HISTORY=", "TERM=xterm")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 120})
	must(t, err)
	var screen lockedBuffer
	seen := make(chan struct{})
	go func() {
		defer close(seen)
		_, _ = io.Copy(&screen, tty) // ends with EIO when the program does
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = tty.Close(); <-seen })
	from := 0
	expect := func(keys, text string) {
		t.Helper()
		_, err := tty.WriteString(keys)
		must(t, err)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
			if i := strings.Index(screen.String()[from:], text); i >= 0 {
				from += i + len(text)
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("after %q there is no %q:\n%q", keys, text, screen.String()[from:])
			}
		}
	}
	expect("", "(CONNECTED) 0] ")
	expect("create /a one\r", "Created /a")
	expect("ed\t/a\r", "(CONNECTED) 2] ")
	expect("get /a\r", "\ntwo\r\n")
	expect("garbage\x03", "(CONNECTED) 3] ")
	expect("\x03\x03ls /\r", "[a, zookeeper]")
	expect("quit\r", "state:Closed")
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func TestStatusVerb(t *testing.T) {
	srv := testserver.Start(t)
	c := connectTo(t, srv.Addr)
	_, err := c.Create("/a", nil, 0, zk.WorldACL(zk.PermAll))
	must(t, err)
	code, out, errOut := runTool(t, "", "status", srv.Config)
	lines := strings.Split(out, "\n")
	if code != 0 || errOut != "" || len(lines) != 4 || !strings.Contains(lines[1], srv.Addr+"  standalone  0x2 ") || lines[2] != "ok: 1 of 1 servers answer, 1 sessions" {
		t.Errorf("%d\n%s\n%s", code, out, errOut)
	}
	code, out, _ = runTool(t, "", "status", "--output", "json", "--server", srv.Addr+",127.0.0.1:1")
	var status struct {
		Health  string
		Servers []struct{ Server, Role, Zxid, Error string }
	}
	if err := json.Unmarshal([]byte(out), &status); err != nil || code != 1 || status.Health != "degraded" || status.Servers[0].Role != "standalone" || status.Servers[1].Error == "" {
		t.Errorf("%d, %v: %s", code, err, out)
	}
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"status", "--server", "127.0.0.1:1"}, exitDown, ""},
		{[]string{"status", "/no/such/file"}, 2, "no such file"},
		{[]string{"status", "localhost:2181"}, 2, "is given with --server"},
		{[]string{"status", "--server", srv.Addr, srv.Config}, 2, "--server and a zoo.cfg"},
		{[]string{"status", "--server", "x:y"}, 2, "is not a number"},
		{[]string{"status", "--server", srv.Addr, "--timeout", "0s"}, 2, "must be above 0"},
		{[]string{"status", "--server", srv.Addr, "--output", "x"}, 2, "must be text or json"},
		{[]string{"status", writeConfig(t)}, 2, "has neither servers nor a clientPort"},
		{[]string{"top", "--server", srv.Addr}, 2, "is no terminal"},
		{[]string{"top", "--server", srv.Addr, "--interval", "1ms", "--count", "1"}, 2, "--interval must be"},
	} {
		code, _, errOut := runTool(t, "", test.args...)
		if code != test.code || !strings.Contains(errOut, test.says) || strings.Count(errOut, "\n") > 1 {
			t.Errorf("%q: %d, %s", test.args, code, errOut)
		}
	}
}

func TestTopVerb(t *testing.T) {
	srv := testserver.Start(t)
	if _, _, err := connectTo(t, srv.Addr).Exists("/"); err != nil { // so that there is a session at the first look
		t.Fatal(err)
	}
	code, out, errOut := runTool(t, "", "top", "--count", "2", "--interval", "100ms", srv.Config)
	if code != 0 || strings.Count(out, "ok: 1 of 1 servers answer") != 2 || strings.Count(out, "REQUESTS/s") != 2 || strings.Contains(out, "\x1b") {
		t.Errorf("%d\n%s\n%s", code, out, errOut)
	}

	// On a terminal it draws on another screen and ends with q.
	cmd := exec.Command(os.Args[0], "top", "--interval", "100ms", srv.Config)
	cmd.Env = append(os.Environ(), "MEERKAT_TEST_MAIN=1")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 60})
	must(t, err)
	defer tty.Close()
	var screen bytes.Buffer
	b := make([]byte, 4096)
	typed := false
	for {
		n, err := tty.Read(b)
		screen.Write(b[:n])
		if !typed && strings.Contains(screen.String(), "REQUESTS/s") { // the second look
			typed = true
			_, err := tty.WriteString("q")
			must(t, err)
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil || !strings.HasPrefix(screen.String(), enterScreen) || !strings.HasSuffix(screen.String(), leaveScreen) {
		t.Errorf("%v: %q", err, screen.String())
	}
	for _, line := range strings.Split(screen.String(), "\r\n") {
		for _, code := range []string{enterScreen, leaveScreen, home, eraseToEnd, eraseBelow} {
			line = strings.ReplaceAll(line, code, "\x00")
		}
		for _, part := range strings.Split(line, "\x00") {
			if len([]rune(part)) > 60 {
				t.Errorf("wider than the terminal: %q", part)
			}
		}
	}
}

// A server that says nothing does not keep top from ending.
func TestTopOfASilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	cmd := exec.Command(os.Args[0], "top", "--timeout", "1h", "--server", l.Addr().String())
	cmd.Env = append(os.Environ(), "MEERKAT_TEST_MAIN=1")
	tty, err := pty.Start(cmd)
	must(t, err)
	defer tty.Close()
	asked, err := l.Accept()
	must(t, err)
	defer asked.Close()
	_, err = tty.WriteString("q")
	must(t, err)
	screen, _ := io.ReadAll(tty) // ends with EIO when the program does
	if err := cmd.Wait(); err != nil || !strings.HasSuffix(string(screen), leaveScreen) {
		t.Errorf("%v: %q", err, screen)
	}
}

func TestCopyVerb(t *testing.T) {
	a, b := testserver.Start(t), testserver.Start(t)
	from := connectTo(t, a.Addr)
	for _, path := range []string{"/app", "/app/x", "/app/x/y"} {
		_, err := from.Create(path, []byte(path), 0, zk.WorldACL(zk.PermAll))
		must(t, err)
	}
	_, err := from.Create("/app/eph", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	must(t, err)
	source, target := a.Addr+"/app", b.Addr+"/new/app"
	for _, test := range []struct {
		args []string
		code int
		out  string
		says string // on standard error
	}{
		{[]string{source, target, "--dry-run"}, 0, "would copy: 4 znodes read (18 bytes), 3 created, 0 updated, 0 unchanged, 1 ephemerals left out\n", ""},
		{[]string{source, target}, 0, "copied: 4 znodes read (18 bytes), 3 created, 0 updated, 0 unchanged, 1 ephemerals left out\nverified: 3 znodes are equal\n", ""},
		{[]string{source, target, "--no-verify"}, 0, "copied: 4 znodes read (18 bytes), 0 created, 0 updated, 3 unchanged, 1 ephemerals left out\n", ""},
		{[]string{a.Addr + "/app/x", target + "/x/y", "--overwrite"}, 0,
			"copied: 2 znodes read (14 bytes), 1 created, 1 updated, 0 unchanged, 0 ephemerals left out\nverified: 2 znodes are equal\n", ""},
		{[]string{source, target}, 1, "", "/new/app/x/y is there and differs (and is not overwritten)"},
		{[]string{source, target, "--overwrite"}, 0, "copied: 4 znodes read (18 bytes), 0 created, 1 updated, 2 unchanged, 1 ephemerals left out\n" +
			"verified: 3 znodes are equal, and 1 more are in the target alone\n", ""},
		{[]string{a.Addr + "/nope", target}, 1, "", "NoNode for /nope"},
		{[]string{source, "127.0.0.1:1/x"}, 1, "", "cannot connect to 127.0.0.1:1"},
		{[]string{source}, 2, "", "FROM-SERVERS"},
		{[]string{source, "x:y"}, 2, "", "is not a number"},
		{[]string{source, target, "--auth-file", "/nope"}, 2, "", "no such file"},
	} {
		code, out, errOut := runTool(t, "", append([]string{"copy"}, test.args...)...)
		if code != test.code || code == 0 && out != test.out || !strings.Contains(errOut, test.says) || strings.Count(errOut, "\n") != min(code, 1) {
			t.Errorf("%q: %d, want %d and\n%s%s\ngot\n%s%s", test.args, code, test.code, test.out, test.says, out, errOut)
		}
	}
}

// TestBackupVerbs backs up beside a running server, and starts a server on
// what is restored.
func TestBackupVerbs(t *testing.T) {
	srv := testserver.Start(t)
	c := connectTo(t, srv.Addr)
	for _, path := range []string{"/first", "/second"} {
		_, err := c.Create(path, []byte(path), 0, zk.WorldACL(zk.PermAll))
		must(t, err)
	}
	work := t.TempDir()
	bk, dir := filepath.Join(work, "bk"), filepath.Join(work, "dir")
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"backup", srv.Config, bk}, 0, "verified; it can be restored to zxid 0x0 to 0x3\n"},
		{[]string{"backup", srv.DataDir, bk}, 1, "exists already: --force replaces it"},
		{[]string{"backup", "--force", srv.DataDir, srv.DataDir, bk}, 0, "verified"},
		{[]string{"backup", "--force", srv.DataDir, work}, 1, "exists already and is no backup"},
		{[]string{"backup", "/no/such/dir", bk + "2"}, 1, "no such file"},
		{[]string{"backup", t.TempDir(), bk + "2"}, 3, "does not exist"},
		{[]string{"backup"}, 2, "TARGET"},
		{[]string{"backup", "--admin", "host:8080", bk + "2"}, 2, "must be like http://host:8080"},
		{[]string{"backup", "--admin", "http://127.0.0.1:1", bk + "2"}, 1, "connection refused"},
		{[]string{"backup", "--admin", "http://127.0.0.1:1", work, bk + "2"}, 2, "--admin and a directory"},
		{[]string{"restore", "--verify-only", bk}, 0, "bytes, ok; of "},
		{[]string{"restore", "--zxid", "0x2", bk, dir}, 0, "restored " + dir + " to zxid 0x2: snapshot.0 and 2 transactions, verified\n"},
		{[]string{"restore", bk, dir}, 1, "exists already: --force puts it aside"},
		{[]string{"restore", "-v", "--force", "--zxid", "2", bk, dir}, 0, "put aside: " + dir + "/version-2.before-restore-1\n"},
		{[]string{"restore", "--zxid", "9", bk, dir}, 1, "it reaches from 0x0 to 0x3"},
		{[]string{"restore", "--zxid", "x", bk, dir}, 2, "must be a zxid"},
		{[]string{"restore", bk}, 2, "BACKUP (zoo.cfg"},
		{[]string{"restore", work, dir}, 1, "not a backup"},
		{[]string{"restore", "--verify-only", work}, 1, "not a backup"},
		{[]string{"restore", "--force", bk, srv.Config}, 3, "a server is running on " + srv.DataDir},
	} {
		code, out, errOut := runTool(t, "", test.args...)
		where := out
		if test.code != 0 {
			where = errOut
		}
		if code != test.code || !strings.Contains(where, test.says) || code != 0 && strings.Count(errOut, "\n") != 1 {
			t.Errorf("%q: %d, want %d with %q\n%s%s", test.args, code, test.code, test.says, out, errOut)
		}
	}
	cfg := filepath.Join(work, "zoo.cfg")
	must(t, os.WriteFile(cfg, []byte("dataDir="+dir+"\nclientPort=0\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n"), 0o600))
	p := start(t, "server", cfg)
	restored := connectTo(t, p.address(t))
	data, _, err := restored.Get("/first")
	if err != nil || string(data) != "/first" {
		t.Errorf("%q, %v", data, err)
	}
	if _, _, err := restored.Get("/second"); !errors.Is(err, zk.ErrNoNode) {
		t.Errorf("what came after the zxid: %v", err)
	}
}
