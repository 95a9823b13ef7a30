package datatree

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// recorder notes its events.
type recorder struct {
	events []Event
	stale  bool
}

func (r *recorder) Notify(e Event) { r.events = append(r.events, e) }
func (r *recorder) Stale() bool    { return r.stale }

var eventNames = map[proto.EventType]string{
	proto.EventNodeCreated: "created", proto.EventNodeDeleted: "deleted",
	proto.EventNodeDataChanged: "changed", proto.EventNodeChildrenChanged: "children",
}

// take returns and forgets the events as "type path" lines.
func (r *recorder) take() string {
	var out []string
	for _, e := range r.events {
		out = append(out, eventNames[e.Type]+" "+e.Path)
	}
	r.events = nil
	return strings.Join(out, ", ")
}

// Each row arms one kind of watch on one path and runs changes one by one;
// the events after each are as in section 8 of the protocol's description.
func TestWatchEvents(t *testing.T) {
	createB := func(f *feed) { f.create("/a/b", "") }
	createC := func(f *feed) { f.create("/a/b/c", "") }
	setA := func(f *feed) { f.set("/a", "1", 1) }
	setB := func(f *feed) { f.set("/a/b", "1", 1) }
	deleteB := func(f *feed) { f.delete("/a/b") }
	deleteC := func(f *feed) { f.delete("/a/b/c") }
	aclB := func(f *feed) { f.apply(&proto.SetACLTxn{Path: "/a/b", Version: 1}) }
	multi := func(f *feed) {
		f.apply(multiOf(&proto.CreateTxn{Path: "/a/b", ParentCversion: -1}, &proto.SetDataTxn{Path: "/a/b", Version: 1}, &proto.DeleteTxn{Path: "/a/b"}))
	}
	failed := func(f *feed) {
		f.apply(multiOf(&proto.CreateTxn{Path: "/a/b", ParentCversion: -1}, &proto.ErrorTxn{Err: proto.ErrNoNode}))
	}
	closed := func(f *feed) {
		f.ephemeral(5, "/a/y")
		f.ephemeral(5, "/a/x")
		f.applyFor(5, &proto.CloseSessionTxn{Paths: []string{"/a/y", "/a/x"}, HasPaths: true})
	}
	type step struct {
		change func(*feed)
		want   string
	}
	for _, c := range []struct {
		name  string
		kinds []WatchKind
		path  string
		steps []step
	}{
		{"data, of nothing", []WatchKind{WatchData}, "/a/b", []step{{createB, "created /a/b"}, {setB, ""}}},
		{"data", []WatchKind{WatchData}, "/a", []step{{createB, ""}, {setA, "changed /a"}, {setA, ""}}},
		{"data, deleted", []WatchKind{WatchData}, "/a/b", []step{{createB, "created /a/b"}, {deleteB, ""}}},
		{"child", []WatchKind{WatchChild}, "/a", []step{{setA, ""}, {createB, "children /a"}, {deleteB, ""}}},
		{"child, grandchild", []WatchKind{WatchChild}, "/a", []step{{createB, "children /a"}, {createC, ""}}},
		{"root's child", []WatchKind{WatchChild}, "/", []step{{createB, ""}, {func(f *feed) { f.create("/z", "") }, "children /"}}},
		{"both", []WatchKind{WatchData, WatchChild}, "/a", []step{{setA, "changed /a"}, {createB, "children /a"}, {setA, ""}}},
		{"both, deleted once", []WatchKind{WatchData, WatchChild}, "/a/b", []step{{createB, "created /a/b"}, {deleteB, "deleted /a/b"}, {createB, ""}}},
		{"persistent", []WatchKind{WatchPersistent}, "/a/b", []step{
			{createB, "created /a/b"}, {setB, "changed /a/b"}, {setB, "changed /a/b"}, {createC, "children /a/b"},
			{deleteC, "children /a/b"}, {aclB, ""}, {deleteB, "deleted /a/b"}, {createB, "created /a/b"}}},
		{"recursive", []WatchKind{WatchRecursive}, "/a", []step{
			{setA, "changed /a"}, {createB, "created /a/b"}, {createC, "created /a/b/c"}, {setB, "changed /a/b"},
			{deleteC, "deleted /a/b/c"}, {deleteB, "deleted /a/b"}}},
		{"recursive on the root", []WatchKind{WatchRecursive}, "/", []step{{createB, "created /a/b"}, {setA, "changed /a"}}},
		{"recursive beside", []WatchKind{WatchRecursive}, "/ab", []step{{createB, ""}}},
		{"recursive and data", []WatchKind{WatchRecursive, WatchData}, "/a", []step{{setA, "changed /a"}, {setA, "changed /a"}}},
		{"all at once", []WatchKind{WatchRecursive, WatchPersistent, WatchData, WatchChild}, "/a", []step{
			{setA, "changed /a"}, {createB, "created /a/b, children /a"}, {deleteB, "deleted /a/b, children /a"}}},
		{"multi", []WatchKind{WatchRecursive, WatchPersistent}, "/a", []step{
			{multi, "created /a/b, children /a, changed /a/b, deleted /a/b, children /a"}}},
		{"failed multi", []WatchKind{WatchRecursive, WatchPersistent}, "/a", []step{{failed, ""}}},
		{"closeSession, in the order of its list", []WatchKind{WatchRecursive}, "/a", []step{
			{closed, "created /a/y, created /a/x, deleted /a/y, deleted /a/x"}}},
	} {
		f := newFeed(modelConfig)
		f.create("/a", "")
		w := &recorder{}
		for _, kind := range c.kinds {
			if err := f.t.Watches().Add(c.path, kind, w); err != nil {
				t.Fatal(err)
			}
		}
		for i, s := range c.steps {
			s.change(f)
			if got := w.take(); got != s.want {
				t.Errorf("%s: after change %d: %q, want %q", c.name, i, got, s.want)
			}
		}
		checkWatchCounts(t, f.t.Watches())
	}
}

// checkWatchCounts counts everything again.
func checkWatchCounts(t *testing.T, w *Watches) {
	t.Helper()
	data, child, recursive := 0, 0, 0
	seen := make(map[*watchedPath]bool)
	for _, sub := range w.subscribers {
		dataPaths := 0
		for p, m := range sub.paths.all() {
			seen[p] = true
			if m == 0 || w.paths[p.path] != p {
				t.Fatalf("%s: modes %b, or not in the table", p.path, m)
			}
			if m&dataTable != 0 {
				data++
				dataPaths++
			}
			if m&childTable != 0 {
				child++
			}
			if m&dataRecursive != 0 {
				recursive++
			}
		}
		if dataPaths != sub.dataPaths {
			t.Fatalf("%d data paths, counted as %d", dataPaths, sub.dataPaths)
		}
	}
	if data != w.dataCount || child != w.childCount || recursive != w.recursive || w.Count() != data+child || len(seen) != len(w.paths) {
		t.Fatalf("data %d/%d, child %d/%d, recursive %d/%d, paths %d/%d",
			w.dataCount, data, w.childCount, child, w.recursive, recursive, len(w.paths), len(seen))
	}
}

// The event carries the change's zxid and the ACL that decides who gets it.
func TestWatchEventContents(t *testing.T) {
	f := newFeed(modelConfig)
	parentACL := []proto.ACL{{Perms: 3, ID: proto.Anyone}}
	nodeACL := []proto.ACL{{Perms: 5, ID: proto.Anyone}}
	w := &recorder{}
	f.apply(&proto.CreateTxn{Path: "/a", ACL: parentACL, ParentCversion: -1})
	_ = f.t.Watches().Add("/a", WatchPersistent, w)
	_ = f.t.Watches().Add("/a", WatchRecursive, w)
	f.apply(&proto.CreateTxn{Path: "/a/b", ACL: nodeACL, ParentCversion: -1})
	f.set("/a/b", "", 1)
	f.apply(&proto.SetACLTxn{Path: "/a/b", ACL: proto.OpenACL, Version: 1})
	f.delete("/a/b")
	want := []Event{
		{proto.EventNodeCreated, "/a/b", 2, nodeACL, 0}, {proto.EventNodeChildrenChanged, "/a", 2, parentACL, 0},
		{proto.EventNodeDataChanged, "/a/b", 3, nodeACL, 0},
		{proto.EventNodeDeleted, "/a/b", 5, proto.OpenACL, 0}, {proto.EventNodeChildrenChanged, "/a", 5, parentACL, 0},
	}
	triggers := map[uint64]bool{}
	for i, e := range w.events {
		triggers[e.Trigger] = true
		e.Trigger = 0
		if i >= len(want) || fmt.Sprint(e) != fmt.Sprint(want[i]) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if len(w.events) != len(want) || len(triggers) != len(want) || triggers[0] {
		t.Errorf("%d events of %d triggers, want %d", len(w.events), len(triggers), len(want))
	}
}

// Every watcher gets its event; the same trigger number lets them share work.
func TestManyWatchers(t *testing.T) {
	triggered := 0
	cfg := modelConfig
	cfg.Triggered = func(event proto.EventType, n int) {
		if event == proto.EventNodeDataChanged {
			triggered += n
		}
	}
	f := newFeed(cfg)
	f.create("/a", "")
	ws := make([]*recorder, 10_000)
	for i := range ws {
		ws[i] = &recorder{}
		_ = f.t.Watches().Add("/a", WatchData, ws[i])
	}
	f.set("/a", "1", 1)
	for i, w := range ws {
		if len(w.events) != 1 || w.events[0].Trigger != ws[0].events[0].Trigger {
			t.Fatalf("watcher %d: %+v", i, w.events)
		}
	}
	if n := f.t.Watches().Count(); n != 0 || triggered != len(ws) {
		t.Errorf("%d watches left, %d triggered", n, triggered)
	}
	for _, w := range ws {
		f.t.Watches().RemoveAll(w)
	}
	if w := f.t.Watches(); len(w.subscribers)+len(w.paths) != 0 {
		t.Errorf("%d watchers, %d paths left", len(w.subscribers), len(w.paths))
	}
}

func TestCheckAndRemoveWatches(t *testing.T) {
	kinds := []WatchKind{WatchData, WatchChild, WatchPersistent, WatchRecursive}
	// What each kind of removeWatches finds and leaves, when all four are there.
	for _, c := range []struct {
		kind  int32
		check bool   // found when armed alone as kinds[i]
		found []bool // for each of kinds
	}{
		{proto.WatcherChildren, true, []bool{false, true, false, false}},
		{proto.WatcherData, true, []bool{true, false, false, false}},
		{proto.WatcherAny, true, []bool{true, true, true, true}},
		{proto.WatcherPersistent, true, []bool{false, false, true, false}},
		{proto.WatcherPersistentRecursive, true, []bool{false, false, false, true}},
		{99, true, []bool{false, false, false, false}},
	} {
		for i, kind := range kinds {
			f := newFeed(modelConfig)
			w, other := &recorder{}, &recorder{}
			ws := f.t.Watches()
			_ = ws.Add("/a", kind, w)
			_ = ws.Add("/a", WatchData, other)
			if ws.Check("/a", c.kind, w) != c.found[i] || ws.Check("/b", c.kind, w) || ws.Check("/a", c.kind, &recorder{}) {
				t.Errorf("check %d of a watch of kind %d", c.kind, kind)
			}
			if ws.Remove("/b", c.kind, w) || ws.Remove("/a", c.kind, &recorder{}) {
				t.Errorf("remove %d found what is not there", c.kind)
			}
			if ws.Remove("/a", c.kind, w) != c.found[i] || ws.Remove("/a", c.kind, w) || ws.Check("/a", c.kind, w) {
				t.Errorf("remove %d of a watch of kind %d", c.kind, kind)
			}
			checkWatchCounts(t, ws)
			if !ws.Check("/a", proto.WatcherData, other) {
				t.Errorf("remove %d took another watcher's watch", c.kind)
			}
		}
	}
	// One mode goes, the others stay.
	f := newFeed(modelConfig)
	f.create("/a", "")
	w := &recorder{}
	for _, kind := range kinds {
		_ = f.t.Watches().Add("/a", kind, w)
	}
	f.t.Watches().Remove("/a", proto.WatcherPersistent, w)
	f.t.Watches().Remove("/a", proto.WatcherData, w)
	f.set("/a", "1", 1)
	f.create("/a/b", "")
	f.create("/a/c", "")
	if got := w.take(); got != "changed /a, created /a/b, children /a, created /a/c" {
		t.Errorf("left over: %q", got)
	}
	checkWatchCounts(t, f.t.Watches())
}

func TestReplayWatches(t *testing.T) {
	f := newFeed(modelConfig)
	f.create("/old", "")      // 1
	f.create("/parent", "")   // 2
	f.create("/set", "")      // 3
	f.set("/set", "x", 1)     // 4
	f.create("/parent/c", "") // 5
	f.create("/late", "")     // 6
	w := &recorder{}
	err := f.t.ReplayWatches(&proto.SetWatchesRequest{
		RelativeZxid: 3,
		Data:         []string{"/gone", "/set", "/old", "/late"},
		Exist:        []string{"/old", "/nothing"},
		Child:        []string{"/parent", "/old", "/gone"},
		Persistent:   []string{"/p"}, PersistentRecursive: []string{"/r"},
	}, w)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range w.events {
		if e.Zxid != -1 || e.ACL != nil || e.Trigger != 0 {
			t.Errorf("replayed event %+v", e)
		}
	}
	want := "deleted /gone, changed /set, changed /late, created /old, children /parent, deleted /gone"
	if got := w.take(); got != want {
		t.Errorf("replayed %q, want %q", got, want)
	}
	f.set("/old", "", 1)
	f.create("/old/c", "")
	f.create("/nothing", "")
	f.create("/p", "")
	f.create("/r", "")
	f.create("/r/x", "")
	f.set("/set", "", 2) // not armed again: it was told
	want = "changed /old, children /old, created /nothing, created /p, created /r, created /r/x"
	if got := w.take(); got != want {
		t.Errorf("armed %q, want %q", got, want)
	}
	checkWatchCounts(t, f.t.Watches())
}

func TestWatchSummaries(t *testing.T) {
	f := newFeed(modelConfig)
	ws := f.t.Watches()
	a, b, c := &recorder{}, &recorder{}, &recorder{}
	_ = ws.Add("/x", WatchData, a)
	_ = ws.Add("/x", WatchRecursive, a)
	_ = ws.Add("/y", WatchPersistent, a)
	_ = ws.Add("/x", WatchData, b)
	_ = ws.Add("/z", WatchChild, c) // not in the data table
	summary := func(watchers, paths, total, count int) {
		t.Helper()
		n, p, all := ws.Summary()
		if n != watchers || p != paths || all != total || ws.Count() != count {
			t.Errorf("summary %d %d %d, count %d; want %d %d %d, %d", n, p, all, ws.Count(), watchers, paths, total, count)
		}
		checkWatchCounts(t, ws)
	}
	summary(2, 2, 3, 5)
	byPath := ws.ByPath()
	if len(byPath) != 2 || len(byPath["/x"]) != 2 || !slices.Equal(byPath["/y"], []Watcher{a}) {
		t.Errorf("by path: %v", byPath)
	}
	f.create("/x", "") // spends the standard watches
	summary(2, 2, 2, 4)
	if by := ws.ByWatcher(); len(by) != 2 || len(by[b]) != 0 || len(by[a]) != 2 {
		t.Errorf("by watcher: %v", by)
	}
	_ = ws.Add("/x", WatchData, b)
	ws.Remove("/x", proto.WatcherData, b)
	summary(1, 2, 2, 4)
	ws.RemoveAll(a)
	summary(0, 0, 0, 1)
	ws.RemoveAll(c)
	ws.RemoveAll(c)
	summary(0, 0, 0, 0)
}

func TestWatchLimit(t *testing.T) {
	cfg := modelConfig
	cfg.WatchLimit = 2
	ws := New(cfg).Watches()
	w := &recorder{}
	for path, want := range map[string]error{"/a": nil, "/b": nil} {
		if err := ws.Add(path, WatchData, w); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := ws.Add("/c", WatchData, w); !errors.Is(err, ErrWatchLimit) {
		t.Errorf("the third path: %v", err)
	}
	if err := ws.Add("/a", WatchChild, w); err != nil {
		t.Errorf("another kind on a path that is watched: %v", err)
	}
	if len(ws.paths) != 2 {
		t.Errorf("%d paths", len(ws.paths))
	}
	gone := &recorder{stale: true}
	if err := ws.Add("/a", WatchData, gone); err == nil || ws.Check("/a", proto.WatcherData, gone) {
		t.Error("a stale watcher can add a watch")
	}
}

// selfRemoving leaves when it is told something, as a connection does whose
// outbox is full.
type selfRemoving struct {
	ws   *Watches
	told int
}

func (s *selfRemoving) Notify(Event) {
	s.told++
	s.ws.RemoveAll(s)
}

func TestWatcherMayLeaveWhenNotified(t *testing.T) {
	f := newFeed(modelConfig)
	a, b := &selfRemoving{ws: f.t.Watches()}, &selfRemoving{ws: f.t.Watches()}
	for _, w := range []*selfRemoving{a, b} {
		_ = f.t.Watches().Add("/a", WatchPersistent, w)
		_ = f.t.Watches().Add("/", WatchRecursive, w)
	}
	f.create("/a", "")
	f.create("/b", "")
	if a.told != 1 || b.told != 1 {
		t.Errorf("told %d and %d times", a.told, b.told)
	}
	checkWatchCounts(t, f.t.Watches())
}
