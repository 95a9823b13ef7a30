package peer

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

var errTaken = errors.New("address already in use")

// ports can be bound once they are free.
type ports struct {
	*memNet
	freeAt map[string]time.Time
	tries  map[string]int
}

func (p *ports) bind(_ context.Context, address string) (net.Listener, error) {
	p.tries[address]++
	if time.Now().Before(p.freeAt[address]) {
		return nil, errTaken
	}
	return p.listen(address), nil
}

func TestListen(t *testing.T) {
	for name, c := range map[string]struct {
		tries      int
		free, stop time.Duration // when the port becomes free, when ctx ends
		took       time.Duration
		want       error
	}{
		"at once":      {tries: 3, stop: time.Hour},
		"third try":    {tries: 3, free: 2 * time.Second, stop: time.Hour, took: 2 * time.Second},
		"too late":     {tries: 3, free: 2*time.Second + 1, stop: time.Hour, took: 2 * time.Second, want: errTaken},
		"for ever":     {free: time.Minute, stop: time.Hour, took: time.Minute},
		"stopped":      {free: time.Hour, stop: 90 * time.Second, took: 90 * time.Second, want: context.DeadlineExceeded},
		"only one try": {tries: 1, free: 1, stop: time.Hour, want: errTaken},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), c.stop)
				defer cancel()
				p := &ports{memNet: newMemNet(), freeAt: map[string]time.Time{"b:1": start.Add(c.free)}, tries: map[string]int{}}
				got, err := Listen(ctx, p.bind, []string{"a:1", "b:1"}, c.tries)
				if took := time.Since(start); !errors.Is(err, c.want) || (err != nil) != errors.Is(err, ErrListen) || took != c.took {
					t.Errorf("ended after %v with %v", took, err)
				}
				if p.tries["a:1"] != 1 {
					t.Errorf("%d tries for a port that was free", p.tries["a:1"])
				}
				if err == nil && (len(got) != 2 || len(p.listeners) != 2) || err != nil && len(p.listeners) != 0 {
					t.Errorf("%d listeners, %d of them open", len(got), len(p.listeners))
				}
			})
		})
	}
}
