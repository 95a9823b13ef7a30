package server

import (
	"net"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// What is parked behind a write is answered by the applier in one go, while
// everybody waits and before the client can take any of it: a session's next
// write must not be seen by the reads before it. So it is bounded where it
// comes in.

// maxParkedWeight is how much may be parked for one connection, see
// [pending.weight], before its requests are left unread.
const maxParkedWeight = 64

// parkedReplyBytes is what the applier answers in one go. More can be asked
// for only of lists of children that no client takes: then the client is cut
// off, like one that does not read its events.
const parkedReplyBytes = 2 * outboxLimitBytes

// answerParked answers a parked read after others that have produced so many
// bytes, and returns how many it adds.
func (c *conn) answerParked(h proto.RequestHeader, p *pending, replied int) int {
	if replied > parkedReplyBytes {
		return 0 // the client is gone
	}
	n := c.answer(h, p.body, p.ids, p.at, c.stats)
	if replied+n > parkedReplyBytes {
		c.srv.log.Warn().Str("client", c.remote.String()).Int("reply_bytes", replied+n).
			Msg("client asks for too much behind one write: connection cut")
		c.cut()
	}
	return n
}

// awaitParked waits until all that is parked is answered.
func (t *turn) awaitParked() error {
	c := t.conn
	t.leave()
	t.crowded = false
	if err := c.flush(); err != nil {
		return err
	}
	settle := make(chan struct{})
	c.srv.gate.enterRead()
	if c.fifo.empty() {
		close(settle)
	} else {
		c.settle = settle
	}
	c.srv.gate.leaveRead()
	select {
	case <-settle:
		return nil
	case <-c.srv.stopping:
		return errStale // it was read and never looked at
	case <-c.term.over:
	case <-c.srv.applier.done:
	}
	return net.ErrClosed // and so is the connection
}

// settled wakes the reader goroutine when nothing is parked any more. It is
// called under the gate's write side.
func (c *conn) settled() {
	if c.settle != nil && c.fifo.empty() {
		close(c.settle)
		c.settle = nil
	}
}
