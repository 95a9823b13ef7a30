package datatree

import "github.com/meerkat-zk/meerkat/jute/proto"

// ReplayWatches arms a client's watches again after a reconnect. Where a path
// has changed since the zxid that the client saw last, the watcher gets the
// event that it missed instead; such events carry zxid -1 and no ACL. It is
// called under either side of the gate (DataTree.setWatches).
func (t *Tree) ReplayWatches(r *proto.SetWatchesRequest, watcher Watcher) error {
	a := rearm{t: t, watcher: watcher}
	for _, path := range r.Data {
		z := t.Lookup(path)
		switch {
		case z == nil:
			a.missed(proto.EventNodeDeleted, path)
		case z.mzxid > r.RelativeZxid:
			a.missed(proto.EventNodeDataChanged, path)
		default:
			a.add(path, WatchData)
		}
	}
	for _, path := range r.Exist {
		if t.Lookup(path) != nil {
			a.missed(proto.EventNodeCreated, path)
		} else {
			a.add(path, WatchData)
		}
	}
	for _, path := range r.Child {
		z := t.Lookup(path)
		switch {
		case z == nil:
			a.missed(proto.EventNodeDeleted, path)
		case z.pzxid > r.RelativeZxid:
			a.missed(proto.EventNodeChildrenChanged, path)
		default:
			a.add(path, WatchChild)
		}
	}
	for _, path := range r.Persistent {
		a.add(path, WatchPersistent)
	}
	for _, path := range r.PersistentRecursive {
		a.add(path, WatchRecursive)
	}
	return a.err
}

// rearm is one replay; the first error sticks, and the others go on.
type rearm struct {
	t       *Tree
	watcher Watcher
	err     error
}

func (a *rearm) missed(event proto.EventType, path string) {
	a.watcher.Notify(Event{Type: event, Path: path, Zxid: -1})
}

func (a *rearm) add(path string, kind WatchKind) {
	if err := a.t.watches.Add(path, kind, a.watcher); err != nil && a.err == nil {
		a.err = err
	}
}

// Count returns the number of watches in both tables, a watcher's modes on
// one path counting once in each.
func (w *Watches) Count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dataCount + w.childCount
}

// Summary returns what the wchs command shows: watchers, paths and watches of
// the data table. As in Apache a watcher whose watches have all fired still
// counts, until it removes one or goes.
func (w *Watches) Summary() (watchers, paths, total int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sub := range w.subscribers {
		if sub.inData {
			watchers++
		}
	}
	for _, p := range w.paths {
		if p.data.len()+p.recursive.len() > 0 {
			paths++
		}
	}
	return watchers, paths, w.dataCount
}

// ByWatcher lists the data table by watcher, for the wchc command. Watchers
// without a path are there as in Summary.
func (w *Watches) ByWatcher() map[Watcher][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[Watcher][]string, len(w.subscribers))
	for watcher, sub := range w.subscribers {
		if !sub.inData {
			continue
		}
		paths := make([]string, 0, sub.dataPaths)
		for p, m := range sub.paths.all() {
			if m&dataTable != 0 {
				paths = append(paths, p.path)
			}
		}
		all[watcher] = paths
	}
	return all
}

// ByPath lists the data table by path, for the wchp command.
func (w *Watches) ByPath() map[string][]Watcher {
	all := make(map[string][]Watcher)
	for watcher, paths := range w.ByWatcher() {
		for _, path := range paths {
			all[path] = append(all[path], watcher)
		}
	}
	return all
}
