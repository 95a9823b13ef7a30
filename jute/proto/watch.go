package proto

import "github.com/meerkat-zk/meerkat/jute"

// EventType is what happened to a watched znode.
type EventType int32

// The event types that a server sends.
const (
	EventNodeCreated         EventType = 1
	EventNodeDeleted         EventType = 2
	EventNodeDataChanged     EventType = 3
	EventNodeChildrenChanged EventType = 4
)

// StateSyncConnected is the only state that a server sends in an event.
const StateSyncConnected int32 = 3

// WatcherEvent is the body of a notification.
type WatcherEvent struct {
	Type  EventType
	State int32
	Path  string
}

// Append adds the wire form to b.
func (e *WatcherEvent) Append(b []byte) []byte {
	b = jute.AppendInt(b, int32(e.Type))
	b = jute.AppendInt(b, e.State)
	return jute.AppendString(b, e.Path)
}

// Decode reads the wire form.
func (e *WatcherEvent) Decode(d *jute.Decoder) {
	e.Type, e.State, e.Path = EventType(d.Int()), d.Int(), d.String()
}

// The modes of addWatch.
const (
	WatchPersistent          int32 = 0
	WatchPersistentRecursive int32 = 1
)

// AddWatchRequest arms a persistent watch.
type AddWatchRequest struct {
	Path string
	Mode int32
}

// Append adds the wire form to b.
func (r *AddWatchRequest) Append(b []byte) []byte {
	return jute.AppendInt(jute.AppendString(b, r.Path), r.Mode)
}

// Decode reads the wire form.
func (r *AddWatchRequest) Decode(d *jute.Decoder) { r.Path, r.Mode = required(d), d.Int() }

// The kinds that checkWatches and removeWatches select.
const (
	WatcherChildren            int32 = 1
	WatcherData                int32 = 2
	WatcherAny                 int32 = 3
	WatcherPersistent          int32 = 4
	WatcherPersistentRecursive int32 = 5
)

// WatcherKindRequest is checkWatches and removeWatches.
type WatcherKindRequest struct {
	Path string
	Kind int32
}

// Append adds the wire form to b.
func (r *WatcherKindRequest) Append(b []byte) []byte {
	return jute.AppendInt(jute.AppendString(b, r.Path), r.Kind)
}

// Decode reads the wire form.
func (r *WatcherKindRequest) Decode(d *jute.Decoder) { r.Path, r.Kind = required(d), d.Int() }

// SetWatchesRequest arms a client's watches again after a reconnect:
// setWatches, and with HasPersistent setWatches2.
type SetWatchesRequest struct {
	RelativeZxid        int64 // the last zxid the client has seen
	Data, Exist, Child  []string
	Persistent          []string
	PersistentRecursive []string
	HasPersistent       bool // set by the caller before Append or Decode
}

// Append adds the wire form to b.
func (r *SetWatchesRequest) Append(b []byte) []byte {
	b = jute.AppendLong(b, r.RelativeZxid)
	b = jute.AppendStrings(b, r.Data)
	b = jute.AppendStrings(b, r.Exist)
	b = jute.AppendStrings(b, r.Child)
	if r.HasPersistent {
		b = jute.AppendStrings(b, r.Persistent)
		b = jute.AppendStrings(b, r.PersistentRecursive)
	}
	return b
}

// Decode reads the wire form.
func (r *SetWatchesRequest) Decode(d *jute.Decoder) {
	r.RelativeZxid, r.Data, r.Exist, r.Child = d.Long(), d.Strings(), d.Strings(), d.Strings()
	if r.HasPersistent {
		r.Persistent, r.PersistentRecursive = d.Strings(), d.Strings()
	}
}
