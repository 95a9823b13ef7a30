package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

const (
	// memberStartLimit is how long all members may take to serve, and
	// memberStopLimit how long to end, before they are killed.
	memberStartLimit = time.Minute
	memberStopLimit  = 2 * stopLimit
	// startPoll and servePoll are how often the members are asked what they
	// do, until all serve and after that.
	startPoll = 100 * time.Millisecond
	servePoll = time.Second
)

// errMembers means that servers of an ensemble ended by themselves.
var errMembers = errors.New("ensemble")

// ensembleCommand is the verb ensemble.
func ensembleCommand() *cli.Command {
	o := ensembleOptions{}
	return &cli.Command{
		Name: "ensemble", Usage: "run several servers on this machine, to try an ensemble",
		ArgsUsage: " ",
		Description: "Writes a zoo.cfg for each server, starts them as processes of their own, prints where they are and\n" +
			"what they do, and stops them all on Ctrl-C or SIGTERM. Data stays, and is served again next time.\n" +
			"Server N has client port PORT+N-1, quorum port PORT+706+N, election port PORT+1706+N and admin port\n" +
			"PORT+5898+N, all of the loopback interface. To see a failover, kill a server by its process id.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "size", Value: 3, Usage: "run `N` voters", Destination: &o.voters},
			&cli.IntFlag{Name: "observers", Usage: "and `N` observers", Destination: &o.observers},
			&cli.IntFlag{Name: "port", Value: 2181, Usage: "first client `PORT`", Destination: &o.port},
			&cli.PathFlag{Name: "dir", Value: "data/ensemble", Usage: "keep each server below `DIR`", Destination: &o.dir},
			&cli.StringSliceFlag{Name: "set", Usage: "add `KEY=VALUE` to every zoo.cfg"},
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action: func(c *cli.Context) error {
			if _, err := toolArgs(c, 0, 0); err != nil {
				return err
			}
			o.set = c.StringSlice("set")
			return runEnsemble(c.Context, c.App.Writer, o)
		},
	}
}

// runEnsemble runs the servers until the context or a signal ends them, or
// none is left.
func runEnsemble(ctx context.Context, out io.Writer, o ensembleOptions) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	members, err := o.prepare()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	// The servers are told to end when the thread that started them does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i, m := range members {
		if err := m.start(program); err != nil {
			return errors.Join(err, stopMembers(members[:i]))
		}
	}
	err = awaitMembers(ctx, members)
	if err == nil && ctx.Err() == nil {
		introduce(out, members)
		err = watchMembers(ctx, out, members)
	}
	return errors.Join(err, stopMembers(members))
}

// awaitMembers returns when all serve, or the context ends. An error is that
// of a server that ended, or that they take too long.
func awaitMembers(ctx context.Context, members []*ensembleMember) error {
	ctx, cancel := context.WithTimeoutCause(ctx, memberStartLimit, errMembers)
	defer cancel()
	for _, m := range members {
		for m.role = m.ask(); m.role == ""; m.role = m.ask() {
			select {
			case <-m.ended:
				m.gone = true
				return fmt.Errorf("%w: server %d ended: %s; its log %s ends with\n%s", errMembers, m.id, m.cmd.ProcessState, m.log, m.logTail())
			case <-ctx.Done():
				if context.Cause(ctx) == errMembers {
					return fmt.Errorf("%w: server %d does not serve after %v; its log is %s", errMembers, m.id, memberStartLimit, m.log)
				}
				return nil
			case <-time.After(startPoll):
			}
		}
	}
	return nil
}

// introduce tells where the servers are.
func introduce(out io.Writer, members []*ensembleMember) {
	var addrs []string
	for _, m := range members {
		m.role = m.ask() // it may have changed since
		fmt.Fprintf(out, "server %d  %s  %-9s pid %-7d %s\n", m.id, m.addr, m.shown(), m.cmd.Process.Pid, m.dir)
		addrs = append(addrs, m.addr)
	}
	fmt.Fprintf(out, "connect to %s, for example with zkCli.sh -server %s; Ctrl-C stops them all\n", strings.Join(addrs, ","), members[0].addr)
}

// watchMembers tells what changes until the context ends.
func watchMembers(ctx context.Context, out io.Writer, members []*ensembleMember) error {
	tick := time.NewTicker(servePoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		left := 0
		for _, m := range members {
			if m.gone {
				continue
			}
			select {
			case <-m.ended:
				m.gone = true
				fmt.Fprintf(out, "server %d ended: %s\n", m.id, m.cmd.ProcessState)
				continue
			default:
			}
			left++
			if role := m.ask(); role != m.role {
				m.role = role
				fmt.Fprintf(out, "server %d  %s  %s\n", m.id, m.addr, m.shown())
			}
		}
		if left == 0 {
			return fmt.Errorf("%w: no server is left", errMembers)
		}
	}
}

// stopMembers ends all servers that still run, and waits for them.
func stopMembers(members []*ensembleMember) error {
	var failed []error
	for _, m := range members {
		_ = m.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	limit := time.After(memberStopLimit)
	for _, m := range members {
		select {
		case <-m.ended:
		case <-limit:
			_ = m.cmd.Process.Kill()
			<-m.ended
			limit = time.After(0)
		}
		if !m.gone && !m.cmd.ProcessState.Success() {
			failed = append(failed, fmt.Errorf("%w: server %d: %s", errMembers, m.id, m.cmd.ProcessState))
		}
	}
	return errors.Join(failed...)
}

// ensembleMember is a server in a process of its own.
type ensembleMember struct {
	id             int
	addr, dir, log string
	cmd            *exec.Cmd
	ended          chan struct{} // closed when the process has been waited for

	// Owned by runEnsemble.
	role string // what it did when it was asked last, "" when it did not serve
	gone bool   // it has been told that it ended
}

// start starts the server; a goroutine waits for its end.
func (m *ensembleMember) start(program string) error {
	log, err := os.OpenFile(m.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the server has its own
	m.cmd = exec.Command(program, "server", m.config())
	m.cmd.Stdout, m.cmd.Stderr = log, log
	m.cmd.SysProcAttr = memberAttributes()
	if err := m.cmd.Start(); err != nil {
		return err
	}
	m.ended = make(chan struct{})
	go func() {
		_ = m.cmd.Wait() // ProcessState tells
		close(m.ended)
	}()
	return nil
}

// ask returns what the server does, "" when it does not serve.
func (m *ensembleMember) ask() string {
	var answer strings.Builder
	if err := askWord(&answer, m.addr, "srvr", servePoll); err != nil {
		return ""
	}
	for line := range strings.Lines(answer.String()) {
		if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(mode)
		}
	}
	return ""
}

func (m *ensembleMember) shown() string {
	if m.role == "" {
		return "does not serve"
	}
	return m.role
}

// logTail is the end of the server's log.
func (m *ensembleMember) logTail() string {
	const lines = 5
	text, err := os.ReadFile(m.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
