package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/server/auth"
)

// TestMain lets the test binary be the program itself, for tests that need a
// process.
func TestMain(m *testing.M) {
	if os.Getenv("MEERKAT_TEST_MAIN") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// writeConfig writes a zoo.cfg with a data directory of its own.
func writeConfig(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "zoo.cfg")
	text := "dataDir=" + filepath.Join(dir, "data") + "\n" + strings.Join(lines, "\n") + "\n"
	if !strings.Contains(text, "admin.") {
		text += "admin.enableServer=false\n" // its port may be somebody's
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// takenPort is a port that somebody listens on.
func takenPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestExitCodes(t *testing.T) {
	blocked := writeConfig(t, "clientPort=0", "datadir.autocreate=false")
	for _, test := range []struct {
		args []string
		code int
		says string // on standard error
	}{
		{[]string{"version"}, exitOK, ""},
		{[]string{"help"}, exitOK, ""},
		{[]string{"--version"}, exitOK, ""},
		{[]string{"test-server", "--help"}, exitOK, ""},
		{[]string{"restore", "--verify-only", "--zxid", "1", "backup"}, exitInvocation, "--zxid has no meaning with it"},
		{[]string{"nonsense"}, exitInvocation, `there is no verb "nonsense"`},
		{[]string{"version", "--nonsense"}, exitInvocation, "nonsense"},
		{[]string{"server", "--log-level=loud"}, exitInvocation, "must be trace, debug, info, warn or error"},
		{[]string{"server", "--log-format=xml"}, exitInvocation, "must be auto, console or json"},
		{[]string{"server", "-D"}, exitInvocation, "flag needs an argument"},
		{[]string{"server", "/no/such/file"}, exitInvocation, "/no/such/file: no such file"},
		{[]string{"server", "a", "b", "c", "d", "e"}, exitInvocation, "5 arguments"},
		{[]string{"server", "port", "/tmp"}, exitInvocation, "clientPort=port: must be"},
		{[]string{"server", writeConfig(t, "tickTime=x", "sslQuorum=true")}, exitInvocation, "zoo.cfg:3: sslQuorum=true: TLS between servers: not built yet"},
		{[]string{"server", writeConfig(t, "clientPort=0", "DigestAuthenticationProvider.digestAlg=ROT13")}, exitInvocation, "ROT13"},
		{[]string{"server", "-Dzookeeper.connection_throttle_fill_time=0", writeConfig(t, "clientPort=0")}, exitInvocation, "fill time"},
		{[]string{"server", blocked}, exitDataDir, "data directory"},
		{[]string{"server", writeConfig(t, "clientPort=1", "clientPortAddress=192.0.2.1")}, exitUnexpected, "clientPortAddress is no address of this machine"},
		{[]string{"server", writeConfig(t, "clientPort="+takenPort(t))}, exitUnexpected, "another process listens there"},
		{[]string{"server", writeConfig(t, "clientPort=1", "dataDir=/dev/null")}, exitDataDir, "/dev/null"},
		{[]string{"server", memberWithoutPort(t)}, exitQuorumPort, "port for other servers: listen tcp 192.0.2.1:2: bind"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var out, errOut bytes.Buffer
			code := run(context.Background(), append([]string{"meerkat"}, test.args...), &out, &errOut)
			if code != test.code || !strings.Contains(errOut.String(), test.says) {
				t.Errorf("exit code %d, want %d with %q; standard error:\n%s", code, test.code, test.says, errOut.String())
			}
			if code == exitOK && out.Len() == 0 {
				t.Error("nothing on standard output")
			}
		})
	}
}

// memberWithoutPort is the configuration of a member that cannot have its
// election port.
func memberWithoutPort(t *testing.T) string {
	path := writeConfig(t, "clientPort=0", "initLimit=5", "syncLimit=2", "electionPortBindRetry=1",
		"server.1=192.0.2.1:1:2", "server.2=192.0.2.2:1:2", "server.3=192.0.2.3:1:2")
	data := filepath.Join(filepath.Dir(path), "data")
	must(t, os.Mkdir(data, 0o700))
	must(t, os.WriteFile(filepath.Join(data, "myid"), []byte("1"), 0o600))
	return path
}

func TestExitCodeOf(t *testing.T) {
	for err, want := range map[error]int{
		nil:                      exitOK,
		errors.New("any"):        exitUnexpected,
		persistence.ErrLogFailed: exitUnexpected,
		persistence.ErrLocked:    exitDataDir,
		persistence.ErrDataDir:   exitDataDir,
		conf.ErrNotBuilt:         exitInvocation,
		auth.ErrEnforce:          exitInvocation,
		errUsage:                 exitInvocation,
	} {
		if err != nil {
			err = fmt.Errorf("%w: %w", errReported, err)
		}
		if got := exitCode(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if code := run(context.Background(), []string{"meerkat", "version"}, &out, &out); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	lines := strings.Split(out.String(), "\n")
	for i, word := range []string{"meerkat", "commit", "built", "with"} {
		if fields := strings.Fields(lines[i]); len(fields) < 2 || fields[0] != word {
			t.Errorf("line %d is %q, want %s and what it is", i+1, lines[i], word)
		}
	}
}
