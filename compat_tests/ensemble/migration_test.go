//go:build compat

package ensemble

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// checkLimit is how long a check of the guide may take to come true.
const checkLimit = 60 * time.Second

// TestMigration moves an ensemble of Apache servers to Meerkat and back, one
// server at a time on its own directory, as docs/migration.md says and with
// its commands, under load.
func TestMigration(t *testing.T) {
	for _, tt := range []struct{ name, from, to string }{
		{"3.9.5 there and back", "3.9.5", "3.9.5"},
		{"3.8.6 there and back", "3.8.6", "3.8.6"},
		{"3.8.6 there and on to 3.9.5", "3.8.6", "3.9.5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name != "3.9.5 there and back" {
				demandWholeMatrix(t)
			}
			from, to := rig.Apache(tt.from), rig.Apache(tt.to)
			e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: []rig.Flavor{from, from, from}, Cfg: map[string]string{"snapCount": "400"}})
			mig := migration{T: t, ensemble: e, guide: readGuide(t)}
			mig.demandComplete(t)
			e.Launch(e.Members...)
			l := begin(t, e.Addrs())
			l.progress(20)
			mig.replaceAll(l, rig.Flavor{})
			l.progress(100)
			mig.replaceAll(l, to)
			l.progress(20)
			conclude(t, e, l)
		})
	}
}

// migration follows the guide.
type migration struct {
	*testing.T
	guide
	ensemble *rig.Ensemble
}

// replaceAll takes the followers in turn, and the leader last.
func (mig migration) replaceAll(l *load, kind rig.Flavor) {
	mig.Helper()
	leader := mig.ensemble.Await()
	mig.block("before", leader, leader)
	order := slices.Clone(mig.ensemble.Members)
	slices.SortStableFunc(order, func(a, b *rig.Member) int {
		switch {
		case a == leader:
			return 1
		case b == leader:
			return -1
		}
		return 0
	})
	for _, m := range order {
		mig.replace(m, kind)
		l.progress(20)
	}
}

// replace is the guide's section about each server in turn.
func (mig migration) replace(m *rig.Member, kind rig.Flavor) {
	mig.Helper()
	if kind.IsMeerkat() {
		for _, name := range []string{"stop", "check", "start"} {
			mig.blockWith(name, m, m, kind)
		}
	} else {
		mig.blockWith("back", m, m, kind)
	}
	leader := mig.ensemble.Await()
	if leader != m {
		mig.block("follows", leader, m)
	}
	for _, name := range []string{"leader", "digests", "hash"} {
		mig.block(name, leader, m)
	}
}

func (mig migration) block(name string, leader, m *rig.Member) {
	mig.Helper()
	mig.blockWith(name, leader, m, m.Flavor)
}

// blockWith runs the commands of a block, those of systemctl on the test's own
// processes: what is started is of the given kind.
func (mig migration) blockWith(name string, leader, m *rig.Member, kind rig.Flavor) {
	mig.Helper()
	for _, c := range mig.guide[name] {
		switch {
		case strings.HasPrefix(c.text, "systemctl stop "):
			m.Stop()
		case strings.HasPrefix(c.text, "systemctl start "):
			m.Become(kind)
			m.Launch()
		default:
			mig.await(c, fill(mig.T, c.text, leader, m))
		}
	}
}

// await repeats a command until it prints what it has to.
func (mig migration) await(c command, text string) {
	mig.Helper()
	for deadline := time.Now().Add(checkLimit); ; time.Sleep(100 * time.Millisecond) {
		res := rig.Run(mig.T, exec.Command("bash", "-c", text), time.Minute)
		var lines []string
		if out := strings.TrimRight(res.Stdout, "\n"); out != "" {
			lines = strings.Split(out, "\n")
		}
		fsck := strings.Contains(text, " fsck ") // see demandWhole about its verdict on what Apache writes
		switch {
		case fsck && strings.Contains(res.Stdout, "start: a server loads"), !fsck && slices.Equal(lines, c.wants):
			return
		case fsck || time.Now().After(deadline):
			mig.Fatalf("docs/migration.md: %s\nexit code %d, prints\n%s%s\nand not\n%s", text, res.ExitCode, res.Stdout, res.Stderr, strings.Join(c.wants, "\n"))
		}
	}
}
