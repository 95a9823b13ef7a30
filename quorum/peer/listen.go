package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// bindPause is the wait between two tries to listen, as Apache's.
const bindPause = time.Second

// ErrListen means that a port for other servers cannot be had.
var ErrListen = errors.New("port for other servers")

// Bind opens a "host:port".
type Bind func(ctx context.Context, address string) (net.Listener, error)

// Listen listens on all of the addresses, "host:port", whose ports another
// process may still hold: it tries each up to tries times, a second apart, or
// with 0 until ctx ends (zookeeper.electionPortBindRetry). It returns either
// all listeners or an ErrListen with the errors of those that failed.
func Listen(ctx context.Context, bind Bind, addresses []string, tries int) ([]net.Listener, error) {
	listeners := make([]net.Listener, len(addresses))
	for try := 1; ; try++ {
		var failed []error
		for i, address := range addresses {
			if listeners[i] != nil {
				continue
			}
			l, err := bind(ctx, address)
			if err != nil {
				failed = append(failed, err)
				continue
			}
			listeners[i] = l
		}
		if len(failed) == 0 {
			return listeners, nil
		}
		if tries > 0 && try >= tries || !wait(ctx, bindPause) {
			for _, l := range listeners {
				if l != nil {
					_ = l.Close() // nobody has used it
				}
			}
			return nil, fmt.Errorf("%w: %w", ErrListen, errors.Join(append(failed, ctx.Err())...))
		}
	}
}

// wait returns whether the time has passed; when ctx ends before, it has not.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
