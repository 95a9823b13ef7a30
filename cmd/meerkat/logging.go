package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// logFlags choose what is logged and how.
func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "log from this `LEVEL` on: trace, debug, info, warn or error"},
		&cli.StringFlag{Name: "log-format", Value: "auto", Usage: "log as console, json, or auto: console on a terminal, json elsewhere"},
	}
}

// newLogger logs to w as the flags say.
func newLogger(w io.Writer, level, format string) (zerolog.Logger, error) {
	allowed := map[string]zerolog.Level{
		"trace": zerolog.TraceLevel, "debug": zerolog.DebugLevel, "info": zerolog.InfoLevel,
		"warn": zerolog.WarnLevel, "error": zerolog.ErrorLevel,
	}
	lowest, ok := allowed[level]
	if !ok {
		return zerolog.Nop(), fmt.Errorf("%w: --log-level=%s: must be trace, debug, info, warn or error", errUsage, level)
	}
	switch format {
	case "auto":
		if isTerminal(w) {
			w = console(w)
		}
	case "console":
		w = console(w)
	case "json":
	default:
		return zerolog.Nop(), fmt.Errorf("%w: --log-format=%s: must be auto, console or json", errUsage, format)
	}
	zerolog.TimeFieldFormat = timeFormat
	return zerolog.New(w).Level(lowest).With().Timestamp().Logger(), nil
}

func console(w io.Writer) io.Writer {
	return zerolog.ConsoleWriter{Out: w, TimeFormat: time.DateTime, NoColor: !isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && term.IsTerminal(int(f.Fd())) // /dev/null is a device, too
}

// timeFormat shows milliseconds: what happens between servers is quick.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"
