package datatree

import "github.com/meerkat-zk/meerkat/jute/proto"

// created follows the creation of a child of parent at path.
func (w *Watches) created(parent *Znode, path string, zxid int64, acl []proto.ACL) {
	w.fireData(Event{Type: proto.EventNodeCreated, Path: path, Zxid: zxid, ACL: acl})
	w.childrenChanged(parent, zxid)
}

// deleted follows the deletion of the znode at path. Who watches both its
// data and its children hears of it once.
func (w *Watches) deleted(parent *Znode, path string, zxid int64, acl []proto.ACL) {
	e := Event{Type: proto.EventNodeDeleted, Path: path, Zxid: zxid, ACL: acl}
	told := w.fireData(e)
	w.fireChild(e, told)
	w.childrenChanged(parent, zxid)
}

func (w *Watches) childrenChanged(parent *Znode, zxid int64) {
	w.fireChild(Event{
		Type: proto.EventNodeChildrenChanged, Path: parent.Path(), Zxid: zxid, ACL: w.tree.ACL(parent),
	}, 0)
}

// changed follows new data of a znode.
func (w *Watches) changed(z *Znode, path string, zxid int64) {
	w.fireData(Event{Type: proto.EventNodeDataChanged, Path: path, Zxid: zxid, ACL: w.tree.ACL(z)})
}

// fireData triggers the data table: the watches on the path, and the
// recursive ones on it and on each path above. It returns the trigger's
// number.
func (w *Watches) fireData(e Event) uint64 {
	w.mu.Lock()
	w.begin()
	if p := w.paths[e.Path]; p != nil {
		w.spend(p, &p.data, dataStandard)
		w.reach(&p.recursive)
	}
	for path := e.Path; w.recursive > 0 && path != rootPath; {
		path, _, _ = SplitPath(path)
		if path == "" {
			path = rootPath
		}
		if p := w.paths[path]; p != nil {
			w.reach(&p.recursive)
		}
	}
	w.mu.Unlock()
	w.notify(e, 0)
	return w.trigger
}

// fireChild triggers the child table, leaving out whom the trigger told has
// reached already.
func (w *Watches) fireChild(e Event, told uint64) {
	w.mu.Lock()
	p := w.paths[e.Path]
	if p == nil {
		w.mu.Unlock()
		return
	}
	w.begin()
	w.spend(p, &p.child, childStandard)
	w.mu.Unlock()
	w.notify(e, told)
}

func (w *Watches) begin() {
	w.trigger++
	clear(w.reached)
	w.reached = w.reached[:0]
}

// reach adds those to be notified that this trigger has not reached yet: one
// trigger makes one event for a watcher, however many of its watches match.
func (w *Watches) reach(s *subscribers) {
	if s.one != nil {
		w.reachOne(s.one)
	}
	for sub := range s.more {
		w.reachOne(sub)
	}
}

func (w *Watches) reachOne(sub *subscriber) {
	w.reached = append(w.reached, sub)
}

// spend reaches everyone in the set and clears their standard watch.
func (w *Watches) spend(p *watchedPath, s *subscribers, standard modes) {
	from := len(w.reached)
	w.reach(s)
	for _, sub := range w.reached[from:] {
		w.set(sub, p, sub.paths.get(p)&^standard)
	}
}

// notify is called without the lock, for a watcher that is full may be closed
// on the spot and remove itself.
func (w *Watches) notify(e Event, told uint64) {
	if len(w.reached) == 0 {
		return
	}
	e.Trigger = w.trigger
	n := 0
	for _, sub := range w.reached {
		if sub.trigger == w.trigger {
			continue
		}
		n++
		silent := told != 0 && sub.trigger == told
		sub.trigger = w.trigger
		if !silent {
			sub.watcher.Notify(e)
		}
	}
	if w.tree.cfg.Triggered != nil {
		w.tree.cfg.Triggered(e.Type, n)
	}
}
