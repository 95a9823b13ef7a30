package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// stage is where the demonstration happens.
type stage struct {
	out      io.Writer          // set once
	host     *zktest.Host       // set once
	ensemble *zktest.Ensemble   // set once
	ctx      context.Context    // set once: the demonstration
	cancel   context.CancelFunc // of ctx

	running sync.WaitGroup // the actors
	actors  map[string]*recipes.Client

	mu    sync.Mutex
	lines map[string]chan struct{} // mu: closed when a line was said
}

// begin runs an actor, with a client of its own, until the end or its death.
func (p *stage) begin(name string, act func(context.Context, *recipes.Client) error) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	p.actors[name] = c
	p.running.Go(func() {
		if err := act(p.ctx, c); p.ctx.Err() == nil {
			p.say(name, "is dead: %v", err)
		}
	})
	return nil
}

// kill lets an actor's session expire: to the servers, and to all others, it
// is dead.
func (p *stage) kill(name string) error {
	conn, err := p.actors[name].Conn(p.ctx)
	if err != nil {
		return err
	}
	p.say(name, "is killed")
	p.ensemble.ExpireSession(conn.SessionID())
	return nil
}

// say prints a line.
func (p *stage) say(who, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	_, _ = fmt.Fprintf(p.out, "%-8s %s\n", who, text)
	line := p.line(who, text)
	select {
	case <-line:
	default:
		close(line)
	}
}

// line is closed when a line has been said. mu is held.
func (p *stage) line(who, text string) chan struct{} {
	key := who + " " + text
	if p.lines[key] == nil {
		p.lines[key] = make(chan struct{})
	}
	return p.lines[key]
}

// heard waits until a line was said.
func (p *stage) heard(who, text string) error {
	p.mu.Lock()
	line := p.line(who, text)
	p.mu.Unlock()
	select {
	case <-line:
		return nil
	case <-p.ctx.Done():
		return fmt.Errorf("%s never said that it %s: %w", who, text, p.ctx.Err())
	}
}

// client connects to all servers. Each stands there twice, because the library
// rests for a second when it has been through its list.
func (p *stage) client() (*recipes.Client, error) {
	addrs := append(p.ensemble.Addrs(), p.ensemble.Addrs()...)
	c, err := recipes.Connect(p.ctx, addrs, sessionTimeout)
	if err != nil {
		return nil, err
	}
	p.host.Cleanup(c.Close)
	return c, nil
}

const sessionTimeout = 10 * time.Second
