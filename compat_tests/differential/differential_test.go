//go:build compat

package differential

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

var (
	firstSeed = flag.Uint64("seed", 1, "first seed")
	seeds     = flag.Int("seeds", 12, "seeds for each variant")
	stepCount = flag.Int("steps", 250, "steps for each seed")
	shrinkFor = flag.Duration("shrink", 20*time.Second, "time to shrink a differing seed")
	skip      = flag.String("skip", "", "leave out steps that match this expression, to look past a known difference")
	failures  = flag.Int("failures", 3, "differing seeds after which a variant ends")
)

// variants are ways to configure both servers. Reaping is slowed down in all
// of them: when it happens is not determined by the steps.
var variants = []struct {
	name       string
	cfg, props map[string]string
}{
	{name: "default"},
	{name: "extended", props: map[string]string{"zookeeper.extendedTypesEnabled": "true"}, cfg: map[string]string{"enforceQuota": "true", "reconfigEnabled": "true"}},
	{name: "emulate353", props: map[string]string{"zookeeper.extendedTypesEnabled": "true", "zookeeper.emulate353TTLNodes": "true"}},
	{name: "eager", cfg: map[string]string{"enableEagerACLCheck": "true"}},
	{name: "skipACL", cfg: map[string]string{"skipACL": "yes"}},
	{name: "enforceAuth", cfg: map[string]string{"enforce.auth.enabled": "true", "enforce.auth.schemes": "digest"}},
	{name: "bare", cfg: map[string]string{"digest.enabled": "false", "closeSessionTxn.enabled": "false"}},
}

func TestDifferential(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			cfg := map[string]string{"tickTime": "200", "maxSessionTimeout": "600000", "preAllocSize": "4096"}
			maps.Copy(cfg, v.cfg)
			props := map[string]string{
				"zookeeper.DigestAuthenticationProvider.superDigest": superDigest,
				"znode.container.checkIntervalMs":                    "3600000",
			}
			maps.Copy(props, v.props)
			compareSeeds(t, &pair{t: t, cfg: cfg, props: props})
		})
	}
}

// TestParallel keeps many connections busy at once.
func TestParallel(t *testing.T) {
	servers := &pair{t: t, cfg: map[string]string{"maxSessionTimeout": "600000", "preAllocSize": "4096"}, props: map[string]string{
		"zookeeper.DigestAuthenticationProvider.superDigest": superDigest,
		"zookeeper.extendedTypesEnabled":                     "true",
		"znode.container.checkIntervalMs":                    "3600000",
	}}
	servers.fresh()
	for seed := *firstSeed; seed < *firstSeed+uint64(*seeds); seed++ {
		difference, err := RunParallel([2]string{servers.reference.Addr(), servers.subject.Addr()}, seed, *stepCount)
		if err != nil {
			t.Fatalf("the driver failed: %v", err)
		}
		if difference != "" {
			t.Fatalf("seed %d differs (- Apache %s, + %s): %s\nreplay: %s",
				seed, rig.Reference, servers.subject.Flavor, difference, replay(t, seed))
		}
	}
}

func compareSeeds(t *testing.T, servers *pair) {
	servers.fresh()
	failed := 0
	for seed := *firstSeed; seed < *firstSeed+uint64(*seeds) && failed < *failures; seed++ {
		steps := wanted(t, Generate(seed, *stepCount))
		diff := servers.run(steps)
		if diff == nil {
			continue
		}
		if died := servers.referenceDied(); died != "" {
			t.Logf("seed %d ends early: %s after %s", seed, died, diff.Steps[len(diff.Steps)-1])
			servers.fresh()
			continue
		}
		failed++
		report(t, servers, seed, diff)
		servers.fresh()
	}
}

func wanted(t *testing.T, steps []Step) []Step {
	t.Helper()
	if *skip == "" {
		return steps
	}
	unwanted, err := regexp.Compile(*skip)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(steps, func(st Step) bool { return unwanted.MatchString(st.String()) })
}

// report shrinks what differed and says how to see it again.
func report(t *testing.T, servers *pair, seed uint64, diff *Difference) {
	t.Helper()
	deadline := time.Now().Add(*shrinkFor)
	smallest := diff
	servers.fresh()
	shrink(diff.Steps, func(rest []Step) (fails, goOn bool) {
		if time.Now().After(deadline) {
			return false, false
		}
		again := servers.run(rest)
		if again != nil {
			smallest = again
			servers.fresh() // what differed may go on differing
		}
		return again != nil, true
	})
	t.Errorf("seed %d differs (- Apache %s, + %s) after these steps:\n%s\nreplay: %s",
		seed, rig.Reference, servers.subject.Flavor, smallest, replay(t, seed))
}

func replay(t *testing.T, seed uint64) string {
	command := fmt.Sprintf("go test -tags compat ./compat_tests/differential -run '^%s$' -args -seed %d -seeds 1 -steps %d", t.Name(), seed, *stepCount)
	if subject := os.Getenv("COMPAT_SUBJECT"); subject != "" {
		command = "COMPAT_SUBJECT=" + subject + " " + command
	}
	return command
}

// pair is the reference and the subject with the same configuration.
type pair struct {
	t                  *testing.T
	cfg, props         map[string]string
	reference, subject *rig.Server
}

// fresh starts both servers with nothing in them.
func (p *pair) fresh() {
	for _, old := range []*rig.Server{p.reference, p.subject} {
		if old != nil {
			old.Kill()
		}
	}
	start := func(f rig.Flavor) *rig.Server {
		return rig.Start(p.t, rig.Spec{Flavor: f, Cfg: p.cfg, Props: p.props})
	}
	p.reference, p.subject = start(rig.Apache(rig.Reference)), start(rig.Subject(p.t))
}

// referenceDied says so when Apache's server has ended itself, as some
// malformed requests make it do; the subject must still be there.
func (p *pair) referenceDied() string {
	if rig.Serves(p.reference.Addr()) {
		return ""
	}
	if !rig.Serves(p.subject.Addr()) && p.subject.Flavor.IsMeerkat() {
		p.t.Errorf("%s has died, too", p.subject.Flavor)
	}
	return "Apache's server has died"
}

func (p *pair) run(steps []Step) *Difference {
	p.t.Helper()
	diff, err := Run([2]string{p.reference.Addr(), p.subject.Addr()}, steps)
	if err != nil {
		p.t.Fatalf("the driver failed: %v", err)
	}
	return diff
}
