// Command demo runs the system of ZooKeeper's tutorial in one process: three
// servers, a master with a backup, two workers and a client. It kills a worker
// and the master, and tells what happens.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/meerkat-zk/meerkat/examples/masterworker"
	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// limit is how long the demonstration may take.
const limit = time.Minute

// workTime is how long a worker takes for a command.
const workTime = 20 * time.Millisecond

func main() {
	if err := play(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// play plays it from the beginning to the end.
func play(out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	p := &stage{
		out: out, host: &zktest.Host{}, ctx: ctx, cancel: cancel,
		actors: map[string]*recipes.Client{}, lines: map[string]chan struct{}{},
	}
	var err error
	failure := p.host.Try(func() {
		p.ensemble = zktest.StartEnsemble(p.host, 3)
		p.say("servers", "three of them serve; server %d leads", p.ensemble.Leader().ID())
		err = p.story()
	})
	cancel()
	p.running.Wait()
	return errors.Join(failure, err, p.host.Close())
}

// story is what happens.
func (p *stage) story() error {
	client, err := p.client()
	if err != nil {
		return err
	}
	if err := masterworker.Prepare(p.ctx, client); err != nil {
		return err
	}
	started, err := p.cast()
	if err != nil {
		return err
	}
	tasks, err := p.submit(client, "bake", "brew", "chop", "dice", "fry", "grill")
	if err != nil {
		return err
	}
	if err := p.deaths(started); err != nil {
		return err
	}
	more, err := p.submit(client, "knead", "roast")
	if err != nil {
		return err
	}
	for _, task := range append(tasks, more...) {
		result, err := masterworker.Result(p.ctx, client, task)
		if err != nil {
			return err
		}
		p.say("client", "learns: %s", result)
	}
	return nil
}

// cast lets the master lead and the backup wait, and two workers begin. The
// channel tells who starts to work.
func (p *stage) cast() (started <-chan string, err error) {
	for _, name := range []string{"master", "backup"} {
		if err := p.begin(name, func(ctx context.Context, c *recipes.Client) error {
			return masterworker.Lead(ctx, c, name, func(text string) { p.say(name, "%s", text) })
		}); err != nil {
			return nil, err
		}
		if name == "master" {
			if err := p.heard("master", "leads"); err != nil {
				return nil, err
			}
		}
	}
	working := make(chan string, 64)
	for _, name := range []string{"worker-1", "worker-2"} {
		if err := p.begin(name, func(ctx context.Context, c *recipes.Client) error {
			return masterworker.Work(ctx, c, name, func(ctx context.Context, command string) string {
				p.say(name, "does %s", command)
				working <- name
				select {
				case <-time.After(workTime):
				case <-ctx.Done():
					p.say(name, "stops to do %s", command)
				}
				return command + " by " + name
			})
		}); err != nil {
			return nil, err
		}
	}
	return working, nil
}

func (p *stage) submit(c *recipes.Client, commands ...string) (tasks []string, err error) {
	for _, command := range commands {
		task, err := masterworker.Submit(p.ctx, c, command)
		if err != nil {
			return nil, err
		}
		p.say("client", "asks to %s", command)
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// deaths kills the first worker that works, and the master.
func (p *stage) deaths(started <-chan string) error {
	select {
	case name := <-started:
		if err := p.kill(name); err != nil {
			return err
		}
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
	if err := p.kill("master"); err != nil {
		return err
	}
	return p.heard("backup", "leads")
}
