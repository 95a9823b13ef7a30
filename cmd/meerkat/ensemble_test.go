package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/ensemble"
)

// The files that the verb ensemble writes make the ensemble that was asked
// for, and the same one on each server.
func TestEnsembleFiles(t *testing.T) {
	o := ensembleOptions{voters: 3, observers: 1, port: 2181, dir: filepath.Join(t.TempDir(), "with blank"), set: []string{"syncLimit=7"}}
	members, err := o.prepare()
	if err != nil {
		t.Fatal(err)
	}
	const text = `server.1=127.0.0.1:2888:3888:participant;127.0.0.1:2181
server.2=127.0.0.1:2889:3889:participant;127.0.0.1:2182
server.3=127.0.0.1:2890:3890:participant;127.0.0.1:2183
server.4=127.0.0.1:2891:3891:observer;127.0.0.1:2184
version=0`
	for i, m := range members {
		known, err := ensemble.FromConfig(m.config(), os.ReadFile) // as status and top read it
		if err != nil || len(known) != len(members) || known[i].Addr != m.addr {
			t.Errorf("%s names %v, error %v", m.config(), known, err)
		}
		c, _, err := conf.Load(m.config(), nil)
		if err != nil {
			t.Fatal(err)
		}
		q := &c.Quorum
		if !q.Enabled || q.ID != int64(i+1) || q.Observer != (i == 3) || q.SyncTicks != 7 || c.Client.Port != 2181+i || q.Text() != text {
			t.Errorf("server %d: %+v\n%s", i+1, c, q.Text())
		}
	}
	o = ensembleOptions{voters: 1, port: 2181, dir: t.TempDir()}
	if members, err = o.prepare(); err != nil {
		t.Fatal(err)
	}
	if c, _, err := conf.Load(members[0].config(), nil); err != nil || !c.Quorum.Enabled {
		t.Errorf("one server: %+v, error %v", c, err)
	}
}

func TestEnsembleOptionsRefused(t *testing.T) {
	dir := t.TempDir()
	for _, o := range []ensembleOptions{
		{voters: 0, port: 2181, dir: dir},
		{voters: 1, observers: -1, port: 2181, dir: dir},
		{voters: 99, observers: 1, port: 2181, dir: dir},
		{voters: 3, port: 0, dir: dir},
		{voters: 3, port: 59700, dir: dir},
		{voters: 3, port: 2181, dir: "a\nb"},
	} {
		if _, err := o.prepare(); !errors.Is(err, errUsage) {
			t.Errorf("%+v: error %v", o, err)
		}
	}
}

// A server that cannot start ends the ensemble, and the end of its log tells
// why.
func TestEnsembleThatCannotStart(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "ensemble", "--dir", dir, "--port", "29181", "--set", "tickTime=x")
	if code := p.exit(); code != exitUnexpected || !strings.Contains(p.log.String(), "tickTime=x: must be a whole number") {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "3", "myid")); err != nil {
		t.Error(err)
	}
}

// The servers of an ensemble serve, outlive one of them, and all end with the
// program.
func TestEnsembleRuns(t *testing.T) {
	p := exec.Command(os.Args[0], "ensemble", "--dir", t.TempDir(), "--port", "29281")
	p.Env = append(os.Environ(), "MEERKAT_TEST_MAIN=1")
	pipe, err := p.StdoutPipe()
	must(t, err)
	must(t, p.Start())
	t.Cleanup(func() { _ = p.Process.Kill() }) // it may have ended
	lines := bufio.NewScanner(pipe)
	next := func() []string {
		if !lines.Scan() {
			t.Fatalf("its output ends: %v", lines.Err())
		}
		return strings.Fields(lines.Text())
	}
	roles, pids := map[string]int{}, map[string]int{}
	for range 3 {
		f := next() // server 1 ADDRESS ROLE pid PID DIR
		roles[f[3]]++
		pids[f[3]], err = strconv.Atoi(f[5])
		must(t, err)
	}
	if roles["leader"] != 1 || roles["follower"] != 2 {
		t.Fatalf("roles %v", roles)
	}
	next() // connect to
	must(t, syscall.Kill(pids["leader"], syscall.SIGKILL))
	for led, ended := false, false; !led || !ended; {
		line := strings.Join(next(), " ")
		led = led || strings.HasSuffix(line, " leader")
		ended = ended || strings.HasSuffix(line, "ended: signal: killed")
	}
	must(t, p.Process.Signal(syscall.SIGTERM))
	for lines.Scan() {
	}
	must(t, p.Wait())
	if err := syscall.Kill(pids["follower"], 0); err != syscall.ESRCH {
		t.Errorf("a follower is left: %v", err)
	}
}
