package client

import (
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// paths is a set of paths.
type paths map[string]struct{}

func (p paths) has(path string) bool { _, ok := p[path]; return ok }

// take removes a path and tells whether it was there.
func (p paths) take(path string) bool {
	ok := p.has(path)
	delete(p, path)
	return ok
}

// watchTable holds what the session watches, by the tables of Apache's
// client (ZKWatchManager). Paths are the server's. It is guarded by
// Client.mu.
type watchTable struct{ data, exist, child, persistent, recursive paths }

func newWatchTable() watchTable { return watchTable{paths{}, paths{}, paths{}, paths{}, paths{}} }

// fire tells whether an event of a server has a watch here, and uses up those
// that are good for one event.
func (w *watchTable) fire(kind proto.EventType, path string) bool {
	watched := w.persistent.has(path)
	if kind != proto.EventNodeChildrenChanged {
		watched = watched || w.above(path)
	}
	take := func(tables ...paths) {
		for _, table := range tables {
			watched = table.take(path) || watched
		}
	}
	switch kind {
	case proto.EventNodeCreated, proto.EventNodeDataChanged:
		take(w.data, w.exist)
	case proto.EventNodeChildrenChanged:
		take(w.child)
	case proto.EventNodeDeleted:
		take(w.data, w.exist, w.child)
	}
	return watched
}

// above tells whether a recursive watch stands on the path or above it.
func (w *watchTable) above(path string) bool {
	for {
		if w.recursive.has(path) {
			return true
		}
		if path == "/" || path == "" {
			return false
		}
		path = path[:max(1, strings.LastIndexByte(path, '/'))]
	}
}

// remove takes the watches of a kind off a path and returns the types of the
// events that tell of it; none when there was no such watch.
func (w *watchTable) remove(path string, kind int32) []proto.EventType {
	var removed []proto.EventType
	take := func(event proto.EventType, kinds []int32, tables ...paths) {
		found := false
		for _, k := range append(kinds, proto.WatcherAny) {
			for _, table := range tables {
				found = k == kind && table.take(path) || found
			}
		}
		if found {
			removed = append(removed, event)
		}
	}
	take(EventChildWatchRemoved, []int32{proto.WatcherChildren}, w.child)
	take(EventDataWatchRemoved, []int32{proto.WatcherData}, w.data, w.exist)
	persistent := map[int32][]paths{
		proto.WatcherPersistent: {w.persistent}, proto.WatcherPersistentRecursive: {w.recursive},
		proto.WatcherAny: {w.persistent, w.recursive},
	}
	take(EventPersistentWatchRemoved, []int32{proto.WatcherPersistent, proto.WatcherPersistentRecursive}, persistent[kind]...)
	return removed
}

// setWatchesBytes bounds one request that sets watches again; there are as
// many as are needed.
const setWatchesBytes = 128 << 10

// restore makes the requests that arm all watches again on a new connection.
func (w *watchTable) restore(seenZxid int64) []*proto.SetWatchesRequest {
	var requests []*proto.SetWatchesRequest
	var last *proto.SetWatchesRequest
	size := 0
	add := func(table paths, list func(*proto.SetWatchesRequest) *[]string) {
		for path := range table {
			if last == nil || size > setWatchesBytes {
				last, size = &proto.SetWatchesRequest{RelativeZxid: seenZxid}, 0
				requests = append(requests, last)
			}
			size += len(path) + 4
			*list(last) = append(*list(last), path)
		}
	}
	add(w.data, func(r *proto.SetWatchesRequest) *[]string { return &r.Data })
	add(w.exist, func(r *proto.SetWatchesRequest) *[]string { return &r.Exist })
	add(w.child, func(r *proto.SetWatchesRequest) *[]string { return &r.Child })
	add(w.persistent, func(r *proto.SetWatchesRequest) *[]string { return &r.Persistent })
	add(w.recursive, func(r *proto.SetWatchesRequest) *[]string { return &r.PersistentRecursive })
	for _, r := range requests {
		r.HasPersistent = len(r.Persistent)+len(r.PersistentRecursive) > 0
	}
	return requests
}
