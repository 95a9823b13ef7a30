package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// keyboard hands on what is typed. Ctrl-C clears the line, where the line
// editor would take it for the end of the input.
type keyboard struct {
	in  io.Reader
	out io.Writer
}

const (
	ctrlC = 0x03
	ctrlU = 0x15
	ctrlR = 0x12
	tab   = '\t'
)

func (k keyboard) Read(b []byte) (int, error) {
	n, err := k.in.Read(b)
	for i, c := range b[:n] {
		if c == ctrlC {
			b[i] = ctrlU
		}
	}
	return n, err
}

func (k keyboard) Write(b []byte) (int, error) { return k.out.Write(b) }

// terminal is the shell on a terminal. While a line is edited, what a watch
// prints appears above it.
type terminal struct {
	shell *Shell
	file  *os.File
	line  *term.Terminal
	past  *past
	find  search
}

// onTerminal is Interact on a terminal.
func (s *Shell) onTerminal(ctx context.Context, in *os.File, historyFile string) int {
	t := &terminal{shell: s, file: in, past: openPast(historyFile)}
	t.line = term.NewTerminal(keyboard{in, s.cfg.Out}, "")
	t.line.History = t.past
	t.line.AutoCompleteCallback = t.key
	defer t.past.close()
	var resizing sync.WaitGroup
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	resizing.Go(func() {
		for range resized {
			t.resize()
		}
	})
	defer resizing.Wait()
	defer close(resized)
	defer signal.Stop(resized)
	t.resize()
	for {
		line, err := t.read(ctx)
		switch {
		case errors.Is(err, term.ErrPasteIndicator), err == nil:
		case errors.Is(err, io.EOF):
			s.p.println("")
			return s.exitCode
		default:
			s.report(failure("cannot read commands: %v", err))
			return s.exitCode
		}
		if t.run(ctx, line) || ctx.Err() != nil {
			return s.exitCode
		}
	}
}

func (t *terminal) resize() {
	if width, height, err := term.GetSize(int(t.file.Fd())); err == nil && width > 0 {
		_ = t.line.SetSize(width, height)
	}
}

// read edits one line. The terminal is raw only as long as that takes, so
// that Ctrl-C interrupts a command and an editor finds things as usual.
func (t *terminal) read(ctx context.Context) (string, error) {
	if err := t.shell.p.flush(); err != nil {
		return "", err
	}
	state, err := term.MakeRaw(int(t.file.Fd()))
	if err != nil {
		return "", err
	}
	defer term.Restore(int(t.file.Fd()), state) // nothing can be done if that fails
	t.shell.p.redirect(t.line)
	defer t.shell.p.redirect(t.shell.cfg.Out)
	stop := context.AfterFunc(ctx, func() { _ = t.file.Close() })
	defer stop()
	t.line.SetPrompt(t.shell.Prompt())
	defer t.line.SetPrompt("")
	t.find = search{}
	line, err := t.line.ReadLine()
	if err != nil && !errors.Is(err, term.ErrPasteIndicator) && ctx.Err() != nil {
		err = io.EOF
	}
	return strings.TrimRight(line, "\r"), err
}

// run does a command; Ctrl-C interrupts it and nothing else.
func (t *terminal) run(ctx context.Context, line string) (done bool) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	return t.shell.Line(ctx, line)
}

// key handles the keys that the line editor leaves alone.
func (t *terminal) key(line string, pos int, key rune) (string, int, bool) {
	switch key {
	case tab:
		return t.complete(line, pos)
	case ctrlR:
		return t.find.older(t.past, line)
	}
	t.find = search{}
	return "", 0, false
}

// search goes back in the history through the lines that hold a text.
type search struct {
	active bool
	text   string
	next   int // index in the history
}

func (f *search) older(h *past, line string) (string, int, bool) {
	if !f.active {
		*f = search{active: true, text: line}
	}
	for ; f.next < h.Len(); f.next++ {
		if found := h.At(f.next); strings.Contains(found, f.text) && found != line {
			f.next++
			return found, len(found), true
		}
	}
	return line, len(line), true
}
