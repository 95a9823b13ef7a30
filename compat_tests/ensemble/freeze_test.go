//go:build compat

package ensemble

import (
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// TestFreeze stops the process of every member in turn for so long that the
// others go on without it, and lets it go on: a leader that has slept through
// an election must not answer as one.
func TestFreeze(t *testing.T) {
	for _, name := range []string{"MMM", "9MM", "M99"} {
		t.Run(name, func(t *testing.T) {
			if name != "MMM" {
				demandWholeMatrix(t)
			}
			e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds(name), Cfg: map[string]string{"tickTime": "400", "syncLimit": "5"}})
			e.Launch(e.Members...)
			l := begin(t, e.Addrs())
			led := map[string]int{}
			for range 2 {
				leader := e.Leader()
				led[leader.Flavor.String()]++
				leader.Freeze()
				e.Await()
				l.progress(20)
				leader.Thaw()
				l.progress(20)
				e.Await()
				follower := e.Members[e.Leader().ID%3]
				follower.Freeze()
				l.progress(40)
				follower.Thaw()
				e.Await()
			}
			conclude(t, e, l)
			t.Logf("frozen as leaders: %v", led)
		})
	}
}
