package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/tied"
)

// Result is what a program left behind.
type Result struct {
	Stdout, Stderr string
	ExitCode       int
}

// Run runs a program to its end and then ends whatever it started and left
// running. A program that cannot be started or does not end within the limit
// fails the test; an exit code does not.
func Run(t testing.TB, cmd *exec.Cmd, limit time.Duration) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	p := Begin(t, cmd)
	err := p.Wait(ctx)
	res := Result{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: cmd.ProcessState.ExitCode()}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%s did not end within %v\nstdout:\n%s\nstderr:\n%s",
			cmd.Path, limit, lastLines(res.Stdout, 40), lastLines(res.Stderr, 40))
	}
	return res
}

// Program is a running program, with all that it starts in one process group.
type Program struct {
	cmd    *exec.Cmd
	exited <-chan struct{}
	err    error // set before exited is closed
}

// Begin starts a program; the end of the test ends it and its group at the
// latest.
func Begin(t testing.TB, cmd *exec.Cmd) *Program {
	t.Helper()
	p := &Program{cmd: cmd}
	tied.Group(cmd)
	// A grandchild may hold the output open; its end must not be waited for.
	cmd.WaitDelay = time.Second
	exited, err := startTied(cmd, &p.err)
	if err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	p.exited = exited
	t.Cleanup(p.Kill)
	return p
}

// Wait returns when the program has ended; when ctx ends first the program
// is killed and the context's error returned.
func (p *Program) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("%s: %w", p.cmd.Path, ctx.Err())
	}
	p.Kill()
	return nil
}

// Kill ends the program and its group.
func (p *Program) Kill() {
	tied.KillGroup(p.cmd.Process)
	<-p.exited
}
