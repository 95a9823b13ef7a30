package chaos

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const watcherPace = 6 * time.Millisecond

// watcher is a client that watches the znodes of the groups in use and the
// children of the bag, and keeps a trace of what it hears.
type watcher struct {
	h     *history
	s     *session
	rand  *rand.Rand
	armed map[string]int64 // watches that have not fired, by name, and the state then
	trace []traced
}

func newWatcher(id int, h *history, s *session, seed uint64) *watcher {
	return &watcher{h: h, s: s, rand: rand.New(rand.NewPCG(seed, uint64(id)+200)), armed: map[string]int64{}}
}

// run looks and watches until stop is closed.
func (w *watcher) run(ctx context.Context, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Duration(w.rand.Int64N(int64(2 * watcherPace)))):
		}
		name := bag + childMark
		if w.rand.IntN(8) > 0 {
			name = path(group(w.h.now(), w.rand.IntN(groupsAtOnce)), w.rand.IntN(2))
		}
		if err := w.look(ctx, name, false); err != nil {
			return err
		}
		if w.rand.IntN(hopEvery) == 0 {
			if err := w.move(ctx); err != nil {
				return err
			}
		}
	}
}

// finish looks once more at everything that is watched: a watch that has not
// fired though it should have will show.
func (w *watcher) finish(ctx context.Context) error {
	for name := range w.armed {
		if err := w.look(ctx, name, true); err != nil {
			return err
		}
	}
	return nil
}

// look reads the state of a name, and leaves a watch if there is none.
func (w *watcher) look(ctx context.Context, name string, sync bool) error {
	for {
		_, isArmed := w.armed[name]
		var state int64
		out, code, broken := w.s.do(func(c *wire.Client) (err error) {
			if sync {
				if err := c.Sync("/"); err != nil {
					return err
				}
			}
			state, err = stateOf(c, name, !isArmed)
			return err
		})
		w.drain()
		switch {
		case broken:
			if err := w.move(ctx); err != nil {
				return err
			}
			if sync {
				continue
			}
			return nil
		case out == refused && code != proto.ErrNoNode:
			w.h.violation("a read of %s is refused: %v", name, code)
			return nil
		}
		if isArmed {
			w.trace = append(w.trace, traced{kind: showed, name: name, zxid: state})
			return nil
		}
		w.trace = append(w.trace, traced{kind: armed, name: name, zxid: state})
		w.armed[name] = state
		return nil
	}
}

// stateOf is the zxid of the last change, 0 when there is no such znode.
func stateOf(c *wire.Client, name string, watch bool) (int64, error) {
	if dir, ok := strings.CutSuffix(name, childMark); ok {
		_, stat, err := c.Children(dir, watch)
		return stat.Pzxid, err
	}
	stat, err := c.Exists(name, watch)
	return stat.Mzxid, err
}

// drain puts the events that came before the last reply into the trace.
func (w *watcher) drain() {
	for _, e := range w.s.c.Events {
		name := e.Path
		if e.Type == proto.EventNodeChildrenChanged {
			name += childMark
		}
		w.trace = append(w.trace, traced{kind: fired, name: name, typ: e.Type})
		delete(w.armed, name)
	}
	w.s.c.Events = nil
}

// move goes on at another server and leaves the watches there again, as
// clients do.
func (w *watcher) move(ctx context.Context) error {
	for {
		isNew, err := w.s.move(ctx)
		if err != nil {
			return err
		}
		if isNew {
			w.trace = append(w.trace, traced{kind: renewed})
			clear(w.armed)
			return nil
		}
		if _, _, broken := w.s.do(w.setWatches); !broken {
			w.drain()
			return nil
		}
		w.drain()
	}
}

func (w *watcher) setWatches(c *wire.Client) error {
	req := &proto.SetWatchesRequest{RelativeZxid: c.LastZxid}
	for name, state := range w.armed {
		switch dir, children := strings.CutSuffix(name, childMark); {
		case children:
			req.Child = append(req.Child, dir)
		case state == 0:
			req.Exist = append(req.Exist, name)
		default:
			req.Data = append(req.Data, name)
		}
	}
	_, err := c.CallXid(proto.XidSetWatches, proto.OpSetWatches, req)
	return err
}
