package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	root = "/chaos"
	// groupsAtOnce is how many groups of two znodes are in use; after
	// groupLife all clients go on to new ones, so that no group's history
	// gets long, or has many requests without a reply.
	groupsAtOnce = 3
	groupLife    = 4 * time.Second
	workerPace   = 8 * time.Millisecond
	// hopEvery is how many requests a client makes, about, before it goes to
	// another server for no reason: one that may be behind.
	hopEvery = 60
)

// group is a group that is in use at a time of a run.
func group(at time.Duration, i int) string {
	return fmt.Sprintf("%s/g%d.%d", root, at/groupLife, i)
}

func path(group string, node int) string { return group + string(rune('a'+node)) }

// values gives out values that no other change writes.
type values struct{ last atomic.Int64 }

// worker is a client that reads and writes the znodes of the groups.
type worker struct {
	id     int
	h      *history
	s      *session
	rand   *rand.Rand
	values *values
	seen   map[string]int32 // version that was read or written last, by path
}

func newWorker(id int, h *history, s *session, seed uint64, v *values) *worker {
	return &worker{id: id, h: h, s: s, rand: rand.New(rand.NewPCG(seed, uint64(id)+100)), values: v, seen: map[string]int32{}}
}

// run makes requests until stop is closed.
func (w *worker) run(ctx context.Context, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Duration(w.rand.Int64N(int64(2 * workerPace)))):
		}
		o := w.draw()
		if broken := w.perform(&o); broken || w.rand.IntN(hopEvery) == 0 {
			renewed, err := w.s.move(ctx)
			if err != nil {
				return err
			}
			if renewed {
				clear(w.seen)
			}
		}
	}
}

// draw decides on a request.
func (w *worker) draw() op {
	o := op{client: w.id, session: w.s.c.SessionID, group: group(w.h.now(), w.rand.IntN(groupsAtOnce)), node: w.rand.IntN(2)}
	switch n := w.rand.IntN(100); {
	case n < 30:
		o.changes = []change{w.change(o.group, o.node, proto.OpSetData)}
	case n < 42:
		o.changes = []change{w.change(o.group, o.node, proto.OpCreate)}
	case n < 47:
		o.changes = []change{w.change(o.group, o.node, proto.OpDelete)}
	case n < 60:
		kinds := [2]proto.Op{proto.OpSetData, proto.OpSetData}
		if n%4 == 0 {
			kinds[n%2] = proto.OpCreate
		}
		o.changes = []change{w.change(o.group, o.node, kinds[0]), w.change(o.group, 1-o.node, kinds[1])}
	case n < 82:
		o.synced = true
	}
	return o
}

// change makes half of all changes conditional, on what was seen last.
func (w *worker) change(group string, node int, kind proto.Op) change {
	c := change{node: node, op: kind, version: -1}
	if kind != proto.OpDelete {
		c.value = w.values.last.Add(1)
	}
	if version, known := w.seen[path(group, node)]; known && kind != proto.OpCreate && w.rand.IntN(2) == 0 {
		c.version = version
	}
	return c
}

// perform makes the request and records it. It returns whether the connection
// is of no use any more.
func (w *worker) perform(o *op) (broken bool) {
	o.call = w.h.now()
	o.outcome, o.code, broken = w.s.do(func(c *wire.Client) error {
		switch {
		case o.isRead():
			return o.read(c)
		case len(o.changes) > 1:
			return o.multi(c)
		}
		return o.write(c)
	})
	o.ret, o.zxid = w.h.now(), w.s.c.LastZxid
	for _, c := range o.changes {
		if o.outcome == acked && c.op == proto.OpCreate {
			w.seen[path(o.group, c.node)] = 0
		}
	}
	if o.isRead() && o.outcome == refused && o.code == proto.ErrNoNode {
		o.outcome, o.code = acked, proto.OK // that is what it found
	}
	if o.isRead() && o.found.exists {
		w.seen[path(o.group, o.node)] = o.found.version
	}
	w.h.add(*o)
	return broken
}

func (o *op) read(c *wire.Client) error {
	if o.synced {
		if err := c.Sync(path(o.group, o.node)); err != nil {
			return err
		}
	}
	data, stat, err := c.Get(path(o.group, o.node), false)
	if err != nil {
		return err
	}
	o.found = seen(data, stat)
	return nil
}

// seen is what a reply tells of a znode of a group.
func seen(data []byte, stat proto.Stat) znode {
	value, _ := strconv.ParseInt(string(data), 10, 64) // 0 is not a value that anybody writes
	return znode{exists: true, version: stat.Version, value: value, mzxid: stat.Mzxid}
}

func (o *op) write(c *wire.Client) error {
	ch := o.changes[0]
	p, data := path(o.group, ch.node), ch.data()
	switch ch.op {
	case proto.OpCreate:
		_, err := c.Create(p, data, proto.OpenACL, proto.FlagPersistent)
		return err
	case proto.OpDelete:
		return c.Delete(p, ch.version)
	}
	_, err := c.SetData(p, data, ch.version)
	return err
}

func (c change) data() []byte { return strconv.AppendInt(nil, c.value, 10) }

func (o *op) multi(c *wire.Client) error {
	var ops []wire.MultiOp
	for _, ch := range o.changes {
		var body wire.Record
		p := path(o.group, ch.node)
		switch ch.op {
		case proto.OpCreate:
			body = &proto.CreateRequest{Path: p, Data: ch.data(), ACL: proto.OpenACL}
		case proto.OpDelete:
			body = &proto.DeleteRequest{Path: p, Version: ch.version}
		default:
			body = &proto.SetDataRequest{Path: p, Data: ch.data(), Version: ch.version}
		}
		ops = append(ops, wire.MultiOp{Op: ch.op, Body: body})
	}
	codes, err := c.Multi(ops...)
	for i, code := range codes {
		if code != proto.OK && code != proto.ErrRuntimeInconsistency {
			o.failed = i
			return code
		}
	}
	return err
}
