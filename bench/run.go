package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Run does what cfg asks and returns what was measured. Replies with error
// codes do not end a run, they are in the report; a lost connection, a reply
// out of order or a server that does not answer do, with an error.
func Run(ctx context.Context, cfg Config) (r *Report, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	workload, ok := workloads[cfg.Workload]
	if !ok {
		return nil, fmt.Errorf("%w: workload %q", ErrConfig, cfg.Workload)
	}
	if err := raiseFileLimit(cfg.Connections + 1); err != nil {
		return nil, err
	}
	m, err := newMeter(cfg.PIDs)
	if err != nil {
		return nil, err
	}
	e, err := newEngine(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	r = newReport(&cfg)
	return r, workload(ctx, e, m, r)
}

var workloads = map[Workload]func(context.Context, *engine, *meter, *Report) error{
	Read:  func(ctx context.Context, e *engine, m *meter, r *Report) error { return runKeys(ctx, e, m, r, 1) },
	Write: func(ctx context.Context, e *engine, m *meter, r *Report) error { return runKeys(ctx, e, m, r, 0) },
	Mixed: func(ctx context.Context, e *engine, m *meter, r *Report) error {
		return runKeys(ctx, e, m, r, e.cfg.ReadRatio)
	},
	Create:   runCreate,
	Children: runChildren,
	Watch:    runWatch,
	Sessions: runSessions,
	Expiry:   runExpiry,
	Fill:     runFill,
	Clean:    runClean,
}

// connectAll opens the sessions of a run that does not measure that.
func (e *engine) connectAll(ctx context.Context) error {
	_, _, err := e.dial(ctx, e.cfg.Connections)
	return err
}

// measure runs the configured load and fills in the report.
func (e *engine) measure(ctx context.Context, m *meter, r *Report, of func(i int) source) error {
	start := e.clock.now()
	p := plan{
		source:      of,
		window:      e.cfg.InFlight,
		measureFrom: start + int64(e.cfg.WarmUp),
		until:       start + int64(e.cfg.WarmUp) + int64(e.cfg.Duration),
		count:       -1,
	}
	if e.cfg.Count > 0 {
		p.count, p.until = e.cfg.Count, forever
	}
	if e.cfg.RatePerSec > 0 {
		pc := newPace(start, e.cfg.RatePerSec, e.conns)
		p.pace = &pc
	}
	o, err := e.stream(ctx, string(e.cfg.Workload), p, m.begin)
	if err != nil {
		return err
	}
	r.requests(o, p.measureFrom)
	return m.end(r, 0)
}

// finish closes all sessions, so that the server need not wait for their
// timeouts.
func (e *engine) finish(ctx context.Context) error {
	request := fixed(proto.OpCloseSession, nil)
	_, err := e.stream(ctx, "close sessions", plan{
		window: 1,
		until:  forever,
		count:  -1,
		source: func(int) source { return &repeated{request: request, class: classWrite, left: 1} },
		last:   true,
	}, nil)
	return err
}

// cleanUp ends a run: what it created goes unless it is to be kept.
func (e *engine) cleanUp(ctx context.Context, err error, created bool, path string) error {
	if err == nil && created && !e.cfg.Keep {
		if _, err = e.remove(ctx, path); err == nil {
			err = e.removeRoot(ctx)
		}
	}
	if err != nil {
		return err
	}
	return e.finish(ctx)
}
