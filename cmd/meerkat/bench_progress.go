package main

import (
	"fmt"
	"os"
	"time"

	"github.com/meerkat-zk/meerkat/bench"
)

// progressLine rewrites one line of a terminal while a load runs; into a file
// or a pipe it writes nothing. It belongs to one goroutine at a time.
type progressLine struct {
	out   *os.File // nil: not a terminal
	shown bool
}

func newProgressLine(f *os.File) *progressLine {
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progressLine{}
	}
	return &progressLine{out: f}
}

const eraseLine = "\r\x1b[K"

func (l *progressLine) show(p bench.Progress) {
	if l.out == nil {
		return
	}
	l.shown = true
	of := ""
	if p.Expected > 0 {
		of = fmt.Sprintf(" of %v", p.Expected.Round(time.Second/10))
	}
	failed := ""
	if p.Failed > 0 {
		failed = fmt.Sprintf(", %d refused", p.Failed)
	}
	fmt.Fprintf(l.out, "%s%s: %v%s, %d done, %.0f per second%s",
		eraseLine, p.Phase, p.Elapsed.Round(time.Second/10), of, p.Ops, p.OpsPerSec, failed)
}

func (l *progressLine) clear() {
	if l.shown {
		fmt.Fprint(l.out, eraseLine)
	}
}
