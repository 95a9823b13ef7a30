package server

import "time"

// sessionlessDeadline is how long a connection without a session may take for
// what it has to do; the zero time is for ever.
func (srv *Server) sessionlessDeadline() time.Time {
	patience := srv.cfg.Limits.SessionlessTimeoutMs
	if patience <= 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(patience) * time.Millisecond)
}

// readUntil bounds the reads of a connection; the zero time is no bound. It
// takes back no deadline that Stop has set: Stop first tells that it stops and
// then sets deadlines, while this sets one and then looks.
func (c *conn) readUntil(t time.Time) {
	_ = c.nc.SetReadDeadline(t) // fails on a closed connection alone, as all of these
	if c.srv.isStopping() {
		c.stopReading()
	}
}

// writeUntil bounds the writes, with the same care.
func (c *conn) writeUntil(t time.Time) {
	_ = c.nc.SetWriteDeadline(t)
	if c.srv.isStopping() {
		c.stopWriting()
	}
}

// stopReading ends the reader's wait for requests.
func (c *conn) stopReading() { _ = c.nc.SetReadDeadline(time.Unix(1, 0)) }

// stopWriting gives the client the time that is left to the server.
func (c *conn) stopWriting() { _ = c.nc.SetWriteDeadline(c.srv.stopBy) }

// isStopping tells whether Stop has begun.
func (srv *Server) isStopping() bool {
	select {
	case <-srv.stopping:
		return true
	default:
		return false
	}
}
