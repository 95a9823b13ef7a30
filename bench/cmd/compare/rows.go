package main

import (
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/bench"
)

// A stage is a state of the server in which rows are measured.
type stage int

const (
	emptyStage    stage = iota // just started on an empty directory
	loadStage                  // warmed up by load
	filledStage                // filled with znodes, and started again on them
	ensembleStage              // one of three that form an ensemble
)

// A row is one line of the table: something that is done to every server.
type row struct {
	key   string // for -only
	title string
	stage stage
	// load makes the settings of a row of the loadStage.
	load  func() bench.Config
	goals map[measure]goal
	echo  bool // an echo server can do it too
}

// allRows are those of a standalone server and those of an ensemble.
func allRows() []row { return slices.Concat(rows, ensembleRows) }

// The rows of a standalone server in the order of the table, with what
// Meerkat is to reach.
var rows = []row{
	{key: "get-1x1", title: "getData, 1 × 1", stage: loadStage, echo: true,
		load:  load(bench.Read, 1, 1),
		goals: map[measure]goal{opsPerSec: {atLeast: 2.5}, p99Micros: below}},
	{key: "get-16x1", title: "getData, 16 × 1", stage: loadStage, echo: true,
		load:  load(bench.Read, 16, 1),
		goals: map[measure]goal{opsPerSec: {atLeast: 1.8}, p99Micros: below}},
	{key: "get-16x16", title: "getData, 16 × 16", stage: loadStage, echo: true,
		load:  load(bench.Read, 16, 16),
		goals: map[measure]goal{opsPerSec: {atLeast: 6}, cpuPer100: {limit: 0.2}, p99Micros: below}},
	{key: "set-1x1", title: "setData, 1 × 1", stage: loadStage, echo: true,
		load:  load(bench.Write, 1, 1),
		goals: map[measure]goal{opsPerSec: {atLeast: 1.8}, p99Micros: below}},
	{key: "set-16x1", title: "setData, 16 × 1", stage: loadStage, echo: true,
		load:  load(bench.Write, 16, 1),
		goals: map[measure]goal{opsPerSec: {atLeast: 2}, p99Micros: below}},
	{key: "set-16x16", title: "setData, 16 × 16", stage: loadStage, echo: true,
		load:  load(bench.Write, 16, 16),
		goals: map[measure]goal{opsPerSec: {atLeast: 4}, cpuPer100: {limit: 0.5}, p99Micros: below}},
	{key: "create", title: "create, 16 × 16", stage: loadStage, echo: true,
		load:  load(bench.Create, 16, 16),
		goals: map[measure]goal{opsPerSec: {atLeast: 3}, cpuPer100: {limit: 0.8}, p99Micros: below}},
	{key: "mixed", title: "90 % getData, 10 % setData, 16 × 16", stage: loadStage, echo: true,
		load:  load(bench.Mixed, 16, 16),
		goals: map[measure]goal{opsPerSec: {atLeast: 4}, p99Micros: below}},
	{key: "children", title: "getChildren2 of 10,000, 4 × 1", stage: loadStage, echo: true,
		load:  load(bench.Children, 4, 1),
		goals: map[measure]goal{opsPerSec: {atLeast: 3}, p99Micros: below}},
	{key: "watch", title: "10,000 watchers of one znode, all notified", stage: loadStage,
		load:  load(bench.Watch, 10_000, 1),
		goals: map[measure]goal{allMillis: {atMost: 1.0 / 3}, p99Micros: below}},
	{key: "sessions", title: "opening 5,000 sessions", stage: emptyStage, echo: true,
		load:  load(bench.Sessions, 5_000, 1),
		goals: map[measure]goal{opsPerSec: {atLeast: 3}, itemBytes: {atMost: 2.0 / 3}, p99Micros: below}},
	{key: "filled", title: "%s znodes of 100 bytes", stage: filledStage,
		goals: map[measure]goal{itemBytes: {atMost: 1.0 / 3}, startMs: {atMost: 0.25}}},
	{key: "pause", title: "while a snapshot of %s znodes is written", stage: filledStage,
		goals: map[measure]goal{pauseMs: {limit: 20}, p99Micros: below}},
	{key: "empty", title: "empty server", stage: emptyStage,
		goals: map[measure]goal{startMs: {limit: 50}, rssMB: {limit: 25}}},
}

// load makes the settings of a closed loop; the values have 100 bytes.
func load(w bench.Workload, connections, inFlight int) func() bench.Config {
	return func() bench.Config {
		c := bench.DefaultConfig(w)
		c.Connections, c.InFlight = connections, inFlight
		c.Keep = true // the data goes with the server
		return c
	}
}

// The load of the pause row: half reads, half writes, on a schedule that both
// servers keep up with easily. A snapshot falls due after half of
// pauseSnapCount writes at the earliest, which is later than the warm-up ends,
// and after all of them at the latest, which is before the measurement ends.
const (
	pauseRatePerSec = 4000
	pauseReadRatio  = 0.5
	pauseSnapCount  = 20_000
	pauseWarmUp     = 4 * time.Second
)

// scale is how much time a run takes for what.
type scale struct {
	rounds  int
	warmUp  time.Duration // of each row
	measure time.Duration // of each row
	echo    time.Duration // of each row of the echo server
	settle  time.Duration // before memory is read
	pause   time.Duration // of the pause row; several snapshots come about
	keys    int64         // of the filled stage

	kills    int           // of a leader in each round, and as many handovers
	sessions int           // that die with their ephemerals
	slow     time.Duration // before, while and after a learner is frozen, and while it is down
	rejoin   int64         // transactions that a follower misses
}

var (
	fullScale = scale{rounds: 3, warmUp: time.Second, measure: 5 * time.Second, echo: 3 * time.Second,
		settle: 2 * time.Second, pause: 20 * time.Second, keys: 1_000_000,
		kills: 3, sessions: 1_000, slow: 4 * time.Second, rejoin: 100_000}
	quickScale = scale{rounds: 1, warmUp: 500 * time.Millisecond, measure: 2 * time.Second, echo: time.Second,
		settle: time.Second, pause: 11 * time.Second, keys: 100_000,
		kills: 1, sessions: 200, slow: time.Second, rejoin: 10_000}
)
