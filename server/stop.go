package server

import (
	"context"
	"errors"
	"time"
)

// Stop takes no more requests, finishes and answers those it has, and closes
// everything. The context bounds how long it waits for clients to take their
// replies; what was accepted is durable either way.
func (srv *Server) Stop(ctx context.Context) error {
	close(srv.stopping)
	if srv.listener != nil {
		_ = srv.listener.Close() // ends accept
	}
	srv.requests.Close()
	srv.sessions.Close()
	srv.background.Wait()
	deadline, bounded := ctx.Deadline()
	for _, c := range srv.conns.list() {
		c.stopReading()
		if bounded {
			_ = c.nc.SetWriteDeadline(deadline) // fails on a closed connection alone
		}
	}
	srv.readers.Wait()

	srv.proposer.queue.close()
	<-srv.logWriter.done
	<-srv.applier.done
	srv.snapshots.running.Wait()

	close(srv.answered)
	srv.conns.waitEmpty()
	return srv.store.Close()
}

// stopReading ends the reader's wait for requests.
func (c *conn) stopReading() {
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // a closed connection has ended its wait already
}

// linger keeps a connection open, once it no longer reads because the server
// stops, until its requests are answered, and sends the replies.
func (c *conn) linger() {
	<-c.srv.answered
	c.out.waitWritten()
	_ = c.flush() // a client that does not take its replies loses them
}

// stopped tells whether err came from stopReading.
func (srv *Server) stopped(err error) bool {
	select {
	case <-srv.stopping:
		var timeout interface{ Timeout() bool }
		return errors.As(err, &timeout) && timeout.Timeout()
	default:
		return false
	}
}
