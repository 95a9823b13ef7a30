package recipes

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Change is what has become of one znode of a [Cache].
type Change struct {
	Old *Node // nil: the znode is new
	New *Node // nil: it is gone
}

// Path is the znode's.
func (c Change) Path() string {
	if c.New != nil {
		return c.New.Path
	}
	return c.Old.Path
}

// Watch yields every znode that is there, parents first, then each change.
// Changes of one znode that follow each other faster than they are taken are
// seen together; a znode that was deleted and made again may be seen as
// changed. It ends with ctx, or with an error as its last value, such as
// zk.ErrSessionExpired. A lost connection is no error: what has changed
// meanwhile is yielded when it is known.
func (c *Cache) Watch(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w := c.watch()
		defer c.unwatch(w)
		for {
			change, ok := c.next(w)
			if ok {
				if !yield(change, nil) {
					return
				}
				continue
			}
			select {
			case <-w.wake:
			case <-c.life.Done():
				if ctx.Err() == nil {
					yield(Change{}, context.Cause(c.life))
				}
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

// cacheWatcher is one who watches a cache.
type cacheWatcher struct {
	wake  chan struct{}       // tells that there is something due
	shown map[string]*Node    // owned by who watches: what was yielded
	due   map[string]struct{} // guarded by Cache.mu: the paths in line
	line  []string            // guarded by Cache.mu
}

// watch begins with everything due.
func (c *Cache) watch() *cacheWatcher {
	w := &cacheWatcher{wake: make(chan struct{}, 1), shown: map[string]*Node{}, due: map[string]struct{}{}}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range slices.SortedFunc(maps.Keys(c.nodes), comparePaths) {
		w.notice(at)
	}
	c.watchers[w] = struct{}{}
	return w
}

func (c *Cache) unwatch(w *cacheWatcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watchers, w)
}

// notice puts a path in line, once. Cache.mu is held.
func (w *cacheWatcher) notice(path string) {
	if _, ok := w.due[path]; ok {
		return
	}
	w.due[path] = struct{}{}
	w.line = append(w.line, path)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// next is the first change in line; false: there is none.
func (c *Cache) next(w *cacheWatcher) (Change, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(w.line) > 0 {
		at := w.line[0]
		w.line = w.line[1:]
		delete(w.due, at)
		change := Change{Old: w.shown[at], New: c.nodes[at]}
		if change.New == nil {
			delete(w.shown, at)
		} else {
			w.shown[at] = change.New
		}
		if !sameNode(change.Old, change.New) {
			return change, true
		}
	}
	return Change{}, false
}

// sameNode tells whether nothing has happened to a znode itself.
func sameNode(a, b *Node) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case a.Denied || b.Denied:
		return a.Denied == b.Denied
	}
	return a.Stat.Czxid == b.Stat.Czxid && a.Stat.Mzxid == b.Stat.Mzxid
}

// comparePaths has parents before their children, and brothers in the order of
// their names.
func comparePaths(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}
