package recipes

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-zookeeper/zk"
)

// Markers of the items' znodes: those of ZooKeeper's own recipe and Curator's
// SimpleDistributedQueue, and of Curator's priority queue.
const (
	itemMarker     = "qn-"
	priorityMarker = "queue-"
	claimsName     = "claims" // the znode below a queue where consumers claim items
)

// Queue hands items to consumers, each at least once, in the order in which
// they were put (or of their priorities). A consumer claims an item with an
// ephemeral znode and removes it with [Item.Done]; one that dies in between
// leaves it to another.
//
// Put adds an item exactly once, whatever gets lost, as long as the session
// lives. If it fails with zk.ErrSessionExpired, or because ctx ended, the item
// may or may not have been added. A consumer whose connection is lost may find
// that its item is done by somebody else meanwhile: see [Item.Done].
//
// Items are where SimpleDistributedQueue has them, so that Java programs can put
// items into a FIFO queue, also with the data as they are; they should not take
// some, because they know nothing of claims.
type Queue struct {
	client *Client
	dir    string
	marker string
}

// NewQueue names a first-in first-out queue by its znode, which belongs to it
// alone.
func NewQueue(c *Client, dir string) *Queue { return &Queue{c, dir, itemMarker} }

// Put adds an item at the end.
func (q *Queue) Put(ctx context.Context, data []byte) error {
	return q.client.put(ctx, q.dir, q.marker, data)
}

// PriorityQueue is a [Queue] that hands out items with the smallest number
// first, and those of equal priority in their order.
type PriorityQueue struct{ queue Queue }

// NewPriorityQueue names a queue by its znode, which belongs to it alone.
func NewPriorityQueue(c *Client, dir string) *PriorityQueue {
	return &PriorityQueue{Queue{c, dir, priorityMarker}}
}

// Put adds an item behind those of the same priority.
func (q *PriorityQueue) Put(ctx context.Context, data []byte, priority int32) error {
	return q.queue.client.put(ctx, q.queue.dir, priorityMarker+priorityText(priority), data)
}

// Take is [Queue.Take].
func (q *PriorityQueue) Take(ctx context.Context) (*Item, error) { return q.queue.Take(ctx) }

// Len is [Queue.Len].
func (q *PriorityQueue) Len(ctx context.Context) (int, error) { return q.queue.Len(ctx) }

// priorityText is a text that sorts as the number does, in Curator's form.
func priorityText(priority int32) string {
	sign := "1"
	if priority < 0 {
		sign = "0"
	}
	return fmt.Sprintf("%s%08X", sign, uint32(priority))
}

// put adds an item. It is created under a name that recognises it, which the
// consumers, who go by what stands behind the marker, do not mind.
func (c *Client) put(ctx context.Context, dir, name string, data []byte) error {
	_, err := c.CreateOnce(ctx, dir, name, data)
	return err
}

// Len is how many items are in the queue, claimed ones included.
func (q *Queue) Len(ctx context.Context) (int, error) {
	s, err := q.client.await(ctx)
	if err != nil {
		return 0, err
	}
	names, err := s.children(ctx, q.dir)
	return len(inOrder(names, q.marker)), err
}

// Item is an item that the caller has claimed.
type Item struct {
	// Data is what was put.
	Data []byte

	claim *Claim
	path  string
}

// Claim says for how long the caller may work on the item: see
// [Claim.Context]. Releasing it gives the item back to the queue.
func (i *Item) Claim() *Claim { return i.claim }

// Done removes the item. zk.ErrNoNode means that the claim had been lost: the
// item has been, or will be, done again by somebody else, and is not removed.
// [ErrReleased] means that the claim was released, or the item done, before.
// When ctx ends first it is not known whether it was removed.
func (i *Item) Done(ctx context.Context) error {
	if err := i.claim.ended(); err != nil {
		return err // the guard cannot tell a claim from a later one of the same item
	}
	s := i.claim.s
	again := false
	for {
		_, err := ask(ctx, s, func(conn *zk.Conn) (struct{}, error) {
			return struct{}{}, all(conn.Multi(i.claim.Guard(), &zk.DeleteRequest{Path: i.path, Version: -1}, &zk.DeleteRequest{Path: i.claim.path, Version: -1}))
		})
		switch {
		case err == nil, again && errors.Is(err, zk.ErrNoNode) && i.removedByUs(ctx):
			_ = i.claim.finish(ctx, ErrReleased)
			return nil
		case !lost(err):
			return err
		}
		again = true
		if err := s.await(ctx); err != nil {
			return err
		}
	}
}

// removedByUs tells, after an answer was lost and the claim is gone while the
// session lives, whether the item is gone with it: nobody else could have
// removed it, because nobody else had the claim.
func (i *Item) removedByUs(ctx context.Context) bool {
	stat, err := i.claim.s.stat(ctx, i.path)
	return err == nil && stat == nil
}

// Take waits for an item that nobody else has claimed, and claims it. Waiting
// ends with ctx, or with zk.ErrSessionExpired.
func (q *Queue) Take(ctx context.Context) (*Item, error) {
	s, err := q.client.await(ctx)
	if err != nil {
		return nil, err
	}
	claims := path.Join(q.dir, claimsName)
	if err := s.ensurePersistent(ctx, claims); err != nil {
		return nil, err
	}
	for {
		// Claims are looked at before items: what is then neither claimed nor
		// gone is free, or the watch on the claims tells when it becomes so.
		claimed, err := s.watchChildren(ctx, claims)
		if err != nil {
			return nil, err
		}
		items, err := s.watchChildren(ctx, q.dir)
		if err != nil {
			return nil, err
		}
		for _, name := range inOrder(items.names, q.marker) {
			if slices.Contains(claimed.names, name) {
				continue
			}
			item, err := q.claim(ctx, s, name)
			if item != nil || err != nil {
				return item, err
			}
		}
		if err := s.waitEither(ctx, claimed.watch, items.watch); err != nil {
			return nil, err
		}
	}
}

// claim tries to get one item; nil when somebody else has it.
func (q *Queue) claim(ctx context.Context, s *session, name string) (*Item, error) {
	at := path.Join(q.dir, claimsName, name)
	claim, err := s.own(ctx, at, nil)
	if errors.Is(err, zk.ErrNodeExists) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data, _, err := s.read(ctx, path.Join(q.dir, name))
	if err == nil {
		return &Item{Data: data, claim: claim, path: path.Join(q.dir, name)}, nil
	}
	claim.drop()
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil // it was done between our look and our claim
	}
	return nil, err
}

// waitEither waits for the first of two watches.
func (s *session) waitEither(ctx context.Context, a, b <-chan zk.Event) error {
	select {
	case e := <-a:
		return s.broken(e)
	case e := <-b:
		return s.broken(e)
	case <-s.life.Done():
		return context.Cause(s.life)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ensurePersistent creates a znode that stays when it is empty.
func (s *session) ensurePersistent(ctx context.Context, at string) error {
	for {
		_, err := repeat(ctx, s, func(conn *zk.Conn) (string, error) { return conn.Create(at, nil, 0, s.c.acl) })
		switch {
		case err == nil, errors.Is(err, zk.ErrNodeExists):
			return nil
		case !errors.Is(err, zk.ErrNoNode):
			return err
		}
		parent := path.Dir(strings.TrimSuffix(at, "/"))
		if err := s.ensure(ctx, parent); err != nil {
			return err
		}
	}
}
