package chaos

import (
	"fmt"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// traceKind says what a line of a trace is about.
type traceKind int

const (
	armed   traceKind = iota // a read left a watch and showed this state
	showed                   // a reply showed this state
	fired                    // an event came
	renewed                  // a new session began: no watch is left
)

// traced is something that a watching client has heard, in the order in which
// it has.
type traced struct {
	kind traceKind
	name string // path, or path with a mark for the children
	zxid int64  // of the last change; 0 when there is no znode
	typ  proto.EventType
}

// childMark ends the names of watches on children.
const childMark = "/*"

// misfires finds watches that fire without having been armed or twice, whose
// event is of the wrong type, and new states that are shown before the event.
func misfires(trace []traced) (wrong []string) {
	watches := map[string]int64{} // by name: the state when it was armed
	for i, t := range trace {
		state, isArmed := watches[t.name]
		switch t.kind {
		case armed, showed:
			if isArmed && t.zxid != state {
				wrong = append(wrong, fmt.Sprintf("line %d: %s changed from %#x to %#x, and the watch has not fired", i, t.name, state, t.zxid))
				delete(watches, t.name)
			}
			if t.kind == armed {
				watches[t.name] = t.zxid
			}
		case fired:
			if !isArmed {
				wrong = append(wrong, fmt.Sprintf("line %d: %s fires (%v) with no watch", i, t.name, t.typ))
			} else if (state == 0) != (t.typ == proto.EventNodeCreated) {
				wrong = append(wrong, fmt.Sprintf("line %d: %s was %#x and fires %v", i, t.name, state, t.typ))
			}
			delete(watches, t.name)
		case renewed:
			clear(watches)
		}
	}
	return wrong
}
