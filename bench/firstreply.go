package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	tryAgainAfter = time.Millisecond       // a try that has failed
	tryBesideFor  = 20 * time.Millisecond  // before another try joins one without an answer
	tryPatience   = 400 * time.Millisecond // of one try, at first
)

// FirstReply waits until addr has answered a read of path from a new session,
// and returns when that was; a refused read is no answer. It tries again and
// again until then or until the context ends, and does not wait for a try
// that hangs: a server that is starting may swallow a request for good.
func FirstReply(ctx context.Context, addr, path string) (time.Time, error) {
	return first(ctx, addr, read(path))
}

// FirstWrite waits until one of the servers has acknowledged a write of 100
// bytes to path, a znode that exists, from a new session, and returns which
// did and when. It tries like [FirstReply], all servers at the same time.
func FirstWrite(ctx context.Context, servers []string, path string) (by string, at time.Time, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		by  string
		at  time.Time
		err error
	}
	results := make(chan result)
	for _, addr := range servers {
		go func() {
			at, err := first(ctx, addr, write(path))
			results <- result{addr, at, err}
		}()
	}
	var errs []error
	for range servers { // all: each owns a goroutine
		r := <-results
		switch {
		case r.err != nil:
			errs = append(errs, r.err)
		case by == "" || r.at.Before(at):
			by, at = r.by, r.at
			cancel()
		}
	}
	if by == "" {
		return "", time.Time{}, errors.Join(errs...)
	}
	return by, at, nil
}

// An ask is one request, which says whether a server serves.
type ask func(*probe) error

func read(path string) ask {
	return func(p *probe) error {
		_, err := p.call(proto.OpGetData, getData(path, false))
		return err
	}
}

func write(path string) ask {
	request := setData(path, make([]byte, 100))
	return func(p *probe) error {
		_, err := p.call(proto.OpSetData, request)
		return err
	}
}

func first(ctx context.Context, addr string, request ask) (time.Time, error) {
	begun := time.Now()
	var tries sync.WaitGroup
	defer tries.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan time.Time, 1)
	for {
		failed := make(chan error, 1)
		patience := tryPatience + time.Since(begun)/4
		tries.Add(1)
		go func() {
			defer tries.Done()
			failed <- try(ctx, addr, request, patience, answered)
		}()
		var err error
		select {
		case err = <-failed:
		case <-time.After(tryBesideFor):
		case at := <-answered:
			return at, nil
		}
		select {
		case at := <-answered:
			return at, nil
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("bench: no answer from %s: %w (the last try: %v)", addr, context.Cause(ctx), err)
		case <-time.After(tryAgainAfter):
		}
	}
}

// try asks once, and reports the time of the answer unless another try was
// first.
func try(ctx context.Context, addr string, request ask, patience time.Duration, answered chan<- time.Time) error {
	p, err := dialProbe(ctx, addr, patience)
	if err != nil {
		return err
	}
	abandon := context.AfterFunc(ctx, func() { _ = p.conn.Close() })
	err = request(p)
	at := time.Now()
	if !abandon() {
		return context.Cause(ctx)
	}
	if err == nil {
		select {
		case answered <- at:
		default:
		}
	}
	_ = p.close() // what matters was answered
	return err
}
