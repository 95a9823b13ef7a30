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
	bag        = root + "/bag"
	ledgerPace = 12 * time.Millisecond
	bagSize    = 30 // of one client; then it deletes as often as it creates
)

// ledger is a client that puts znodes into the bag, takes some out, and keeps
// account of what was acknowledged.
type ledger struct {
	id   int
	h    *history
	s    *session
	rand *rand.Rand
	n    int
	// Of each name: true when it must be there, false when it must not; those
	// whose last request has no reply are not in it.
	sure  map[string]bool
	names []string // that must be there, oldest first
	acked int
}

func newLedger(id int, h *history, s *session, seed uint64) *ledger {
	return &ledger{id: id, h: h, s: s, rand: rand.New(rand.NewPCG(seed, uint64(id)+400)), sure: map[string]bool{}}
}

// run puts in and takes out until stop is closed.
func (w *ledger) run(ctx context.Context, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Duration(w.rand.Int64N(int64(2 * ledgerPace)))):
		}
		broken := false
		if len(w.names) > bagSize && w.rand.IntN(2) == 0 {
			broken = w.takeOut()
		} else {
			broken = w.putIn()
		}
		if broken {
			if _, err := w.s.move(ctx); err != nil {
				return err
			}
		}
	}
}

func (w *ledger) putIn() (broken bool) {
	w.n++
	name := fmt.Sprintf("%d-%d", w.id, w.n)
	out, code, broken := w.s.do(func(c *wire.Client) error {
		_, err := c.Create(bag+"/"+name, nil, proto.OpenACL, proto.FlagPersistent)
		return err
	})
	switch out {
	case acked:
		w.acked++
		w.sure[name] = true
		w.names = append(w.names, name)
	case refused:
		w.sure[name] = false
		if !broken {
			w.h.violation("creation of %s, which is new, is refused: %v", name, code)
		}
	}
	return broken
}

func (w *ledger) takeOut() (broken bool) {
	name := w.names[0]
	w.names = w.names[1:]
	out, code, broken := w.s.do(func(c *wire.Client) error { return c.Delete(bag+"/"+name, -1) })
	switch out {
	case acked:
		w.acked++
		w.sure[name] = false
	case unknown:
		delete(w.sure, name)
	default:
		if !broken {
			w.h.violation("deletion of %s, whose creation was acknowledged, is refused: %v", name, code)
		}
	}
	return broken
}

// account compares the ledger with what is in the bag at the end.
func (w *ledger) account(found map[string]bool) (wrong []string) {
	for name, must := range w.sure {
		switch {
		case must && !found[name]:
			wrong = append(wrong, name+" was acknowledged and is lost")
		case !must && found[name]:
			wrong = append(wrong, name+" is there, though its deletion was acknowledged or its creation refused")
		}
	}
	return wrong
}
