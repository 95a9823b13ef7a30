package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	ephemerals = root + "/ephemerals"
	holderPace = 25 * time.Millisecond
)

// holder is a client with an ephemeral, which it looks at. At times it is
// silent for long, closes its session, or drops it.
type holder struct {
	id     int
	h      *history
	s      *session
	rand   *rand.Rand
	n      int
	path   string   // of the present session's ephemeral
	sure   bool     // it was acknowledged
	orphan []string // ephemerals of sessions that were dropped or have expired
	closed int      // sessions that were closed
}

func newHolder(id int, h *history, s *session, seed uint64) *holder {
	return &holder{id: id, h: h, s: s, rand: rand.New(rand.NewPCG(seed, uint64(id)+300))}
}

// run holds until stop is closed.
func (w *holder) run(ctx context.Context, stop <-chan struct{}) error {
	w.next()
	for {
		pause := time.Duration(w.rand.Int64N(int64(2 * holderPace)))
		drawn := w.rand.IntN(200)
		if drawn == 0 {
			pause = w.s.timeout / 2
		}
		select {
		case <-stop:
			return w.leave(ctx)
		case <-time.After(pause):
		}
		var err error
		switch drawn {
		case 1, 2:
			err = w.close(ctx)
		case 3:
			err = w.drop(ctx)
		default:
			err = w.look(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// leave looks for the last time. A short session expires from then on.
func (w *holder) leave(ctx context.Context) error {
	err := w.look(ctx)
	if w.s.timeout == shortTimeout {
		w.orphan, w.sure = append(w.orphan, w.path), false
	}
	return err
}

// next names the ephemeral of a new session.
func (w *holder) next() {
	w.n++
	w.path, w.sure = fmt.Sprintf("%s/%d-%d", ephemerals, w.id, w.n), false
}

// look makes the ephemeral, or looks whether it is there.
func (w *holder) look(ctx context.Context) error {
	if !w.sure {
		out, code, broken := w.s.do(func(c *wire.Client) error {
			_, err := c.Create(w.path, nil, proto.OpenACL, proto.FlagEphemeral)
			return err
		})
		switch {
		case broken:
			return w.move(ctx)
		case out == refused && code != proto.ErrNodeExists: // an earlier try may have made it
			w.h.violation("creation of %s is refused: %v", w.path, code)
		}
		w.sure = true
	}
	gone, broken := w.missing()
	if !gone && !broken {
		return nil
	}
	before := w.path
	if err := w.move(ctx); err != nil || before != w.path || broken {
		return err
	}
	if gone, broken = w.missing(); gone && !broken {
		w.h.violation("%s is gone, and its session %#x lives", w.path, w.s.c.SessionID)
	}
	return nil
}

// missing tells whether the ephemeral is not there as it should be.
func (w *holder) missing() (gone, broken bool) {
	var stat proto.Stat
	_, code, broken := w.s.do(func(c *wire.Client) (err error) {
		stat, err = c.Exists(w.path, false)
		return err
	})
	if code == proto.OK && !broken && stat.EphemeralOwner != w.s.c.SessionID {
		w.h.violation("%s belongs to %#x, not to %#x", w.path, stat.EphemeralOwner, w.s.c.SessionID)
	}
	return code == proto.ErrNoNode, broken
}

// move goes on at another server, with a new ephemeral if the session is gone.
func (w *holder) move(ctx context.Context) error {
	isNew, err := w.s.move(ctx)
	if isNew {
		w.orphan = append(w.orphan, w.path)
		w.next()
	}
	return err
}

// close ends the session. Once that is acknowledged its ephemeral is gone, for
// everybody who has seen as much.
func (w *holder) close(ctx context.Context) error {
	_, code, broken := w.s.do(func(c *wire.Client) error {
		_, err := c.Call(proto.OpCloseSession, nil)
		return err
	})
	if broken || code != proto.OK {
		return w.drop(ctx) // it may end at any time from now on
	}
	w.s.c.Close()
	w.closed++
	was := w.path
	w.next()
	heir := w.s.nobody()
	heir.LastZxid = w.s.c.LastZxid
	if err := w.s.connect(ctx, heir); err != nil {
		return err
	}
	_, code, broken = w.s.do(func(c *wire.Client) error {
		_, err := c.Exists(was, false)
		return err
	})
	if code == proto.OK && !broken {
		w.h.violation("%s is there after the end of its session", was)
	}
	if broken {
		return w.move(ctx)
	}
	return nil
}

// drop leaves the session without a word.
func (w *holder) drop(ctx context.Context) error {
	w.orphan = append(w.orphan, w.path)
	w.next()
	w.s.c.Close()
	return w.s.open(ctx)
}

// account compares what is there at the end, by path and owner.
func (w *holder) account(found map[string]int64) (wrong, left []string) {
	if owner, there := found[w.path]; w.sure && (!there || owner != w.s.c.SessionID) {
		wrong = append(wrong, fmt.Sprintf("%s of session %#x is missing, or belongs to %#x", w.path, w.s.c.SessionID, owner))
	}
	for _, p := range w.orphan {
		if _, there := found[p]; there {
			left = append(left, p)
		}
	}
	return wrong, left
}
