package rig

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Ensemble is several servers that know each other, each of its own flavor,
// on loopback ports that stay theirs while they are down. Its methods are for
// one goroutine.
type Ensemble struct {
	Members []*Member // by id, from 1 on
	t       testing.TB
}

// Member is a server of an ensemble.
type Member struct {
	*Server
	ID      int
	frozen  bool
	writers map[Flavor]bool // the kinds that have served the directory
}

// EnsembleSpec says what servers to make.
type EnsembleSpec struct {
	Kinds     []Flavor
	Observers int // how many of the last ones are observers
	Cfg       map[string]string
	Props     map[string]string
}

// SuperAuth is what authenticates a super user on every member.
const (
	SuperAuth   = "super:test"
	superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
)

// NewEnsemble writes the directories of an ensemble; nothing is started yet.
// Ticks are short, and JVMs small.
func NewEnsemble(t testing.TB, spec EnsembleSpec) *Ensemble {
	t.Helper()
	n := len(spec.Kinds)
	base := portRange(t, 3*n)
	cfg := map[string]string{
		"tickTime": "500", "initLimit": "20", "syncLimit": "6", "maxSessionTimeout": "120000",
		"preAllocSize": "1024", "cnxTimeout": "2000",
	}
	for i := range n {
		line := fmt.Sprintf("127.0.0.1:%d:%d", base+n+i, base+2*n+i)
		if i >= n-spec.Observers {
			line += ":observer"
		}
		cfg[fmt.Sprintf("server.%d", i+1)] = line
	}
	maps.Copy(cfg, spec.Cfg)
	props := map[string]string{"zookeeper.DigestAuthenticationProvider.superDigest": superDigest, "zookeeper.extendedTypesEnabled": "true"}
	maps.Copy(props, spec.Props)
	e := &Ensemble{t: t}
	for i, kind := range spec.Kinds {
		m := &Member{ID: i + 1, Server: newServer(t, Spec{
			Flavor: kind, Cfg: cfg, Props: props, Port: base + i, Java: []string{"-Xmx200m"},
		})}
		if err := os.WriteFile(filepath.Join(m.DataDir, "myid"), fmt.Appendln(nil, m.ID), 0o600); err != nil {
			t.Fatal(err)
		}
		e.Members = append(e.Members, m)
	}
	return e
}

// portRange returns the first of n ports in a row that nothing listens on,
// below those that the kernel gives to outgoing connections: a server that
// comes back must find its ports free.
func portRange(t testing.TB, n int) int {
	t.Helper()
	for range 100 {
		base := 18000 + rand.IntN(14000-n)
		free := 0
		for ; free < n; free++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+free))
			if err != nil {
				break
			}
			_ = l.Close()
		}
		if free == n {
			return base
		}
	}
	t.Fatalf("no %d free ports in a row", n)
	return 0
}

// Launch starts the process, and waits for nothing.
func (m *Member) Launch() {
	m.t.Helper()
	if m.writers == nil {
		m.writers = make(map[Flavor]bool)
	}
	m.writers[m.Flavor] = true
	if err := m.launch(); err != nil {
		m.t.Fatalf("server %d, %s: %v", m.ID, m.Flavor, err)
	}
}

// WrittenBy tells whether no other kind of server has served the directory.
func (m *Member) WrittenBy(kind Flavor) bool { return len(m.writers) == 1 && m.writers[kind] }

// Up tells whether the member's process runs, frozen or not.
func (m *Member) Up() bool { return m.cmd != nil }

// Kill ends the process with SIGKILL.
func (m *Member) Kill() {
	m.frozen = false
	m.Server.Kill()
}

// Freeze stops the process with SIGSTOP: its connections stay, it answers
// nothing.
func (m *Member) Freeze() { m.signal(syscall.SIGSTOP); m.frozen = true }

// Thaw lets a frozen process go on.
func (m *Member) Thaw() { m.signal(syscall.SIGCONT); m.frozen = false }

func (m *Member) signal(s syscall.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatalf("server %d: %v", m.ID, err)
	}
}

// Wipe empties the directory of a member that is down; its id stays.
func (m *Member) Wipe() {
	m.t.Helper()
	if err := os.RemoveAll(filepath.Join(m.DataDir, "version-2")); err != nil {
		m.t.Fatal(err)
	}
	m.writers = nil
}

// Mode is what the member says of itself: "leader", "follower", "observer",
// or "" when it does not serve.
func (m *Member) Mode() string {
	if m.cmd == nil || m.frozen {
		return ""
	}
	text, _ := FourLetterWord(m.Addr(), "srvr")
	_, mode, _ := strings.Cut(text, "Mode: ")
	mode, _, _ = strings.Cut(mode, "\n")
	return mode
}

// Metric is a value of mntr, "" when there is none.
func (m *Member) Metric(name string) string {
	text, _ := FourLetterWord(m.Addr(), "mntr")
	for line := range strings.Lines(text) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), "\t"); key == name {
			return value
		}
	}
	return ""
}

// Addrs are the client addresses of all members.
func (e *Ensemble) Addrs() []string {
	addrs := make([]string, 0, len(e.Members))
	for _, m := range e.Members {
		addrs = append(addrs, m.Addr())
	}
	return addrs
}

// Launch starts some members, all at once, and waits until they serve.
func (e *Ensemble) Launch(members ...*Member) {
	e.t.Helper()
	for _, m := range members {
		m.Launch()
	}
	e.Await()
}

// Leader is the member that leads, nil when none does.
func (e *Ensemble) Leader() *Member {
	for _, m := range e.Members {
		if m.Mode() == "leader" {
			return m
		}
	}
	return nil
}

// Kinds names the members in the order of their ids, for messages.
func (e *Ensemble) Kinds() string {
	names := make([]string, 0, len(e.Members))
	for _, m := range e.Members {
		names = append(names, m.Flavor.String())
	}
	return strings.Join(names, " ")
}

// awaitLimit is how long an ensemble may take to agree and to serve.
const awaitLimit = 90 * time.Second

// Await waits until all members that run serve, one of them as the leader, and
// returns the leader.
func (e *Ensemble) Await() *Member {
	e.t.Helper()
	deadline := time.Now().Add(awaitLimit)
	for _, m := range e.Members {
		if m.cmd == nil || m.frozen {
			continue
		}
		if err := m.awaitServing(time.Until(deadline)); err != nil {
			e.t.Fatalf("server %d, %s: %v\n%s", m.ID, m.Flavor, err, lastLines(m.Log(), 40))
		}
	}
	for time.Now().Before(deadline) {
		if m := e.Leader(); m != nil {
			return m
		}
		time.Sleep(20 * time.Millisecond) // nothing tells when an election ends
	}
	e.t.Fatalf("no leader within %v", awaitLimit)
	return nil
}

// Become lets another kind of server take the directory over, at the next
// start of a member that is down.
func (m *Member) Become(kind Flavor) {
	m.t.Helper()
	if m.cmd != nil {
		m.t.Fatalf("server %d still runs", m.ID)
	}
	m.Flavor = kind
}

// Config is the path of the member's zoo.cfg.
func (m *Member) Config() string { return m.cfgPath }
