package masterworker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
)

// Work is a worker: it registers, carries out what is assigned to it, and ends
// with ctx or with its session (zk.ErrSessionExpired). The name must be its
// own. do gets a context that ends as soon as the task may be another's.
func Work(ctx context.Context, c *recipes.Client, name string, do func(ctx context.Context, command string) string) error {
	mine := assignPath + "/" + name
	claim, err := recipes.NewGroup(c, workersPath).Join(ctx, name, nil)
	if err != nil {
		return fmt.Errorf("worker %s: %w", name, err)
	}
	defer func() { _ = claim.Release(context.WithoutCancel(ctx)) }() // it may have ended by itself
	for {
		err := ensure(ctx, c, mine) // a master removes it when it does not see the worker
		if err == nil {
			err = workOff(ctx, claim, mine, do)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, zk.ErrNoNode):
			continue
		case !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer):
			return err
		}
		if err := claim.Resume(ctx); err != nil {
			return err
		}
	}
}

// workOff works for as long as the worker has a connection.
func workOff(ctx context.Context, claim *recipes.Claim, mine string, do func(context.Context, string) string) error {
	working, stop := both(ctx, claim.Context())
	defer stop()
	for {
		tasks, _, changed, err := claim.Conn().ChildrenW(mine)
		if err != nil {
			return err
		}
		slices.SortFunc(tasks, byNumber)
		for _, task := range tasks {
			command, _, err := claim.Conn().Get(mine + "/" + task)
			if errors.Is(err, zk.ErrNoNode) {
				continue // taken away
			}
			if err != nil {
				return err
			}
			result := do(working, string(command))
			if err := context.Cause(working); err != nil {
				return err
			}
			if err := finish(claim, mine, task, result); err != nil {
				return err
			}
		}
		select {
		case e := <-changed:
			if e.Err != nil {
				return e.Err
			}
		case <-working.Done():
			return context.Cause(working)
		}
	}
}

// finish records a result, if the task is still this worker's. It is not when
// the same has been recorded already and only the answer was lost.
func finish(claim *recipes.Claim, mine, task, result string) error {
	err := multi(claim.Conn(), claim.Guard(),
		&zk.DeleteRequest{Path: mine + "/" + task, Version: -1},
		&zk.CreateRequest{Path: statusPath + "/" + task, Data: []byte(result), Acl: acl},
		&zk.DeleteRequest{Path: tasksPath + "/" + task, Version: -1})
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

// both is a context that ends with the first of two.
func both(ctx, other context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return ctx, func() { stop(); cancel(nil) }
}

// byNumber compares tasks in the order in which they were queued: by what the
// server has put behind the last dash.
func byNumber(a, b string) int {
	number := func(task string) string { return task[strings.LastIndex(task, "-")+1:] }
	return strings.Compare(number(a), number(b))
}
