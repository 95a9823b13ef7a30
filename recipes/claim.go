package recipes

import (
	"context"
	"errors"
	"path"
	"sync"

	"github.com/go-zookeeper/zk"
)

// Errors of claims, beside those of the library.
var (
	// ErrReleased means that the claim was given back.
	ErrReleased = errors.New("recipes: the claim was released")
	// ErrRemoved means that somebody else has removed the claim's znode.
	ErrRemoved = errors.New("recipes: the claim's znode was removed by somebody else")
	// ErrHeld means that somebody else holds what TryAcquire asked for.
	ErrHeld = errors.New("recipes: held by somebody else")
)

// Claim is something that is held by one session: a lock, the leadership, a
// lease, a place in a group. It is an ephemeral znode.
type Claim struct {
	s     *session // set once
	path  string   // set once
	token int64    // set once

	mu   sync.Mutex
	ctx  context.Context         // mu
	stop context.CancelCauseFunc // mu: of ctx
	over error                   // mu: why it has ended for good; nil while it has not
}

// newClaim makes a claim of a znode that was seen during the connection whose
// context is up.
func newClaim(s *session, path string, token int64, up context.Context) *Claim {
	c := &Claim{s: s, path: path, token: token}
	c.ctx, c.stop = context.WithCancelCause(up)
	return c
}

// confirm makes a claim of this session's znode, or says that it is gone.
func (s *session) confirm(ctx context.Context, path string) (*Claim, error) {
	claim, _, err := s.look(ctx, path)
	return claim, err
}

// look is confirm for a znode that may be another's.
func (s *session) look(ctx context.Context, path string) (*Claim, *zk.Stat, error) {
	up := s.present() // before the look: if it is lost meanwhile, the claim begins interrupted
	stat, err := s.stat(ctx, path)
	switch {
	case err != nil:
		return nil, nil, err
	case stat == nil:
		return nil, nil, ErrRemoved
	}
	return newClaim(s, path, stat.Czxid, up), stat, nil
}

// Context is done as soon as the holder must no longer act. Its cause
// (context.Cause) says why: zk.ErrConnectionClosed, after which [Claim.Resume]
// may help; zk.ErrSessionExpired, zk.ErrClosing, [ErrReleased] and [ErrRemoved]
// are final. That somebody removes the znode by hand is noticed by Resume,
// Guard and Release only.
func (c *Claim) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ctx
}

// Resume waits until the session has a connection again after it was lost,
// makes sure that the claim still stands, and renews its Context. An error
// other than that of ctx is final: there is nothing left to hold.
func (c *Claim) Resume(ctx context.Context) error {
	if err := c.s.await(ctx); err != nil {
		return c.finish(ctx, err)
	}
	up := c.s.present()
	stat, err := c.s.stat(ctx, c.path)
	if err == nil && (stat == nil || stat.Czxid != c.token) {
		err = ErrRemoved
	}
	if err != nil {
		return c.finish(ctx, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over != nil {
		return c.over
	}
	c.stop(zk.ErrConnectionClosed) // the old one, if Resume was called without need
	c.ctx, c.stop = context.WithCancelCause(up)
	return nil
}

// finish ends the claim for good, unless err is only that ctx has ended.
func (c *Claim) finish(ctx context.Context, err error) error {
	if ctx.Err() != nil && c.s.life.Err() == nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over == nil {
		c.over = err
		c.stop(err)
		c.s.vacate(c.path)
	}
	return c.over
}

// ended is why the claim has ended for good; nil while it has not.
func (c *Claim) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// Token is the zxid at which the claim was made: a fencing token. Of two
// holders of the same thing the later one has the larger token, so whatever is
// guarded can refuse who comes with a smaller one than it has seen.
func (c *Claim) Token() int64 { return c.token }

// Path is the claim's znode.
func (c *Claim) Path() string { return c.path }

// Conn is the connection of the session that holds the claim. It is none of any
// later session: what is sent through it is never done in the name of another.
func (c *Claim) Conn() *zk.Conn { return c.s.conn }

// Guard is the first operation of a zk.Conn.Multi that is to happen only if the
// claim still stands: a write that needs no clock to be fenced. The Multi
// fails with zk.ErrNoNode otherwise. Send it through [Claim.Conn], whose
// requests servers refuse once the session has ended.
//
// What has a name of its own, a member of a [Group] or the claim of a queue's
// item, is told apart from a later one of that name by the session alone. So
// its guard is no protection after Release, nor when somebody has removed the
// znode by hand and another has made it again while this session lives.
func (c *Claim) Guard() *zk.CheckVersionRequest {
	return &zk.CheckVersionRequest{Path: c.path, Version: -1}
}

// Release gives the claim back. Its Context ends at once. When ctx ends before
// the znode is known to be gone, the removal goes on in the background for as
// long as the session lasts. zk.ErrSessionExpired and [ErrRemoved] say that
// there was nothing to give back any more.
func (c *Claim) Release(ctx context.Context) error {
	c.mu.Lock()
	if c.over != nil {
		defer c.mu.Unlock()
		return c.over
	}
	c.over = ErrReleased
	c.stop(ErrReleased)
	c.mu.Unlock()
	err := c.s.remove(ctx, c.path)
	if errors.Is(err, zk.ErrNoNode) {
		return ErrRemoved
	}
	return err
}

// drop gives the claim back in the background.
func (c *Claim) drop() {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.Release(gone) // goes on until the answer, or the session's end
}

// queueUp makes a sequential ephemeral below dir and waits until ahead, given
// all names there and the own one, names nobody to wait for. Each waiter
// watches one znode, so that the end of one wakes one.
func (c *Client) queueUp(ctx context.Context, dir, name string, data []byte, ahead func(names []string, own string) string) (*Claim, error) {
	return c.stand(ctx, dir, name, data, ahead, true)
}

// tryOnce is queueUp that fails with ErrHeld instead of waiting.
func (c *Client) tryOnce(ctx context.Context, dir, name string, data []byte, ahead func(names []string, own string) string) (*Claim, error) {
	return c.stand(ctx, dir, name, data, ahead, false)
}

func (c *Client) stand(ctx context.Context, dir, name string, data []byte, ahead func(names []string, own string) string, patient bool) (*Claim, error) {
	s, err := c.await(ctx)
	if err != nil {
		return nil, err
	}
	own, err := s.create(ctx, dir, name, data, zk.FlagEphemeralSequential)
	if err != nil {
		return nil, err
	}
	claim, err := s.reachFront(ctx, dir, own, ahead, patient)
	if err != nil {
		s.abandon(own)
		return nil, err
	}
	return claim, nil
}

// abandon removes a znode in the background.
func (s *session) abandon(path string) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.remove(gone, path) // ends by itself: with the answer or the session
}

func (s *session) reachFront(ctx context.Context, dir, own string, ahead func(names []string, own string) string, patient bool) (*Claim, error) {
	for {
		names, err := s.children(ctx, dir)
		if err != nil {
			return nil, err
		}
		before := ahead(names, path.Base(own))
		if before == "" {
			return s.confirm(ctx, own)
		}
		if !patient {
			return nil, ErrHeld
		}
		w, err := s.watchData(ctx, path.Join(dir, before))
		if err != nil {
			return nil, err
		}
		if !w.found {
			continue
		}
		if err := s.wait(ctx, w.watch); err != nil {
			return nil, err
		}
	}
}
