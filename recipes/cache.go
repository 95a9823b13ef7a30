package recipes

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Cache is a copy in memory of a znode and everything below it, kept up to date
// by one recursive watch: what Curator's CuratorCache is. It needs a server that
// knows such watches, 3.6 or newer.
//
// It has a session of its own, beside that of any [Client], because the
// library knows no recursive watches. So what a program has just written by
// its Client may not be in its Cache yet; [Cache.Sync] waits for it.
//
// Each znode is shown as it was at some moment, and never goes back to an
// older one; two znodes need not be of the same moment. All of the subtree is
// in memory, however large it is.
//
// While the connection is lost the cache shows what it last knew, which
// [Cache.Context] tells at once; with the next connection it reads everything
// anew. An expired session ends the cache: Context and [Cache.Watch] end with
// zk.ErrSessionExpired, and who wants to go on opens another.
type Cache struct {
	root string                  // set once
	conn *client.Client          // set once
	life context.Context         // done when the cache has ended; its cause says why
	stop context.CancelCauseFunc // of life
	wake chan struct{}           // tells the keeper that something is stale

	keeper sync.WaitGroup
	armed  bool // owned by the keeper: the watch is there

	mu         sync.Mutex
	nodes      map[string]*Node               // mu: by path; what they point to does not change
	children   map[string]map[string]struct{} // mu: names, by the parent's path
	stale      map[string]bool                // mu: paths to read anew; true: with all that is below
	marks      int64                          // mu: how often a path became stale
	settled    int64                          // mu: which of the marks have been followed by a read
	connection int                            // mu: counts connections
	connected  bool                           // mu
	live       context.Context                // mu: done when the cache has fallen behind
	fall       context.CancelCauseFunc        // mu: of live
	changed    chan struct{}                  // mu: closed, and made anew, when settled or live changes
	watchers   map[*cacheWatcher]struct{}     // mu
}

// Node is a znode in a [Cache]. It is shared by all who ask for it: nobody
// changes it.
type Node struct {
	Path string
	Data []byte
	// Stat is of the moment when the znode was read. What it says about the
	// children and the ACL may be older than the data of the children: their
	// changes are no changes of the znode. Nil when Denied.
	Stat *zk.Stat
	// Denied means that the cache was not allowed to read the znode, neither
	// its data nor what is below it. A change of its ACL is no event: it is
	// noticed with the next change, or connection.
	Denied bool
}

// CacheOption changes how a [Cache] connects.
type CacheOption func(*client.Config)

// WithIdentity has the cache prove an identity on each of its connections, as
// zk.Conn.AddAuth does.
func WithIdentity(scheme string, data []byte) CacheOption {
	return func(c *client.Config) { c.Auth = append(c.Auth, client.Auth{Scheme: scheme, Data: data}) }
}

// WithDialer has the cache connect by dial, through TLS for example.
func WithDialer(dial func(ctx context.Context, addr string) (net.Conn, error)) CacheOption {
	return func(c *client.Config) { c.Dial = dial }
}

// OpenCache opens a session with the timeout asked for and returns when the
// whole subtree has been read, or ctx ends. A root that is not there yet is an
// empty subtree. The cache must be closed.
func OpenCache(ctx context.Context, servers []string, timeout time.Duration, root string, options ...CacheOption) (*Cache, error) {
	if err := client.ValidatePath(root, false); err != nil {
		return nil, fmt.Errorf("recipes: cache of %q: %w", root, err)
	}
	if len(servers) == 0 {
		return nil, zk.ErrNoServer
	}
	c := &Cache{
		root: root, wake: make(chan struct{}, 1), nodes: map[string]*Node{}, children: map[string]map[string]struct{}{},
		stale: map[string]bool{}, changed: make(chan struct{}), watchers: map[*cacheWatcher]struct{}{},
	}
	c.life, c.stop = context.WithCancelCause(context.Background())
	c.live, c.fall = context.WithCancelCause(c.life)
	c.fall(zk.ErrConnectionClosed) // there is none yet
	config := client.Config{Servers: servers, Timeout: timeout, OnEvent: c.event}
	for _, option := range options {
		option(&config)
	}
	c.conn = client.Open(config)
	c.keeper.Go(c.keep)
	if err := c.await(ctx, func() bool { return c.live.Err() == nil }); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close ends the session and frees everything. What the cache shows stays as it
// is.
func (c *Cache) Close() {
	c.end(zk.ErrClosing)
	c.conn.Close()
	c.keeper.Wait()
}

// end ends the cache for good. The first cause stays.
func (c *Cache) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop(cause)
	c.announce()
}

// announce lets all who wait look again. mu is held.
func (c *Cache) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// await waits until something holds. It is looked at under mu.
func (c *Cache) await(ctx context.Context, holds func() bool) error {
	for {
		c.mu.Lock()
		ok, changed := holds(), c.changed
		c.mu.Unlock()
		switch {
		case c.life.Err() != nil:
			return context.Cause(c.life)
		case ok:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Context is done as soon as the cache may have fallen behind. Its cause
// (context.Cause) says why: zk.ErrConnectionClosed, after which [Cache.Sync]
// waits until all is up to date again and Context returns a new one;
// zk.ErrSessionExpired and zk.ErrClosing are final, as is any other error.
func (c *Cache) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live
}

// SessionID is the id of the cache's session, as servers log it.
func (c *Cache) SessionID() int64 { return c.conn.SessionID() }

// Sync waits until the cache shows everything that was written, by anybody,
// before Sync was called. It waits out lost connections.
func (c *Cache) Sync(ctx context.Context) error {
	for {
		// Events of what was written before come before the answer.
		err := c.conn.Sync(ctx, c.root)
		switch {
		case c.life.Err() != nil:
			return context.Cause(c.life)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, proto.ErrConnectionLoss):
			continue
		case errors.Is(err, proto.ErrSessionExpired): // the event is on its way
			return c.await(ctx, func() bool { return false })
		case err != nil:
			return err
		}
		c.mu.Lock()
		marks := c.marks
		c.mu.Unlock()
		return c.await(ctx, func() bool { return c.settled >= marks && c.live.Err() == nil })
	}
}

// Get returns a znode by its full path; false when it is not there.
func (c *Cache) Get(path string) (*Node, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	node := c.nodes[path]
	return node, node != nil
}

// Children returns the names of a znode's children, in order.
func (c *Cache) Children(path string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.children[path]))
}

// All yields every znode that is there at this moment, parents first.
func (c *Cache) All() iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		c.mu.Lock()
		nodes := slices.Collect(maps.Values(c.nodes))
		c.mu.Unlock()
		slices.SortFunc(nodes, func(a, b *Node) int { return comparePaths(a.Path, b.Path) })
		for _, node := range nodes {
			if !yield(node) {
				return
			}
		}
	}
}

// put shows a znode as it was read; nil: it is not there.
func (c *Cache) put(at string, node *Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.nodes[at]
	dir, name := path.Split(at)
	if dir != "/" {
		dir = path.Clean(dir)
	}
	switch {
	case node != nil:
		c.nodes[at] = node
		if at != c.root && old == nil {
			if c.children[dir] == nil {
				c.children[dir] = map[string]struct{}{}
			}
			c.children[dir][name] = struct{}{}
		}
	case old != nil:
		delete(c.nodes, at)
		if delete(c.children[dir], name); len(c.children[dir]) == 0 {
			delete(c.children, dir)
		}
	}
	if !sameNode(old, node) {
		for w := range c.watchers {
			w.notice(at)
		}
	}
}
