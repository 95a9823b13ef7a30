package recipes

import (
	"context"
	"errors"
	"path"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// event marks what has become stale. It is called by the connection's reader,
// in the order in which the server sends events and answers.
func (c *Cache) event(e client.Event) {
	switch {
	case e.Type == client.EventNone && e.State == client.StateExpired:
		c.end(zk.ErrSessionExpired)
		return
	case e.Type == client.EventNone && e.State == client.StateAuthFailed:
		c.end(zk.ErrAuthFailed)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case e.Type != client.EventNone:
		c.mark(e.Path, false)
	case e.State == client.StateSyncConnected:
		// Recursive watches do not tell what happened meanwhile. The walk finds
		// what has come and changed; what it does not meet may be gone.
		c.connected = true
		c.connection++
		for known := range c.nodes {
			c.mark(known, false)
		}
		c.mark(c.root, true)
	case e.State == client.StateDisconnected:
		c.connected = false
		c.fall(zk.ErrConnectionClosed)
	}
}

// mark has a path read anew, with all that is below it if it is deep. mu is
// held.
func (c *Cache) mark(path string, deep bool) {
	c.stale[path] = c.stale[path] || deep
	c.marks++
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// keep reads what is stale until the cache ends. A read fails with its
// connection; with the next connection everything is stale.
func (c *Cache) keep() {
	for {
		select {
		case <-c.wake:
		case <-c.life.Done():
			return
		}
		c.mu.Lock()
		stale, marks, connection := c.stale, c.marks, c.connection
		c.stale = map[string]bool{}
		c.mu.Unlock()
		err := c.refresh(stale)
		switch {
		case err == nil:
			c.settle(marks, connection)
		case !errors.Is(err, proto.ErrConnectionLoss) && !errors.Is(err, proto.ErrSessionExpired):
			c.end(err) // an expiry is an event, too
		}
	}
}

// settle says that what was stale has been read.
func (c *Cache) settle(marks int64, connection int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled = marks
	if c.connected && c.connection == connection && c.live.Err() != nil {
		c.live, c.fall = context.WithCancelCause(c.life)
	}
	c.announce()
}

// refreshBatch is how many requests are under way together.
const refreshBatch = 256

// refresh reads what is stale. The watch comes first, so that nothing falls
// between.
func (c *Cache) refresh(stale map[string]bool) error {
	if !c.armed {
		if err := c.conn.AddWatch(c.life, c.root, proto.WatchPersistentRecursive); err != nil {
			return err
		}
		c.armed = true
	}
	met := map[string]bool{}
	var deep, flat []string
	for at, all := range stale {
		if all {
			deep = append(deep, at)
		}
	}
	for len(deep) > 0 {
		batch := deep[:min(refreshBatch, len(deep))]
		deep = deep[len(batch):]
		below, err := c.walk(batch)
		if err != nil {
			return err
		}
		for _, at := range batch {
			met[at] = true
		}
		deep = append(deep, below...)
	}
	for at := range stale {
		if !met[at] {
			flat = append(flat, at)
		}
	}
	for len(flat) > 0 {
		batch := flat[:min(refreshBatch, len(flat))]
		flat = flat[len(batch):]
		if _, err := c.read(batch); err != nil {
			return err
		}
	}
	return nil
}

// read reads znodes, shows them, and returns the paths of those that have
// children.
func (c *Cache) read(paths []string) (parents []string, err error) {
	calls, err := c.start(paths, c.conn.StartGet)
	if err != nil {
		return nil, err
	}
	for i, call := range calls {
		node, err := answered(c.life, call, paths[i])
		if err != nil {
			return nil, err
		}
		c.put(paths[i], node)
		if node != nil && node.Stat != nil && node.Stat.NumChildren > 0 {
			parents = append(parents, paths[i])
		}
	}
	return parents, nil
}

// start sends a request for each path.
func (c *Cache) start(paths []string, request func(context.Context, string) (*client.Call, error)) ([]*client.Call, error) {
	calls := make([]*client.Call, len(paths))
	for i, at := range paths {
		var err error
		if calls[i], err = request(c.life, at); err != nil {
			return nil, err
		}
	}
	return calls, nil
}

// answered is the znode of an answer, nil when there is none.
func answered(ctx context.Context, call *client.Call, path string) (*Node, error) {
	d, err := call.Wait(ctx)
	switch {
	case errors.Is(err, proto.ErrNoNode):
		return nil, nil
	case errors.Is(err, proto.ErrNoAuth):
		return &Node{Path: path, Denied: true}, nil
	case err != nil:
		return nil, err
	}
	var stat proto.Stat
	data := d.Buffer()
	stat.Decode(d)
	return &Node{Path: path, Data: data, Stat: statOf(stat)}, d.Err()
}

// walk reads znodes and returns the paths of their children.
func (c *Cache) walk(paths []string) (below []string, err error) {
	parents, err := c.read(paths)
	if err != nil {
		return nil, err
	}
	calls, err := c.start(parents, c.conn.StartGetChildren)
	if err != nil {
		return nil, err
	}
	for i, call := range calls {
		d, err := call.Wait(c.life)
		switch {
		case errors.Is(err, proto.ErrNoNode), errors.Is(err, proto.ErrNoAuth): // an event comes, or the next read tells
			continue
		case err != nil:
			return nil, err
		}
		for _, name := range d.Strings() {
			below = append(below, path.Join(parents[i], name))
		}
		if d.Err() != nil {
			return nil, d.Err()
		}
	}
	return below, nil
}

// statOf is a Stat in the library's type.
func statOf(s proto.Stat) *zk.Stat {
	return &zk.Stat{
		Czxid: s.Czxid, Mzxid: s.Mzxid, Ctime: s.Ctime, Mtime: s.Mtime, Version: s.Version, Cversion: s.Cversion, Aversion: s.Aversion,
		EphemeralOwner: s.EphemeralOwner, DataLength: s.DataLength, NumChildren: s.NumChildren, Pzxid: s.Pzxid,
	}
}
