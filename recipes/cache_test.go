package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// openCache opens a cache with a long session.
func openCache(t *testing.T, root string, addrs ...string) *recipes.Cache {
	t.Helper()
	cache := get[*recipes.Cache](t)(recipes.OpenCache(within(t), addrs, time.Minute, root))
	t.Cleanup(cache.Close)
	return cache
}

// shown is what a cache shows, as text.
func shown(cache *recipes.Cache) string {
	var b strings.Builder
	for node := range cache.All() {
		fmt.Fprintf(&b, "%s=%s ", node.Path, node.Data)
	}
	return strings.TrimSpace(b.String())
}

// shows demands what a cache shows after everything written has arrived.
func shows(t *testing.T, cache *recipes.Cache, want string) {
	t.Helper()
	must(t, cache.Sync(within(t)))
	if got := shown(cache); got != want {
		t.Errorf("the cache shows %q, want %q", got, want)
	}
}

// writer writes znodes for a cache to follow.
type writer struct {
	t *testing.T
	c *recipes.Client
}

func (w writer) set(path, data string) {
	w.t.Helper()
	conn := get[*zk.Conn](w.t)(w.c.Conn(within(w.t)))
	if _, err := conn.Set(path, []byte(data), -1); errors.Is(err, zk.ErrNoNode) {
		_, err = conn.Create(path, []byte(data), 0, zk.WorldACL(zk.PermAll))
		must(w.t, err)
	} else {
		must(w.t, err)
	}
}

func (w writer) remove(path string) {
	w.t.Helper()
	must(w.t, get[*zk.Conn](w.t)(w.c.Conn(within(w.t))).Delete(path, -1))
}

// TestCacheFollows looks at a subtree before it is there, while it grows and
// when it is gone.
func TestCacheFollows(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	w := writer{t, alone(srv).connect(t)}
	w.set("/beside", "x")
	cache := openCache(t, "/a", srv.Addr())
	shows(t, cache, "")
	w.set("/a", "1")
	w.set("/a/b", "2")
	w.set("/a/b/c", "3")
	w.set("/a/b-", "4") // sorts before /a/b/c as a text
	w.set("/beside", "y")
	shows(t, cache, "/a=1 /a/b=2 /a/b/c=3 /a/b-=4")
	w.set("/a/b", "5")
	shows(t, cache, "/a=1 /a/b=5 /a/b/c=3 /a/b-=4")
	if names := cache.Children("/a"); !slices.Equal(names, []string{"b", "b-"}) {
		t.Errorf("children %q", names)
	}
	node, ok := cache.Get("/a/b")
	if !ok || string(node.Data) != "5" || node.Stat.Version != 1 {
		t.Errorf("/a/b is %+v, %v", node, ok)
	}
	if node, ok := cache.Get("/beside"); ok {
		t.Errorf("%+v is not below the root", node)
	}
	w.remove("/a/b/c")
	w.remove("/a/b")
	w.remove("/a/b-")
	shows(t, cache, "/a=1")
	w.remove("/a")
	shows(t, cache, "")
	if names := cache.Children("/a"); len(names) > 0 {
		t.Errorf("children %q of nothing", names)
	}
}

// TestCacheAtEachStep loses each request of a cache, and each answer.
func TestCacheAtEachStep(t *testing.T) {
	t.Parallel()
	atEachRequest(t, func(t *testing.T, srv *zktest.Server, other *recipes.Client) {
		w := writer{t, other}
		w.set("/a", "1")
		w.set("/a/b", "2")
		w.set("/a/b/c", "3")
		cache := openCache(t, "/a", srv.Addr())
		shows(t, cache, "/a=1 /a/b=2 /a/b/c=3")
		w.set("/a/b/c", "4")
		w.set("/a/d", "5")
		shows(t, cache, "/a=1 /a/b=2 /a/b/c=4 /a/d=5")
		w.remove("/a/b/c")
		shows(t, cache, "/a=1 /a/b=2 /a/d=5")
		if err := cache.Context().Err(); err != nil {
			t.Errorf("after Sync: %v", err)
		}
	})
}

// TestCacheAway changes everything while the cache has no connection: it says
// at once that it has fallen behind, and catches up.
func TestCacheAway(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	w := writer{t, alone(srv).connect(t)}
	for _, path := range []string{"/a", "/a/stays", "/a/changes", "/a/goes", "/a/goes/too"} {
		w.set(path, "old")
	}
	cache := openCache(t, "/a", srv.Addr())
	next, stop := iter.Pull2(cache.Watch(within(t)))
	defer stop()
	for range 5 {
		if change, err, _ := next(); err != nil || change.Old != nil {
			t.Fatalf("%+v, %v", change, err)
		}
	}
	// The cache stays away for as long as its requests are lost: it has come
	// back when its watch is set again, and what it then reads is held up.
	release := make(chan struct{})
	srv.Intercept(func(r zktest.Request) zktest.Fate {
		if r.Session == cache.SessionID() {
			<-release
		}
		return zktest.Pass
	})
	live := cache.Context()
	srv.DropSession(cache.SessionID())
	ended(t, live, zk.ErrConnectionClosed)
	w.set("/a/changes", "new")
	w.remove("/a/goes/too")
	w.remove("/a/goes")
	w.set("/a/comes", "new")
	w.set("/a/comes/too", "new")
	if cache.Context().Err() == nil {
		t.Error("the cache takes itself for up to date")
	}
	if got := shown(cache); strings.Contains(got, "new") {
		t.Errorf("the cache shows %q and cannot know", got)
	}
	close(release)
	shows(t, cache, "/a=old /a/changes=new /a/comes=new /a/comes/too=new /a/stays=old")
	if err := cache.Context().Err(); err != nil {
		t.Errorf("after Sync: %v", err)
	}
	seen := map[string]string{}
	for len(seen) < 5 {
		change, err, _ := next()
		must(t, err)
		switch {
		case change.Old == nil:
			seen[change.Path()] = "comes"
		case change.New == nil:
			seen[change.Path()] = "goes"
		default:
			seen[change.Path()] = fmt.Sprintf("%s to %s", change.Old.Data, change.New.Data)
		}
	}
	if got, want := fmt.Sprint(seen), "map[/a/changes:old to new /a/comes:comes /a/comes/too:comes /a/goes:goes /a/goes/too:goes]"; got != want {
		t.Errorf("seen %s, want %s", got, want)
	}
}

// TestCacheExpires ends the cache's session: it ends for good.
func TestCacheExpires(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	w := writer{t, alone(srv).connect(t)}
	w.set("/a", "1")
	cache := openCache(t, "/a", srv.Addr())
	live := cache.Context()
	var last error
	for _, err := range cache.Watch(within(t)) {
		if last = err; err == nil {
			srv.ExpireSession(cache.SessionID())
		}
	}
	if !errors.Is(last, zk.ErrSessionExpired) {
		t.Errorf("Watch ended with %v", last)
	}
	ended(t, live, zk.ErrConnectionClosed) // what a client sees first
	if err := cache.Sync(within(t)); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("Sync = %v", err)
	}
	if node, ok := cache.Get("/a"); !ok || string(node.Data) != "1" {
		t.Error("what was known is forgotten")
	}
	cache.Close()
	if err := cache.Sync(within(t)); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("Sync after Close = %v", err)
	}
}

// TestCacheOverFailover writes at random while leaders are killed, and compares
// the cache with the tree; what a watcher was told adds up to the same.
func TestCacheOverFailover(t *testing.T) {
	t.Parallel()
	e := zktest.StartEnsemble(t, 3)
	client := fleet{e.Addrs()}.connect(t)
	must(t, recipes.NewShared(client, "/a").Set(within(t), nil))
	cache := openCache(t, "/a", e.Addrs()...)
	var mu sync.Mutex
	told := map[string]string{} // mu: what the changes add up to
	ctx, cancel := context.WithCancel(within(t))
	var watching sync.WaitGroup
	watching.Go(func() {
		for change, err := range cache.Watch(ctx) {
			mu.Lock()
			switch {
			case err != nil:
				t.Error(err)
			case change.New == nil:
				delete(told, change.Path())
			default:
				told[change.Path()] = string(change.New.Data)
			}
			mu.Unlock()
		}
	})
	defer watching.Wait()
	defer cancel()
	for range 3 {
		for range 100 {
			path := fmt.Sprintf("/a/%d", rand.IntN(10))
			if below := rand.IntN(3); below > 0 {
				path = fmt.Sprintf("%s/%d", path, below)
			}
			conn := get[*zk.Conn](t)(client.Conn(within(t)))
			var err error
			if rand.IntN(3) == 0 {
				err = conn.Delete(path, -1)
			} else if _, err = conn.Set(path, fmt.Append(nil, rand.IntN(1000)), -1); errors.Is(err, zk.ErrNoNode) {
				_, err = conn.Create(path, nil, 0, zk.WorldACL(zk.PermAll))
			}
			for _, harmless := range []error{zk.ErrNoNode, zk.ErrNodeExists, zk.ErrNotEmpty, zk.ErrConnectionClosed, zk.ErrNoServer} {
				if errors.Is(err, harmless) {
					err = nil
				}
			}
			must(t, err)
		}
		leader := e.Leader()
		leader.Kill()
		e.Leader()
		leader.Restart()
	}
	must(t, recipes.NewShared(client, "/a").Set(within(t), []byte("end")))
	must(t, cache.Sync(within(t)))
	want := map[string]string{}
	readTree(t, client, "/a", want)
	got := map[string]string{}
	for node := range cache.All() {
		got[node.Path] = string(node.Data)
	}
	if !maps.Equal(got, want) {
		t.Errorf("the cache shows\n%v, the tree is\n%v", got, want)
	}
	eventually(t, "the changes add up to the tree", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return maps.Equal(told, want)
	})
}

// readTree reads a subtree.
func readTree(t *testing.T, c *recipes.Client, path string, into map[string]string) {
	t.Helper()
	value := get[recipes.Value](t)(recipes.NewShared(c, path).Get(within(t)))
	into[path] = string(value.Data)
	for _, name := range children(t, c, path) {
		readTree(t, c, path+"/"+name, into)
	}
}

// TestCacheDenied has a znode below that the cache may not read, and then an
// identity with which it may.
func TestCacheDenied(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client := alone(srv).connect(t)
	w := writer{t, client}
	w.set("/a", "1")
	conn := get[*zk.Conn](t)(client.Conn(within(t)))
	must(t, conn.AddAuth("digest", []byte("anna:secret")))
	_, err := conn.Create("/a/secret", []byte("2"), 0, zk.DigestACL(zk.PermAll, "anna", "secret"))
	must(t, err)
	cache := openCache(t, "/a", srv.Addr())
	if node, ok := cache.Get("/a/secret"); !ok || !node.Denied || node.Data != nil {
		t.Errorf("the secret: %+v, %v", node, ok)
	}
	anna := get[*recipes.Cache](t)(recipes.OpenCache(within(t), []string{srv.Addr()}, time.Minute, "/a", recipes.WithIdentity("digest", []byte("anna:secret"))))
	t.Cleanup(anna.Close)
	shows(t, anna, "/a=1 /a/secret=2")
}

// TestOpenCacheFails names what is wrong.
func TestOpenCacheFails(t *testing.T) {
	t.Parallel()
	if _, err := recipes.OpenCache(within(t), []string{"localhost:1"}, time.Minute, "a"); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a path without a slash: %v", err)
	}
	if _, err := recipes.OpenCache(within(t), nil, time.Minute, "/a"); !errors.Is(err, zk.ErrNoServer) {
		t.Errorf("no servers: %v", err)
	}
	srv := zktest.Start(t)
	srv.PartitionClients()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := recipes.OpenCache(ctx, []string{srv.Addr()}, time.Minute, "/a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that does not answer: %v", err)
	}
}
