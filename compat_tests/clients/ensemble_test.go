//go:build compat

package clients

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// ports are those of the members, in the configuration that clients may read.
var ports = regexp.MustCompile(`127\.0\.0\.1:\d+:\d+`)

// compareFailover runs the program against three servers of the reference and
// of the subject, one ensemble after the other, and demands equal transcripts.
// Where the program asks for a restart, the leader is killed and another server
// takes over.
//
// What the programs compare is what one session sees after another has written,
// which an ensemble promises to those of one server alone. So all sessions go
// to the leader; when it is killed, they find another server at the same address.
func compareFailover(t *testing.T, p program) {
	flavors := [2]rig.Flavor{rig.Apache(rig.Reference), rig.Subject(t)}
	var transcripts [2][]string
	for i, flavor := range flavors {
		t.Run(flavor.String(), func(t *testing.T) {
			for _, line := range p.runOnThree(t, flavor) {
				transcripts[i] = append(transcripts[i], ports.ReplaceAllString(line, "SERVER"))
			}
		})
	}
	if t.Failed() {
		return
	}
	if d := difference(normal(transcripts[0]), normal(transcripts[1])); d != "" {
		t.Error(d)
	}
	t.Logf("%d lines", len(transcripts[0]))
}

func (p program) runOnThree(t *testing.T, flavor rig.Flavor) []string {
	e := rig.NewEnsemble(t, rig.EnsembleSpec{
		Kinds: []rig.Flavor{flavor, flavor, flavor},
		Cfg:   map[string]string{"extendedTypesEnabled": "true", "tickTime": "2000"},
		Props: map[string]string{"znode.container.checkIntervalMs": "500"},
	})
	e.Launch(e.Members...)
	front := rig.StartProxy(t, e.Leader().Addr())
	return p.run(t, front.Addr(), func() {
		killed := e.Leader()
		killed.Kill()
		front.Turn(e.Await().Addr())
		e.Launch(killed)
	})
}

func TestJavaClientFailover(t *testing.T) {
	compareFailover(t, javaProgram(t, "Program", "apache-"+rig.Reference))
}

func TestCuratorFailover(t *testing.T) {
	compareFailover(t, javaProgram(t, "Recipes", rig.FixtureCurator))
}

func TestKazooFailover(t *testing.T) {
	venv := filepath.Join(rig.Fixture(t, rig.FixtureKazooPyPI), "venv")
	compareFailover(t, program{filepath.Join(venv, "bin", "python3"), "-B", kazooProgram})
}
