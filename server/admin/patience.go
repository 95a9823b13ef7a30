package admin

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// patientReader gives each piece of a body its own time to arrive: a large
// snapshot may take long, a silent client may not.
type patientReader struct {
	src     io.Reader
	control *http.ResponseController
}

// Read takes the deadline away at the end of the body, for from there on the
// HTTP server itself reads, to notice when the client goes.
func (r *patientReader) Read(p []byte) (int, error) {
	// What cannot have a deadline is not a connection, and needs none.
	_ = r.control.SetReadDeadline(time.Now().Add(stallLimit))
	n, err := r.src.Read(p)
	if err != nil {
		_ = r.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// patient gives an answer its time, and what is left of a request as well:
// the HTTP server reads a body that the handler did not want.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(stallLimit)) // as above
		defer func() { _ = control.SetReadDeadline(time.Now().Add(stallLimit)) }()
		next.ServeHTTP(w, r)
	})
}

// patientWriter does the same for what the client has to take.
type patientWriter struct {
	dst     io.Writer
	control *http.ResponseController
}

func (w patientWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(stallLimit)) // as above
	return w.dst.Write(p)
}

// limitConns bounds how many connections are open at once. Those beyond wait
// in the system's queue.
func limitConns(l net.Listener, most int) net.Listener {
	return &limitedListener{Listener: l, slots: make(chan struct{}, most), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener
	slots  chan struct{} // one for each open connection
	closed chan struct{}
	once   sync.Once // closes closed
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, slots: l.slots}, nil
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitedConn gives its slot back once.
type limitedConn struct {
	net.Conn
	slots chan struct{}
	once  sync.Once
}

func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.slots })
	return err
}
