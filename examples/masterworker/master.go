package masterworker

import (
	"context"
	"errors"
	"slices"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
)

// Lead is a master, or the backup of one: it waits until nobody else leads,
// then assigns tasks to workers. It ends with ctx or with its session
// (zk.ErrSessionExpired). told, which may be nil, hears what it does.
func Lead(ctx context.Context, c *recipes.Client, id string, told func(text string)) error {
	if told == nil {
		told = func(string) {}
	}
	claim, err := elect(ctx, c, id)
	if err != nil {
		return err
	}
	defer func() { _ = claim.Release(context.WithoutCancel(ctx)) }() // it may have ended by itself
	told("leads")
	for {
		err := reign(ctx, claim, told)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer):
			return err
		}
		told("has lost its connection and assigns nothing")
		if err := claim.Resume(ctx); err != nil {
			return err
		}
		told("still leads")
	}
}

// elect waits until /master is ours.
func elect(ctx context.Context, c *recipes.Client, id string) (*recipes.Claim, error) {
	for {
		claim, err := recipes.NewGroup(c, "/").Join(ctx, masterPath[1:], []byte(id))
		if !errors.Is(err, zk.ErrNodeExists) {
			return claim, err
		}
		var vacant <-chan zk.Event
		err = retry(ctx, c, func(conn *zk.Conn) error {
			taken, _, watch, err := conn.ExistsW(masterPath)
			vacant = watch
			if !taken {
				vacant = nil
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if vacant == nil {
			continue
		}
		select {
		case <-vacant: // or the session has ended: the next request tells
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// reign assigns for as long as the master has a connection. Workers that come
// and go and tasks that come and are done all change one of two lists.
func reign(ctx context.Context, claim *recipes.Claim, told func(string)) error {
	acting, stop := both(ctx, claim.Context())
	defer stop()
	for {
		workers, _, workersChanged, err := claim.Conn().ChildrenW(workersPath)
		if err != nil {
			return err
		}
		tasks, _, tasksChanged, err := claim.Conn().ChildrenW(tasksPath)
		if err != nil {
			return err
		}
		if err := assign(acting, claim, workers, tasks, told); err != nil {
			return err
		}
		select {
		case e := <-workersChanged:
			err = e.Err
		case e := <-tasksChanged:
			err = e.Err
		case <-acting.Done():
			err = context.Cause(acting)
		}
		if err != nil {
			return err
		}
	}
}

// assign brings the assignments up to date.
func assign(ctx context.Context, claim *recipes.Claim, workers, tasks []string, told func(string)) error {
	slices.SortFunc(tasks, byNumber)
	names, _, err := claim.Conn().Children(assignPath)
	if err != nil {
		return err
	}
	assigned := map[string][]string{}
	for _, worker := range names {
		theirs, _, err := claim.Conn().Children(assignPath + "/" + worker)
		if err != nil && !errors.Is(err, zk.ErrNoNode) {
			return err
		}
		assigned[worker] = theirs
	}
	for _, worker := range workers {
		if !slices.Contains(names, worker) {
			err := multi(claim.Conn(), claim.Guard(), &zk.CreateRequest{Path: assignPath + "/" + worker, Acl: acl})
			if err != nil && !errors.Is(err, zk.ErrNodeExists) && !errors.Is(err, zk.ErrNoNode) {
				return err
			}
		}
	}
	for _, m := range plan(tasks, workers, assigned) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := carryOut(claim, m, told); err != nil {
			return err
		}
	}
	for _, worker := range names {
		if !slices.Contains(workers, worker) {
			// Empty by now, unless there is nobody to take over what it has.
			err := multi(claim.Conn(), claim.Guard(), &zk.DeleteRequest{Path: assignPath + "/" + worker, Version: -1})
			if err != nil && !errors.Is(err, zk.ErrNotEmpty) && !errors.Is(err, zk.ErrNoNode) {
				return err
			}
		}
	}
	return nil
}

// carryOut moves one task. It fails without harm when the task has been done
// meanwhile, the new worker is gone, or the master is no longer one; the next
// look finds out which.
func carryOut(claim *recipes.Claim, m move, told func(string)) error {
	command, _, err := claim.Conn().Get(tasksPath + "/" + m.task)
	if errors.Is(err, zk.ErrNoNode) {
		return nil // done
	}
	if err != nil {
		return err
	}
	ops := []any{claim.Guard(), &zk.CheckVersionRequest{Path: tasksPath + "/" + m.task, Version: -1}}
	if m.from != "" {
		ops = append(ops, &zk.DeleteRequest{Path: assignPath + "/" + m.from + "/" + m.task, Version: -1})
	}
	ops = append(ops, &zk.CreateRequest{Path: assignPath + "/" + m.to + "/" + m.task, Data: command, Acl: acl})
	err = multi(claim.Conn(), ops...)
	switch {
	case err == nil && m.from != "":
		told("gives " + string(command) + " of " + m.from + ", who is dead, to " + m.to)
	case err == nil:
		told("gives " + string(command) + " to " + m.to)
	case errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrNodeExists):
		return nil
	}
	return err
}
