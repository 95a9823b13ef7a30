package chaos

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// at is a request that takes from one millisecond to another.
func at(call, ret int, o op) op {
	o.group, o.call, o.ret = "/g", time.Duration(call)*time.Millisecond, time.Duration(ret)*time.Millisecond
	return o
}

func set(value int64, version int32) op {
	return op{changes: []change{{0, proto.OpSetData, version, value}}}
}

func create(node int, value int64) op {
	return op{changes: []change{{node, proto.OpCreate, -1, value}}}
}

func remove(version int32) op { return op{changes: []change{{0, proto.OpDelete, version, 0}}} }

func both(a, b int64) op {
	return op{changes: []change{{0, proto.OpSetData, -1, a}, {1, proto.OpSetData, -1, b}}}
}

func get(node int, version int32, value int64) op {
	return op{node: node, synced: true, found: znode{exists: true, version: version, value: value, mzxid: 7}}
}

func absent(node int) op { return op{node: node, synced: true} }

func lost(o op) op { o.outcome = unknown; return o }

func no(code proto.ErrCode, o op) op { o.outcome, o.code = refused, code; return o }

// Histories of which it is known whether they have an order.
func TestLinearizable(t *testing.T) {
	first := at(0, 1, create(0, 1))
	tests := []struct {
		name string
		ops  []op
		ok   bool
	}{
		{"in turn", []op{first, at(2, 3, set(2, 0)), at(4, 5, get(0, 1, 2))}, true},
		{"stale read", []op{first, at(2, 3, set(2, 0)), at(4, 5, get(0, 0, 1))}, false},
		{"read beside the write", []op{first, at(2, 6, set(2, 0)), at(4, 5, get(0, 0, 1))}, true},
		{"back again", []op{first, at(2, 9, set(2, 0)), at(3, 4, get(0, 1, 2)), at(5, 6, get(0, 0, 1))}, false},
		{"lost write", []op{first, at(2, 3, set(2, 0)), at(4, 5, set(3, -1)), at(6, 7, get(0, 1, 3))}, false},
		{"two winners", []op{first, at(2, 5, set(2, 0)), at(3, 6, set(3, 0))}, false},
		{"one winner", []op{first, at(2, 5, set(2, 0)), at(3, 6, no(proto.ErrBadVersion, set(3, 0)))}, true},
		{"no winner", []op{first, at(2, 5, no(proto.ErrBadVersion, set(2, 0))), at(3, 6, no(proto.ErrBadVersion, set(3, 0)))}, false},
		{"unknown and done", []op{first, at(2, 3, lost(set(2, 0))), at(9, 10, get(0, 1, 2))}, true},
		{"unknown and done late", []op{first, at(2, 3, lost(set(2, 0))), at(4, 5, get(0, 0, 1)), at(9, 10, get(0, 1, 2))}, true},
		{"unknown and never done", []op{first, at(2, 3, lost(set(2, 0))), at(9, 10, get(0, 0, 1))}, true},
		{"unknown and undone", []op{first, at(2, 3, lost(set(2, 0))), at(4, 5, get(0, 1, 2)), at(9, 10, get(0, 0, 1))}, false},
		{"unknown and done twice", []op{first, at(2, 3, lost(set(2, -1))), at(4, 5, get(0, 2, 2))}, false},
		{"done before it was asked for", []op{first, at(1, 2, get(0, 1, 2)), at(3, 4, lost(set(2, 0)))}, false},
		{"refused and done", []op{first, at(2, 3, no(proto.ErrBadVersion, set(2, 5))), at(4, 5, get(0, 1, 2))}, false},
		{"refused for nothing", []op{first, at(2, 3, no(proto.ErrNoNode, set(2, 0)))}, false},
		{"created twice", []op{first, at(2, 3, create(0, 2))}, false},
		{"deleted", []op{first, at(2, 3, remove(0)), at(4, 5, absent(0)), at(6, 7, create(0, 9)), at(8, 9, get(0, 0, 9))}, true},
		{"risen again", []op{first, at(2, 3, remove(0)), at(4, 5, get(0, 0, 1))}, false},
		{"lost creation", []op{first, at(2, 3, absent(0))}, false},
		{"whole multi", []op{first, at(2, 3, create(1, 2)), at(4, 5, both(3, 4)), at(6, 7, get(0, 1, 3)), at(8, 9, get(1, 1, 4))}, true},
		{"half a multi", []op{first, at(2, 3, create(1, 2)), at(4, 5, both(3, 4)), at(6, 7, get(0, 1, 3)), at(8, 9, get(1, 0, 2))}, false},
		{"half a lost multi", []op{first, at(2, 3, create(1, 2)), at(4, 5, lost(both(3, 4))), at(6, 7, get(0, 1, 3)), at(8, 9, get(1, 0, 2))}, false},
		{"multi refused in the wrong place", []op{first, at(2, 3, no(proto.ErrNoNode, both(3, 4)))}, false},
	}
	for _, test := range tests {
		pictures := 0
		v := linearizable(test.ops, true, func(string, porcupine.LinearizationInfo) { pictures++ })
		if ok := len(v.wrong) == 0; ok != test.ok || pictures != len(v.wrong) || len(v.undecided) > 0 {
			t.Errorf("%s: %+v", test.name, v)
		}
		if test.ok { // what was not answered decides nothing
			more := append(slices.Clone(test.ops), at(0, 90, lost(get(0, 77, 77))), at(0, 90, no(proto.ErrSessionMoved, set(78, -1))))
			if v := linearizable(more, true, nil); len(v.wrong) > 0 {
				t.Errorf("%s, with requests that decide nothing: %+v", test.name, v)
			}
		}
	}
	stale := []op{first, at(2, 3, set(2, 0)), at(4, 5, get(0, 0, 1))}
	if v := linearizable(stale, false, nil); len(v.wrong) > 0 {
		t.Errorf("a stale read is found wrong where it is allowed: %+v", v)
	}
}

// What the workers leave of a group is decided in time, with as many requests
// without a reply as there may be.
func TestLinearizableManyUnknown(t *testing.T) {
	ops := []op{at(0, 1, create(0, 1))}
	version := int32(0)
	for i := range 400 {
		o := set(int64(i+2), version)
		if i%20 == 7 {
			// It has not happened, and the next one has.
			ops = append(ops, at(10*i+2, 10*i+3, lost(set(int64(10_000+i), version))))
		}
		version++
		ops = append(ops, at(10*i+2, 10*i+9, o), at(10*i+3, 10*i+8, get(0, version, int64(i+2))))
	}
	if v := linearizable(ops, true, nil); len(v.wrong) > 0 || len(v.undecided) > 0 {
		t.Errorf("%+v", v)
	}
	ops[len(ops)/2].found.value++ // or version, or a write that nobody reads
	ops[len(ops)/2].changes = nil
	ops[len(ops)/2].synced = true
	if v := linearizable(ops, true, func(string, porcupine.LinearizationInfo) {}); len(v.wrong) != 1 {
		t.Errorf("a wrong value is not found: %+v", v)
	}
}

func zxid(z int64, o op) op { o.zxid = z; return o }

func plain(o op, mzxid int64) op { o.synced, o.found.mzxid = false, mzxid; return o }

func TestOrder(t *testing.T) {
	w1, w2 := at(0, 1, zxid(5, create(0, 1))), at(2, 3, zxid(6, set(2, -1)))
	tests := []struct {
		name                     string
		ops                      []op
		back, against, staleRead int
	}{
		{"in turn", []op{w1, w2, at(4, 5, zxid(6, plain(get(0, 1, 2), 6)))}, 0, 0, 0},
		{"older state, older zxid, another session", []op{w1, w2, zxid(5, plain(op{session: 2, group: "/g", found: znode{true, 0, 1, 0}}, 5))}, 0, 0, 0},
		{"goes back", []op{w1, w2, at(4, 5, zxid(5, plain(get(0, 0, 1), 5)))}, 1, 0, 0},
		{"stale for its zxid", []op{w1, w2, at(4, 5, zxid(6, plain(get(0, 0, 1), 5)))}, 0, 0, 1},
		{"newer than its zxid", []op{w1, at(4, 5, zxid(5, plain(get(0, 0, 1), 6)))}, 0, 0, 1},
		{"another value", []op{w1, w2, at(4, 5, zxid(6, plain(get(0, 1, 3), 6)))}, 0, 0, 1},
		{"lost creation", []op{w1, at(4, 5, zxid(5, absent(0)))}, 0, 0, 1},
		{"not yet created", []op{at(0, 1, zxid(4, absent(0))), at(2, 3, zxid(5, create(0, 1)))}, 0, 0, 0},
		{"perhaps deleted", []op{w1, at(2, 3, lost(remove(-1))), at(4, 5, zxid(6, absent(0)))}, 0, 0, 0},
		{"deleted", []op{w1, at(2, 3, zxid(6, remove(-1))), at(4, 5, zxid(6, absent(0)))}, 0, 0, 0},
		{"deleted and there", []op{w1, at(2, 3, zxid(6, remove(-1))), at(4, 5, zxid(6, plain(get(0, 0, 1), 5)))}, 0, 0, 1},
		{"later write, smaller zxid", []op{at(0, 1, zxid(6, create(0, 1))), at(2, 3, zxid(5, op{session: 2, changes: set(2, -1).changes}))}, 0, 1, 0},
		{"the same zxid", []op{at(0, 9, zxid(6, create(0, 1))), at(2, 8, zxid(6, create(1, 2)))}, 0, 1, 0},
		{"no reply, no zxid", []op{w1, w2, at(4, 5, lost(set(3, -1)))}, 0, 0, 0},
	}
	for _, test := range tests {
		if got := [3]int{len(goesBack(test.ops)), len(againstTime(test.ops)), len(stale(test.ops))}; got != [3]int{test.back, test.against, test.staleRead} {
			t.Errorf("%s: found %v %v %v", test.name, goesBack(test.ops), againstTime(test.ops), stale(test.ops))
		}
	}
}

func TestMisfires(t *testing.T) {
	created, changed := proto.EventNodeCreated, proto.EventNodeDataChanged
	tests := []struct {
		name  string
		trace []traced
		wrong int
	}{
		{"fires once", []traced{{armed, "a", 1, 0}, {showed, "a", 1, 0}, {fired, "a", 0, changed}, {showed, "a", 2, 0}}, 0},
		{"armed again", []traced{{armed, "a", 1, 0}, {fired, "a", 0, changed}, {armed, "a", 2, 0}, {fired, "a", 0, changed}}, 0},
		{"of an absent one", []traced{{armed, "a", 0, 0}, {fired, "a", 0, created}}, 0},
		{"twice", []traced{{armed, "a", 1, 0}, {fired, "a", 0, changed}, {fired, "a", 0, changed}}, 1},
		{"with no watch", []traced{{showed, "a", 1, 0}, {fired, "a", 0, changed}}, 1},
		{"after the new state", []traced{{armed, "a", 1, 0}, {showed, "a", 2, 0}}, 1},
		{"lost", []traced{{armed, "a", 1, 0}, {armed, "b", 1, 0}, {fired, "b", 0, changed}, {showed, "a", 0, 0}}, 1},
		{"of the wrong type", []traced{{armed, "a", 1, 0}, {fired, "a", 0, created}}, 1},
		{"gone with its session", []traced{{armed, "a", 1, 0}, {renewed, "", 0, 0}, {showed, "a", 2, 0}}, 0},
	}
	for _, test := range tests {
		if wrong := misfires(test.trace); len(wrong) != test.wrong {
			t.Errorf("%s: %q", test.name, wrong)
		}
	}
}

func TestLedgerAccount(t *testing.T) {
	w := &ledger{sure: map[string]bool{"there": true, "lost": true, "out": false, "back": false}}
	if wrong := w.account(map[string]bool{"there": true, "back": true, "of unknown outcome": true}); len(wrong) != 2 {
		t.Errorf("%q", wrong)
	}
}

func TestStreamerGap(t *testing.T) {
	w := &streamer{value: 10, version: 10, sent: 20}
	for _, test := range []struct {
		value   int64
		version int32
		wrong   bool
	}{{10, 10, false}, {15, 15, false}, {20, 20, false}, {9, 9, true}, {21, 21, true}, {15, 14, true}, {15, 16, true}, {10, 11, true}} {
		if w.gap(test.value, test.version) != test.wrong {
			t.Errorf("value %d at version %d is taken for %v", test.value, test.version, !test.wrong)
		}
	}
}

// A plan follows from its seed, has every kind of fault, and ends in time.
func TestPlan(t *testing.T) {
	const length = 10 * time.Minute
	plan := newPlan(7, 5, length)
	if fmt.Sprint(plan) != fmt.Sprint(newPlan(7, 5, length)) || fmt.Sprint(plan) == fmt.Sprint(newPlan(8, 5, length)) {
		t.Error("the plan does not follow from the seed")
	}
	var made [kinds]int
	for _, f := range plan {
		made[f.kind]++
		if f.at+f.lasts > length || len(f.order) != 5 || f.some < 3 || f.some > 5 {
			t.Errorf("%+v", f)
		}
	}
	if slices.Contains(made[:], 0) {
		t.Errorf("of each kind: %v", made)
	}
}
