package chaos

import (
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	chunkBytes  = 32 << 10
	chunksAhead = 128 // of one connection and direction, waiting in a link
	backlog     = 128
)

// way is one direction of a link.
type way struct {
	mu      sync.Mutex
	held    int           // mu: how many faults hold it; nothing passes while any does
	delay   time.Duration // mu: of every byte
	changed chan struct{} // mu: closed when held changes
}

func newWay() *way { return &way{changed: make(chan struct{})} }

// hold adds n to the faults that hold the way.
func (w *way) hold(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held += n
	close(w.changed)
	w.changed = make(chan struct{})
}

// slow adds to the delay.
func (w *way) slow(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay += d
}

func (w *way) lag() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.delay
}

// pass waits until nothing holds the way, and tells whether that came before
// the connection's end.
func (w *way) pass(ended <-chan struct{}) bool {
	for {
		w.mu.Lock()
		held, changed := w.held > 0, w.changed
		w.mu.Unlock()
		if !held {
			return true
		}
		select {
		case <-changed:
		case <-ended:
			return false
		}
	}
}

// link carries the connections of one party to one port of a server.
type link struct {
	address, upstream string // set once
	there, back       *way   // set once: from who dials, and to him
	drops             bool   // set once: while it is held, dialling it ends in a timeout
	carriers          sync.WaitGroup

	mu       sync.Mutex
	refused  int              // mu: how many faults refuse connections
	listener *net.TCPListener // mu: nil while they are refused
	open     map[*carried]bool
}

// carried is one connection that a link carries.
type carried struct {
	near, far net.Conn // far is set before the pumps start
	ended     chan struct{}
	once      sync.Once
}

func newLink(address, upstream string, drops bool) (*link, error) {
	l := &link{address: address, upstream: upstream, drops: drops, there: newWay(), back: newWay(), open: make(map[*carried]bool)}
	return l, l.listen()
}

// listen takes connections from now on.
func (l *link) listen() error {
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		return err
	}
	l.listener = listener.(*net.TCPListener)
	l.carriers.Go(func() { l.accept(l.listener) })
	return nil
}

// refuse ends all connections and lets nobody in, until it is undone with -1.
func (l *link) refuse(n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.refused > 0
	l.refused += n
	now := l.refused > 0
	switch {
	case now && !before:
		_ = l.listener.Close()
		l.listener = nil
		l.cutLocked()
	case before && !now:
		return l.listen()
	}
	return nil
}

// hold keeps back what goes there, or back, or both, until it is undone with
// -1. No connection is passed on meanwhile.
func (l *link) hold(n int, there, back bool) {
	if there {
		l.there.hold(n)
	}
	if back {
		l.back.hold(n)
	}
	l.there.mu.Lock()
	l.back.mu.Lock()
	size := backlog
	if l.there.held > 0 || l.back.held > 0 {
		size = 0
	}
	l.back.mu.Unlock()
	l.there.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener == nil || !l.drops {
		return
	}
	raw, err := l.listener.SyscallConn()
	if err == nil {
		// An unaccepted connection or two still fit; they are not passed on.
		_ = raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), size) })
	}
}

// slow delays both directions.
func (l *link) slow(d time.Duration) {
	l.there.slow(d)
	l.back.slow(d)
}

// cut ends the connections that there are.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutLocked()
}

func (l *link) cutLocked() {
	for c := range l.open {
		c.end()
	}
}

// close ends everything.
func (l *link) close() {
	l.mu.Lock()
	if l.listener != nil {
		_ = l.listener.Close()
	}
	l.cutLocked()
	l.mu.Unlock()
	l.carriers.Wait()
}

func (l *link) accept(listener *net.TCPListener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return // refused, or the end
		}
		c := &carried{near: near, ended: make(chan struct{})}
		l.mu.Lock()
		if l.listener != listener {
			l.mu.Unlock()
			_ = near.Close()
			return
		}
		l.open[c] = true
		l.mu.Unlock()
		// While the link is held the next ones stay with the kernel.
		if l.there.pass(c.ended) && l.back.pass(c.ended) {
			l.carriers.Go(func() { l.carry(c) })
		} else {
			l.drop(c)
		}
	}
}

// carry connects both sides until one ends.
func (l *link) carry(c *carried) {
	defer l.drop(c)
	far, err := net.DialTimeout("tcp", l.upstream, 2*time.Second)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	c.far = far
	var pumps sync.WaitGroup
	pumps.Go(func() { c.pump(c.near, far, l.there) })
	pumps.Go(func() { c.pump(far, c.near, l.back) })
	<-c.ended
	_ = c.near.Close()
	_ = far.Close()
	pumps.Wait()
}

func (l *link) drop(c *carried) {
	c.end()
	_ = c.near.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

func (c *carried) end() { c.once.Do(func() { close(c.ended) }) }

// chunk is what was read at once, and when it may go out.
type chunk struct {
	bytes []byte
	due   time.Time
}

// pump copies one direction. The end of the connection travels behind the
// bytes, so it is held and delayed as they are.
func (c *carried) pump(src, dst net.Conn, w *way) {
	chunks := make(chan chunk, chunksAhead)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(chunks)
		for {
			buf := make([]byte, chunkBytes)
			n, err := src.Read(buf)
			if n > 0 {
				select {
				case chunks <- chunk{buf[:n], time.Now().Add(w.lag())}:
				case <-c.ended:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	defer reading.Wait()
	defer c.end()
	for next := range chunks {
		if !c.sleepUntil(next.due) || !w.pass(c.ended) {
			return
		}
		if _, err := dst.Write(next.bytes); err != nil {
			return
		}
	}
	w.pass(c.ended)
}

func (c *carried) sleepUntil(due time.Time) bool {
	d := time.Until(due)
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ended:
		return false
	}
}
