package bench

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrConfig means that a setting makes no sense.
var ErrConfig = errors.New("bench: bad setting")

// Workload names what is done to the servers.
type Workload string

// The workloads.
const (
	Read     Workload = "read"     // getData of random keys
	Write    Workload = "write"    // setData of random keys
	Mixed    Workload = "mixed"    // both, by ReadRatio
	Create   Workload = "create"   // create, each connection below its own parents
	Children Workload = "children" // getChildren2 of one large parent
	Watch    Workload = "watch"    // one znode changes, all connections are told
	Sessions Workload = "sessions" // open many sessions, and hold them
	Expiry   Workload = "expiry"   // sessions with ephemerals die all at once
	Fill     Workload = "fill"     // create the keys, and leave them
	Clean    Workload = "clean"    // delete all that is below Root
)

// Config says what to run. [DefaultConfig] is the place to start from.
type Config struct {
	Workload Workload
	Servers  []string // host:port; connections take turns

	Connections    int // for Watch one more: the one that writes
	InFlight       int // requests outstanding on one connection at most
	Threads        int // event loops
	Parallel       int // handshakes at a time
	SessionTimeout time.Duration
	// Patience is how long servers that owe replies may send none at all
	// before the run fails.
	Patience time.Duration

	WarmUp   time.Duration // load before anything is counted
	Duration time.Duration // of the measurement
	Count    int64         // when above 0: requests to measure, instead of Duration
	// RatePerSec makes the loop open: so many requests fall due per second
	// over all connections, at equal distances, and latencies count from
	// then. InFlight still bounds what is sent; the rest waits, and its wait
	// is part of its latency. 0: a closed loop.
	RatePerSec float64

	Root       string // an own znode, created when missing
	Keys       int64  // of Read, Write, Mixed and Fill; children of Children
	ValueBytes int
	PlainList  bool          // Children sends getChildren, not getChildren2, which also returns the Stat
	ReadRatio  float64       // of Mixed
	Rounds     int           // of Watch
	Ephemerals int           // of Expiry: how many each session has
	Hold       time.Duration // of Sessions: how long they stay open
	Seed       uint64        // of the random keys
	Keep       bool          // do not delete what the run has created

	// PIDs are the servers' processes on this machine, whose processor time
	// and memory are to be reported, summed; none: unknown.
	PIDs []int

	// Progress, when set, is called about five times per second while the
	// run lasts, from one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a run has come.
type Progress struct {
	Phase     string        // what is being done
	Elapsed   time.Duration // since the phase began
	Expected  time.Duration // how long the phase lasts; 0: unknown
	Ops       int64         // replies, events or sessions in this phase
	OpsPerSec float64       // since the last call
	Failed    int64         // replies with an error code
}

// DefaultConfig returns the settings that the command line starts from.
func DefaultConfig(w Workload) Config {
	c := Config{
		Workload:       w,
		Servers:        []string{"127.0.0.1:2181"},
		Connections:    16,
		InFlight:       16,
		Threads:        1,
		Parallel:       32,
		SessionTimeout: 30 * time.Second,
		Patience:       30 * time.Second,
		WarmUp:         2 * time.Second,
		Duration:       10 * time.Second,
		Root:           "/meerkat-bench",
		Keys:           10_000,
		ValueBytes:     100,
		ReadRatio:      0.9,
		Rounds:         5,
		Ephemerals:     10,
		Hold:           2 * time.Second,
		Seed:           1,
	}
	switch w {
	case Fill:
		c.Keys = 1_000_000
	case Children:
		c.Connections, c.InFlight = 4, 1
	case Watch:
		c.Connections = 10_000
	case Sessions:
		c.Connections = 5_000
	case Expiry:
		c.Connections, c.SessionTimeout = 1_000, 4*time.Second
	}
	return c
}

// The largest values that are accepted.
const (
	maxConnections = 100_000
	maxInFlight    = 100_000
	maxThreads     = 64
	maxKeys        = 1_000_000_000 // within the digits of a key
	maxValueBytes  = 64 << 20
	maxRatePerSec  = 100_000_000
)

// Validate tells the first setting that makes no sense; the error is
// [ErrConfig].
func (c *Config) Validate() error {
	for _, v := range []struct {
		name             string
		value, low, high float64
	}{
		{"connections", float64(c.Connections), 1, maxConnections},
		{"in-flight", float64(c.InFlight), 1, maxInFlight},
		{"threads", float64(c.Threads), 1, min(maxThreads, float64(c.Connections))},
		{"parallel", float64(c.Parallel), 1, maxConnections},
		{"session-timeout (ms)", float64(c.SessionTimeout / time.Millisecond), 1000, 1 << 31},
		{"patience (s)", c.Patience.Seconds(), 0.01, 86_400},
		{"warm-up (s)", c.WarmUp.Seconds(), 0, 86_400},
		{"duration (s)", c.Duration.Seconds(), 0.01, 7 * 86_400},
		{"count", float64(c.Count), 0, 1e15},
		{"rate", c.RatePerSec, 0, maxRatePerSec},
		{"keys", float64(c.Keys), 1, maxKeys},
		{"value-bytes", float64(c.ValueBytes), 0, maxValueBytes},
		{"read-ratio", c.ReadRatio, 0, 1},
		{"rounds", float64(c.Rounds), 1, 1_000_000},
		{"ephemerals", float64(c.Ephemerals), 1, 1000},
		{"hold (s)", c.Hold.Seconds(), 0, 86_400},
	} {
		if !(v.value >= v.low && v.value <= v.high) {
			return fmt.Errorf("%w: %s is %v, allowed are %v to %v", ErrConfig, v.name, v.value, v.low, v.high)
		}
	}
	for _, pid := range c.PIDs {
		if pid < 1 {
			return fmt.Errorf("%w: pid is %d, allowed is a process", ErrConfig, pid)
		}
	}
	if len(c.Servers) == 0 {
		return fmt.Errorf("%w: no server", ErrConfig)
	}
	if len(c.Root) < 2 || c.Root[0] != '/' || strings.HasSuffix(c.Root, "/") || strings.Contains(c.Root, "//") {
		return fmt.Errorf("%w: root is %q, allowed is an absolute path below \"/\"", ErrConfig, c.Root)
	}
	if c.Root == "/zookeeper" || strings.HasPrefix(c.Root, "/zookeeper/") {
		return fmt.Errorf("%w: root is %q, which belongs to the server", ErrConfig, c.Root)
	}
	return nil
}
