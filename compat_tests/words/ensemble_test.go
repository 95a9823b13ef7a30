//go:build compat

package words

import (
	"fmt"

	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// member masks what differs between two ensembles of three: ports, which of
// the servers leads, and what has been asked before.
var member = append(rules(
	`(?m)^(electionPort|quorumPort|serverId)=\d+$`, "$1=N",
	`(?m)^(server\.[123]=[^:]+):\d+:\d+`, "$1:N:N",
	`(?m)^(Proposal sizes last/min/max): -?\d+/-?\d+/-?\d+$`, "$1: N/N/N",
	`sent=\d+`, "sent=N", // Apache counts the upgrade of a local session
	`(?m)^Node count: \d+$`, "Node count: N", // with what it has on the way
), counters...)

// TestEnsembleAnswers asks the leader and a follower of three for every word,
// after the same requests.
func TestEnsembleAnswers(t *testing.T) {
	for _, local := range []string{"false", "true"} {
		t.Run("local sessions "+local, func(t *testing.T) {
			testEnsembleAnswers(t, map[string]string{"localSessionsEnabled": local, "localSessionsUpgradingEnabled": local})
		})
	}
}

func testEnsembleAnswers(t *testing.T, cfg map[string]string) {
	var leaders, followers [2]*rig.Server
	for i, flavor := range []rig.Flavor{rig.Apache(rig.Reference), rig.Subject(t)} {
		e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: []rig.Flavor{flavor, flavor, flavor}, Cfg: cfg})
		e.Launch(e.Members...)
		leader := e.Leader()
		leaders[i] = leader.Server
		for _, m := range e.Members {
			if m != leader {
				followers[i] = m.Server
			}
		}
		occupyEnsemble(t, leader.Addr(), followers[i].Addr())
	}
	for role, servers := range map[string][2]*rig.Server{"leader": leaders, "follower": followers} {
		for _, word := range all {
			switch word {
			case "mntr": // its keys are those of the command monitor: see the package admin
			case "stmk", "crst", "srst": // tell nothing of the role
			default:
				t.Run(role+"-"+word, func(t *testing.T) { compare(t, servers, word, member...) })
			}
		}
		t.Run(role+"-mntr", func(t *testing.T) {
			var heads [2][]string
			for i, srv := range servers {
				text, err := rig.FourLetterWord(srv.Addr(), "mntr")
				if err != nil {
					t.Fatal(err)
				}
				heads[i] = strings.Split(text, "\n")[1:3] // behind the version
			}
			if !slices.Equal(heads[0], heads[1]) {
				t.Errorf("%q, Apache %q", heads[1], heads[0])
			}
		})
	}
}

// sessionTimeouts are so far apart that two sessions never share a bucket.
var sessionTimeouts = [...]time.Duration{30 * time.Second, 100 * time.Second}

// occupyEnsemble opens a session at the leader and one at the follower, which
// write, watch and have ephemerals.
func occupyEnsemble(t *testing.T, addrs ...string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var clients []*wire.Client
	for i, addr := range addrs {
		_, err := rig.FourLetterWord(addr, "srst")
		must(err)
		c, err := wire.Open(addr, sessionTimeouts[i])
		must(err)
		t.Cleanup(c.Close)
		clients = append(clients, c)
		path := fmt.Sprintf("/of%d", i)
		_, err = c.Create(path, []byte("data"), proto.OpenACL, proto.FlagPersistent)
		must(err)
		for v := range 150 {
			_, err := c.SetData(path, fmt.Appendf(nil, "value %d", v), int32(v))
			must(err)
		}
		_, err = c.Create(path+"/e", nil, proto.OpenACL, proto.FlagEphemeral)
		must(err)
		_, _, err = c.Get(path, true)
		must(err)
	}
	for _, c := range clients {
		must(c.Sync("/")) // both servers have seen everything
		must(c.Ping())
	}
}
