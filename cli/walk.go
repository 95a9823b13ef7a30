package cli

import (
	"context"
	"errors"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

func asCode(err error, code *proto.ErrCode) bool { return errors.As(err, code) }

// family is a znode whose children were asked for.
type family struct {
	path string
	wait func(context.Context) ([]string, error)
}

// ask asks for the children of many znodes at once.
func ask(ctx context.Context, zk *client.Client, paths []string, watch bool) ([]family, error) {
	families := make([]family, 0, len(paths))
	for _, path := range paths {
		wait, err := zk.StartChildren(ctx, path, watch)
		if err != nil {
			return nil, err
		}
		families = append(families, family{path, wait})
	}
	return families, nil
}

// depthFirst visits a subtree as Apache's ZKUtil does: the children of a
// znode in the order of their names, then what is below each of them. It is
// no snapshot: what comes and goes meanwhile may be seen or not.
func depthFirst(ctx context.Context, zk *client.Client, root string, watch bool, visit func(path string)) error {
	if _, _, err := zk.Get(ctx, root, watch); err != nil {
		return err
	}
	visit(root)
	families, err := ask(ctx, zk, []string{root}, watch)
	if err != nil {
		return err
	}
	return descend(ctx, zk, families[0], watch, visit)
}

func descend(ctx context.Context, zk *client.Client, f family, watch bool, visit func(path string)) error {
	names, err := f.wait(ctx)
	if errors.Is(err, proto.ErrNoNode) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	sortJava(names)
	for i, name := range names {
		names[i] = client.Join(f.path, name)
		visit(names[i])
	}
	families, err := ask(ctx, zk, names, watch)
	if err != nil {
		return err
	}
	for _, child := range families {
		if err := descend(ctx, zk, child, watch, visit); err != nil {
			return err
		}
	}
	return nil
}

// breadthFirst visits a subtree level by level, parents before children. What
// is deleted meanwhile below the root is passed over.
func breadthFirst(ctx context.Context, zk *client.Client, root string, visit func(path string)) error {
	visit(root)
	for level := []string{root}; len(level) > 0; {
		families, err := ask(ctx, zk, level, false)
		if err != nil {
			return err
		}
		level = nil
		for _, f := range families {
			names, err := f.wait(ctx)
			if errors.Is(err, proto.ErrNoNode) && f.path != root {
				continue
			}
			if err != nil {
				return err
			}
			for _, name := range names {
				path := client.Join(f.path, name)
				visit(path)
				level = append(level, path)
			}
		}
	}
	return nil
}
