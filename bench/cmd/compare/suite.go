package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/bench"
)

// A suite measures one contender after the other. It belongs to one
// goroutine.
type suite struct {
	scale   scale
	only    map[string]bool // rows; empty: all
	scratch string          // for the servers' directories
	log     io.Writer
	figures figures
	failed  []string // rows that could not be measured, and why
}

func (s *suite) wants(r row, st stage) bool {
	return r.stage == st && (len(s.only) == 0 || s.only[r.key])
}

func (s *suite) wantsAny(st stage) bool {
	for _, r := range allRows() {
		if s.wants(r, st) {
			return true
		}
	}
	return false
}

// round measures everything of one contender once.
func (s *suite) round(ctx context.Context, c contender) error {
	if s.wantsAny(emptyStage) {
		if err := s.note(ctx, s.onServer(ctx, c, s.empty)); err != nil {
			return err
		}
	}
	if s.wantsAny(loadStage) {
		if err := s.note(ctx, s.onServer(ctx, c, s.loaded)); err != nil {
			return err
		}
	}
	if s.wantsAny(filledStage) && !c.echo {
		return s.note(ctx, s.filled(ctx, c))
	}
	if s.wantsAny(ensembleStage) && !c.echo {
		return s.note(ctx, s.ensembleRound(ctx, c))
	}
	return nil
}

// note remembers what could not be measured and lets the rest go on; only the
// end of the context ends the suite.
func (s *suite) note(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	s.failed = append(s.failed, err.Error())
	fmt.Fprintln(s.log, "  failed:", err)
	return nil
}

// onServer starts c on an empty directory, and stops it and removes the
// directory when do has returned.
func (s *suite) onServer(ctx context.Context, c contender, do func(context.Context, contender, *server, time.Duration) error) (err error) {
	dir, err := s.directory(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	srv, took, err := start(ctx, c, dir, "/")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.stop()) }()
	return do(ctx, c, srv, took)
}

func (s *suite) directory(c contender) (string, error) {
	return os.MkdirTemp(s.scratch, strings.ToLower(c.name)+"-")
}

// empty measures the start, the memory before any load, and the sessions:
// their memory while the server has no garbage to hide it, then their speed
// when opening them is no longer new to it.
func (s *suite) empty(ctx context.Context, c contender, srv *server, took time.Duration) error {
	if r := rowOf("empty"); s.wants(r, emptyStage) && !c.echo {
		if err := s.memory(ctx, c, r, srv, took); err != nil {
			return err
		}
	}
	if r := rowOf("sessions"); s.wants(r, emptyStage) {
		return s.sessions(ctx, c, r, srv)
	}
	return nil
}

func (s *suite) memory(ctx context.Context, c contender, r row, srv *server, took time.Duration) error {
	if err := pause(ctx, s.scale.settle); err != nil {
		return err
	}
	u, err := bench.ReadUsage(srv.pid())
	if err != nil {
		return err
	}
	s.record(c, r, map[measure]float64{startMs: millis(took), rssMB: megabytes(u.RSSBytes)})
	return nil
}

func (s *suite) sessions(ctx context.Context, c contender, r row, srv *server) error {
	cold, err := s.run(ctx, c, r, srv.target(), r.load())
	if err != nil {
		return err
	}
	warm, err := s.run(ctx, c, r, srv.target(), r.load())
	if err != nil {
		return err
	}
	v := throughput(warm)
	v[itemBytes] = cold.Server.BytesPerItem
	s.record(c, r, v)
	return nil
}

// loaded measures the rows of the load stage on a server that has run all
// kinds of requests before.
func (s *suite) loaded(ctx context.Context, c contender, srv *server, _ time.Duration) error {
	if err := s.warm(ctx, c, srv.target()); err != nil {
		return err
	}
	for _, r := range rows {
		if !s.wants(r, loadStage) || c.echo && !r.echo {
			continue
		}
		report, err := s.run(ctx, c, r, srv.target(), r.load())
		if err != nil {
			if err := s.note(ctx, err); err != nil {
				return err
			}
			continue
		}
		v := throughput(report)
		if len(report.NotifiedMillis) > 0 {
			v[allMillis] = median(report.NotifiedMillis)
		}
		s.record(c, r, v)
	}
	return nil
}

// warm runs all kinds of requests that nobody measures.
func (s *suite) warm(ctx context.Context, c contender, t target) error {
	warm := load(bench.Mixed, 16, 16)()
	warm.ReadRatio, warm.WarmUp, warm.Duration = 0.5, 0, s.scale.measure
	_, err := s.run(ctx, c, row{title: "warm-up"}, t, warm)
	return err
}

// filled fills a server with znodes, starts it again on them, and loads it
// while it writes snapshots.
func (s *suite) filled(ctx context.Context, c contender) (err error) {
	dir, err := s.directory(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := rowOf("filled")
	filling, _, err := start(ctx, c, dir, "/")
	if err != nil {
		return err
	}
	v, err := s.fill(ctx, c, r, filling)
	if err = errors.Join(err, filling.stop()); err != nil {
		return err
	}
	srv, took, err := start(ctx, c, dir, bench.LastKey(s.fillConfig(filling)), fmt.Sprintf("snapCount=%d", pauseSnapCount))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.stop()) }()
	v[startMs] = millis(took)
	if s.wants(r, filledStage) {
		s.record(c, r, v)
	}
	if r := rowOf("pause"); s.wants(r, filledStage) {
		return s.paused(ctx, c, r, srv)
	}
	return nil
}

func (s *suite) fillConfig(srv *server) bench.Config {
	c := load(bench.Fill, 16, 16)()
	c.Servers, c.Keys = []string{srv.addr}, s.scale.keys
	return c
}

// fill measures what a znode takes in memory, a while after the last one.
func (s *suite) fill(ctx context.Context, c contender, r row, srv *server) (map[measure]float64, error) {
	report, err := s.run(ctx, c, r, srv.target(), s.fillConfig(srv))
	if err == nil {
		err = pause(ctx, s.scale.settle)
	}
	if err != nil {
		return nil, err
	}
	u, err := bench.ReadUsage(srv.pid())
	if err != nil {
		return nil, err
	}
	v := throughput(report)
	v[itemBytes] = float64(u.RSSBytes-report.Server.RSSBeforeBytes) / float64(s.scale.keys)
	v[rssMB] = megabytes(u.RSSBytes)
	return v, nil
}

// paused loads the filled server on a schedule while it writes snapshots.
func (s *suite) paused(ctx context.Context, c contender, r row, srv *server) error {
	cfg := load(bench.Mixed, 16, 256)()
	cfg.Keys, cfg.ReadRatio, cfg.RatePerSec = s.scale.keys, pauseReadRatio, pauseRatePerSec
	before, err := snapshotsOf(srv.dir)
	if err != nil {
		return err
	}
	report, err := s.run(ctx, c, r, srv.target(), cfg)
	if err != nil {
		return err
	}
	after, err := snapshotsOf(srv.dir)
	if err != nil {
		return err
	}
	if after == before {
		return fmt.Errorf("%s, %s: no snapshot was written", c.name, r.key)
	}
	s.record(c, r, map[measure]float64{
		pauseMs:   report.Latency.Max / 1e3,
		readMs:    report.ByClass["read"].Max / 1e3,
		writeMs:   report.ByClass["write"].Max / 1e3,
		lateMs:    report.SentLate.Max / 1e3,
		p99Micros: report.Latency.P99,
		cpuPer100: report.Server.CPUPer100k,
		snapshots: float64(after - before),
	})
	return nil
}

func snapshotsOf(dir string) (int, error) {
	names, err := filepath.Glob(filepath.Join(dir, "data", "version-2", "snapshot.*"))
	return len(names), err
}

// run makes one run of the load generator against t.
func (s *suite) run(ctx context.Context, c contender, r row, t target, cfg bench.Config) (*bench.Report, error) {
	cfg.Servers, cfg.PIDs = t.servers, t.pids
	if r.key != "" {
		cfg.WarmUp, cfg.Duration = s.scale.warmUp, s.scale.measure
	}
	cfg.Hold = s.scale.settle
	switch {
	case r.key == "pause":
		cfg.WarmUp, cfg.Duration = pauseWarmUp, s.scale.pause
	case r.key == "ens-slow":
		cfg.Duration = 4*s.scale.slow + slowTail
	case c.echo:
		cfg.Duration = s.scale.echo
	}
	report, err := bench.Run(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", c.name, r.title, err)
	}
	if n := report.FailedOps(); n > 0 {
		return nil, fmt.Errorf("%s, %s: %d requests refused: %v", c.name, r.title, n, report.Errors)
	}
	return report, nil
}

func throughput(r *bench.Report) map[measure]float64 {
	return map[measure]float64{
		opsPerSec: r.OpsPerSec,
		cpuPer100: r.Server.CPUPer100k,
		p99Micros: r.Latency.P99,
		clientCPU: r.ClientCPUPer100k,
	}
}

// record keeps the figures of one row of one round, and prints them.
func (s *suite) record(c contender, r row, v map[measure]float64) {
	line := fmt.Sprintf("  %-10s %-10s", c.name, r.key)
	for _, m := range measures {
		if value, ok := v[m]; ok {
			s.figures.add(c.name, r.key, m, value)
			line += fmt.Sprintf("  %s %s", digits(value), m)
		}
	}
	fmt.Fprintln(s.log, line)
}

func rowOf(key string) row {
	for _, r := range rows {
		if r.key == key {
			return r
		}
	}
	panic("no row " + key) // the keys in this package are constants
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }
