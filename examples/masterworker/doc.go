// Package masterworker is the system of ZooKeeper's tutorial: clients queue
// commands, one master assigns them to workers, workers carry them out, and
// everybody but the servers may die at any moment.
//
//	/master               who leads; ephemeral
//	/workers/NAME         who works; ephemeral
//	/tasks/...-task-N     what is to be done, in the order in which it came
//	/assign/NAME/TASK     what a worker is to do
//	/status/TASK          what came of it
//
// No task is lost and none is recorded twice, because every step is one
// transaction that depends on the right to make it: a master's steps on its
// claim of /master, a worker's result on its claim of /workers/NAME and on the
// assignment. A master or a worker that was declared dead and does not know it
// yet can do no harm: its transactions fail. What a worker does outside of
// ZooKeeper may be done twice, when it dies between doing and telling.
package masterworker

import (
	"context"
	"errors"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
)

const (
	masterPath  = "/master"
	workersPath = "/workers"
	tasksPath   = "/tasks"
	assignPath  = "/assign"
	statusPath  = "/status"
)

var acl = zk.WorldACL(zk.PermAll)

// Prepare creates what the system needs to begin. It may be called again.
func Prepare(ctx context.Context, c *recipes.Client) error {
	for _, path := range []string{workersPath, tasksPath, assignPath, statusPath} {
		if err := ensure(ctx, c, path); err != nil {
			return err
		}
	}
	return nil
}

// ensure creates a persistent znode unless it is there.
func ensure(ctx context.Context, c *recipes.Client, path string) error {
	return retry(ctx, c, func(conn *zk.Conn) error {
		_, err := conn.Create(path, nil, 0, acl)
		if errors.Is(err, zk.ErrNodeExists) {
			return nil
		}
		return err
	})
}

// retry sends a request that may be carried out twice until it is answered.
func retry(ctx context.Context, c *recipes.Client, request func(*zk.Conn) error) error {
	for {
		conn, err := c.Conn(ctx)
		if err != nil {
			return err
		}
		if err := request(conn); !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer) {
			return err
		}
	}
}

// multi returns the error of the operation that made a Multi fail.
func multi(conn *zk.Conn, ops ...any) error {
	results, err := conn.Multi(ops...)
	for _, known := range []error{zk.ErrNoNode, zk.ErrNodeExists, zk.ErrNotEmpty, zk.ErrBadVersion} {
		for _, r := range results {
			if errors.Is(r.Error, known) {
				return known
			}
		}
	}
	return err
}

// Submit queues a command and returns the name of its task. It is queued once,
// even if the answer to the create is lost.
func Submit(ctx context.Context, c *recipes.Client, command string) (task string, err error) {
	path, err := c.CreateOnce(ctx, tasksPath, "task-", []byte(command))
	if err != nil {
		return "", err
	}
	return path[len(tasksPath)+1:], nil
}

// Result waits until a task is done and returns what came of it.
func Result(ctx context.Context, c *recipes.Client, task string) (string, error) {
	result, err := recipes.NewConsensus(c, statusPath+"/"+task).Decided(ctx)
	return string(result), err
}
