package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	// ephemeral is the flag of a create that asks for an ephemeral znode.
	ephemeral = 1
	// expiryPoll is how often the servers are asked what is left.
	expiryPoll = 5 * time.Millisecond
)

// runExpiry lets sessions with ephemerals die all at once, and measures how
// long after their timeout each server has deleted the last ephemeral.
func runExpiry(ctx context.Context, e *engine, m *meter, r *Report) error {
	if err := e.connectAll(ctx); err != nil {
		return err
	}
	path, _, err := e.below(ctx, fmt.Sprintf("expiry-%d", time.Now().UnixMilli()))
	if err == nil {
		err = e.makeEphemerals(ctx, path)
	}
	if err != nil {
		return err
	}
	m.begin()
	died, timeout, err := e.die(ctx)
	if err != nil {
		return err
	}
	gone, err := e.awaitNone(ctx, path, died.Add(timeout+e.cfg.Patience))
	if err != nil {
		return err
	}
	r.GoneMillis = float64(gone.Sub(died.Add(timeout))) / 1e6
	r.operations(int64(e.cfg.Connections)*int64(e.cfg.Ephemerals), gone.Sub(died))
	if err := m.end(r, 0); err != nil {
		return err
	}
	return e.removeOwn(ctx, path)
}

// makeEphemerals lets every session create its ephemerals below parent.
func (e *engine) makeEphemerals(ctx context.Context, parent string) error {
	o, err := e.stream(ctx, "create ephemerals", plan{window: e.cfg.InFlight, until: forever, count: -1, source: func(i int) source {
		return &generated{
			request: func(n int64) template {
				c := create(fmt.Sprintf("%s/of-%06d-%03d", parent, i, n), e.value())
				c.Flags = ephemeral
				return fixed(proto.OpCreate, c)
			},
			step: 1, end: int64(e.cfg.Ephemerals),
		}
	}}, nil)
	if err != nil {
		return err
	}
	return o.failed("create ephemerals")
}

// die lets every session be heard once more and hangs up, without closing
// the sessions; it returns when the last was heard, and the longest timeout
// that was granted.
func (e *engine) die(ctx context.Context) (died time.Time, timeout time.Duration, err error) {
	request := fixed(proto.OpExists, getData("/", false))
	_, err = e.stream(ctx, "die", plan{window: 1, until: forever, count: -1, source: func(int) source {
		return &repeated{request: request, class: classRead, left: 1}
	}}, nil)
	if err != nil {
		return died, 0, err
	}
	died = time.Now()
	var errs []error
	for _, l := range e.loops {
		for _, c := range l.conns {
			timeout = max(timeout, c.timeout)
			errs = append(errs, l.drop(c))
		}
	}
	return died, timeout, errors.Join(errs...)
}

// awaitNone waits until path has no children on any of the servers.
func (e *engine) awaitNone(ctx context.Context, path string, until time.Time) (time.Time, error) {
	ctx, cancel := context.WithDeadlineCause(ctx, until, fmt.Errorf("%w: ephemerals are left below %s", ErrStalled, path))
	defer cancel()
	var gone time.Time
	for _, addr := range e.addrs {
		at, err := awaitNoneOn(ctx, addr.String(), path)
		if err != nil {
			return gone, err
		}
		if at.After(gone) {
			gone = at
		}
	}
	return gone, nil
}

func awaitNoneOn(ctx context.Context, addr, path string) (at time.Time, err error) {
	p, err := dialProbe(ctx, addr, probePatience)
	if err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	poll := time.NewTicker(expiryPoll)
	defer poll.Stop()
	for {
		st, err := p.stat(path)
		if err != nil {
			return at, err
		}
		if st.NumChildren == 0 {
			return time.Now(), nil
		}
		select {
		case <-ctx.Done():
			return at, context.Cause(ctx)
		case <-poll.C:
		}
	}
}

// removeOwn deletes path, which has no children, and the root as far as this
// run has created it; the connections are gone by now.
func (e *engine) removeOwn(ctx context.Context, path string) (err error) {
	if e.cfg.Keep {
		return nil
	}
	p, err := dialProbe(ctx, e.addrs[0].String(), probePatience)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	paths := []string{path}
	for i := len(e.madeRoot) - 1; i >= 0; i-- {
		paths = append(paths, e.madeRoot[i])
	}
	for _, path := range paths {
		if _, err := p.call(proto.OpDelete, remove(path)); err != nil && !errors.Is(err, proto.ErrNotEmpty) {
			return err
		}
	}
	return nil
}
