//go:build compat

package ensemble

import (
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// TestNamespaces drops packets between members that are in networks of their
// own, under load: the leader is isolated, then hears everybody and is heard
// by nobody, and then two followers cannot reach each other.
func TestNamespaces(t *testing.T) {
	for _, name := range []string{"MMM", "9MM", "MM9"} {
		t.Run(name, func(t *testing.T) {
			if name != "MMM" {
				demandWholeMatrix(t)
			}
			e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds(name), Cfg: map[string]string{"tickTime": "400", "syncLimit": "5"}})
			n := separate(t, e)
			e.Launch(e.Members...)
			l := begin(t, e.Addrs())
			l.progress(20)

			old := e.Leader()
			n.isolate(e, old)
			awaitOther(t, e, old)
			l.progress(20)
			n.heal(e, old)
			e.Await()
			l.progress(20)

			mute := e.Leader()
			for _, m := range e.Members {
				if m != mute {
					n.drop(mute, m)
				}
			}
			awaitOther(t, e, mute)
			l.progress(20)
			for _, m := range e.Members {
				if m != mute {
					n.pass(mute, m)
				}
			}
			e.Await()
			l.progress(20)

			leader := e.Leader()
			a, b := e.Members[leader.ID%3], e.Members[(leader.ID+1)%3]
			n.drop(a, b)
			n.drop(b, a)
			l.progress(40)
			n.pass(a, b)
			n.pass(b, a)
			e.Await()
			conclude(t, e, l)
		})
	}
}

// awaitOther waits until another member leads.
func awaitOther(t *testing.T, e *rig.Ensemble, old *rig.Member) {
	t.Helper()
	for deadline := time.Now().Add(checkLimit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		for _, m := range e.Members {
			if m != old && m.Mode() == "leader" {
				return
			}
		}
	}
	t.Fatalf("nobody but server %d leads", old.ID)
}
