package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Pulse is what a writer saw that writes steadily, one request at a time,
// and finds another server when it loses its own.
type Pulse struct {
	Writes  int64         // acknowledged
	Longest time.Duration // between two of them, or from the last to the end
	Lost    int           // connections that broke or fell silent
}

// pulsePatience is how long a connection may be silent before the writer
// leaves it.
const pulsePatience = 2 * time.Second

// Beat writes path, a znode that exists, once per period until stop is
// closed, at first through servers[0]. When that connection breaks it goes on
// with whichever server acknowledges a write first. It returns when stop is
// closed, or with an error when ctx ends or the first connection fails.
func Beat(ctx context.Context, servers []string, path string, period time.Duration, stop <-chan struct{}) (p Pulse, err error) {
	pr, err := dialProbe(ctx, servers[0], pulsePatience)
	if err != nil {
		return p, err
	}
	defer func() { _ = pr.close() }() // what matters was acknowledged
	request := write(path)
	last := time.Now()
	acknowledged := func(at time.Time) {
		p.Longest = max(p.Longest, at.Sub(last))
		p.Writes++
		last = at
	}
	beat := time.NewTicker(period)
	defer beat.Stop()
	for {
		select {
		case <-stop:
			p.Longest = max(p.Longest, time.Since(last))
			return p, nil
		case <-ctx.Done():
			return p, fmt.Errorf("bench: %w", context.Cause(ctx))
		case <-beat.C:
		}
		if request(pr) == nil {
			acknowledged(time.Now())
			continue
		}
		p.Lost++
		_ = pr.conn.Close() // its session expires
		for {
			by, at, err := FirstWrite(ctx, servers, path)
			if err != nil {
				return p, err
			}
			acknowledged(at)
			next, err := dialProbe(ctx, by, pulsePatience)
			if err == nil {
				pr = next
				break
			}
			if ctx.Err() != nil {
				return p, errors.Join(err, context.Cause(ctx))
			}
		}
	}
}
