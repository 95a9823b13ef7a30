package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// remove deletes path and all that is below it.
func (e *engine) remove(ctx context.Context, path string) (removed int64, err error) {
	p, err := dialProbe(ctx, e.addrs[0].String(), e.cfg.SessionTimeout)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	return e.removeAll(ctx, p, []string{path})
}

// removeAll deletes the paths after what is below them. Only znodes that turn
// out to have children are listed: most have none.
func (e *engine) removeAll(ctx context.Context, p *probe, paths []string) (removed int64, err error) {
	if len(paths) == 0 {
		return 0, nil
	}
	children, err := listAll(ctx, p, paths)
	if err != nil {
		return 0, err
	}
	if removed, err = e.removeEach(ctx, children); err != nil {
		return removed, err
	}
	if removed < int64(len(children)) { // what is left has children
		if children, err = listAll(ctx, p, paths); err != nil {
			return removed, err
		}
		below, err := e.removeAll(ctx, p, children)
		removed += below
		if err != nil {
			return removed, err
		}
	}
	last, err := e.removeEach(ctx, paths)
	return removed + last, err
}

// removeEach deletes those of the paths that have no children.
func (e *engine) removeEach(ctx context.Context, paths []string) (removed int64, err error) {
	kept, err := e.setup(ctx, "delete", func(i, n int64) source {
		return &generated{
			request: func(p int64) template { return fixed(proto.OpDelete, remove(paths[p])) },
			at:      i, step: n, end: int64(len(paths)),
		}
	}, proto.ErrNoNode, proto.ErrNotEmpty)
	return int64(len(paths)) - kept, err
}

// listAll returns the paths of all children of the parents.
func listAll(ctx context.Context, p *probe, parents []string) (paths []string, err error) {
	for _, parent := range parents {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("list %s: %w", parent, context.Cause(ctx))
		}
		names, err := p.children(parent)
		if err != nil && !errors.Is(err, proto.ErrNoNode) {
			return nil, err
		}
		for _, name := range names {
			paths = append(paths, parent+"/"+name)
		}
	}
	return paths, nil
}

// removeRoot deletes the root and those of its ancestors that the run has
// created, unless somebody else has put something there.
func (e *engine) removeRoot(ctx context.Context) error {
	var requests []template
	for i := len(e.madeRoot) - 1; i >= 0; i-- {
		requests = append(requests, fixed(proto.OpDelete, remove(e.madeRoot[i])))
	}
	_, err := e.inOrder(ctx, "delete the root", requests, proto.ErrNotEmpty, proto.ErrNoNode)
	return err
}
