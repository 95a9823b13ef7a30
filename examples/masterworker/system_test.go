package masterworker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/examples/masterworker"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// kitchen is a running system. Every action of a master is heard.
type kitchen struct {
	t      *testing.T
	srv    *zktest.Server
	ctx    context.Context
	cancel context.CancelFunc // of ctx
	client *recipes.Client
	actors sync.WaitGroup

	mu   sync.Mutex
	said []string       // mu: what masters did
	done map[string]int // mu: commands, and how often a worker did them
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func newKitchen(t *testing.T) *kitchen {
	t.Helper()
	k := &kitchen{t: t, srv: zktest.Start(t), done: map[string]int{}}
	k.ctx, k.cancel = context.WithTimeout(context.Background(), patience)
	k.client = k.connect()
	k.must(masterworker.Prepare(k.ctx, k.client))
	return k
}

// connect returns a client that is closed when all actors have ended.
func (k *kitchen) connect() *recipes.Client {
	k.t.Helper()
	addr := k.srv.Addr()
	c := recipes.New(func(events zk.EventCallback) (*zk.Conn, error) {
		conn, _, err := zk.Connect([]string{addr, addr, addr}, time.Minute, zk.WithEventCallback(events), zk.WithLogger(quiet{}))
		return conn, err
	})
	k.t.Cleanup(func() {
		k.cancel()
		k.actors.Wait()
		c.Close()
	})
	_, err := c.Conn(k.ctx)
	k.must(err)
	return c
}

func (k *kitchen) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// act runs an actor until the test ends or its session does.
func (k *kitchen) act(do func(*recipes.Client) error) *recipes.Client {
	k.t.Helper()
	c := k.connect()
	k.actors.Go(func() {
		if err := do(c); k.ctx.Err() == nil && !errors.Is(err, zk.ErrSessionExpired) {
			k.t.Errorf("an actor ended with %v", err)
		}
	})
	return c
}

func (k *kitchen) master(id string) *recipes.Client {
	return k.act(func(c *recipes.Client) error {
		return masterworker.Lead(k.ctx, c, id, func(text string) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.said = append(k.said, id+" "+text)
		})
	})
}

// worker does what it is told, or hangs when busy is not nil until its task is
// taken away.
func (k *kitchen) worker(name string, busy chan<- string) *recipes.Client {
	return k.act(func(c *recipes.Client) error {
		return masterworker.Work(k.ctx, c, name, func(ctx context.Context, command string) string {
			if busy != nil {
				busy <- command
				<-ctx.Done()
				return ""
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			k.done[command]++
			return command + " by " + name
		})
	})
}

func (k *kitchen) submit(n int) (tasks []string) {
	k.t.Helper()
	for i := range n {
		task, err := masterworker.Submit(k.ctx, k.client, fmt.Sprint("command ", i))
		k.must(err)
		tasks = append(tasks, task)
	}
	return tasks
}

// results waits until all is done, and checks that each was done.
func (k *kitchen) results(tasks []string) {
	k.t.Helper()
	for i, task := range tasks {
		result, err := masterworker.Result(k.ctx, k.client, task)
		k.must(err)
		if want := fmt.Sprint("command ", i, " by "); len(result) <= len(want) || result[:len(want)] != want {
			k.t.Errorf("task %s: %q", task, result)
		}
	}
	conn, err := k.client.Conn(k.ctx)
	k.must(err)
	if left, _, err := conn.Children("/tasks"); err != nil || len(left) > 0 {
		k.t.Errorf("%q are left, %v", left, err)
	}
}

// heard waits until a master has said something.
func (k *kitchen) heard(text string) {
	k.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		k.mu.Lock()
		for _, said := range k.said {
			if said == text {
				k.mu.Unlock()
				return
			}
		}
		all := fmt.Sprint(k.said)
		k.mu.Unlock()
		select {
		case <-tick.C:
		case <-k.ctx.Done():
			k.t.Fatalf("nobody said %q, only %s", text, all)
		}
	}
}

// exists waits until a znode is there.
func (k *kitchen) exists(path string) {
	k.t.Helper()
	for {
		conn, err := k.client.Conn(k.ctx)
		k.must(err)
		found, _, created, err := conn.ExistsW(path)
		k.must(err)
		if found {
			return
		}
		select {
		case <-created:
		case <-k.ctx.Done():
			k.t.Fatalf("there is no %s", path)
		}
	}
}

func session(t *testing.T, c *recipes.Client) int64 {
	t.Helper()
	conn, err := c.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return conn.SessionID()
}

// TestTasksBeforeWorkers queues a bunch before anybody is there to do it.
func TestTasksBeforeWorkers(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	tasks := k.submit(10)
	k.master("m1")
	k.heard("m1 leads")
	k.worker("w1", nil)
	k.worker("w2", nil)
	k.results(tasks)
	for command, n := range k.done {
		if n != 1 {
			t.Errorf("%s was done %d times though nobody died", command, n)
		}
	}
}

// TestWorkerDies takes the tasks of a dead worker to another.
func TestWorkerDies(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	k.master("m1")
	busy := make(chan string, 16)
	dead := k.worker("dead", busy)
	tasks := k.submit(3)
	select {
	case <-busy:
	case <-k.ctx.Done():
		t.Fatal("the worker got nothing to do")
	}
	k.worker("alive", nil)
	k.srv.ExpireSession(session(t, dead))
	k.results(tasks)
}

// TestMasterDies lets the backup take over, with tasks queued in between.
func TestMasterDies(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	master := k.master("m1")
	k.heard("m1 leads")
	k.master("m2")
	k.srv.ExpireSession(session(t, master))
	tasks := k.submit(5)
	k.heard("m2 leads")
	k.worker("w1", nil)
	k.results(tasks)
}

// TestAnswerLost loses the connection between each create of a task and its
// answer: no task is queued twice.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	lost := false
	var mu sync.Mutex
	k.srv.Intercept(func(r zktest.Request) zktest.Fate {
		mu.Lock()
		defer mu.Unlock()
		if r.Op != proto.OpCreate {
			return zktest.Pass
		}
		lost = !lost // each create once more passes
		if lost {
			return zktest.LoseReply
		}
		return zktest.Pass
	})
	tasks := k.submit(4)
	k.srv.Intercept(nil)
	conn, err := k.client.Conn(k.ctx)
	k.must(err)
	queued, _, err := conn.Children("/tasks")
	if err != nil || len(queued) != len(tasks) {
		t.Errorf("%d tasks are queued of %d, %v", len(queued), len(tasks), err)
	}
	k.master("m1")
	k.worker("w1", nil)
	k.results(tasks)
}

// TestMasterDisconnected loses everything that the master asks for: it assigns
// nothing, until it has its connection back.
func TestMasterDisconnected(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	id := session(t, k.master("m1"))
	k.heard("m1 leads")
	k.srv.Intercept(func(r zktest.Request) zktest.Fate {
		if r.Session == id {
			return zktest.LoseRequest
		}
		return zktest.Pass
	})
	k.srv.DropSession(id)
	k.heard("m1 has lost its connection and assigns nothing")
	tasks := k.submit(3)
	k.worker("w1", nil)
	k.exists("/assign/w1") // the worker makes it and waits
	conn, err := k.client.Conn(k.ctx)
	k.must(err)
	if given, _, err := conn.Children("/assign/w1"); err != nil || len(given) > 0 {
		t.Errorf("without a connection the master has given %q, %v", given, err)
	}
	k.srv.Intercept(nil)
	k.heard("m1 still leads")
	k.results(tasks)
}

// TestOldMaster holds a master's requests up until another one leads. What it
// then gets through must change nothing.
func TestOldMaster(t *testing.T) {
	t.Parallel()
	k := newKitchen(t)
	old := k.master("old")
	k.heard("old leads")
	id := session(t, old)
	acting, released := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	defer release()
	var once sync.Once
	k.srv.Intercept(func(r zktest.Request) zktest.Fate {
		if r.Session == id && r.Op == proto.OpMulti {
			once.Do(func() { close(acting) })
			<-released // the old master believes that it leads
		}
		return zktest.Pass
	})
	k.master("new")
	busy := make(chan string, 16)
	k.worker("w1", busy)
	tasks := k.submit(1)
	select {
	case <-acting:
	case <-k.ctx.Done():
		t.Fatal("the old master does nothing")
	}
	k.srv.ExpireSession(id)
	k.heard("new leads")
	k.heard("new gives command 0 to w1")
	release()
	select {
	case <-busy:
	case <-k.ctx.Done():
		t.Fatal("the worker got nothing to do")
	}
	conn, err := k.client.Conn(k.ctx)
	k.must(err)
	if mine, _, err := conn.Children("/assign/w1"); err != nil || len(mine) != 1 || mine[0] != tasks[0] {
		t.Errorf("the worker has %q, %v", mine, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, said := range k.said {
		if said == "old gives command 0 to w1" {
			t.Error("two masters gave the same task")
		}
	}
}
