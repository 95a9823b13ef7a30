package chaos

import (
	"slices"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

const (
	stopAllowed = 6 * time.Second // from SIGTERM to the end of the process
	lookEvery   = 50 * time.Millisecond
	// apart is between the starts of servers that were killed together.
	apart = 150 * time.Millisecond
)

// trouble makes the faults of a plan happen. It is for the test's goroutine.
type trouble struct {
	t     testing.TB
	e     *rig.Ensemble
	net   *network
	began time.Time
	busy  []bool      // by server: its process is away or frozen
	wiped *rig.Member // the last one, nil before
	undo  []undoing
	made  [kinds]int
}

// undoing is the end of a fault.
type undoing struct {
	at time.Duration
	do func()
}

func newTrouble(t testing.TB, e *rig.Ensemble, net *network) *trouble {
	return &trouble{t: t, e: e, net: net, began: time.Now(), busy: make([]bool, len(e.Members))}
}

// run makes all faults of a plan and undoes them. It returns early when a
// server ends by itself, or stop says so.
func (tr *trouble) run(plan []fault, stop func() bool) {
	for (len(plan) > 0 || len(tr.undo) > 0) && !stop() {
		now := time.Since(tr.began)
		if !tr.alive() {
			return
		}
		slices.SortStableFunc(tr.undo, func(a, b undoing) int { return int(a.at - b.at) })
		next := now + lookEvery
		switch {
		case len(tr.undo) > 0 && tr.undo[0].at <= now:
			do := tr.undo[0].do
			tr.undo = tr.undo[1:]
			do()
			continue
		case len(plan) > 0 && plan[0].at <= now:
			tr.make(plan[0])
			plan = plan[1:]
			continue
		}
		if len(tr.undo) > 0 {
			next = min(next, tr.undo[0].at)
		}
		if len(plan) > 0 {
			next = min(next, plan[0].at)
		}
		time.Sleep(next - now) // the plan is about time
	}
	for _, u := range tr.undo {
		u.do()
	}
	tr.undo = nil
}

// alive tells whether all servers run that should.
func (tr *trouble) alive() bool {
	for _, m := range tr.e.Members {
		if !m.Up() {
			continue
		}
		select {
		case <-m.Exited():
			tr.t.Errorf("server %d ended by itself", m.ID)
			return false
		default:
		}
	}
	return true
}

// later undoes a fault when its time is over.
func (tr *trouble) later(f fault, do func()) {
	tr.undo = append(tr.undo, undoing{time.Since(tr.began) + f.lasts, do})
}

// make makes one fault.
func (tr *trouble) make(f fault) {
	order := slices.Clone(f.order)
	if f.leader {
		if m := tr.e.Leader(); m != nil {
			i := slices.Index(order, m.ID-1)
			order = append([]int{m.ID - 1}, slices.Delete(order, i, i+1)...)
		}
	}
	tr.t.Logf("%6.2fs %s %v: server %d first, for %.2fs", time.Since(tr.began).Seconds(), f.kind, map[bool]string{true: "broken", false: "silent"}[f.broken], order[0]+1, f.lasts.Seconds())
	switch f.kind {
	case kill, stop, freeze, wipe, killMost:
		tr.process(f, order)
	case lag:
		tr.net.slow(order[0], f.lag)
		tr.later(f, func() { tr.net.slow(order[0], -f.lag) })
	case cutServers:
		for _, other := range order[1 : 1+f.some-len(order)/2] {
			tr.net.cut(order[0], other)
		}
	case cutClients:
		tr.net.clients[order[0]].cut()
	case farClients:
		f.lasts += shortTimeout // so that some sessions expire
		for _, i := range order[:f.some-len(order)/2] {
			l := tr.net.clients[i]
			l.hold(1, f.broken, true)
			tr.later(f, func() { l.hold(-1, f.broken, true) })
		}
	default:
		tr.partition(f, pairs(f.kind, order))
	}
	tr.made[f.kind]++
}

// process does something to processes that are not away yet.
func (tr *trouble) process(f fault, order []int) {
	if f.kind == killMost {
		var down []int
		for _, i := range order[:f.some] {
			if !tr.busy[i] {
				tr.down(i, func(m *rig.Member) { m.Kill() })
				down = append(down, i)
			}
		}
		for n, i := range down {
			f.lasts += time.Duration(n) * apart
			tr.later(f, func() { tr.up(i) })
		}
		return
	}
	i := order[0]
	if tr.busy[i] {
		return
	}
	if f.kind == freeze {
		tr.busy[i] = true
		tr.e.Members[i].Freeze()
		tr.later(f, func() { tr.e.Members[i].Thaw(); tr.busy[i] = false })
		return
	}
	tr.down(i, func(m *rig.Member) {
		switch {
		case f.kind == stop:
			if code, took := m.Stop(); code != 0 || took > stopAllowed {
				tr.t.Errorf("server %d ended %v after SIGTERM, with exit code %d", m.ID, took, code)
			}
		case f.kind == wipe && tr.mayWipe():
			m.Kill()
			m.Wipe()
			tr.wiped = m
		default:
			m.Kill()
		}
	})
	tr.later(f, func() { tr.up(i) })
}

// mayWipe tells whether one more server can lose its disk without the loss of
// what a majority has: when the last one that did has got everything again.
func (tr *trouble) mayWipe() bool { return tr.wiped == nil || tr.wiped.Mode() != "" }

// down ends a process.
func (tr *trouble) down(i int, end func(*rig.Member)) {
	tr.busy[i] = true
	end(tr.e.Members[i])
	tr.demand(tr.net.gone(i, 1))
}

// up starts it again.
func (tr *trouble) up(i int) {
	tr.demand(tr.net.gone(i, -1))
	tr.e.Members[i].Launch()
	tr.busy[i] = false
}

func (tr *trouble) demand(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

// pairs are the ordered pairs of servers of which the first is not heard by
// the second.
func pairs(k kind, order []int) (unheard [][2]int) {
	first, rest := order[0], order[1:]
	switch k {
	case isolate:
		for _, other := range rest {
			unheard = append(unheard, [2]int{first, other}, [2]int{other, first})
		}
	case halves:
		for _, a := range order[:len(order)/2] {
			for _, b := range order[len(order)/2:] {
				unheard = append(unheard, [2]int{a, b}, [2]int{b, a})
			}
		}
	case bridge:
		unheard = append(unheard, [2]int{first, rest[0]}, [2]int{rest[0], first})
	case deaf:
		for _, other := range rest {
			unheard = append(unheard, [2]int{other, first})
		}
	case dumb:
		for _, other := range rest {
			unheard = append(unheard, [2]int{first, other})
		}
	case oneWay:
		unheard = append(unheard, [2]int{first, rest[0]})
	}
	return unheard
}

// partition keeps servers from hearing each other. What is heard one way only
// cannot be broken, for a connection breaks at both ends.
func (tr *trouble) partition(f fault, unheard [][2]int) {
	both := f.broken && f.kind != deaf && f.kind != dumb && f.kind != oneWay
	apply := func(count int) {
		for _, p := range unheard {
			switch {
			case !both:
				tr.net.block(p[0], p[1], count)
			case p[0] < p[1]: // each pair is there twice
				tr.demand(tr.net.part(p[0], p[1], count))
			}
		}
	}
	apply(1)
	tr.later(f, func() {
		apply(-1)
		if f.broken && !both { // what was swallowed is lost instead of late
			for _, p := range unheard {
				tr.net.cut(p[0], p[1])
			}
		}
	})
}
