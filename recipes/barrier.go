package recipes

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/go-zookeeper/zk"
)

// Barrier holds everybody up while its znode is there. It is Curator's
// DistributedBarrier. It belongs to nobody: it outlives the session that has
// set it. Lost connections only make its methods take longer; an expired
// session makes them fail with zk.ErrSessionExpired, and they may be called
// again.
type Barrier struct {
	client *Client
	path   string
}

// NewBarrier names a barrier by its znode.
func NewBarrier(c *Client, path string) *Barrier { return &Barrier{c, path} }

// Set closes the barrier. One that is closed already stays so.
func (b *Barrier) Set(ctx context.Context) error {
	s, err := b.client.await(ctx)
	if err != nil {
		return err
	}
	return s.ensurePersistent(ctx, b.path)
}

// Remove opens the barrier for everybody. When an answer is lost it asks again,
// and may so open one that somebody has set anew meanwhile.
func (b *Barrier) Remove(ctx context.Context) error {
	s, err := b.client.await(ctx)
	if err != nil {
		return err
	}
	_, err = repeat(ctx, s, func(conn *zk.Conn) (struct{}, error) { return struct{}{}, conn.Delete(b.path, -1) })
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}

// Wait returns when the barrier is open.
func (b *Barrier) Wait(ctx context.Context) error {
	s, err := b.client.await(ctx)
	if err != nil {
		return err
	}
	for {
		w, err := s.watchData(ctx, b.path)
		if err != nil || !w.found {
			return err
		}
		if err := s.wait(ctx, w.watch); err != nil {
			return err
		}
	}
}

// readyName is the child of a double barrier that lets everybody in.
const readyName = "ready"

// DoubleBarrier lets a number of members begin together and end together. It
// is Curator's DistributedDoubleBarrier.
//
// While a connection is lost Enter and Leave take longer, and the member counts
// as there. A member whose session expires counts as one that has left: the
// others get out, and the member's own Leave returns zk.ErrSessionExpired.
type DoubleBarrier struct {
	client  *Client
	dir     string
	members int
}

// NewDoubleBarrier names a barrier for so many members by its znode, which
// belongs to it alone.
func NewDoubleBarrier(c *Client, dir string, members int) *DoubleBarrier {
	return &DoubleBarrier{c, dir, members}
}

// Enter waits until all members have entered. If ctx ends first the caller is
// no member any more, unless the last of the others came just then.
func (b *DoubleBarrier) Enter(ctx context.Context) (*Member, error) {
	if b.members < 1 {
		return nil, fmt.Errorf("recipes: a double barrier of %d members", b.members)
	}
	s, err := b.client.await(ctx)
	if err != nil {
		return nil, err
	}
	ready := path.Join(b.dir, readyName)
	// The watch comes before the own znode: whoever is the last one finds all
	// others waiting for what it creates.
	w, err := s.watchExists(ctx, ready)
	if err != nil {
		return nil, err
	}
	claim, err := s.own(ctx, path.Join(b.dir, newUUID()), nil)
	if err != nil {
		return nil, err
	}
	if err := b.enter(ctx, s, ready, w); err != nil {
		claim.drop()
		return nil, err
	}
	return &Member{b: b, claim: claim}, nil
}

func (b *DoubleBarrier) enter(ctx context.Context, s *session, ready string, w watched) error {
	for !w.found {
		names, err := s.children(ctx, b.dir)
		if err != nil {
			return err
		}
		if len(present(names)) >= b.members {
			return s.ensurePersistent(ctx, ready)
		}
		if err := s.wait(ctx, w.watch); err != nil {
			return err
		}
		if w, err = s.watchExists(ctx, ready); err != nil {
			return err
		}
	}
	return nil
}

// present lists the members, in the order of their names.
func present(names []string) []string {
	members := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == readyName })
	slices.Sort(members)
	return members
}

// Member is who has entered a double barrier.
type Member struct {
	b     *DoubleBarrier
	claim *Claim
}

// Claim is the member's place; see [Claim.Context].
func (m *Member) Claim() *Claim { return m.claim }

// Leave waits until all members have left. If ctx ends first the caller may
// have left or not; it may call Leave again.
//
// The member with the smallest name leaves last and watches the largest, the
// others leave and watch the smallest: no change wakes more than it must.
func (m *Member) Leave(ctx context.Context) error {
	s, own := m.claim.s, path.Base(m.claim.path)
	for {
		names, err := s.children(ctx, m.b.dir)
		if err != nil {
			return err
		}
		members := present(names)
		var await string
		switch {
		case len(members) == 0:
			return m.over(ctx, nil)
		case len(members) == 1 && members[0] == own:
			return m.last(ctx)
		case members[0] == own:
			await = members[len(members)-1]
		default:
			if slices.Contains(members, own) {
				if err := s.remove(ctx, m.claim.path); err != nil && !errors.Is(err, zk.ErrNoNode) {
					return err
				}
			}
			await = members[0]
		}
		w, err := s.watchData(ctx, path.Join(m.b.dir, await))
		if err != nil {
			return err
		}
		if !w.found {
			continue
		}
		if err := s.wait(ctx, w.watch); err != nil {
			return err
		}
	}
}

// last takes the barrier down behind the last member.
func (m *Member) last(ctx context.Context) error {
	s := m.claim.s
	ready := path.Join(m.b.dir, readyName)
	_, err := repeat(ctx, s, func(conn *zk.Conn) (struct{}, error) { return struct{}{}, conn.Delete(ready, -1) })
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return err
	}
	err = s.remove(ctx, m.claim.path)
	if errors.Is(err, zk.ErrNoNode) {
		err = nil
	}
	return m.over(ctx, err)
}

func (m *Member) over(ctx context.Context, err error) error {
	if err == nil {
		_ = m.claim.finish(ctx, ErrReleased)
	}
	return err
}
