package server

import (
	"context"
	"errors"
)

// Stop takes no more requests, finishes and answers those it has, and closes
// everything. The context bounds how long it waits for clients to take their
// replies; what was accepted is durable either way.
func (srv *Server) Stop(ctx context.Context) error {
	srv.stopBy, _ = ctx.Deadline()
	close(srv.stopping)
	if srv.listener != nil {
		_ = srv.listener.Close() // ends accept
	}
	srv.requests.Close()
	srv.background.Wait()
	for _, c := range srv.conns.list() {
		c.stopReading()
		c.stopWriting()
	}
	srv.readers.Wait()

	srv.engine.finish()
	<-srv.applier.done
	srv.snapshots.running.Wait()

	close(srv.answered)
	srv.conns.waitEmpty()
	return errors.Join(srv.store.Close(), srv.closeAudit())
}

// linger keeps a connection open, once it no longer reads because the server
// stops, until its requests are answered, and sends the replies.
func (c *conn) linger() {
	<-c.srv.answered
	c.out.waitWritten()
	_ = c.flush() // a client that does not take its replies loses them
}

// stopped tells whether the reader ended with err because the server stops:
// the read was interrupted, or the request that it had read was let go.
func (srv *Server) stopped(err error) bool {
	var timeout interface{ Timeout() bool }
	interrupted := errors.As(err, &timeout) && timeout.Timeout()
	return srv.isStopping() && (interrupted || errors.Is(err, errStale))
}
