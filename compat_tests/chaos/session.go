package chaos

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	sessionTimeout = 5 * time.Second
	replyLimit     = 1500 * time.Millisecond // then a client tries another server
	retryPause     = 20 * time.Millisecond   // after a server that did not take the session
)

// session is a client's session, or one after the other. It moves on to the
// next server whenever a connection ends. It is for one goroutine.
type session struct {
	h       *history
	addrs   []string
	next    int // index of the address to try next
	timeout time.Duration
	early   time.Duration // how much less than its timeout a session may live unheard
	pause   time.Duration // retryPause, unless it is changed
	c       *wire.Client
	heard   time.Time // when the last request was sent that was answered
	moves   int
	lost    int // sessions that expired
}

func newSession(h *history, addrs []string, first int, timeout, early time.Duration) *session {
	return &session{h: h, addrs: addrs, next: first, timeout: timeout, early: early, pause: retryPause}
}

// nobody is who asks for a new session.
func (s *session) nobody() *wire.Client {
	return &wire.Client{Passwd: make([]byte, proto.PasswdBytes), TimeoutMs: int32(s.timeout.Milliseconds())}
}

// open gets a new session. It returns an error when ctx ends.
func (s *session) open(ctx context.Context) error {
	s.c = nil
	return s.connect(ctx, s.nobody())
}

// move goes on at another server; renewed tells that it is with a new session,
// because the old one is gone.
func (s *session) move(ctx context.Context) (renewed bool, err error) {
	s.c.Close()
	s.moves++
	err = s.connect(ctx, s.c)
	if !errors.Is(err, wire.ErrSessionGone) {
		return false, err
	}
	s.lost++
	if lived := time.Since(s.heard); lived < time.Duration(s.c.TimeoutMs)*time.Millisecond-s.early {
		s.h.violation("session %#x is gone %v after it was heard, its timeout is %d ms", s.c.SessionID, lived, s.c.TimeoutMs)
	}
	return true, s.open(ctx)
}

// connect tries all servers until one takes the session of who.
func (s *session) connect(ctx context.Context, who *wire.Client) error {
	for {
		addr := s.addrs[s.next%len(s.addrs)]
		s.next++
		sent := time.Now()
		c, err := who.Move(addr, replyLimit)
		switch {
		case err == nil:
			s.c, s.heard = c, sent
			return nil
		case errors.Is(err, wire.ErrSessionGone) && who.SessionID != 0:
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(s.pause):
		}
	}
}

// definite are the codes that tell something of the tree; with others that a
// server answers, the request has not happened, which is all.
var definite = []proto.ErrCode{proto.ErrNoNode, proto.ErrNodeExists, proto.ErrBadVersion}

// do makes a request. It tells what became of it, and whether the connection
// is of no use any more.
func (s *session) do(request func(*wire.Client) error) (out outcome, code proto.ErrCode, broken bool) {
	sent := time.Now()
	err := request(s.c)
	switch {
	case err == nil:
		s.heard = sent
		return acked, proto.OK, false
	case errors.As(err, &code) && code != proto.ErrConnectionLoss && code != proto.ErrOperationTimeout:
		if slices.Contains(definite, code) {
			s.heard = sent
			return refused, code, false
		}
		return refused, code, true
	}
	return unknown, proto.OK, true
}
