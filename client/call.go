package client

import (
	"context"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Record is what the body of a request is made of.
type Record interface{ Append([]byte) []byte }

// Call is a request in flight.
type Call struct {
	xid   int32
	op    proto.Op
	path  string // for errors
	body  jute.Decoder
	err   error
	reply func(error) error // run by the reader under Client.mu, before done; nil: nothing
	done  chan struct{}     // closed after body and err are set
	slot  bool              // it has taken one of Client.slots
}

// Wait returns the body of the reply, or the refusal as an [Error].
func (c *Call) Wait(ctx context.Context) (*jute.Decoder, error) {
	select {
	case <-c.done:
		return &c.body, refused(c.err, c.path)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// finish gives a call its reply, under mu.
func (c *Client) finish(call *Call, body jute.Decoder, err error) {
	if call.reply != nil {
		err = call.reply(err)
	}
	call.body, call.err = body, err
	close(call.done)
	if call.slot {
		<-c.slots
	}
}

// sendNow sends a call, under mu, on the connection that there is.
func (c *Client) sendNow(call *Call, body Record) {
	if a, ok := body.(*proto.AuthPacket); ok {
		c.auths = append(c.auths, Auth{Scheme: a.Scheme, Data: a.Auth})
	}
	c.line.send(c, call, body)
}

// Start sends a request and does not wait for its reply. It waits while too
// many requests are in flight and, until every server was tried once, while
// there is no connection.
func (c *Client) Start(ctx context.Context, op proto.Op, path string, body Record) (*Call, error) {
	return c.start(ctx, &Call{op: op, path: path}, body)
}

func (c *Client) start(ctx context.Context, call *Call, body Record) (*Call, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	call.done, call.slot = make(chan struct{}), true
	if err := c.await(ctx, func() { c.sendNow(call, body) }); err != nil {
		<-c.slots
		return nil, refused(err, call.path)
	}
	return call, nil
}

// Do sends a request and waits for its reply.
func (c *Client) Do(ctx context.Context, op proto.Op, path string, body Record) (*jute.Decoder, error) {
	return c.do(ctx, &Call{op: op, path: path}, body)
}

func (c *Client) do(ctx context.Context, call *Call, body Record) (*jute.Decoder, error) {
	call, err := c.start(ctx, call, body)
	if err != nil {
		return nil, err
	}
	return call.Wait(ctx)
}

// await runs do under mu as soon as there is a connection. When there is
// none, it waits for one until a whole round of servers was tried in vain.
func (c *Client) await(ctx context.Context, do func()) error {
	rounds := -1
	for {
		c.mu.Lock()
		switch {
		case c.line != nil:
			do()
			c.mu.Unlock()
			return nil
		case c.state == AuthFailed:
			c.mu.Unlock()
			return proto.ErrAuthFailed
		case !c.state.Alive():
			c.mu.Unlock()
			return proto.ErrSessionExpired
		case rounds >= 0 && c.rounds > rounds:
			c.mu.Unlock()
			return proto.ErrConnectionLoss
		}
		if rounds < 0 {
			rounds = c.rounds
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
