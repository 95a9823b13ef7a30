package datatree

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// watchModel is two tables of flags and no cleverness.
type watchModel struct {
	data, child map[string]map[int]modelFlags // path, watcher
	got         map[int][]string              // events by watcher
}

type modelFlags struct{ standard, persistent, recursive bool }

func (m *watchModel) table(kind int) map[string]map[int]modelFlags {
	if kind == 0 {
		return m.data
	}
	return m.child
}

func (m *watchModel) change(table int, path string, watcher int, edit func(*modelFlags)) {
	t := m.table(table)
	if t[path] == nil {
		t[path] = make(map[int]modelFlags)
	}
	f := t[path][watcher]
	edit(&f)
	t[path][watcher] = f
	if f == (modelFlags{}) {
		delete(t[path], watcher)
	}
}

func (m *watchModel) add(path string, kind WatchKind, w int) {
	switch kind {
	case WatchData:
		m.change(0, path, w, func(f *modelFlags) { f.standard = true })
	case WatchChild:
		m.change(1, path, w, func(f *modelFlags) { f.standard = true })
	case WatchPersistent:
		m.change(0, path, w, func(f *modelFlags) { f.persistent = true })
		m.change(1, path, w, func(f *modelFlags) { f.persistent = true })
	case WatchRecursive:
		m.change(0, path, w, func(f *modelFlags) { f.recursive = true })
	}
}

func (m *watchModel) removeAll(w int) {
	for _, t := range []map[string]map[int]modelFlags{m.data, m.child} {
		for path := range t {
			delete(t[path], w)
		}
	}
}

// fire triggers one table and returns whom it reached.
func (m *watchModel) fire(table int, event, path string, told map[int]bool) map[int]bool {
	reached := make(map[int]bool)
	for at := path; ; at = modelParent(at) {
		for w, f := range m.table(table)[at] {
			if at == path || f.recursive {
				reached[w] = true
			}
			if at == path {
				m.change(table, at, w, func(f *modelFlags) { f.standard = false })
			}
		}
		if at == "/" {
			break
		}
	}
	for w := range reached {
		if !told[w] {
			m.got[w] = append(m.got[w], event+" "+path)
		}
	}
	return reached
}

func (m *watchModel) count() int {
	n := 0
	for _, t := range []map[string]map[int]modelFlags{m.data, m.child} {
		for _, watchers := range t {
			n += len(watchers)
		}
	}
	return n
}

// Random registrations, removals and changes reach the same watchers in the
// same order as the model says.
func TestWatchModel(t *testing.T) {
	paths := []string{"/", "/a", "/a/b", "/a/b/c", "/a/d", "/e"}
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		m := &watchModel{data: map[string]map[int]modelFlags{}, child: map[string]map[int]modelFlags{}, got: map[int][]string{}}
		f := newFeed(modelConfig)
		ws := f.t.Watches()
		watchers := make([]*recorder, 5)
		for i := range watchers {
			watchers[i] = &recorder{}
		}
		for range 600 {
			path, w := paths[rnd.IntN(len(paths))], rnd.IntN(len(watchers))
			switch rnd.IntN(10) {
			case 0, 1, 2, 3:
				kind := WatchKind(rnd.IntN(4))
				m.add(path, kind, w)
				_ = ws.Add(path, kind, watchers[w])
			case 4:
				kind := 1 + rnd.Int32N(5)
				before := m.count()
				m.remove(path, kind, w)
				if found := ws.Remove(path, kind, watchers[w]); !found && before != m.count() {
					t.Fatalf("seed %d: remove %d of %s found nothing", seed, kind, path)
				}
			case 5:
				if rnd.IntN(4) == 0 {
					m.removeAll(w)
					ws.RemoveAll(watchers[w])
				}
			default:
				m.step(f, path)
			}
			for i, r := range watchers {
				if got, want := r.take(), strings.Join(m.got[i], ", "); got != want {
					t.Fatalf("seed %d: watcher %d got %q, want %q", seed, i, got, want)
				}
				m.got[i] = nil
			}
			if ws.Count() != m.count() {
				t.Fatalf("seed %d: %d watches, want %d", seed, ws.Count(), m.count())
			}
		}
		checkWatchCounts(t, ws)
		_, _, total := ws.Summary()
		if n := len(slices.Concat(mapValues(ws.ByPath())...)); n != total {
			t.Fatalf("%d watches by path, %d in all", n, total)
		}
	}
}

func mapValues[K comparable, V any](m map[K]V) []V {
	var out []V
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func (m *watchModel) remove(path string, kind int32, w int) {
	switch kind {
	case proto.WatcherChildren:
		m.change(1, path, w, func(f *modelFlags) { f.standard = false })
	case proto.WatcherData:
		m.change(0, path, w, func(f *modelFlags) { f.standard = false })
	case proto.WatcherAny:
		m.change(0, path, w, func(f *modelFlags) { *f = modelFlags{} })
		m.change(1, path, w, func(f *modelFlags) { *f = modelFlags{} })
	case proto.WatcherPersistent:
		m.change(0, path, w, func(f *modelFlags) { f.persistent = false })
		m.change(1, path, w, func(f *modelFlags) { f.persistent = false })
	case proto.WatcherPersistentRecursive:
		m.change(0, path, w, func(f *modelFlags) { f.recursive = false })
	}
}

// step creates, changes or deletes what is at path and fires the model alike.
func (m *watchModel) step(f *feed, path string) {
	z := f.t.Lookup(path)
	switch {
	case z == nil && f.t.parentOf(path) == nil:
	case z == nil:
		f.create(path, "")
		m.fire(0, "created", path, nil)
		m.fire(1, "children", modelParent(path), nil)
	case z.kids > 0 || f.zxid%2 == 0 || path == "/":
		f.set(path, fmt.Sprint(f.zxid), 1)
		m.fire(0, "changed", path, nil)
	default:
		f.delete(path)
		told := m.fire(0, "deleted", path, nil)
		m.fire(1, "deleted", path, told)
		m.fire(1, "children", modelParent(path), nil)
	}
}
