package zktest

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// queuedUnits is how many frames may be under way in one direction.
const queuedUnits = 1024

// relay stands in the middle of one connection.
type relay struct {
	net   *network
	ends  pair
	conns [2]net.Conn // from the side that dialled, and from the other
	done  chan struct{}
	once  sync.Once

	tap *tap // of a client's connection; else nil
}

// tap is what a relay knows of a client's connection.
type tap struct {
	server   *Server
	session  atomic.Int64
	mu       sync.Mutex
	doomed   map[int32]bool // mu: xids whose replies are lost
	greeted  bool           // owned by the direction to the server: the connect request has passed
	welcomed bool           // owned by the direction to the client: its answer has
	unframed atomic.Bool    // no frames: a four-letter word
}

func newRelay(n *network, ends pair, dialled, other net.Conn) *relay {
	return &relay{net: n, ends: ends, conns: [2]net.Conn{dialled, other}, done: make(chan struct{})}
}

// close cuts the connection at once.
func (r *relay) close() {
	r.once.Do(func() {
		close(r.done)
		_ = r.conns[0].Close()
		_ = r.conns[1].Close()
	})
}

// run relays until either side ends.
func (r *relay) run() {
	var wg sync.WaitGroup
	inspect := [2]func([]byte) bool{pass, pass}
	read := [2]func(*bufio.Reader) ([]byte, error){readChunk, readChunk}
	if r.tap != nil {
		inspect = [2]func([]byte) bool{r.tap.request, r.tap.reply}
		read = [2]func(*bufio.Reader) ([]byte, error){r.tap.read, r.tap.read}
	}
	for from := range 2 {
		units := make(chan unit, queuedUnits)
		wg.Go(func() { r.take(r.conns[from], read[from], inspect[from], units) })
		wg.Go(func() { r.give(r.conns[1-from], units) })
	}
	wg.Wait()
	r.close()
}

func pass([]byte) bool { return true }

// unit is bytes under way.
type unit struct {
	bytes []byte
	due   time.Time // zero: at once
}

// take reads units until the connection ends, or one is lost with it.
func (r *relay) take(from net.Conn, read func(*bufio.Reader) ([]byte, error), inspect func([]byte) bool, units chan<- unit) {
	defer close(units)
	src := bufio.NewReader(from)
	for {
		b, err := read(src)
		if err != nil {
			return
		}
		if !inspect(b) {
			r.close()
			return
		}
		u := unit{bytes: b}
		if d := r.net.delayOf(r.ends); d > 0 {
			u.due = time.Now().Add(d)
		}
		select {
		case units <- u:
		case <-r.done:
			return
		}
	}
}

// give writes units when they are due and may pass, then ends the connection.
func (r *relay) give(to net.Conn, units <-chan unit) {
	defer r.close()
	for u := range units {
		if !u.due.IsZero() {
			select {
			case <-time.After(time.Until(u.due)):
			case <-r.done:
				return
			}
		}
		if !r.net.passes(r.ends, r.done) {
			return
		}
		if _, err := to.Write(u.bytes); err != nil {
			return
		}
	}
	r.net.passes(r.ends, r.done) // the end of a connection passes no partition either
}

// read reads a frame, or whatever comes when it is none.
func (t *tap) read(src *bufio.Reader) ([]byte, error) {
	if t.unframed.Load() {
		return readChunk(src)
	}
	b, framed, err := readFrame(src)
	if !framed && err == nil {
		t.unframed.Store(true)
	}
	return b, err
}

// request looks at what a client says; false: it is lost, with the connection.
func (t *tap) request(frame []byte) bool {
	if t.unframed.Load() {
		return true
	}
	if !t.greeted {
		t.greeted = true
		return true
	}
	req, ok := parseRequest(frame)
	if !ok {
		return true
	}
	req.Server, req.Session = t.server.id, t.session.Load()
	t.server.requests.Add(1)
	intercept := t.server.intercept.Load()
	if intercept == nil {
		return true
	}
	switch (*intercept)(req) {
	case LoseRequest:
		return false
	case LoseReply:
		t.mu.Lock()
		t.doomed[req.Xid] = true
		t.mu.Unlock()
	}
	return true
}

// reply looks at what the server says; false: it is lost, with the connection.
func (t *tap) reply(frame []byte) bool {
	switch {
	case t.unframed.Load():
		return true
	case !t.welcomed:
		t.welcomed = true
		t.session.Store(parseSession(frame))
		return true
	}
	xid, ok := parseReply(frame)
	if !ok {
		return true
	}
	if xid == -1 {
		t.server.events.Add(1)
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.doomed[xid]
}
