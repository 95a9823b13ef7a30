package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/meerkat-zk/meerkat/bench"
)

const (
	// ensemblePatience bounds one round of one contender.
	ensemblePatience = 5 * time.Minute
	// beatPeriod is the distance of the writes while a leader hands over, and
	// beatBefore and beatAfter how long they go on around that.
	beatPeriod = 5 * time.Millisecond
	beatBefore = 300 * time.Millisecond
	beatAfter  = 500 * time.Millisecond
	// slowTail lets the last step of the slow row end before the load does.
	slowTail = 500 * time.Millisecond
)

// ensembleRound measures the rows of three servers of one contender once. A
// row that fails does not keep the next ones from a whole ensemble.
func (s *suite) ensembleRound(ctx context.Context, c contender) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, ensemblePatience, fmt.Errorf("a round took longer than %v", ensemblePatience))
	defer cancel()
	dir, err := s.directory(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e, err := newEnsemble(c, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	leader, err := e.heal(ctx)
	if err != nil {
		return err
	}
	if err := s.warm(ctx, c, e.all(leader)); err != nil {
		return err
	}
	for _, r := range ensembleRows {
		if !s.wants(r, ensembleStage) {
			continue
		}
		if leader, err = e.heal(ctx); err != nil {
			return err
		}
		if err := s.note(ctx, s.ensembleRow(ctx, r, e, leader)); err != nil {
			return err
		}
	}
	return nil
}

func (s *suite) ensembleRow(ctx context.Context, r row, e *ensemble, leader *member) error {
	switch r.key {
	case "ens-expiry":
		return s.expiry(ctx, r, e, leader)
	case "ens-failover":
		return s.failovers(ctx, r, e, leader)
	case "ens-handover":
		return s.handovers(ctx, r, e, leader)
	case "ens-slow":
		return s.slow(ctx, r, e, leader)
	case "ens-rejoin":
		return s.rejoin(ctx, r, e, leader)
	}
	report, err := s.run(ctx, e.c, r, e.all(leader), r.load())
	if err != nil {
		return err
	}
	s.record(e.c, r, throughput(report))
	return nil
}

func (s *suite) expiry(ctx context.Context, r row, e *ensemble, leader *member) error {
	cfg := r.load()
	cfg.Connections = s.scale.sessions
	report, err := s.run(ctx, e.c, r, e.all(leader), cfg)
	if err != nil {
		return err
	}
	s.record(e.c, r, map[measure]float64{goneMs: report.GoneMillis})
	return nil
}

// failovers kills the leader several times, and lets the two that are left
// be asked for a write.
func (s *suite) failovers(ctx context.Context, r row, e *ensemble, leader *member) error {
	path, err := s.beatPath(ctx, e, leader)
	for n := 0; err == nil && n < s.scale.kills; n++ {
		if leader, err = e.heal(ctx); err != nil {
			return err
		}
		if err := pause(ctx, beatAfter); err != nil {
			return err
		}
		survivors := targetOf(e.others(leader)).servers
		begun := time.Now()
		if err := leader.cmd.Process.Kill(); err != nil {
			return fmt.Errorf("%s, %s: %w", e.c.name, r.key, err)
		}
		_, at, failed := bench.FirstWrite(ctx, survivors, path)
		if err := errors.Join(failed, leader.kill()); err != nil {
			return fmt.Errorf("%s, %s: %w", e.c.name, r.key, err)
		}
		s.record(e.c, r, map[measure]float64{failoverMs: millis(at.Sub(begun))})
	}
	return err
}

// beatPath makes the znode that is written while leaders go.
func (s *suite) beatPath(ctx context.Context, e *ensemble, leader *member) (string, error) {
	cfg := load(bench.Write, 1, 1)()
	cfg.Servers, cfg.Root, cfg.Keys, cfg.Count, cfg.WarmUp = []string{leader.addr}, "/beat", 1, 1, 0
	_, err := bench.Run(ctx, cfg)
	return bench.LastKey(cfg), err
}

// handovers stops the leader several times, while through each of the two
// that stay a writer writes steadily.
func (s *suite) handovers(ctx context.Context, r row, e *ensemble, leader *member) error {
	path, err := s.beatPath(ctx, e, leader)
	for n := 0; err == nil && n < s.scale.kills; n++ {
		if leader, err = e.heal(ctx); err != nil {
			return err
		}
		if err := pause(ctx, beatAfter); err != nil {
			return err
		}
		longest, err := handover(ctx, e, leader, path)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", e.c.name, r.key, err)
		}
		s.record(e.c, r, map[measure]float64{pauseMs: millis(longest)})
	}
	return err
}

// handover stops the leader and returns the longest pause of the writers.
func handover(ctx context.Context, e *ensemble, leader *member, path string) (longest time.Duration, err error) {
	type result struct {
		p   bench.Pulse
		err error
	}
	stay := targetOf(e.others(leader)).servers
	stop, results := make(chan struct{}), make(chan result)
	for i := range stay {
		own := append(append([]string(nil), stay[i:]...), stay[:i]...)
		go func() {
			p, err := bench.Beat(ctx, own, path, beatPeriod, stop)
			results <- result{p, err}
		}()
	}
	err = pause(ctx, beatBefore)
	if err == nil {
		err = leader.end()
	}
	if err == nil {
		_, err = e.led(ctx)
	}
	if err == nil {
		err = pause(ctx, beatAfter)
	}
	close(stop)
	for range stay {
		r := <-results
		longest = max(longest, r.p.Longest)
		err = errors.Join(err, r.err)
	}
	return longest, err
}

// slow loads the leader and one follower, and meanwhile freezes, thaws and
// kills the other follower.
func (s *suite) slow(ctx context.Context, r row, e *ensemble, leader *member) error {
	victim := e.others(leader)[0]
	var acts error
	signal := func(sig syscall.Signal) func() error {
		return func() error { return victim.cmd.Process.Signal(sig) }
	}
	steps := []struct {
		rate measure      // until the step
		act  func() error // then
	}{
		{beforeRate, signal(syscall.SIGSTOP)},
		{frozenRate, signal(syscall.SIGCONT)},
		{thawedRate, victim.kill},
		{downRate, func() error { return nil }},
	}
	cfg := load(bench.Write, 16, 16)()
	v := map[measure]float64{}
	step := -1 // warming up
	var since bench.Progress
	cfg.Progress = func(p bench.Progress) {
		if p.Phase != string(bench.Write) || step == len(steps) ||
			p.Elapsed < s.scale.warmUp+time.Duration(step+1)*s.scale.slow {
			return
		}
		if step >= 0 {
			v[steps[step].rate] = float64(p.Ops-since.Ops) / (p.Elapsed - since.Elapsed).Seconds()
			acts = errors.Join(acts, steps[step].act())
		}
		step, since = step+1, p
	}
	report, err := s.run(ctx, e.c, r, targetOf(e.others(victim)), cfg)
	if victim.server != nil {
		_ = victim.cmd.Process.Signal(syscall.SIGCONT) // whatever has failed
	}
	switch {
	case err != nil || acts != nil:
		return errors.Join(err, acts)
	case v[beforeRate] == 0 || step < len(steps):
		return fmt.Errorf("%s, %s: ended in step %d", e.c.name, r.key, step)
	}
	v[slowdown] = max(0, 100*(1-min(v[frozenRate], v[downRate])/v[beforeRate]))
	v[writeMs] = report.Latency.Max / 1e3
	s.record(e.c, r, v)
	return nil
}

// rejoin lets a follower be away while znodes are created, and measures from
// its start until it shows the last of them to a new session.
func (s *suite) rejoin(ctx context.Context, r row, e *ensemble, leader *member) error {
	away := e.others(leader)[0]
	if err := away.end(); err != nil {
		return err
	}
	cfg := load(bench.Fill, 16, 16)()
	cfg.Root, cfg.Keys = "/rejoin", s.scale.rejoin
	if _, err := s.run(ctx, e.c, r, targetOf(e.others(away)), cfg); err != nil {
		return err
	}
	cfg.Servers = []string{away.addr}
	begun := time.Now()
	srv, err := launch(e.c, away.dir, away.config, away.addr)
	if err != nil {
		return err
	}
	away.server = srv
	at, err := srv.answers(ctx, bench.LastKey(cfg))
	if err != nil {
		return fmt.Errorf("%s, %s: %w", e.c.name, r.key, err)
	}
	s.record(e.c, r, map[measure]float64{rejoinMs: millis(at.Sub(begun))})
	return nil
}
