//go:build compat

package ensemble

import (
	"os"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// letters are how the names of tests call the kinds.
var letters = map[rune]rig.Flavor{'M': {}, '9': rig.Apache("3.9.5"), '8': rig.Apache("3.8.6")}

// kinds are the members' flavors, in the order of their ids.
func kinds(name string) (all []rig.Flavor) {
	for _, letter := range name {
		all = append(all, letters[letter])
	}
	return all
}

// whole tells whether the whole matrix is asked for.
func whole() bool { return os.Getenv("ENSEMBLE_MATRIX") != "" }

// demandWholeMatrix skips what takes long.
func demandWholeMatrix(t *testing.T) {
	if !whole() {
		t.Skip("waits for ENSEMBLE_MATRIX=1, the whole matrix")
	}
}

// TestMix kills and restarts every member of ensembles of three, and lets each
// of them lead. M is Meerkat, 9 is Apache 3.9.5 and 8 is 3.8.6; the last one
// wins the first election.
func TestMix(t *testing.T) {
	for _, name := range []string{
		"MMM", "98M", // the short list
		"MM9", "M9M", "9MM", "M99", "9M9", "99M",
		"MM8", "M8M", "8MM", "M88", "8M8", "88M", "8M9", "M89",
	} {
		t.Run(name, func(t *testing.T) {
			if name != "MMM" && name != "98M" {
				demandWholeMatrix(t)
			}
			testMix(t, name)
		})
	}
}

func testMix(t *testing.T, name string) {
	e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds(name), Cfg: map[string]string{"snapCount": "400"}})
	e.Launch(e.Members...)
	l := begin(t, e.Addrs())
	l.progress(20)
	led := map[string]int{e.Leader().Flavor.String(): 1}
	for i, m := range e.Members {
		next, after := e.Members[(i+1)%3], e.Members[(i+2)%3]
		letLead(t, e, l, m, next, after)
		led[m.Flavor.String()]++
		l.progress(20)
	}
	conclude(t, e, l)
	t.Logf("led: %v", led)
}

// letLead makes m the leader: a is killed, b a little later, and when a comes
// back it is behind m, so that it has to follow. Then b comes back.
func letLead(t *testing.T, e *rig.Ensemble, l *load, m, a, b *rig.Member) {
	t.Helper()
	a.Kill()
	e.Await()
	l.progress(10)
	b.Kill()
	e.Launch(a)
	if leader := e.Leader(); leader != m {
		t.Fatalf("server %d leads, not server %d, which knows more", leader.ID, m.ID)
	}
	l.progress(10)
	e.Launch(b)
	l.progress(10)
}

// TestFive kills and restarts every member of an ensemble of five, two at a
// time in the end, one of them the leader.
func TestFive(t *testing.T) {
	demandWholeMatrix(t)
	for _, name := range []string{ // as many of each kind as can be
		"MMMM9", "8MMMM",
		"MM9M9", "M9M8M", "8MM8M",
		"9M99M", "M98M9", "9M8M8", "M88M8",
		"9999M", "99M98", "98M98", "8M988", "M8888",
	} {
		t.Run(name, func(t *testing.T) {
			e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds(name), Cfg: map[string]string{"snapCount": "400"}})
			e.Launch(e.Members...)
			l := begin(t, e.Addrs())
			led := map[string]int{}
			for _, m := range e.Members {
				m.Kill()
				led[e.Await().Flavor.String()]++
				l.progress(20)
				e.Launch(m)
				l.progress(20)
			}
			for range 2 {
				leader := e.Leader()
				other := e.Members[leader.ID%5]
				leader.Kill()
				other.Kill()
				led[e.Await().Flavor.String()]++
				l.progress(20)
				e.Launch(leader, other)
			}
			l.progress(20)
			conclude(t, e, l)
			t.Logf("led: %v", led)
		})
	}
}

// TestObserver has an observer of either kind: it serves clients, forwards
// their writes, and catches up after a kill.
func TestObserver(t *testing.T) {
	for _, name := range []string{"MM9M", "99MM", "MMM9"} {
		t.Run(name, func(t *testing.T) {
			demandWholeMatrix(t)
			e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds(name), Observers: 1})
			e.Launch(e.Members...)
			observer := e.Members[3]
			if mode := observer.Mode(); mode != "observer" {
				t.Fatalf("server 4 says %q", mode)
			}
			l := begin(t, e.Addrs())
			for range 2 {
				leader := e.Leader()
				observer.Kill()
				l.progress(20)
				e.Launch(observer)
				leader.Kill()
				e.Await()
				l.progress(20)
				e.Launch(leader)
				l.progress(20)
			}
			conclude(t, e, l)
		})
	}
}
