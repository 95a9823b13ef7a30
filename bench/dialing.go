package bench

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// dialing is the phase that opens connections and their sessions, a few at a
// time: a listener's queue is short, and a handshake that overflows it waits
// a second for the next try.
type dialing struct {
	loop     *loop
	pending  []*conn // still to be dialled
	parallel int
	opening  int
	latency  Histogram    // from the socket to the session
	lastAt   int64        // when the last session was there
	done     atomic.Int64 // sessions opened; read by the progress line
}

func (d *dialing) tick(now int64) (int64, bool, error) {
	for d.opening < d.parallel && len(d.pending) > 0 {
		c := d.pending[0]
		d.pending = d.pending[1:]
		c.openedAt = d.loop.clock.now()
		if err := d.loop.dial(c); err != nil {
			return 0, false, fmt.Errorf("session %d: %w", d.done.Load()+1, err)
		}
		d.opening++
	}
	return math.MaxInt64, d.opening == 0 && len(d.pending) == 0, nil
}

func (d *dialing) opened(c *conn, now int64) {
	d.opening--
	d.lastAt = now
	d.latency.Record(now - c.openedAt)
	d.done.Add(1)
}

func (d *dialing) replied(*conn, slot, proto.ErrCode, int64) {}
func (d *dialing) notified(*conn, int64)                     {}
func (d *dialing) waiting() int                              { return d.opening }

func (d *dialing) count() (ops, failed int64) { return d.done.Load(), 0 }
