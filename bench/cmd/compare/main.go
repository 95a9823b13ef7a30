package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	quick    bool
	ensemble bool
	only     string
	rounds   int
	keys     int64
	version  string
	heap     string
	without  string
	meerkat  string
	cache    string
	note     string
}

// full tells whether nothing is left out: only then do the figures belong
// into the note.
func (o options) full() bool {
	return !o.quick && o.only == "" && o.without == "" && o.keys == 0 && (o.rounds == 0 || o.rounds >= fullScale.rounds)
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "one short round with fewer znodes: an impression, in five minutes")
	flag.BoolVar(&o.ensemble, "ensemble", false, "measure the ensembles of three servers alone")
	flag.StringVar(&o.only, "only", "", "measure these `rows` alone, with commas between: "+strings.Join(keysOf(allRows()), ","))
	flag.IntVar(&o.rounds, "rounds", 0, "so many `rounds`, of which the medians are shown (default 3, with -quick 1)")
	flag.Int64Var(&o.keys, "keys", 0, "so many `znodes` in the rows filled and pause (default 1000000, with -quick 100000)")
	flag.StringVar(&o.version, "apache", "3.9.5", "the `version` of Apache ZooKeeper")
	flag.StringVar(&o.heap, "heap", "1000m", "Apache's heap, as its own script sets it")
	flag.StringVar(&o.without, "without", "", "leave out these `contenders`, with commas between: apache, meerkat, echo")
	flag.StringVar(&o.meerkat, "meerkat", "bin/meerkat", "the `binary`")
	flag.StringVar(&o.cache, "cache", ".cache/bench", "`directory` for Apache's jars, the servers' data and the raw figures; its disk is what is measured")
	flag.StringVar(&o.note, "note", "", "after a full run, write the tables into this `file`, between its marks")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := compare(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, o options) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	only, err := rowSet(o.only)
	if err != nil {
		return err
	}
	cache, err := filepath.Abs(o.cache)
	if err != nil {
		return err
	}
	scratch := filepath.Join(cache, "run")
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o755)); err != nil {
		return err
	}
	contenders, err := contendersOf(ctx, o, cache)
	if err != nil {
		return err
	}
	c, err := describe(scratch, contenders, scaleOf(o))
	if err != nil {
		return err
	}
	var failed []error // what could not be measured of one group does not keep from the next
	for _, g := range groupsOf(o, only) {
		s := &suite{scale: c.scale, only: g.keys(), scratch: scratch, log: os.Stderr, figures: figures{}}
		if err := s.rounds(ctx, g.of(contenders)); err != nil {
			return errors.Join(append(failed, err)...)
		}
		failed = append(failed, s.publish(g, c, o, cache))
	}
	return errors.Join(failed...)
}

// publish prints what was measured, and writes it into the note if nothing
// was left out.
func (s *suite) publish(g group, c conditions, o options, cache string) error {
	if err := s.report(g, c, cache); err != nil || o.note == "" {
		return err
	}
	if !o.full() {
		fmt.Fprintf(os.Stderr, "%s keeps the figures of the last full run\n", o.note)
		return nil
	}
	return rewriteNote(o.note, g, section(g, c, s.figures))
}

// rounds interleaves the contenders, and alternates who begins.
func (s *suite) rounds(ctx context.Context, contenders []contender) error {
	begun := time.Now()
	for n := range s.scale.rounds {
		order := append([]contender(nil), contenders...)
		if n%2 == 1 && len(order) > 1 {
			order[0], order[1] = order[1], order[0]
		}
		for _, c := range order {
			if c.echo && n > 0 {
				continue // the ceiling does not change
			}
			fmt.Fprintf(s.log, "round %d of %d, %s, after %v\n", n+1, s.scale.rounds, c.name, time.Since(begun).Round(time.Second))
			if err := s.round(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// report prints the tables and keeps the raw figures; it fails when something
// could not be measured.
func (s *suite) report(g group, c conditions, cache string) error {
	raw, err := json.MarshalIndent(s.figures, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(cache, g.raw), raw, 0o644); err != nil {
		return err
	}
	fmt.Println(section(g, c, s.figures))
	if len(s.failed) > 0 {
		return fmt.Errorf("not everything could be measured:\n  %s", strings.Join(s.failed, "\n  "))
	}
	return nil
}

func contendersOf(ctx context.Context, o options, cache string) (list []contender, err error) {
	without := map[string]bool{}
	for _, name := range split(o.without) {
		without[name] = true
	}
	if !without["apache"] {
		a, err := apache(ctx, cache, o.version, o.heap, os.Stderr)
		if err != nil {
			return nil, fmt.Errorf("%w\n(-without apache measures the others alone)", err)
		}
		list = append(list, a)
	}
	binary, err := filepath.Abs(o.meerkat)
	if err != nil {
		return nil, err
	}
	if !without["meerkat"] {
		out, err := exec.CommandContext(ctx, binary, "version").Output()
		if err != nil {
			return nil, fmt.Errorf("%s version: %w (make build makes it)", o.meerkat, err)
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		list = append(list, contender{name: "Meerkat", version: "Meerkat: " + line,
			command: func(configFile, _ string) []string { return []string{binary, "server", configFile} }})
	}
	if !without["echo"] {
		list = append(list, contender{name: "Echo", echo: true, command: func(configFile, addr string) []string {
			return []string{binary, "bench", "echo", "--listen", addr, "--log", filepath.Join(filepath.Dir(configFile), "echo.log")}
		}})
	}
	return list, nil
}

func scaleOf(o options) scale {
	s := fullScale
	if o.quick {
		s = quickScale
	}
	if o.rounds > 0 {
		s.rounds = o.rounds
	}
	if o.keys > 0 {
		s.keys = o.keys
	}
	return s
}

func rowSet(list string) (map[string]bool, error) {
	set := map[string]bool{}
	for _, key := range split(list) {
		set[key] = true
	}
	for _, key := range keysOf(allRows()) {
		delete(set, key)
	}
	for key := range set {
		return nil, fmt.Errorf("no row %q; there are %s", key, strings.Join(keysOf(allRows()), ", "))
	}
	for _, key := range split(list) {
		set[key] = true
	}
	return set, nil
}

func keysOf(rows []row) (keys []string) {
	for _, r := range rows {
		keys = append(keys, r.key)
	}
	return keys
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
