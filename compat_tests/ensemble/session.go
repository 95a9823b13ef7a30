package ensemble

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	sessionTimeout = 40 * time.Second
	// replyLimit is how long a client waits for a server before it tries
	// another one: long enough for a server on a busy machine.
	replyLimit = 4 * time.Second
	pauseLimit = 50 * time.Millisecond
)

// session is a client's session that moves on to the next server whenever a
// connection ends. It is for one goroutine.
type session struct {
	addrs []string
	next  int // index of the address to try next
	c     *wire.Client
	moves int // connections made after the first
}

// open begins a session at whichever server answers.
func open(ctx context.Context, addrs []string, first int) (*session, error) {
	s := &session{addrs: addrs, next: first}
	for {
		addr := s.rotate()
		c, err := wire.Open(addr, sessionTimeout)
		if err == nil {
			c.Limit = replyLimit
			s.c = c
			return s, nil
		}
		if err := sleep(ctx, pauseLimit); err != nil {
			return nil, fmt.Errorf("no session at %v: %w", addrs, err)
		}
	}
}

func (s *session) rotate() string {
	addr := s.addrs[s.next%len(s.addrs)]
	s.next++
	return addr
}

// move goes on at another server, at the first that takes the session. An
// error is the end of the session.
func (s *session) move(ctx context.Context) error {
	s.c.Close()
	for {
		addr := s.rotate()
		c, err := s.c.Move(addr, replyLimit)
		if err == nil {
			s.c = c
			s.moves++
			return nil
		}
		if errors.Is(err, wire.ErrSessionGone) {
			return fmt.Errorf("session %#x at %s: %w", s.c.SessionID, addr, err)
		}
		if err := sleep(ctx, pauseLimit); err != nil {
			return fmt.Errorf("session %#x finds no server: %w", s.c.SessionID, err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// refused tells whether the server has answered a request with an error, and
// which: then the request has done nothing. Other errors leave open whether it
// has.
func refused(err error) (proto.ErrCode, bool) {
	var code proto.ErrCode
	ok := errors.As(err, &code)
	return code, ok && code != proto.ErrConnectionLoss && code != proto.ErrSessionMoved
}
