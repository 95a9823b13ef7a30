package sim

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/quorum"
)

var (
	seed      = flag.Uint64("seed", 0, "replay this one seed, with a trace")
	seeds     = flag.Int("seeds", 300, "seeds to run")
	first     = flag.Uint64("first", 1, "the first of them")
	failovers = flag.Int("failovers", 40, "leaders to crash for each case of TestFailover")
)

// TestSeeds runs many ensembles. A failure prints the command that replays it.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		res := Run(Options{Seed: *seed, Trace: func(line string) { fmt.Fprintln(os.Stderr, line) }})
		t.Logf("%+v", res)
		if res.Err != nil {
			t.Fatal(res.Err)
		}
		return
	}
	var sum Result
	for s := *first; s < *first+uint64(*seeds); s++ {
		res := Run(Options{Seed: s})
		if res.Err != nil {
			t.Fatalf("%v\nreplay: go test ./quorum/sim -run TestSeeds -seed=%d", res.Err, s)
		}
		sum.Virtual += res.Virtual
		sum.Steps += res.Steps
		sum.Committed += res.Committed
		sum.Leaders += res.Leaders
		sum.Confirmed += res.Confirmed
		sum.Crashes += res.Crashes
		sum.Settled += res.Settled
	}
	t.Logf("%d seeds: %v simulated, %d steps, %d committed, %d leaders, %d confirmations, %d settled, %d crashes",
		*seeds, sum.Virtual.Round(time.Second), sum.Steps, sum.Committed, sum.Leaders, sum.Confirmed, sum.Settled, sum.Crashes)
}

// TestSameSeedSameRun: nothing but the seed decides, or no failure could be
// replayed.
func TestSameSeedSameRun(t *testing.T) {
	for s := uint64(1); s <= 3; s++ {
		var first, second []string
		a := Run(Options{Seed: s, Trace: func(line string) { first = append(first, line) }})
		b := Run(Options{Seed: s, Trace: func(line string) { second = append(second, line) }})
		if !reflect.DeepEqual(a, b) || !slices.Equal(first, second) {
			t.Errorf("seed %d: two runs differ: %+v and %+v", s, a, b)
		}
	}
}

// TestFailover measures, on a quiet network with latencies and syncs of at
// most a millisecond, how long nothing is committed after the leader crashed,
// or resigned.
func TestFailover(t *testing.T) {
	for name, end := range map[string]func(*node){
		"crash":       (*node).crash,
		"resignation": func(n *node) { n.w.resign(n) },
	} {
		for _, voters := range []int{3, 5} {
			var pauses []time.Duration
			for s := range uint64(*failovers) {
				pauses = append(pauses, failover(t, s, voters, end))
			}
			slices.Sort(pauses)
			median, worst := pauses[len(pauses)/2], pauses[len(pauses)-1]
			t.Logf("%s, %d voters: median %v, 99 %% %v, worst %v", name, voters, median, pauses[len(pauses)*99/100], worst)
			if median > 20*time.Millisecond || worst > 60*time.Millisecond {
				t.Errorf("%s, %d voters: the pauses are too long", name, voters)
			}
		}
	}
}

func failover(t *testing.T, seed uint64, voters int, end func(*node)) time.Duration {
	w := newWorld(Options{Seed: seed})
	for w.voters != voters {
		seed += 1000
		w = newWorld(Options{Seed: seed})
	}
	w.calm, w.slowNet, w.slowSync = true, time.Millisecond, time.Millisecond
	for _, n := range w.nodes {
		n.start()
	}
	w.at(0, w.client)
	w.runUntil(3 * time.Second)
	var leader *node
	for _, n := range w.nodes {
		if n.core.Role().Leader == n.id {
			leader = n
		}
	}
	if leader == nil {
		t.Fatalf("seed %d: no leader", seed)
	}
	w.promptly = true
	crashed, epoch := w.now, w.leaderEpoch()
	end(leader)
	for w.now < crashed+10*time.Second {
		if n := len(w.check.history); n > 0 && quorum.Epoch(w.check.history[n-1].zxid) > epoch {
			break
		}
		for _, n := range w.nodes {
			n.propose()
		}
		w.runUntil(w.now + time.Millisecond)
	}
	return w.now - crashed
}
