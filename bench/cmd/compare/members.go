package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ensembleSize is how many servers an ensemble has.
const ensembleSize = 3

// An ensemble is several servers of one contender on this machine. It belongs
// to one goroutine, which must stop it.
type ensemble struct {
	c       contender
	members []*member
}

// A member has a directory and ports that stay its own while it is down.
type member struct {
	*server // nil while it is down
	id      int
	dir     string
	config  string // path of its zoo.cfg
	addr    string // for clients
}

// newEnsemble writes a directory for each member below dir, and starts
// nothing.
func newEnsemble(c contender, dir string) (*ensemble, error) {
	base, err := portRange(3 * ensembleSize)
	if err != nil {
		return nil, err
	}
	common := []string{"initLimit=10", "syncLimit=5"}
	for i := range ensembleSize {
		common = append(common, fmt.Sprintf("server.%d=127.0.0.1:%d:%d", i+1, base+ensembleSize+i, base+2*ensembleSize+i))
	}
	e := &ensemble{c: c}
	for i := range ensembleSize {
		m := &member{id: i + 1, dir: filepath.Join(dir, fmt.Sprint(i+1)), addr: fmt.Sprintf("127.0.0.1:%d", base+i)}
		if m.config, err = writeConfig(m.dir, base+i, common); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(m.dir, "data", "myid"), fmt.Appendln(nil, m.id), 0o644); err != nil {
			return nil, err
		}
		e.members = append(e.members, m)
	}
	return e, nil
}

// portRange returns the first of n ports in a row that nothing listens on,
// below those that the kernel gives to outgoing connections: a member that
// comes back must find its ports free.
func portRange(n int) (base int, err error) {
	for range 100 {
		base = 18_000 + rand.IntN(14_000-n)
		free := 0
		for ; free < n; free++ {
			var l net.Listener
			if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+free)); err != nil {
				break
			}
			_ = l.Close() // it accepted nothing
		}
		if free == n {
			return base, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row: %w", n, err)
}

// heal starts the members that are down, and returns the leader once there is
// one and all others follow.
func (e *ensemble) heal(ctx context.Context) (leader *member, err error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for _, m := range e.members {
		if m.server == nil {
			if m.server, err = launch(e.c, m.dir, m.config, m.addr); err != nil {
				return nil, err
			}
		}
	}
	for _, m := range e.members {
		if _, err := m.answers(ctx, "/"); err != nil {
			return nil, fmt.Errorf("%s does not serve, see %s: %w", e.c.name, m.log.Name(), err)
		}
	}
	return e.led(ctx)
}

const ledPoll = 50 * time.Millisecond

// led waits until one of the members that are up leads and the others follow.
func (e *ensemble) led(ctx context.Context) (*member, error) {
	for {
		var leader *member
		following, up := 0, 0
		for _, m := range e.members {
			if m.server == nil {
				continue
			}
			switch up++; mode(ctx, m.addr) {
			case "leader":
				leader = m
			case "follower":
				following++
			}
		}
		if leader != nil && following == up-1 {
			return leader, nil
		}
		if err := pause(ctx, ledPoll); err != nil {
			return nil, fmt.Errorf("%s has no leader: %w", e.c.name, err)
		}
	}
}

// mode is what a server says of its role, "" when it does not serve.
func mode(ctx context.Context, addr string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return ""
	}
	defer nc.Close() // nothing of it is needed any more
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	_, _ = io.WriteString(nc, "srvr")
	text, _ := io.ReadAll(io.LimitReader(nc, 64<<10)) // "" when that failed
	_, line, _ := strings.Cut(string(text), "Mode: ")
	line, _, _ = strings.Cut(line, "\n")
	return strings.TrimSpace(line)
}

// others are all members but one.
func (e *ensemble) others(than *member) (list []*member) {
	for _, m := range e.members {
		if m != than {
			list = append(list, m)
		}
	}
	return list
}

// all is the whole ensemble as a target of load: clients are spread over the
// members, a single one is a follower's.
func (e *ensemble) all(leader *member) target {
	t := targetOf(append(e.others(leader), leader))
	for _, m := range e.members {
		t.pids = append(t.pids, m.pid())
	}
	return t
}

// targetOf loads some members, and leaves their processor time aside.
func targetOf(members []*member) (t target) {
	for _, m := range members {
		t.servers = append(t.servers, m.addr)
	}
	return t
}

// kill ends the process at once.
func (m *member) kill() error {
	_ = m.cmd.Process.Kill() // it may have ended already
	<-m.ended
	log := m.log
	m.server = nil
	return log.Close()
}

// end stops the process politely.
func (m *member) end() error {
	s := m.server
	m.server = nil
	return s.stop()
}

// stop ends all members that are up, frozen or not, at the same time.
func (e *ensemble) stop() error {
	var errs []error
	for _, m := range e.members {
		if m.server != nil {
			_ = m.cmd.Process.Signal(syscall.SIGCONT) // they may have ended already
			_ = m.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	for _, m := range e.members {
		if m.server != nil {
			errs = append(errs, m.end())
		}
	}
	return errors.Join(errs...)
}
