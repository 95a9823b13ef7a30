package subtree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Place is a subtree of a server.
type Place struct {
	ZK   *client.Client
	Root string
}

// ErrInside means a copy of a subtree into itself.
var ErrInside = errors.New("a subtree cannot be put into itself")

// Copy writes what is at from to another place, on the same server or on
// another one. The parent of the new root must exist. The counts are right
// even when an error ends the copy.
func Copy(ctx context.Context, from, to Place, opt Options) (Counts, error) {
	if from.ZK == to.ZK && within(to.Root, from.Root) {
		return Counts{}, fmt.Errorf("%s to %s: %w", from.Root, to.Root, ErrInside)
	}
	if err := client.ValidatePath(to.Root, false); err != nil {
		return Counts{}, err
	}
	w := newWriter(to.ZK, to.Root, opt)
	return w.end(Walk(ctx, from.ZK, from.Root, !opt.OpenACL, func(n Node) error { return w.put(ctx, n) }))
}

func within(path, root string) bool {
	return root == "/" || path == root || strings.HasPrefix(path, root+"/")
}

// MakeParents creates what is missing above a path, open to everybody.
func MakeParents(ctx context.Context, zk *client.Client, path string) error {
	parent := client.Parent(path)
	if parent == "/" {
		return nil
	}
	if _, err := zk.Exists(ctx, parent, false); !errors.Is(err, proto.ErrNoNode) {
		return err
	}
	if err := MakeParents(ctx, zk, parent); err != nil {
		return err
	}
	_, err := zk.Create(ctx, parent, nil, proto.OpenACL, proto.FlagPersistent, 0)
	if errors.Is(err, proto.ErrNodeExists) {
		return nil
	}
	return err
}

// Difference is one znode that two places do not share.
type Difference struct {
	Path  string // below the roots
	What  string
	Extra bool // only the second place has it
}

// Compare lists in what two places differ: data, ACLs unless openACL, and
// znodes that only one has. Ephemerals are left out on both sides.
func Compare(ctx context.Context, a, b Place, openACL bool, found func(Difference)) (same int, err error) {
	rest := map[string]Node{}
	err = Walk(ctx, b.ZK, b.Root, !openACL, func(n Node) error {
		if !n.Ephemeral() {
			rest[n.Path] = n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = Walk(ctx, a.ZK, a.Root, !openACL, func(n Node) error {
		if n.Ephemeral() {
			return nil
		}
		other, both := rest[n.Path]
		delete(rest, n.Path)
		switch {
		case !both:
			found(Difference{Path: n.Path, What: "is missing"})
		case !bytes.Equal(n.Data, other.Data) || (n.Data == nil) != (other.Data == nil):
			found(Difference{Path: n.Path, What: fmt.Sprintf("has other data, %d bytes instead of %d", len(other.Data), len(n.Data))})
		case !openACL && !slices.Equal(n.ACL, other.ACL):
			found(Difference{Path: n.Path, What: "has another ACL"})
		default:
			same++
		}
		return nil
	})
	if err != nil {
		return same, err
	}
	var more []string
	for path := range rest {
		more = append(more, path)
	}
	slices.Sort(more)
	for _, path := range more {
		found(Difference{Path: path, What: "is there and not in the source", Extra: true})
	}
	return same, nil
}

// maxMoveBytes is the largest transaction that a server takes whose
// jute.maxbuffer nobody has changed.
const maxMoveBytes = 1<<20 - 1

// ErrTooLarge means a subtree that does not fit into one transaction.
var ErrTooLarge = errors.New("is too large to be moved in one transaction: copy it, and then delete it")

// Move moves a subtree within a server in one transaction: it is moved as it
// was read, with its ACLs, or not at all.
func Move(ctx context.Context, zk *client.Client, from, to string) (znodes int, err error) {
	if within(to, from) {
		return 0, fmt.Errorf("%s to %s: %w", from, to, ErrInside)
	}
	if err := client.ValidatePath(to, false); err != nil {
		return 0, err
	}
	var creates, deletes []client.Op
	size := 0
	err = Walk(ctx, zk, from, true, func(n Node) error {
		path := n.At(from)
		if n.Ephemeral() {
			return fmt.Errorf("%s is an ephemeral and cannot be moved", path)
		}
		if err := checkACL(path, n.ACL); err != nil {
			return err
		}
		creates = append(creates, zk.CreateOp(n.At(to), n.Data, n.ACL))
		deletes = append(deletes, zk.DeleteOp(path, n.Stat.Version))
		if size += len(n.Data) + 2*len(path); size > maxMoveBytes {
			return fmt.Errorf("%s %w", from, ErrTooLarge)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.Reverse(deletes)
	all := append(creates, deletes...)
	if client.SizeBytes(all) > maxMoveBytes {
		return 0, fmt.Errorf("%s %w", from, ErrTooLarge)
	}
	return len(creates), zk.Multi(ctx, all)
}
