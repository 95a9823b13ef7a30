package recipes

import (
	"context"
	"errors"
	"path"

	"github.com/go-zookeeper/zk"
)

// session is one session, with a connection of its own: the library would go
// on with another session when this one has expired, and send it requests that
// were meant for this one. So the connection is closed at the expiry. What was
// begun in a session ends with it.
type session struct {
	c     *Client                 // set once
	ready chan struct{}           // closed when conn is set
	conn  *zk.Conn                // set once
	life  context.Context         // done when the session has ended; its cause says why
	stop  context.CancelCauseFunc // of life

	connected bool                    // guarded by c.mu
	up        context.Context         // guarded by c.mu: done when the present connection is lost
	down      context.CancelCauseFunc // of up
	places    map[string]bool         // guarded by c.mu: paths that own has for somebody
}

func newSession(c *Client) *session {
	s := &session{c: c, ready: make(chan struct{}), places: map[string]bool{}}
	s.life, s.stop = context.WithCancelCause(context.Background())
	return s
}

// event follows the connection. It is called by the library's goroutine.
func (s *session) event(e zk.Event) {
	if e.Type != zk.EventSession {
		return
	}
	<-s.ready
	switch e.State {
	case zk.StateHasSession:
		s.change(s.rise)
	case zk.StateDisconnected:
		s.change(func() { s.fall(zk.ErrConnectionClosed) })
	case zk.StateExpired:
		s.change(func() { s.end(zk.ErrSessionExpired) })
		// Close begins by closing everything, but then waits for an answer that
		// does not come, for a second or so: on a goroutine that ends by itself.
		// This request fails as soon as it has begun, and the library, which
		// waits for us, opens no other session.
		go s.conn.Close()
		_, _, _ = s.conn.Exists("/")
	}
}

// change changes the session and tells those who wait.
func (s *session) change(do func()) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.life.Err() == nil {
		do()
		s.c.announce()
	}
}

// rise says that there is a connection. c.mu is held.
func (s *session) rise() {
	if !s.connected {
		s.connected = true
		s.up, s.down = context.WithCancelCause(s.life)
	}
}

// fall says that there is none. c.mu is held.
func (s *session) fall(cause error) {
	if s.connected {
		s.connected = false
		s.down(cause)
	}
}

// end says that the session is over. c.mu is held.
func (s *session) end(cause error) {
	s.fall(cause)
	s.stop(cause)
}

// await waits for a connection of this very session.
func (s *session) await(ctx context.Context) error {
	for {
		s.c.mu.Lock()
		connected, changed := s.connected, s.c.changed
		s.c.mu.Unlock()
		switch {
		case s.life.Err() != nil:
			return context.Cause(s.life)
		case connected:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// present returns the context of the present connection, which may be lost
// already.
func (s *session) present() context.Context {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.up == nil {
		return s.life
	}
	return s.up
}

// lost tells whether an answer did not come: the request was carried out, or
// not.
func lost(err error) bool {
	return errors.Is(err, zk.ErrConnectionClosed) || errors.Is(err, zk.ErrNoServer)
}

// ask sends one request, and does not wait for its answer for longer than ctx
// and the session last.
func ask[T any](ctx context.Context, s *session, request func(*zk.Conn) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	answers := make(chan answer, 1)
	if !s.c.spawn(func() {
		value, err := request(s.conn)
		answers <- answer{value, err}
	}) {
		return none, zk.ErrClosing
	}
	select {
	case a := <-answers:
		if s.life.Err() != nil {
			return none, context.Cause(s.life)
		}
		return a.value, a.err
	case <-s.life.Done():
		return none, context.Cause(s.life)
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

// repeat sends a request that may be carried out twice until its answer comes.
func repeat[T any](ctx context.Context, s *session, request func(*zk.Conn) (T, error)) (T, error) {
	for {
		value, err := ask(ctx, s, request)
		if !lost(err) {
			return value, err
		}
		if err := s.await(ctx); err != nil {
			return value, err
		}
	}
}

// wait waits for a watch to fire.
func (s *session) wait(ctx context.Context, watch <-chan zk.Event) error {
	select {
	case e := <-watch:
		return s.broken(e)
	case <-s.life.Done():
		return context.Cause(s.life)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// broken is the error of a watch that has ended without its event.
func (s *session) broken(e zk.Event) error {
	if e.Err != nil && s.life.Err() != nil {
		return context.Cause(s.life)
	}
	return e.Err
}

// children lists the names of a znode's children; none when it is not there.
func (s *session) children(ctx context.Context, dir string) ([]string, error) {
	names, err := repeat(ctx, s, func(conn *zk.Conn) ([]string, error) {
		names, _, err := conn.Children(dir)
		return names, err
	})
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	return names, err
}

// stat returns a znode's stat, nil when it is not there.
func (s *session) stat(ctx context.Context, path string) (*zk.Stat, error) {
	return repeat(ctx, s, func(conn *zk.Conn) (*zk.Stat, error) {
		found, stat, err := conn.Exists(path)
		if !found {
			stat = nil
		}
		return stat, err
	})
}

// watched is a znode and the watch that was left on it.
type watched struct {
	found bool
	data  []byte
	stat  *zk.Stat
	names []string // of children, when those were asked for
	watch <-chan zk.Event
}

// watchData reads a znode and watches it. When it is not there the watch is
// nil, and nothing is left at the server.
func (s *session) watchData(ctx context.Context, path string) (watched, error) {
	return repeat(ctx, s, func(conn *zk.Conn) (watched, error) {
		data, stat, watch, err := conn.GetW(path)
		if errors.Is(err, zk.ErrNoNode) {
			return watched{}, nil
		}
		return watched{found: true, data: data, stat: stat, watch: watch}, err
	})
}

// watchExists tells whether a znode is there, and watches for it to come, go
// or change.
func (s *session) watchExists(ctx context.Context, path string) (watched, error) {
	return repeat(ctx, s, func(conn *zk.Conn) (watched, error) {
		found, stat, watch, err := conn.ExistsW(path)
		return watched{found: found, stat: stat, watch: watch}, err
	})
}

// watchChildren lists a znode's children and watches for them to come and go.
// When the znode is not there, found is false and the watch nil.
func (s *session) watchChildren(ctx context.Context, dir string) (watched, error) {
	return repeat(ctx, s, func(conn *zk.Conn) (watched, error) {
		names, stat, watch, err := conn.ChildrenW(dir)
		if errors.Is(err, zk.ErrNoNode) {
			return watched{}, nil
		}
		return watched{found: true, names: names, stat: stat, watch: watch}, err
	})
}

// ensure creates a znode and those above it, as containers: the server removes
// them some time after their last child is gone.
func (s *session) ensure(ctx context.Context, dir string) error {
	if dir == "/" {
		return nil
	}
	_, err := repeat(ctx, s, func(conn *zk.Conn) (string, error) {
		return conn.CreateContainer(dir, nil, zk.FlagContainer, s.c.acl)
	})
	switch {
	case errors.Is(err, zk.ErrNodeExists):
		return nil
	case errors.Is(err, zk.ErrNoNode):
		if err := s.ensure(ctx, path.Dir(dir)); err != nil {
			return err
		}
		return s.ensure(ctx, dir)
	}
	return err
}
