package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// runKeys reads and writes random keys.
func runKeys(ctx context.Context, e *engine, m *meter, r *Report, readRatio float64) error {
	if err := e.connectAll(ctx); err != nil {
		return err
	}
	root, created, err := e.below(ctx, "keys")
	k := newKeyspace(root, e.cfg.Keys)
	if err == nil {
		err = e.makeKeys(ctx, k)
	}
	if err != nil {
		return err
	}
	err = e.measure(ctx, m, r, func(i int) source { return newRandom(k, e.value(), readRatio, e.cfg.Seed, i) })
	return e.cleanUp(ctx, err, created, root)
}

// runCreate creates znodes, each connection below its own parents.
func runCreate(ctx context.Context, e *engine, m *meter, r *Report) error {
	if err := e.connectAll(ctx); err != nil {
		return err
	}
	// The time makes the name new even where an earlier run was kept.
	root, created, err := e.below(ctx, fmt.Sprintf("create-%d", time.Now().UnixMilli()))
	if err != nil {
		return err
	}
	own := func(i int) string { return fmt.Sprintf("%s/by-%05d", root, i) }
	_, err = e.setup(ctx, "create parents", func(i, n int64) source {
		return &generated{
			request: func(c int64) template { return fixed(proto.OpCreate, create(own(int(c)), nil)) },
			at:      i, step: n, end: int64(e.conns),
		}
	})
	if err == nil {
		err = e.measure(ctx, m, r, func(i int) source { return newGrowing(own(i), e.value(), -1) })
	}
	return e.cleanUp(ctx, err, created, root)
}

// runChildren lists one parent of many children.
func runChildren(ctx context.Context, e *engine, m *meter, r *Report) error {
	if err := e.connectAll(ctx); err != nil {
		return err
	}
	root, created, err := e.below(ctx, fmt.Sprintf("children-%d", e.cfg.Keys))
	k := newFamily(root, e.cfg.Keys)
	if err == nil {
		err = e.makeKeys(ctx, k)
	}
	if err != nil {
		return err
	}
	op := proto.OpGetChildren2
	if e.cfg.PlainList {
		op = proto.OpGetChildren
	}
	request := fixed(op, getData(k.parent(0), false))
	err = e.measure(ctx, m, r, func(int) source { return &repeated{request: request, class: classRead, left: -1} })
	return e.cleanUp(ctx, err, created, root)
}

// runFill creates the keys and leaves them there.
func runFill(ctx context.Context, e *engine, m *meter, r *Report) error {
	if err := e.connectAll(ctx); err != nil {
		return err
	}
	root, _, err := e.below(ctx, "keys")
	k := newKeyspace(root, e.cfg.Keys)
	if err == nil {
		err = e.makeParents(ctx, k)
	}
	if err != nil {
		return err
	}
	request := keyed(k, proto.OpCreate, create(k.path(0), e.value()))
	p := plan{
		window:      e.cfg.InFlight,
		measureFrom: e.clock.now(),
		until:       forever,
		count:       -1,
		source: func(i int) source {
			return &sequential{request: request, class: classWrite, at: int64(i), step: int64(e.conns), end: k.count}
		},
	}
	o, err := e.stream(ctx, string(Fill), p, m.begin)
	if err != nil {
		return err
	}
	r.requests(o, p.measureFrom)
	if err := m.end(r, k.count); err != nil {
		return err
	}
	return e.finish(ctx)
}

// runClean deletes the root with all that is below it.
func runClean(ctx context.Context, e *engine, m *meter, r *Report) error {
	if err := e.connectAll(ctx); err != nil {
		return err
	}
	m.begin()
	began := e.clock.now()
	removed, err := e.remove(ctx, e.cfg.Root)
	if err != nil {
		return err
	}
	r.operations(removed, time.Duration(e.clock.now()-began))
	if err := m.end(r, 0); err != nil {
		return err
	}
	return e.finish(ctx)
}
