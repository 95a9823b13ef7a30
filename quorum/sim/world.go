package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/meerkat-zk/meerkat/quorum"
)

// Options of one run.
type Options struct {
	Seed     uint64
	Duration time.Duration // virtual, with faults; 0: chosen by the seed
	Trace    func(string)  // gets a line for everything that happens; nil for none
}

// Result of one run.
type Result struct {
	Voters    int
	Virtual   time.Duration
	Steps     int // of all cores
	Committed int
	Leaders   int // leaderships established
	Confirmed int // and confirmed later
	Settled   int // told that what they had proposed was committed
	Crashes   int
	Err       error
}

// violation ends a run.
type violation struct{ what string }

func (v violation) Error() string { return v.what }

// world is one simulated ensemble.
type world struct {
	rnd     *rand.Rand
	now     time.Duration
	events  events
	nextSeq uint64
	trace   func(string)

	voters   int
	verifier quorum.Verifier
	nodes    []*node // ascending by id; voters first, then observers
	cut      map[[2]int64]bool
	links    []*link // that are open at one end at least
	nextLink quorum.Link

	masters   bool          // followers serve observers
	calm      bool          // no more faults
	slowNet   time.Duration // longest latency
	slowSync  time.Duration // longest fsync
	promptly  bool          // a crash is always noticed at once
	nervous   float64       // how often a change of roles brings a fault with it
	nextValue uint64
	check     checker
	res       Result
}

type event struct {
	at  time.Duration
	seq uint64
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return last
}

// at schedules do; what is due at one moment happens in the order of at.
func (w *world) at(when time.Duration, do func()) {
	w.nextSeq++
	heap.Push(&w.events, event{at: max(when, w.now), seq: w.nextSeq, do: do})
}

func (w *world) after(d time.Duration, do func()) { w.at(w.now+d, do) }

// between returns a random duration; most are near the lower end.
func (w *world) between(low, high time.Duration) time.Duration {
	f := w.rnd.Float64()
	return low + time.Duration(f*f*f*float64(high-low))
}

func (w *world) chance(p float64) bool { return w.rnd.Float64() < p }

func (w *world) logf(format string, args ...any) {
	if w.trace != nil {
		w.trace(fmt.Sprintf("%12.6f ", w.now.Seconds()) + fmt.Sprintf(format, args...))
	}
}

func (w *world) fail(format string, args ...any) {
	panic(violation{fmt.Sprintf(format, args...)})
}

// Run plays one seed.
func Run(o Options) (res Result) {
	w := newWorld(o)
	defer func() {
		if p := recover(); p != nil {
			v, ok := p.(violation)
			if !ok {
				panic(p)
			}
			w.logf("VIOLATION %s", v.what)
			res = w.res
			res.Err = fmt.Errorf("seed %d, at %v: %w", o.Seed, w.now, v)
		}
	}()
	w.play(o.Duration)
	return w.res
}

func newWorld(o Options) *world {
	w := &world{
		rnd:   rand.New(rand.NewPCG(o.Seed, 0x4d6565726b6174)),
		trace: o.Trace,
		cut:   make(map[[2]int64]bool),
	}
	w.check.init(w)
	w.voters = []int{3, 3, 3, 5, 5, 4, 7, 2}[w.rnd.IntN(8)]
	observers := []int{0, 0, 1, 2}[w.rnd.IntN(4)]
	ids := make([]int64, w.voters)
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	w.verifier = quorum.NewMajority(ids...)
	w.res.Voters = w.voters
	w.slowNet = w.between(time.Millisecond, 150*time.Millisecond)
	w.slowSync = w.between(time.Millisecond, 150*time.Millisecond)
	w.nervous = w.rnd.Float64() * 0.3
	w.masters = w.chance(0.5)
	for id := int64(1); id <= int64(w.voters+observers); id++ {
		n := &node{w: w, id: id, observer: id > int64(w.voters)}
		n.disk.lost = func(removed []rec) { w.check.removed(n, removed) }
		w.nodes = append(w.nodes, n)
	}
	return w
}

// calmTime is enough for any ensemble to recover.
const calmTime = 10 * time.Second

// play starts everyone, lets things go wrong for a while, and then wants to
// see the ensemble whole again.
func (w *world) play(duration time.Duration) {
	if duration == 0 {
		duration = w.between(5*time.Second, 25*time.Second)
	}
	for _, n := range w.nodes {
		w.after(w.between(0, 500*time.Millisecond), n.start)
	}
	w.after(50*time.Millisecond, w.client)
	w.after(200*time.Millisecond, w.mischief)
	w.runUntil(duration)
	w.heal()
	w.runUntil(duration + calmTime)
	w.check.whole()
	w.res.Virtual = w.now
}

func (w *world) runUntil(end time.Duration) {
	for len(w.events) > 0 && w.events[0].at <= end {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

// client proposes to whoever believes to lead, however wrong it may be.
func (w *world) client() {
	for _, n := range w.nodes {
		for range w.rnd.IntN(4) {
			n.propose()
		}
		if w.chance(0.3) {
			n.confirm()
		}
		if w.chance(0.2) {
			n.settle()
		}
	}
	pause := w.between(time.Millisecond, 300*time.Millisecond)
	if w.calm {
		pause = 500 * time.Millisecond
	}
	w.after(pause, w.client)
}
