package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// maxLineBytes bounds a line of input.
const maxLineBytes = 16 << 20

// Interact reads commands until the input ends or quit is given, and returns
// the exit code of the last. On a terminal lines can be edited; elsewhere the
// prompt is printed all the same, as Apache's shell does, and scripts cut
// answers apart at it.
func (s *Shell) Interact(ctx context.Context, in io.Reader, historyFile string) int {
	// A server that is down is no reason to leave: the session goes on trying.
	if err := s.zk.Connect(ctx); err != nil && ctx.Err() == nil {
		s.p.complain(err.Error())
	}
	if !s.cfg.JSON {
		s.p.println("Welcome to ZooKeeper!")
		_ = s.p.flush()
	}
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) && !s.cfg.JSON {
		return s.onTerminal(ctx, f, historyFile)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLineBytes)
	for {
		if !s.cfg.JSON {
			s.p.event(s.Prompt())
		}
		if !lines.Scan() || s.Line(ctx, lines.Text()) || ctx.Err() != nil {
			break
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		s.report(failure("cannot read commands: %v", err))
	}
	return s.exitCode
}
