package chaos

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// kind is a kind of fault.
type kind int

const (
	kill       kind = iota // SIGKILL, and a restart
	stop                   // SIGTERM, and a restart
	freeze                 // SIGSTOP, SIGCONT
	wipe                   // SIGKILL, and a restart with nothing on the disk
	killMost               // a majority at once, or all
	isolate                // one server from the others
	halves                 // some servers from the others
	bridge                 // two servers that each reach the others
	deaf                   // a server hears nothing from the others
	dumb                   // the others hear nothing from a server
	oneWay                 // one server hears nothing from one other
	lag                    // a server's packets are late
	cutServers             // connections between servers end, once
	cutClients             // connections of clients of one server end, once
	farClients             // the clients of some servers hear nothing
	kinds
)

func (k kind) String() string {
	return [...]string{"kill", "stop", "freeze", "wipe", "kill most", "isolate", "halves", "bridge", "deaf", "dumb", "one way", "lag",
		"cut servers", "cut clients", "far clients"}[k]
}

// weights say how often a kind is drawn.
var weights = [kinds]int{kill: 5, stop: 3, freeze: 4, wipe: 2, killMost: 2, isolate: 4, halves: 2, bridge: 3, deaf: 2, dumb: 2,
	oneWay: 3, lag: 2, cutServers: 3, cutClients: 2, farClients: 3}

// fault is something that goes wrong, and when.
type fault struct {
	at, lasts time.Duration
	kind      kind
	leader    bool  // its first server is whoever leads then; else order[0]
	order     []int // the servers, shuffled
	broken    bool  // a partition breaks connections; else it swallows what is said
	some      int   // how many servers a fault of several is about
	lag       time.Duration
}

func (f fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6.2fs %s for %.2fs", f.at.Seconds(), f.kind, f.lasts.Seconds())
	if f.leader {
		b.WriteString(", the leader first")
	}
	return b.String()
}

// newPlan draws the faults of a run of n servers. The same seed gives the same
// plan.
func newPlan(seed uint64, n int, length time.Duration) []fault {
	r := rand.New(rand.NewPCG(seed, 1))
	var plan []fault
	for at := time.Second; ; {
		// Every few faults the ensemble gets the time to come to rest.
		pause := time.Duration(r.ExpFloat64() * float64(700*time.Millisecond))
		if r.IntN(5) == 0 {
			pause += 2 * time.Second
		}
		at += 50*time.Millisecond + min(pause, 4*time.Second)
		f := fault{
			at: at, kind: drawKind(r), leader: r.IntN(2) == 0, order: r.Perm(n), broken: r.IntN(2) == 0,
			lasts: 100*time.Millisecond + time.Duration(r.Int64N(int64(2500*time.Millisecond))),
			some:  n/2 + 1 + r.IntN(n-n/2), lag: time.Duration(1+r.IntN(80)) * time.Millisecond,
		}
		if f.at+f.lasts > length {
			return plan
		}
		plan = append(plan, f)
	}
}

func drawKind(r *rand.Rand) kind {
	total := 0
	for _, w := range weights {
		total += w
	}
	drawn := r.IntN(total)
	for k, w := range weights {
		if drawn -= w; drawn < 0 {
			return kind(k)
		}
	}
	return kill
}
