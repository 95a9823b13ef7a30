package sim

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var (
	seed  = flag.Uint64("seed", 0, "replay this one seed, with a trace")
	seeds = flag.Int("seeds", 200, "seeds to run")
	first = flag.Uint64("first", 1, "the first of them")
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
		sum.Crashes += res.Crashes
	}
	t.Logf("%d seeds: %v simulated, %d steps, %d committed, %d leaders, %d crashes",
		*seeds, sum.Virtual.Round(time.Second), sum.Steps, sum.Committed, sum.Leaders, sum.Crashes)
}
