package bench

import (
	"context"
	"errors"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// What prepares and cleans up uses a few connections and stays below the
// outstanding requests at which servers begin to throttle (1000).
const (
	setupConns  = 16
	setupWindow = 32
)

// setup sends what the sources of the first connections yield; of takes turns
// i of n. A reply with a code that is not tolerated is an error.
func (e *engine) setup(ctx context.Context, name string, of func(i, n int64) source, tolerated ...proto.ErrCode) (ignored int64, err error) {
	n := min(int64(setupConns), int64(e.conns))
	o, err := e.stream(ctx, name, plan{
		window: setupWindow,
		until:  forever,
		count:  -1,
		source: func(i int) source {
			if int64(i) >= n {
				return nil
			}
			return of(int64(i), n)
		},
		tolerate: tolerating(tolerated...),
	}, nil)
	if err != nil {
		return 0, err
	}
	return o.ignored, o.failed(name)
}

// inOrder sends requests one after the other on the first connection.
func (e *engine) inOrder(ctx context.Context, name string, requests []template, tolerated ...proto.ErrCode) (ignored int64, err error) {
	return e.setup(ctx, name, func(i, _ int64) source {
		if i > 0 {
			return nil
		}
		return &generated{
			request: func(n int64) template { return requests[n] },
			step:    1, end: int64(len(requests)),
		}
	}, tolerated...)
}

// makeRoot creates the configured root with its ancestors.
func (e *engine) makeRoot(ctx context.Context) error {
	var paths []string
	var requests []template
	for i := 1; i <= len(e.cfg.Root); i++ {
		if i == len(e.cfg.Root) || e.cfg.Root[i] == '/' {
			paths = append(paths, e.cfg.Root[:i])
			requests = append(requests, fixed(proto.OpCreate, create(e.cfg.Root[:i], nil)))
		}
	}
	existed, err := e.inOrder(ctx, "create the root", requests, proto.ErrNodeExists)
	e.madeRoot = paths[existed:] // an ancestor that exists has no missing ancestor
	return err
}

// below creates the root, and path below it if it is not there; created tells
// that it was not.
func (e *engine) below(ctx context.Context, name string) (path string, created bool, err error) {
	path = e.cfg.Root + "/" + name
	if err := e.makeRoot(ctx); err != nil {
		return path, false, err
	}
	existed, err := e.inOrder(ctx, "create "+path,
		[]template{fixed(proto.OpCreate, create(path, nil))}, proto.ErrNodeExists)
	return path, existed == 0, err
}

// makeParents creates the parents of all keys.
func (e *engine) makeParents(ctx context.Context, k keyspace) error {
	_, err := e.setup(ctx, "create parents", func(i, n int64) source {
		return &generated{
			request: func(p int64) template { return fixed(proto.OpCreate, create(k.parent(p), nil)) },
			at:      i, step: n, end: k.parents(),
		}
	}, proto.ErrNodeExists)
	return err
}

// makeKeys creates the keys that are missing, each with a value of the
// configured size.
func (e *engine) makeKeys(ctx context.Context, k keyspace) error {
	if there, err := e.haveKeys(ctx, k); there || err != nil {
		return err
	}
	if err := e.makeParents(ctx, k); err != nil {
		return err
	}
	value := e.value()
	request := keyed(k, proto.OpCreate, create(k.path(0), value))
	existed, err := e.setup(ctx, "create keys", func(i, n int64) source {
		return &sequential{request: request, class: classWrite, at: i, step: n, end: k.count}
	}, proto.ErrNodeExists)
	if err != nil || existed == 0 {
		return err
	}
	request = keyed(k, proto.OpSetData, setData(k.path(0), value))
	_, err = e.setup(ctx, "write keys", func(i, n int64) source {
		return &sequential{request: request, class: classWrite, at: i, step: n, end: k.count}
	})
	return err
}

// haveKeys looks at the last key and at some of the others: a filled keyspace
// of millions need not be filled again.
func (e *engine) haveKeys(ctx context.Context, k keyspace) (there bool, err error) {
	const samples = 64
	p, err := dialProbe(ctx, e.addrs[0].String(), e.cfg.SessionTimeout)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for i := range int64(samples) {
		st, err := p.stat(k.path((k.count - 1) * (samples - 1 - i) / (samples - 1)))
		if errors.Is(err, proto.ErrNoNode) || (err == nil && int(st.DataLength) != e.cfg.ValueBytes) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// value is what is written everywhere.
func (e *engine) value() []byte { return []byte(strings.Repeat("x", e.cfg.ValueBytes)) }
