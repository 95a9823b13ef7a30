package recipes

import (
	"context"
	"errors"
	"iter"
	"path"

	"github.com/go-zookeeper/zk"
)

// Group is who is there. A member's znode has its name and its data, as
// Curator's GroupMember makes them.
//
// A member whose connection is lost is still seen by the others until its
// session expires; then it is gone, its claim ends, and it joins again if it
// likes.
type Group struct {
	client *Client
	dir    string
}

// NewGroup names a group by its znode, which belongs to it alone.
func NewGroup(c *Client, dir string) *Group { return &Group{c, dir} }

// Join makes the caller a member under a name until the claim ends.
// zk.ErrNodeExists means that there is a member of that name: perhaps the
// caller itself, in a session before, that has yet to expire.
func (g *Group) Join(ctx context.Context, name string, data []byte) (*Claim, error) {
	s, err := g.client.await(ctx)
	if err != nil {
		return nil, err
	}
	return s.own(ctx, path.Join(g.dir, name), data)
}

// Members returns the data of each member by name.
func (g *Group) Members(ctx context.Context) (map[string][]byte, error) {
	s, err := g.client.await(ctx)
	if err != nil {
		return nil, err
	}
	names, err := s.children(ctx, g.dir)
	if err != nil {
		return nil, err
	}
	return g.members(ctx, s, names)
}

func (g *Group) members(ctx context.Context, s *session, names []string) (map[string][]byte, error) {
	members := make(map[string][]byte, len(names))
	for _, name := range names {
		data, _, err := s.read(ctx, path.Join(g.dir, name))
		switch {
		case errors.Is(err, zk.ErrNoNode): // has just left
		case err != nil:
			return nil, err
		default:
			members[name] = data
		}
	}
	return members, nil
}

// Watch yields the members now and after each coming and going. Changes that
// follow each other fast are seen together. It ends with ctx, or with an error
// as its last value, such as zk.ErrSessionExpired. A lost connection is no
// error: what is seen is then as old as it was.
func (g *Group) Watch(ctx context.Context) iter.Seq2[map[string][]byte, error] {
	return func(yield func(map[string][]byte, error) bool) {
		s, err := g.client.await(ctx)
		for err == nil {
			var w watched
			if w, err = s.watchGroup(ctx, g.dir); err != nil {
				break
			}
			var members map[string][]byte
			if members, err = g.members(ctx, s, w.names); err != nil {
				break
			}
			if !yield(members, nil) {
				return
			}
			err = s.wait(ctx, w.watch)
		}
		if ctx.Err() == nil {
			yield(nil, err)
		}
	}
}

// watchGroup lists and watches the children of a znode, which it creates.
func (s *session) watchGroup(ctx context.Context, dir string) (watched, error) {
	for {
		w, err := s.watchChildren(ctx, dir)
		if err != nil || w.found {
			return w, err
		}
		if err := s.ensure(ctx, dir); err != nil {
			return w, err
		}
	}
}
