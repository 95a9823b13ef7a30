package recipes

import (
	"context"
	"errors"
	"path"

	"github.com/go-zookeeper/zk"
)

// latchMarker is what Curator's LeaderLatch calls its znodes.
const latchMarker = "latch-"

// ErrNoLeader means that nobody stands for election.
var ErrNoLeader = errors.New("recipes: there is no leader")

// Election has at most one leader: the candidate that has stood for longest.
// Each other candidate watches the one before it, so the end of a leader wakes
// one of them. It is Curator's LeaderLatch.
//
// A leader that loses its connection stops to lead at once, as
// [Claim.Context] tells, and may resume. Candidates whose session expires get
// zk.ErrSessionExpired and stand again if they like.
type Election struct {
	client *Client
	dir    string
}

// NewElection names an election by its znode, which belongs to it alone.
func NewElection(c *Client, dir string) *Election { return &Election{c, dir} }

// Campaign stands for election and waits until the caller leads, or ctx ends.
// The id tells others who it is. The claim's Token grows with each leader.
func (e *Election) Campaign(ctx context.Context, id string) (*Claim, error) {
	return e.client.queueUp(ctx, e.dir, latchMarker, []byte(id), directlyAhead(latchMarker))
}

// Leader returns the id and the token of the present leader, as far as the
// server that is asked knows; [ErrNoLeader] when there is none.
func (e *Election) Leader(ctx context.Context) (id string, token int64, err error) {
	s, err := e.client.await(ctx)
	if err != nil {
		return "", 0, err
	}
	for {
		names, err := s.children(ctx, e.dir)
		if err != nil {
			return "", 0, err
		}
		candidates := inOrder(names, latchMarker)
		if len(candidates) == 0 {
			return "", 0, ErrNoLeader
		}
		id, stat, err := s.read(ctx, path.Join(e.dir, candidates[0]))
		if errors.Is(err, zk.ErrNoNode) {
			continue // it has just gone
		}
		if err != nil {
			return "", 0, err
		}
		return string(id), stat.Czxid, nil
	}
}

// Candidates returns the ids of all that stand, the leader's first.
func (e *Election) Candidates(ctx context.Context) ([]string, error) {
	s, err := e.client.await(ctx)
	if err != nil {
		return nil, err
	}
	names, err := s.children(ctx, e.dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range inOrder(names, latchMarker) {
		id, _, err := s.read(ctx, path.Join(e.dir, name))
		switch {
		case errors.Is(err, zk.ErrNoNode):
		case err != nil:
			return nil, err
		default:
			ids = append(ids, string(id))
		}
	}
	return ids, nil
}

// read returns a znode's data and stat.
func (s *session) read(ctx context.Context, path string) ([]byte, *zk.Stat, error) {
	type content struct {
		data []byte
		stat *zk.Stat
	}
	c, err := repeat(ctx, s, func(conn *zk.Conn) (content, error) {
		data, stat, err := conn.Get(path)
		return content{data, stat}, err
	})
	return c.data, c.stat, err
}
