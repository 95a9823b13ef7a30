package chaos

import (
	"fmt"
	"slices"
	"sort"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// goesBack finds replies whose zxid is smaller than one that their session has
// seen before. The requests are in the order of their replies.
func goesBack(ops []op) (wrong []string) {
	type key struct {
		client  int
		session int64
	}
	last := map[key]*op{}
	for i := range ops {
		o := &ops[i]
		if o.outcome == unknown || o.outcome == refused && !slices.Contains(definite, o.code) {
			continue
		}
		k := key{o.client, o.session}
		if before := last[k]; before != nil && o.zxid < before.zxid {
			wrong = append(wrong, fmt.Sprintf("session %#x goes back from zxid %#x: %v", o.session, before.zxid, o))
		}
		last[k] = o
	}
	return wrong
}

// againstTime finds acknowledged writes that began after the end of another
// one and have no larger zxid, and zxids that two writes share.
func againstTime(ops []op) (wrong []string) {
	var writes []*op
	for i := range ops {
		if o := &ops[i]; !o.isRead() && o.outcome == acked {
			writes = append(writes, o)
		}
	}
	byCall := slices.Clone(writes)
	slices.SortFunc(byCall, func(a, b *op) int { return int(a.call - b.call) })
	slices.SortFunc(writes, func(a, b *op) int { return int(a.ret - b.ret) })
	owners, ended, latest := map[int64]*op{}, 0, (*op)(nil)
	for _, o := range byCall {
		for ; writes[ended].ret < o.call; ended++ {
			if latest == nil || writes[ended].zxid > latest.zxid {
				latest = writes[ended]
			}
		}
		if latest != nil && o.zxid <= latest.zxid {
			wrong = append(wrong, fmt.Sprintf("%v has no larger zxid than %v, which had ended", o, latest))
		}
		if other := owners[o.zxid]; other != nil {
			wrong = append(wrong, fmt.Sprintf("%v has the zxid of %v", o, other))
		}
		owners[o.zxid] = o
	}
	return wrong
}

// event is an acknowledged change of a znode.
type event struct {
	zxid int64
	by   *op
	change
}

// stale finds reads whose reply names a zxid, and which do not show the state
// as of that zxid, as far as acknowledged writes tell it.
func stale(ops []op) (wrong []string) {
	known, open := map[string][]event{}, map[string]bool{}
	for i := range ops {
		o := &ops[i]
		for _, c := range o.changes {
			p := path(o.group, c.node)
			switch o.outcome {
			case acked:
				known[p] = append(known[p], event{o.zxid, o, c})
			case unknown:
				if c.op == proto.OpDelete {
					open[p] = true // what is gone may be gone by this
				}
			}
		}
	}
	for _, events := range known {
		slices.SortStableFunc(events, func(a, b event) int { return int(a.zxid - b.zxid) })
	}
	for i := range ops {
		o := &ops[i]
		if !o.isRead() || o.outcome != acked {
			continue
		}
		p := path(o.group, o.node)
		if reason := o.misses(known[p], open[p]); reason != "" {
			wrong = append(wrong, fmt.Sprintf("%v %s", o, reason))
		}
	}
	return wrong
}

// misses says what a read does not show of the changes of its znode, which are
// in the order of their zxids.
func (o *op) misses(events []event, maybeDeleted bool) string {
	n := sort.Search(len(events), func(i int) bool { return events[i].zxid > o.zxid })
	var last event
	if n > 0 {
		last = events[n-1]
	}
	switch {
	case !o.found.exists:
		if n > 0 && last.op != proto.OpDelete && !maybeDeleted {
			return fmt.Sprintf("does not show %v", last.by)
		}
	case o.found.mzxid > o.zxid:
		return "shows what is newer than its zxid"
	case o.found.mzxid < last.zxid:
		return fmt.Sprintf("does not show %v", last.by)
	case o.found.mzxid == last.zxid && o.found.value != last.value:
		return fmt.Sprintf("does not show the value of %v", last.by)
	}
	return ""
}
