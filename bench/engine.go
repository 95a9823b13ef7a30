package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// An engine owns the loops of a run and the goroutines that drive them, one
// phase after the other. Between phases no goroutine of it runs.
type engine struct {
	cfg   Config
	clock clock
	addrs []netip.AddrPort
	loops []*loop
	conns int // dialled so far
	// madeRoot is what the run created of the root and its ancestors.
	madeRoot []string
}

// newEngine resolves the servers and makes the loops, without connections.
func newEngine(ctx context.Context, cfg Config) (*engine, error) {
	e := &engine{cfg: cfg, clock: clock{base: time.Now()}}
	for _, s := range cfg.Servers {
		addr, err := resolve(ctx, s)
		if err != nil {
			return nil, err
		}
		e.addrs = append(e.addrs, addr)
	}
	for range cfg.Threads {
		l, err := newLoop(e.clock, cfg.SessionTimeout, cfg.Patience)
		if err != nil {
			return nil, errors.Join(err, e.close())
		}
		e.loops = append(e.loops, l)
	}
	return e, nil
}

func resolve(ctx context.Context, hostPort string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: server %q: %w", ErrConfig, hostPort, err)
	}
	p, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: server %q: %w", ErrConfig, hostPort, err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("bench: server %q: %w", hostPort, err)
	}
	best := ips[0]
	for _, ip := range ips { // IPv4 first, as Java's clients do
		if ip.Unmap().Is4() {
			best = ip
			break
		}
	}
	return netip.AddrPortFrom(best.Unmap(), uint16(p)), nil
}

// counted is a phase whose progress can be read while it runs.
type counted interface {
	phase
	count() (ops, failed int64)
}

// An alarm is a call to make once at a time on the engine's clock.
type alarm struct {
	at   int64
	call func() // nil: none
}

// run drives every loop through its phase and waits for all. The alarm is
// called from this goroutine.
func (e *engine) run(ctx context.Context, name string, expected time.Duration, phases []counted, a alarm) error {
	if a.call != nil && a.at <= e.clock.now() {
		a.call()
		a.call = nil
	}
	var (
		stop atomic.Bool
		wg   sync.WaitGroup
		errs = make([]error, len(phases))
		done = make(chan struct{})
	)
	for i, ph := range phases {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if errs[i] = e.loops[i].run(ph, &stop); errs[i] != nil {
				stop.Store(true)
			}
		}()
	}
	go func() { wg.Wait(); close(done) }()
	e.watch(ctx, name, expected, phases, a, done, &stop)
	<-done
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if stop.Load() {
		return fmt.Errorf("%s: %w", name, context.Cause(ctx))
	}
	return nil
}

// watch reports progress until the loops are done or the context ends.
func (e *engine) watch(ctx context.Context, name string, expected time.Duration, phases []counted, a alarm, done <-chan struct{}, stop *atomic.Bool) {
	begun := e.clock.now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var once <-chan time.Time
	if a.call != nil {
		once = time.After(time.Duration(a.at - begun))
	}
	last, lastOps := begun, int64(0)
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			stop.Store(true)
			return
		case <-once:
			a.call()
		case <-tick.C:
			if e.cfg.Progress == nil {
				continue
			}
			now := e.clock.now()
			p := Progress{Phase: name, Elapsed: time.Duration(now - begun), Expected: expected}
			for _, ph := range phases {
				ops, failed := ph.count()
				p.Ops += ops
				p.Failed += failed
			}
			p.OpsPerSec = float64(p.Ops-lastOps) / time.Duration(now-last).Seconds()
			last, lastOps = now, p.Ops
			e.cfg.Progress(p)
		}
	}
}

// dial opens n more connections with their sessions.
func (e *engine) dial(ctx context.Context, n int) (Histogram, time.Duration, error) {
	var latency Histogram
	phases := make([]counted, len(e.loops))
	dials := make([]*dialing, len(e.loops))
	for i, l := range e.loops {
		dials[i] = &dialing{loop: l, parallel: max(e.cfg.Parallel/len(e.loops), 1)}
		phases[i] = dials[i]
	}
	for range n {
		c := &conn{index: e.conns, addr: e.addrs[e.conns%len(e.addrs)]}
		d := dials[e.conns%len(e.loops)]
		d.pending = append(d.pending, c)
		e.conns++
	}
	begun := e.clock.now()
	err := e.run(ctx, "open sessions", 0, phases, alarm{})
	last := begun
	for _, d := range dials {
		latency.Merge(&d.latency)
		last = max(last, d.lastAt)
	}
	return latency, time.Duration(last - begun), err
}

// outcome is what a phase of requests has measured.
type outcome struct {
	latency [numClasses]Histogram
	event   Histogram
	late    Histogram
	codes   map[proto.ErrCode]int64
	ignored int64
	lastAt  int64 // when the last measured reply or event came
}

// all is the latency of every class together.
func (o *outcome) all() *Histogram {
	var h Histogram
	for i := range o.latency {
		h.Merge(&o.latency[i])
	}
	return &h
}

// failed is nil unless a request was refused.
func (o *outcome) failed(doing string) error {
	for code, n := range o.codes {
		return fmt.Errorf("bench: to %s: %d times %w", doing, n, code)
	}
	return nil
}

// stream runs a plan on all connections. measuring, if set, is called when
// the measurement begins.
func (e *engine) stream(ctx context.Context, name string, p plan, measuring func()) (*outcome, error) {
	streams := make([]*stream, len(e.loops))
	phases := make([]counted, len(e.loops))
	for i, l := range e.loops {
		streams[i] = newStream(l, p, share(p.count, i, len(e.loops)), int(share(int64(p.events), i, len(e.loops))))
		phases[i] = streams[i]
	}
	expected := time.Duration(0)
	if p.until != forever {
		expected = time.Duration(p.until - e.clock.now())
	}
	err := e.run(ctx, name, expected, phases, alarm{p.measureFrom, measuring})
	o := &outcome{codes: map[proto.ErrCode]int64{}}
	for _, s := range streams {
		for i := range s.latency {
			o.latency[i].Merge(&s.latency[i])
		}
		o.event.Merge(&s.event)
		o.late.Merge(&s.late)
		for code, n := range s.codes {
			o.codes[code] += n
		}
		o.ignored += s.ignored
		o.lastAt = max(o.lastAt, s.lastAt)
	}
	return o, err
}

// share is loop i's part of total; a negative total means no limit.
func share(total int64, i, loops int) int64 {
	if total < 0 {
		return total
	}
	n := total / int64(loops)
	if int64(i) < total%int64(loops) {
		n++
	}
	return n
}

// close hangs up, whatever the state of the sessions.
func (e *engine) close() error {
	var errs []error
	for _, l := range e.loops {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}
