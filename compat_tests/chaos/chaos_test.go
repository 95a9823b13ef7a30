//go:build compat

package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// number reads a variable of the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q: %v", name, text, err)
	}
	return n
}

// TestChaos makes trouble for CHAOS_SECONDS, with reads behind syncs that are
// linearizable and without. There are CHAOS_SERVERS voters and
// CHAOS_OBSERVERS, and all faults come from CHAOS_SEED, a random one when it
// is not set.
func TestChaos(t *testing.T) {
	seed := number(t, "CHAOS_SEED", rand.Uint64N(1_000_000))
	seconds := number(t, "CHAOS_SECONDS", 20)
	servers := number(t, "CHAOS_SERVERS", 3)
	observers := number(t, "CHAOS_OBSERVERS", 0)
	for _, linearizable := range []bool{true, false} {
		name := map[bool]string{true: "linearizable", false: "plain"}[linearizable]
		t.Run(name, func(t *testing.T) {
			again := fmt.Sprintf("CHAOS_SEED=%d CHAOS_SECONDS=%d CHAOS_SERVERS=%d CHAOS_OBSERVERS=%d go test -tags compat -count=1 -timeout 0 -v -run '^TestChaos$/^%s$' ./compat_tests/chaos",
				seed, seconds, servers, observers, name)
			t.Logf("again: %s", again)
			o := options{
				flavor: rig.Subject(t), servers: int(servers), observers: int(observers), length: time.Duration(seconds) * time.Second,
				seed: seed, linearizable: linearizable,
			}
			s := begin(t, o)
			made, ok := s.play(newPlan(seed, o.servers+o.observers, o.length))
			if !ok {
				return
			}
			words := s.judge()
			znodes := s.demandEqual()
			moves, lost := 0, 0
			for _, c := range s.sessions {
				moves, lost = moves+c.moves, lost+c.lost
			}
			faults := ""
			for k, n := range made {
				faults += fmt.Sprintf(" %s %d,", kind(k), n)
			}
			t.Logf("seed %d: %s; %d znodes equal on all %d; connections moved %d times, %d sessions expired; faults:%s",
				seed, words, znodes, servers+observers, moves, lost, faults)
			if t.Failed() {
				t.Logf("again: %s", again)
			}
		})
	}
}
