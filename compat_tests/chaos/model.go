package chaos

import (
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// pair is the state of a group: its two znodes, without their zxids.
type pair [2]znode

// apply makes all changes or none, and says why not and which was the first
// that cannot be made.
func (p pair) apply(changes []change) (after pair, code proto.ErrCode, failed int) {
	after = p
	for i, c := range changes {
		z := &after[c.node]
		switch {
		case c.op == proto.OpCreate && z.exists:
			return p, proto.ErrNodeExists, i
		case c.op == proto.OpCreate:
			*z = znode{exists: true, value: c.value}
		case !z.exists:
			return p, proto.ErrNoNode, i
		case c.version != -1 && c.version != z.version:
			return p, proto.ErrBadVersion, i
		case c.op == proto.OpDelete:
			*z = znode{}
		default:
			z.version++
			z.value = c.value
		}
	}
	return after, proto.OK, 0
}

// step tells whether a request can have had its outcome when it met this
// state, and what the state was then.
func (p pair) step(o *op) (possible bool, after pair) {
	if o.isRead() {
		found := o.found
		found.mzxid = 0
		return p[o.node] == found, p
	}
	after, code, failed := p.apply(o.changes)
	switch o.outcome {
	case acked:
		return code == proto.OK, after
	case refused:
		return code == o.code && failed == o.failed, p
	}
	return true, after // one that never happened finds its place at the end
}

var model = porcupine.Model{
	Init: func() any { return pair{} },
	Step: func(state, input, _ any) (bool, any) {
		possible, after := state.(pair).step(input.(*op))
		return possible, after
	},
	DescribeOperation: func(input, _ any) string { return input.(*op).String() },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

// searchLimit is how long an order is looked for, for each group.
const searchLimit = 20 * time.Second

// verdict is what became of the search for an order.
type verdict struct {
	groups, requests, open int      // looked at; open are those without a reply
	wrong                  []string // groups without an order
	undecided              []string // groups for which the time was not enough
}

// linearizable looks for an order of all writes, and of the synced reads if
// those are to be linearizable, in every group. keep is told the order that
// comes furthest for a group that has none.
func linearizable(ops []op, synced bool, keep func(group string, info porcupine.LinearizationInfo)) verdict {
	groups, end := map[string][]porcupine.Operation{}, int64(0)
	var v verdict
	for i := range ops {
		o := &ops[i]
		end = max(end, int64(o.ret))
		switch {
		case o.isRead() && (o.outcome != acked || !o.synced || !synced):
			continue // a read without an answer changes nothing
		case o.outcome == refused && !slices.Contains(definite, o.code):
			continue
		}
		groups[o.group] = append(groups[o.group], porcupine.Operation{ClientId: o.client, Input: o, Call: int64(o.call), Return: int64(o.ret)})
		v.requests++
	}
	v.groups = len(groups)
	for name, requests := range groups {
		for i := range requests {
			if requests[i].Input.(*op).outcome == unknown {
				requests[i].Return = end + 1
				v.open++
			}
		}
		result, info := porcupine.CheckOperationsVerbose(model, requests, searchLimit)
		switch result {
		case porcupine.Illegal:
			v.wrong = append(v.wrong, name)
			keep(name, info)
		case porcupine.Unknown:
			v.undecided = append(v.undecided, name)
		}
	}
	slices.Sort(v.wrong)
	return v
}
