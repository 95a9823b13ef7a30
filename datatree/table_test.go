package datatree

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Paths with one hash are told apart, in whatever order they come and go.
func TestIndexCollisions(t *testing.T) {
	x := newIndex()
	x.mask = 0
	nodes := make(map[string]*Znode)
	for _, path := range []string{"/a", "/b", "/c"} {
		nodes[path] = newZnode(path, nil)
		if !x.put(nodes[path]) || x.put(newZnode(path, nil)) {
			t.Fatalf("%s: put", path)
		}
	}
	check := func() {
		t.Helper()
		n := 0
		for _, path := range []string{"/a", "/b", "/c", "/d"} {
			if z, _ := x.find(path); z != nodes[path] {
				t.Fatalf("%s: %v", path, z)
			}
			if nodes[path] != nil {
				n++
			}
		}
		if x.len() != n {
			t.Fatalf("%d of %d", x.len(), n)
		}
	}
	check()
	x.remove(nodes["/a"]) // the one that has the hash
	delete(nodes, "/a")
	check()
	if x.put(newZnode("/b", nil)) {
		t.Fatal("/b is there twice")
	}
	nodes["/d"] = newZnode("/d", nil)
	x.put(nodes["/d"])
	check()
	for path, z := range nodes {
		x.remove(z)
		delete(nodes, path)
		check()
	}
}

func TestACLTable(t *testing.T) {
	table := newACLTable()
	read := []proto.ACL{{Perms: 1, ID: proto.Anyone}}
	empty := []proto.ACL{}
	if table.acquire(nil) != openACL || table.acquire([]proto.ACL{{Perms: 31, ID: proto.Anyone}}) != openACL {
		t.Error("no list, or the open one, has an id of its own")
	}
	a, b := table.acquire(read), table.acquire([]proto.ACL{{Perms: 1, ID: proto.Anyone}})
	e := table.acquire(empty)
	if a != b || a <= lostACL || e == a || e == openACL || len(table.get(e)) != 0 || table.get(e) == nil {
		t.Errorf("ids %d, %d, %d", a, b, e)
	}
	read[0].Perms = 9 // the table keeps a copy
	if got := table.get(a); got[0].Perms != 1 {
		t.Errorf("list %v", got)
	}
	table.release(a)
	if table.entries[a] == nil {
		t.Error("a list in use was dropped")
	}
	before := table.listed()
	table.release(a)
	if table.entries[a] != nil || len(table.byKey) != 1 {
		t.Error("a list that nobody uses was kept")
	}
	other := table.acquire([]proto.ACL{{Perms: 2, ID: proto.Anyone}})
	if other != a {
		t.Errorf("the free id %d was not used again: %d", a, other)
	}
	if before[a].acl[0].Perms != 1 || before[openACL] != nil || before[lostACL] != nil {
		t.Error("a snapshot of the table changes with it")
	}
	table.intern([]proto.ACL{{Perms: 7, ID: proto.Anyone}})
	if table.purge(); len(table.byKey) != 2 {
		t.Errorf("%d lists after a purge", len(table.byKey))
	}
}

func TestChildrenCache(t *testing.T) {
	cfg := modelConfig
	cfg.ChildrenCache = 2
	f := newFeed(cfg)
	for _, parent := range []string{"/a", "/b", "/c", "/few"} {
		f.create(parent, "")
		for i := range 40 {
			if parent != "/few" || i < minCachedChildren-1 {
				f.create(fmt.Sprintf("%s/n%02d", parent, i), "")
			}
		}
	}
	shared := func(path string) []byte { return f.t.SharedChildren(f.t.Lookup(path)) }
	if shared("/few") != nil {
		t.Error("a short list is cached")
	}
	first := shared("/a")
	again := shared("/a")
	if &first[0] != &again[0] {
		t.Error("the list was encoded twice")
	}
	f.set("/a", "x", 1)
	f.create("/a/n00/deep", "")
	if now := shared("/a"); &now[0] != &first[0] {
		t.Error("a change that is none of the children's dropped the list")
	}
	old := bytes.Clone(first)
	f.create("/a/zz", "")
	now := shared("/a")
	if &now[0] == &first[0] || !bytes.Equal(old, first) {
		t.Error("after a create the list is the old one, or that was written to")
	}
	if names := childNames(t, f.t, f.t.Lookup("/a")); len(names) != 41 || names[40] != "zz" {
		t.Errorf("%d names", len(names))
	}
	f.delete("/a/zz")
	if names := childNames(t, f.t, f.t.Lookup("/a")); len(names) != 40 {
		t.Errorf("after a delete %d names", len(names))
	}
	for i := range 8 { // down to the shortest list that is cached
		f.delete(fmt.Sprintf("/a/n%02d", i+1))
	}
	before := bytes.Clone(shared("/a"))
	f.delete("/a/n39")
	f.create("/a/n77", "")
	if now := shared("/a"); len(now) != len(before) || bytes.Equal(now, before) {
		t.Error("one child in place of another leaves the old list")
	}
	shared("/b")
	shared("/a")
	shared("/c") // makes room by dropping /b
	if c := f.t.cache; len(c.byNode) != 2 || c.byNode[f.t.Lookup("/b")] != nil || c.recent.Len() != 2 {
		t.Errorf("%d lists", len(c.byNode))
	}
	if hits, misses := f.t.ChildrenCacheUse(); hits == 0 || misses == 0 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
	// Without a cache the answers are the same.
	off := New(Config{})
	if err := decodeBytes(off, snapshotBytes(t, f.t)); err != nil {
		t.Fatal(err)
	}
	if off.SharedChildren(off.Lookup("/a")) != nil || !bytes.Equal(off.AppendChildren(nil, off.Lookup("/a")), shared("/a")) {
		t.Error("without a cache")
	}
}

func TestChildrenCacheBytes(t *testing.T) {
	cfg := modelConfig
	cfg.ChildrenCache, cfg.ChildrenCacheBytes = 100, 1000
	f := newFeed(cfg)
	for p := range 5 {
		f.create(fmt.Sprint("/", p), "")
		for i := range 40 { // 4 + 40 * (4+5) bytes
			f.create(fmt.Sprintf("/%d/n%04d", p, i), "")
		}
		f.t.SharedChildren(f.t.Lookup(fmt.Sprint("/", p)))
	}
	if c := f.t.cache; c.bytes > 1000 || len(c.byNode) != 2 {
		t.Errorf("%d lists of %d bytes", len(c.byNode), c.bytes)
	}
}

// Readers share the cache.
func TestChildrenCacheReaders(t *testing.T) {
	f := newFeed(modelConfig)
	f.create("/a", "")
	for i := range 100 {
		f.create(fmt.Sprintf("/a/n%04d", i), "")
	}
	var gate sync.RWMutex
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 200 {
				gate.RLock()
				z := f.t.Lookup("/a")
				d := jute.NewDecoder(f.t.AppendChildren(nil, z))
				if names := d.Strings(); len(names) != z.NumChildren() || d.Err() != nil {
					t.Errorf("%d names of %d: %v", len(names), z.NumChildren(), d.Err())
				}
				gate.RUnlock()
			}
		})
	}
	for i := range 200 {
		gate.Lock()
		f.create(fmt.Sprintf("/a/x%04d", i), "")
		gate.Unlock()
	}
	readers.Wait()
}

// Names are sorted by their bytes and found among neighbours that share their
// beginning.
func TestChildrenOrder(t *testing.T) {
	f := newFeed(modelConfig)
	for _, path := range []string{"/a", "/a-", "/a.", "/a0", "/ab", "/a/z", "/a/b", "/a/b-", "/a/b/x", "/a-/y", "/a/ü", "/a0/q"} {
		f.create(path, "")
	}
	for path, want := range map[string]string{
		"/": "[a a- a. a0 ab zookeeper]", "/a": "[b b- z ü]", "/a-": "[y]", "/a.": "[]", "/a/b": "[x]", "/a0": "[q]",
	} {
		if got := fmt.Sprint(childNames(t, f.t, f.t.Lookup(path))); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for path, want := range map[string]int{"/": 15, "/a": 5, "/a/b": 1, "/a.": 0, "/none": 0, "/zookeeper": 2} {
		if got := f.t.Descendants(path); got != want {
			t.Errorf("%s: %d descendants, want %d", path, got, want)
		}
	}
}
