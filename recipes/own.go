package recipes

import (
	"context"
	"errors"
	"path"

	"github.com/go-zookeeper/zk"
)

// own creates an ephemeral under a name that others may give, too.
// zk.ErrNodeExists means that somebody has it, another caller in this session
// included. When ctx ends first, what may have been created is removed again.
func (s *session) own(ctx context.Context, at string, data []byte) (*Claim, error) {
	if !s.occupy(at) {
		return nil, zk.ErrNodeExists
	}
	type result struct {
		claim *Claim
		err   error
	}
	made := make(chan result)
	ok := s.c.spawn(func() {
		claim, err := s.ownNow(at, data)
		if err != nil {
			s.vacate(at)
		}
		select {
		case made <- result{claim, err}:
		case <-ctx.Done(): // nobody wants it
			if err == nil {
				_ = s.removeNow(at) // fails when it has gone by itself
			}
		}
	})
	if !ok {
		return nil, zk.ErrClosing
	}
	select {
	case r := <-made:
		return r.claim, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// ownNow creates until it is known to have created, or that somebody else has.
// This call is the only one of the session that creates at this place, so what
// is there and belongs to the session after an answer was lost is its own.
func (s *session) ownNow(at string, data []byte) (*Claim, error) {
	for again := false; ; {
		_, err := ask(s.life, s, func(conn *zk.Conn) (string, error) {
			return conn.Create(at, data, zk.FlagEphemeral, s.c.acl)
		})
		switch {
		case err == nil:
			return s.confirm(s.life, at)
		case errors.Is(err, zk.ErrNodeExists) && again:
			claim, stat, err := s.look(s.life, at)
			if err == nil && stat.EphemeralOwner != s.conn.SessionID() {
				err = zk.ErrNodeExists
			}
			if err == nil {
				return claim, nil
			}
			if !errors.Is(err, ErrRemoved) { // whose it was is gone: once more
				return nil, err
			}
		case errors.Is(err, zk.ErrNoNode):
			if err := s.ensure(s.life, path.Dir(at)); err != nil {
				return nil, err
			}
		case !lost(err):
			return nil, err
		default:
			again = true
			if err := s.await(s.life); err != nil {
				return nil, err
			}
		}
	}
}

// occupy reserves a place for one caller of this session.
func (s *session) occupy(at string) bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.places[at] {
		return false
	}
	s.places[at] = true
	return true
}

// vacate gives a place back: nothing of this session is there any more, or
// only until the session has ended.
func (s *session) vacate(at string) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	delete(s.places, at)
}
