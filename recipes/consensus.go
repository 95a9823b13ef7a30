package recipes

import (
	"context"
	"errors"
	"path"

	"github.com/go-zookeeper/zk"
)

// Consensus lets any number of parties agree on one value: the one that was
// proposed first. It is decided for ever, whatever becomes of the sessions.
// Lost connections make its methods take longer. After zk.ErrSessionExpired a
// proposal may have been decided on or not: propose it again and see.
type Consensus struct {
	client *Client
	path   string
}

// NewConsensus names a question by the znode that holds its answer.
func NewConsensus(c *Client, path string) *Consensus { return &Consensus{c, path} }

// Propose proposes a value and returns the one that is decided, which may be
// another's. After an error it may be called again, with the same value.
func (q *Consensus) Propose(ctx context.Context, value []byte) ([]byte, error) {
	s, err := q.client.await(ctx)
	if err != nil {
		return nil, err
	}
	for {
		// A proposal that is repeated loses to itself, which is as good.
		_, err := repeat(ctx, s, func(conn *zk.Conn) (string, error) { return conn.Create(q.path, value, 0, s.c.acl) })
		switch {
		case err == nil, errors.Is(err, zk.ErrNodeExists):
			decided, _, err := s.read(ctx, q.path)
			return decided, err
		case !errors.Is(err, zk.ErrNoNode):
			return nil, err
		}
		if err := s.ensure(ctx, path.Dir(q.path)); err != nil {
			return nil, err
		}
	}
}

// Decided waits until there is a decision, or ctx ends.
func (q *Consensus) Decided(ctx context.Context) ([]byte, error) {
	s, err := q.client.await(ctx)
	if err != nil {
		return nil, err
	}
	for {
		w, err := s.watchValue(ctx, q.path)
		if err != nil || w.found {
			return w.data, err
		}
		if err := s.wait(ctx, w.watch); err != nil {
			return nil, err
		}
	}
}
