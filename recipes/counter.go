package recipes

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"
)

// ErrNoNumber means that a counter's znode holds something else.
var ErrNoNumber = errors.New("recipes: the znode holds no number of eight bytes")

// Counter is a number that everybody can add to. It is Curator's
// DistributedAtomicLong: eight bytes, the most significant first.
//
// Each Add counts once, however often the connection is lost. When the session
// expires (zk.ErrSessionExpired) or ctx ends before the answer comes, it is not
// known whether it has.
type Counter struct{ value *Shared }

// NewCounter names a counter by its znode.
func NewCounter(c *Client, path string) *Counter { return &Counter{NewShared(c, path)} }

// Get returns the number as far as the server that is asked knows; 0 when
// nobody has added to it.
func (n *Counter) Get(ctx context.Context) (int64, error) {
	number, _, err := n.read(ctx)
	return number, err
}

func (n *Counter) read(ctx context.Context) (number int64, version int32, err error) {
	v, err := n.value.Get(ctx)
	switch {
	case err != nil:
		return 0, 0, err
	case len(v.Data) == 0: // not there, or made a moment ago
		return 0, v.Version, nil
	case len(v.Data) != 8:
		return 0, 0, fmt.Errorf("%w: %s has %d", ErrNoNumber, n.value.path, len(v.Data))
	}
	return int64(binary.BigEndian.Uint64(v.Data)), v.Version, nil
}

// Add adds to the number and returns what it then was.
func (n *Counter) Add(ctx context.Context, delta int64) (int64, error) {
	for {
		number, version, err := n.read(ctx)
		if err != nil {
			return 0, err
		}
		number += delta
		err = n.value.Replace(ctx, binary.BigEndian.AppendUint64(nil, uint64(number)), version)
		switch {
		case err == nil:
			return number, nil
		case !errors.Is(err, zk.ErrBadVersion):
			return 0, err
		}
	}
}
