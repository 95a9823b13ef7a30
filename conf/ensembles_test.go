package conf

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/quorum"
)

// stricter begins the configurations that Apache accepts and we refuse, for
// the reason that follows.
const stricter = "# stricter here: "

// What Apache's own QuorumPeerConfig makes of an ensemble, we make of it; what
// it refuses, we refuse. testdata/ensembles/cases.want was recorded from
// Apache ZooKeeper 3.9.5, with the text that its servers tell each other and
// with the sets of servers that it takes for quorums.
func TestEnsemblesOfApache(t *testing.T) {
	data, err := os.ReadFile("testdata/ensembles/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases, verdicts := strings.Split(string(data), "---\n"), readLines(t, "testdata/ensembles/cases.want")
	if len(cases) != len(verdicts) || len(cases) < 250 {
		t.Fatalf("%d cases, %d verdicts", len(cases), len(verdicts))
	}
	for i, files := range cases {
		h, props := hostOf(t, files)
		c, _, err := parse("DIR/zoo.cfg", []byte(h["DIR/zoo.cfg"]), props, h)
		want := strings.ReplaceAll(verdicts[i], "\\n", "\n")
		want = strings.Replace(want, "client 0:0:0:0:0:0:0:0 ", "client 0.0.0.0 ", 1) // both are all addresses
		switch refused := want == "error" || strings.Contains(files, stricter); {
		case refused && want == "error" && strings.Contains(files, stricter):
			t.Errorf("case %d is no stricter than Apache:\n%s", i, files)
		case refused && err == nil:
			t.Errorf("case %d is accepted:\n%s\nApache: %s", i, files, want)
		case !refused && err != nil:
			t.Errorf("case %d is refused:\n%s\n%v\nApache: %s", i, files, err, want)
		case !refused && ensembleVerdict(t, c) != want:
			t.Errorf("case %d:\n%s\ngot  %s\nwant %s", i, files, ensembleVerdict(t, c), want)
		}
	}
}

// hostOf is the machine of a case in testdata/ensembles.
func hostOf(t *testing.T, files string) (fakeHost, map[string]string) {
	t.Helper()
	h, props := fakeHost{}, map[string]string{}
	for _, file := range strings.Split("\n"+files, "\n-- ")[1:] {
		name, text, ok := strings.Cut(file, " --\n")
		if !ok {
			t.Fatalf("not a file: %q", file)
		}
		h["DIR/"+name] = text + "\n"
	}
	lines, err := ParseProperties([]byte(h["DIR/properties"]))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range lines {
		props[p.Key] = p.Value
	}
	return h, props
}

// ensembleVerdict renders a configuration as Ensembles.java does.
func ensembleVerdict(t *testing.T, c *Config) string {
	t.Helper()
	client := "none"
	if c.Client.Port != NoPort {
		client = fmt.Sprintf("%s %d", javaHost(cmp.Or(c.Client.Address, "0.0.0.0")), c.Client.Port)
	}
	q := &c.Quorum
	if !q.Enabled {
		return "alone, client " + client
	}
	return fmt.Sprintf("id %d, observer %v, client %s, limits %d %d %d, all addresses %v, multi %v, sync %v, local %v %v, master %d, reconfig %v, version %x, quorums %s, text %s",
		q.ID, q.Observer, client, q.InitTicks, q.SyncTicks, q.ConnectTicks, q.ListenOnAllIPs, q.MultiAddress, c.Learner.SyncEnabled,
		q.LocalSessions, q.LocalUpgrades, c.Learner.ObserverMasterPort, c.Reconfig.Enabled, uint64(q.Version), quorums(t, q), q.Text())
}

// quorums lists the sets of voters as Ensembles.java does.
func quorums(t *testing.T, q *Quorum) string {
	t.Helper()
	voters := q.Voters()
	if len(voters) > 7 {
		return "-"
	}
	var verifier quorum.Verifier = quorum.NewMajority(voters...)
	if q.Groups != nil {
		var err error
		if verifier, err = quorum.NewHierarchical(q.Groups, q.Weights); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	for set := range 1 << len(voters) {
		var acked quorum.Set
		for i, id := range voters {
			if set&(1<<i) != 0 {
				acked = append(acked, id)
			}
		}
		if verifier.Quorum(acked) {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	return b.String()
}
