package ensemble

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// namespaces are networks of their own for the members of an ensemble, joined
// by a bridge that clients are on, too. What is dropped here is dropped by the
// kernel: nobody is told, connections stay, and what was sent is sent again.
type namespaces struct {
	t    testing.TB
	name string // of the bridge, and what the others begin with
	net  string // the first three numbers of all addresses
}

// separate gives each member a network, before it is started for the first
// time. It needs root and iproute2; without them the test is skipped.
func separate(t testing.TB, e *rig.Ensemble) *namespaces {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil || os.Geteuid() != 0 {
		t.Skip("missing: network namespaces need root and iproute2")
	}
	n := &namespaces{t: t, name: fmt.Sprintf("mk%d", os.Getpid()), net: fmt.Sprintf("10.%d.%d", 64+os.Getpid()>>8%64, os.Getpid()%256)}
	if out, err := n.try("link", "add", n.name, "type", "bridge"); err != nil {
		t.Skipf("missing: the kernel gives no bridge: %s", out)
	}
	t.Cleanup(func() { _, _ = n.try("link", "del", n.name) })
	n.run("addr", "add", n.net+".254/24", "dev", n.name)
	n.run("link", "set", n.name, "up")
	for _, m := range e.Members {
		ns := n.of(m)
		n.run("netns", "add", ns)
		t.Cleanup(func() { // the servers still run, and keep their network while they do
			_, _ = n.try("link", "del", ns)
			_, _ = n.try("netns", "del", ns)
		})
		n.run("link", "add", ns, "type", "veth", "peer", "name", "eth0", "netns", ns)
		n.run("link", "set", ns, "master", n.name, "up")
		n.run("-n", ns, "addr", "add", n.host(m)+"/24", "dev", "eth0")
		n.run("-n", ns, "link", "set", "eth0", "up")
		n.run("-n", ns, "link", "set", "lo", "up")
	}
	for _, m := range e.Members {
		cfg := maps.Clone(m.Cfg)
		for _, other := range e.Members {
			key := fmt.Sprintf("server.%d", other.ID)
			cfg[key] = strings.Replace(cfg[key], "127.0.0.1", n.host(other), 1)
		}
		m.Cfg, m.Host, m.Through = cfg, n.host(m), []string{"ip", "netns", "exec", n.of(m)}
	}
	return n
}

func (n *namespaces) of(m *rig.Member) string { return fmt.Sprintf("%s-%d", n.name, m.ID) }

func (n *namespaces) host(m *rig.Member) string { return fmt.Sprintf("%s.%d", n.net, m.ID) }

func (n *namespaces) try(args ...string) (string, error) {
	out, err := exec.Command("ip", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (n *namespaces) run(args ...string) {
	n.t.Helper()
	if out, err := n.try(args...); err != nil {
		n.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// drop drops what one member sends to another, and nothing the other way.
func (n *namespaces) drop(from, to *rig.Member) {
	n.t.Helper()
	n.run("-n", n.of(from), "route", "add", "blackhole", n.host(to)+"/32")
}

// pass lets it through again.
func (n *namespaces) pass(from, to *rig.Member) {
	n.t.Helper()
	n.run("-n", n.of(from), "route", "del", "blackhole", n.host(to)+"/32")
}

// isolate drops all between a member and the others.
func (n *namespaces) isolate(e *rig.Ensemble, m *rig.Member) { n.each(e, m, n.drop) }

// heal ends that.
func (n *namespaces) heal(e *rig.Ensemble, m *rig.Member) { n.each(e, m, n.pass) }

func (n *namespaces) each(e *rig.Ensemble, m *rig.Member, do func(from, to *rig.Member)) {
	n.t.Helper()
	for _, other := range e.Members {
		if other != m {
			do(m, other)
			do(other, m)
		}
	}
}
