package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/meerkat-zk/meerkat/conf"
)

// logFlags choose what is logged, how, and where to. Those that are not given
// leave it to the configuration.
func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-level", Usage: "log from this `LEVEL` on: trace, debug, info, warn or error (default: meerkat.logLevel, info)"},
		&cli.StringFlag{Name: "log-format", Usage: "log as console, json, or auto: console on a terminal, json elsewhere (default: meerkat.logFormat, auto)"},
		&cli.PathFlag{Name: "log-file", Usage: "append the log to `FILE` (default: meerkat.logFile, standard error)"},
	}
}

// logOf is what the flags say, and the configuration where they say nothing.
func logOf(c *cli.Context, configured conf.Log) conf.Log {
	return conf.Log{
		Level:  cmp.Or(c.String("log-level"), configured.Level, "info"),
		Format: cmp.Or(c.String("log-format"), configured.Format, "auto"),
		File:   cmp.Or(c.Path("log-file"), configured.File),
	}
}

// openLog makes a logger, to a file or else to w. close ends it.
func openLog(w io.Writer, to conf.Log) (log zerolog.Logger, closeLog func(), err error) {
	if to.File == "" {
		log, err = newLogger(w, to.Level, to.Format)
		return log, func() {}, err
	}
	// Paths and addresses of clients are in it.
	f, err := os.OpenFile(to.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return zerolog.Nop(), nil, fmt.Errorf("log file: %w", err)
	}
	log, err = newLogger(f, to.Level, to.Format)
	return log, func() { _ = f.Close() }, err // each line was written when it was logged
}

// newLogger logs to w.
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
