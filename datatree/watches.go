package datatree

import (
	"errors"
	"strings"
	"sync"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// ErrWatchLimit means that a watcher watches as many paths as it may.
var ErrWatchLimit = errors.New("too many watches")

// errStaleWatcher means that a watcher is gone already.
var errStaleWatcher = errors.New("watcher is closed")

// Event tells a watcher of a change.
type Event struct {
	Type proto.EventType
	Path string
	Zxid int64 // of the change; -1 in a replay
	// ACL is the list that must grant READ for the event to be delivered;
	// empty means to everyone. The watcher checks it: a denied event is
	// dropped, and the watch that fired is spent all the same.
	ACL []proto.ACL
	// Trigger is the same for all watchers that get this event, and for no
	// other event of this tree, so that an encoding can be shared. It is 0 in
	// a replay.
	Trigger uint64
}

// Watcher is told of changes. Its identity is its interface value, so it must
// be comparable, such as a pointer.
//
// Notify is called under the gate's write side, in the order of the changes;
// in a replay by the one who asked for it. It must not block and must not call
// the tree. A Watcher may also have a method Stale() bool: what has turned
// stale can add no more watches.
type Watcher interface{ Notify(Event) }

// WatchKind is how a watch was armed.
type WatchKind int

// The kinds of watches.
const (
	WatchData       WatchKind = iota // getData, exists: once
	WatchChild                       // getChildren: once
	WatchPersistent                  // addWatch 0: data and children, stays
	WatchRecursive                   // addWatch 1: data of all below, stays
)

// modes are the watches of one watcher on one path. A trigger clears the
// standard ones of its table and leaves the others.
type modes uint8

const (
	dataStandard modes = 1 << iota
	dataPersistent
	dataRecursive
	childStandard
	childPersistent

	dataTable  = dataStandard | dataPersistent | dataRecursive
	childTable = childStandard | childPersistent
	dataOnPath = dataStandard | dataPersistent // fire only at the very path
)

var kindModes = [...]modes{
	WatchData: dataStandard, WatchChild: childStandard,
	WatchPersistent: dataPersistent | childPersistent, WatchRecursive: dataRecursive,
}

// subscriber is one watcher.
type subscriber struct {
	watcher   Watcher
	paths     pathModes
	dataPaths int    // how many of paths have a bit of the data table
	inData    bool   // see Watches.Summary
	trigger   uint64 // the last trigger that has reached it
}

// watchedPath is one path with at least one watch.
type watchedPath struct {
	path      string
	data      subscribers // dataStandard or dataPersistent
	recursive subscribers // dataRecursive
	child     subscribers // childStandard or childPersistent
}

// Watches holds the watches of all connections. All methods may be called
// under either side of the gate.
//
// As in Apache there are two tables, one for data and one for children; the
// modes of one watcher on one path exist side by side in each.
type Watches struct {
	tree  *Tree // set once
	limit int   // set once: paths per watcher; 0 is none

	mu          sync.Mutex
	subscribers map[Watcher]*subscriber // mu
	paths       map[string]*watchedPath // mu
	recursive   int                     // mu: recursive watches; none makes triggers cheaper
	dataCount   int                     // mu: pairs of watcher and path in the data table
	childCount  int                     // mu: and in the child table

	trigger uint64        // owned by the holder of the gate's write side
	reached []*subscriber // the same: scratch of one trigger
}

func newWatches(t *Tree) *Watches {
	return &Watches{
		tree: t, limit: t.cfg.WatchLimit,
		subscribers: make(map[Watcher]*subscriber), paths: make(map[string]*watchedPath),
	}
}

// Add arms a watch. The path is any string and is copied when kept. It fails
// with [ErrWatchLimit] when the watcher has its fill, or if it is stale.
func (w *Watches) Add(path string, kind WatchKind, watcher Watcher) error {
	if s, can := watcher.(interface{ Stale() bool }); can && s.Stale() {
		return errStaleWatcher
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	sub := w.subscribers[watcher]
	if sub == nil {
		sub = &subscriber{watcher: watcher}
		w.subscribers[watcher] = sub
	}
	p := w.paths[path]
	if w.limit > 0 && sub.paths.len() >= w.limit && sub.paths.get(p) == 0 {
		return ErrWatchLimit
	}
	if p == nil {
		p = &watchedPath{path: strings.Clone(path)}
		w.paths[p.path] = p
	}
	w.set(sub, p, sub.paths.get(p)|kindModes[kind])
	return nil
}

// set replaces the modes of one watcher on one path, and keeps every count
// and set in step with them.
func (w *Watches) set(sub *subscriber, p *watchedPath, now modes) {
	was := sub.paths.get(p)
	if now == was {
		return
	}
	sub.paths.put(p, now)
	move := func(s *subscribers, bits modes) int {
		switch had, has := was&bits != 0, now&bits != 0; {
		case has && !had:
			s.add(sub)
			return 1
		case had && !has:
			s.remove(sub)
			return -1
		}
		return 0
	}
	move(&p.data, dataOnPath)
	w.recursive += move(&p.recursive, dataRecursive)
	w.childCount += move(&p.child, childTable)
	switch had, has := was&dataTable != 0, now&dataTable != 0; {
	case has && !had:
		sub.inData = true
		sub.dataPaths++
		w.dataCount++
	case had && !has:
		sub.dataPaths--
		w.dataCount--
	}
	w.forgetPath(p)
}

// forgetPath drops a path that nobody watches any more.
func (w *Watches) forgetPath(p *watchedPath) {
	if p.data.len()+p.recursive.len()+p.child.len() == 0 {
		delete(w.paths, p.path)
	}
}

// RemoveAll forgets a watcher. Its cost grows with what it watches alone.
func (w *Watches) RemoveAll(watcher Watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sub := w.subscribers[watcher]
	if sub == nil {
		return
	}
	for p := range sub.paths.all() {
		w.set(sub, p, 0)
	}
	delete(w.subscribers, watcher)
}

// selected returns the modes that a kind of checkWatches and removeWatches
// means. The two differ in one: to remove a persistent watch removes it from
// both tables, to check it looks into the data table.
func selected(kind int32, check bool) modes {
	switch kind {
	case proto.WatcherChildren:
		return childStandard
	case proto.WatcherData:
		return dataStandard
	case proto.WatcherAny:
		return dataTable | childTable
	case proto.WatcherPersistent:
		if check {
			return dataPersistent
		}
		return dataPersistent | childPersistent
	case proto.WatcherPersistentRecursive:
		return dataRecursive
	}
	return 0
}

// Check tells whether the watcher has a watch on path of a kind of
// checkWatches.
func (w *Watches) Check(path string, kind int32, watcher Watcher) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	sub, p := w.subscribers[watcher], w.paths[path]
	return sub != nil && p != nil && sub.paths.get(p)&selected(kind, true) != 0
}

// Remove removes the watcher's watches on path of a kind of removeWatches,
// and reports false if there was none.
func (w *Watches) Remove(path string, kind int32, watcher Watcher) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	sub, p := w.subscribers[watcher], w.paths[path]
	if sub == nil || p == nil {
		return false
	}
	was := sub.paths.get(p)
	now := was &^ selected(kind, false)
	w.set(sub, p, now)
	if was&dataTable != now&dataTable && sub.dataPaths == 0 {
		sub.inData = false
	}
	return now != was
}
