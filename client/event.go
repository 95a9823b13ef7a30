package client

import (
	"fmt"
	"strconv"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// State is what a session is in (ZooKeeper.States).
type State int

// The states of a session. The last two are final.
const (
	Connecting State = iota
	Connected
	ConnectedReadOnly
	Closed
	AuthFailed
)

// String returns Apache's name, as its shell's prompt has it.
func (s State) String() string {
	return [...]string{"CONNECTING", "CONNECTED", "CONNECTEDREADONLY", "CLOSED", "AUTH_FAILED"}[s]
}

// Alive tells whether the session may be connected again.
func (s State) Alive() bool { return s < Closed }

// IsConnected tells whether there is a connection.
func (s State) IsConnected() bool { return s == Connected || s == ConnectedReadOnly }

// The types of events beside those that a server sends (EventType): changes
// of the session's state, and watches that the client removed itself.
const (
	EventNone                   proto.EventType = -1
	EventDataWatchRemoved       proto.EventType = 5
	EventChildWatchRemoved      proto.EventType = 6
	EventPersistentWatchRemoved proto.EventType = 7
)

var eventNames = map[proto.EventType]string{
	EventNone: "None", proto.EventNodeCreated: "NodeCreated", proto.EventNodeDeleted: "NodeDeleted",
	proto.EventNodeDataChanged: "NodeDataChanged", proto.EventNodeChildrenChanged: "NodeChildrenChanged",
	EventDataWatchRemoved: "DataWatchRemoved", EventChildWatchRemoved: "ChildWatchRemoved",
	EventPersistentWatchRemoved: "PersistentWatchRemoved",
}

// EventState is the state of the session that an event tells of
// (KeeperState).
type EventState string

// The states that events tell of.
const (
	StateDisconnected      EventState = "Disconnected"
	StateSyncConnected     EventState = "SyncConnected"
	StateAuthFailed        EventState = "AuthFailed"
	StateConnectedReadOnly EventState = "ConnectedReadOnly"
	StateClosed            EventState = "Closed"
	StateExpired           EventState = "Expired"
)

// NoZxid is the zxid of an event that comes from no transaction.
const NoZxid = -1

// Event is what a watch saw, or a change of the session's state.
type Event struct {
	Type  proto.EventType
	State EventState
	Path  string // "" for type None
	Zxid  int64  // NoZxid, from servers before 3.9 always
}

// TypeName is Apache's name of the type.
func (e Event) TypeName() string {
	if name, ok := eventNames[e.Type]; ok {
		return name
	}
	return strconv.Itoa(int(e.Type))
}

// String prints an event as Apache's WatchedEvent does.
func (e Event) String() string {
	path := e.Path
	if e.Type == EventNone {
		path = "null"
	}
	return fmt.Sprintf("WatchedEvent state:%s type:%s path:%s zxid: %d", e.State, e.TypeName(), path, e.Zxid)
}
