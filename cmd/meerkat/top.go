package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/meerkat-zk/meerkat/ensemble"
)

// topCommand is the verb top.
func topCommand() *cli.Command {
	return &cli.Command{
		Name: "top", Usage: "status, requests per second and the busiest clients of an ensemble, again and again",
		ArgsUsage:   "[zoo.cfg]",
		Description: "On a terminal q ends it. Elsewhere --count says how often to print. Clients are shown where the whitelist has cons.",
		Flags: append(memberFlags(),
			&cli.DurationFlag{Name: "interval", Value: 2 * time.Second, Usage: "look so often"},
			&cli.IntFlag{Name: "count", Usage: "look `N` times and end; 0 goes on"},
		),
		HideHelpCommand: true,
		OnUsageError:    usageError,
		Action:          interruptible(top),
	}
}

const minInterval = 100 * time.Millisecond

func top(c *cli.Context) error {
	members, err := members(c)
	if err != nil {
		return err
	}
	interval, count := c.Duration("interval"), c.Int("count")
	if interval < minInterval || count < 0 {
		return fmt.Errorf("%w: --interval must be %v at least, and --count not negative", errUsage, minInterval)
	}
	v := &topView{
		members: members, timeout: c.Duration("timeout"), out: c.App.Writer,
		width: func() (int, int) { return 200, 0 },
	}
	out, isFile := c.App.Writer.(*os.File)
	onTerminal := isFile && term.IsTerminal(int(out.Fd()))
	if !onTerminal {
		if count == 0 {
			return fmt.Errorf("%w: the output is no terminal: say with --count how often to look, or use meerkat status", errUsage)
		}
		return v.loop(c.Context, interval, count, nil)
	}
	v.screen = true
	v.width = func() (int, int) {
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil {
			return 80, 24
		}
		return width, height
	}
	return v.onTerminal(c, interval, count)
}

// topView is the picture that top draws.
type topView struct {
	members []ensemble.Member
	timeout time.Duration
	out     io.Writer
	screen  bool              // drawn over what was there
	width   func() (int, int) // and height, 0 for no limit
	rates   ensemble.Rates
}

const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // another screen, without a cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	eraseToEnd  = "\x1b[K" // of the line
	eraseBelow  = "\x1b[J"
)

// onTerminal draws on a screen of its own until q or Ctrl-C is typed.
func (v *topView) onTerminal(c *cli.Context, interval time.Duration, count int) (err error) {
	var keys <-chan struct{}
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	if in, ok := c.App.Reader.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		state, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return err
		}
		defer term.Restore(int(in.Fd()), state) // nothing can be done if that fails
		keys = quitKey(in)
		go func() { // ends with ctx
			select {
			case <-keys: // a server may be asked that does not answer
				stop()
			case <-ctx.Done():
			}
		}()
	}
	if _, err := io.WriteString(v.out, enterScreen); err != nil {
		return err
	}
	defer func() {
		_, last := io.WriteString(v.out, leaveScreen)
		err = errors.Join(err, last)
	}()
	return v.loop(ctx, interval, count, keys)
}

// quitKey is closed when q, Ctrl-C or Ctrl-D is typed. The read lasts until
// the program ends, for a terminal gives no way to take it back.
func quitKey(in io.Reader) <-chan struct{} {
	quit := make(chan struct{})
	go func() {
		defer close(quit)
		var b [1]byte
		for {
			n, err := in.Read(b[:])
			if err != nil || n == 1 && strings.IndexByte("qQ\x03\x04", b[0]) >= 0 {
				return
			}
		}
	}()
	return quit
}

// loop looks again and again.
func (v *topView) loop(ctx context.Context, interval time.Duration, count int, quit <-chan struct{}) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for n := 1; ; n++ {
		s := askAll(ctx, v.members, v.timeout, true)
		if ctx.Err() != nil {
			return nil
		}
		if err := v.draw(&s, time.Now()); err != nil {
			return err
		}
		if n == count {
			return nil
		}
		select {
		case <-tick.C:
		case <-quit:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (v *topView) draw(s *ensemble.Status, now time.Time) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s\n", now.Format(time.DateTime))
	if err := s.WriteTable(&text); err != nil {
		return err
	}
	if err := v.rates.Write(&text, s, now); err != nil {
		return err
	}
	if !v.screen {
		_, err := v.out.Write(append(text.Bytes(), '\n'))
		return err
	}
	width, height := v.width()
	lines := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	if height > 0 && len(lines) > height {
		lines = lines[:height]
	}
	var b strings.Builder
	b.WriteString(home)
	for i, line := range lines {
		if runes := []rune(line); len(runes) > width {
			line = string(runes[:width])
		}
		b.WriteString(line + eraseToEnd)
		if i < len(lines)-1 {
			b.WriteString("\r\n")
		}
	}
	b.WriteString(eraseBelow)
	_, err := io.WriteString(v.out, b.String())
	return err
}
