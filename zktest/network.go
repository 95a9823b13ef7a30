package zktest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// outside is the end of a connection that is a client's.
const outside = 0

// errUnreachable is what a dial of a server that is down fails with.
var errUnreachable = errors.New("zktest: connection refused")

// pair is two ends of a connection, the smaller id first.
type pair [2]int

func pairOf(a, b int) pair { return pair{min(a, b), max(a, b)} }

// network is everything between the servers of one ensemble, and between them
// and their clients. All fields are guarded by mu.
type network struct {
	mu        sync.Mutex
	changed   chan struct{} // closed, and made anew, when what passes changes
	blocked   map[pair]bool
	frozen    map[int]bool
	delay     map[int]time.Duration
	relays    map[*relay]struct{}
	listeners map[string]*listener
	dead      map[int]bool // killed: it reaches nobody, though its goroutines may still end
	closed    bool

	wg sync.WaitGroup // every goroutine of the relays
}

func newNetwork() *network {
	return &network{
		changed: make(chan struct{}), blocked: map[pair]bool{}, frozen: map[int]bool{}, delay: map[int]time.Duration{}, dead: map[int]bool{},
		relays: map[*relay]struct{}{}, listeners: map[string]*listener{},
	}
}

// change does something to what passes, and lets all who wait look again.
func (n *network) change(do func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	do()
	close(n.changed)
	n.changed = make(chan struct{})
}

// passes waits until bytes get from one end to the other; false: done was
// closed first.
func (n *network) passes(ends pair, done <-chan struct{}) bool {
	for {
		n.mu.Lock()
		held, changed := n.heldLocked(ends), n.changed
		n.mu.Unlock()
		if !held {
			return true
		}
		select {
		case <-changed:
		case <-done:
			return false
		}
	}
}

func (n *network) heldLocked(ends pair) bool {
	return n.blocked[ends] || n.frozen[ends[0]] || n.frozen[ends[1]]
}

// down makes a killed server unreachable, and all others to it. mu is held.
func (n *network) down(id int) {
	n.dead[id] = true
	delete(n.frozen, id)
}

// up lets it take part again. mu is held.
func (n *network) up(id int) { delete(n.dead, id) }

// awake waits until a server is not frozen.
func (n *network) awake(id int, done <-chan struct{}) { n.passes(pair{id, id}, done) }

// delayOf is how long bytes are under way.
func (n *network) delayOf(ends pair) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.delay[ends[0]] + n.delay[ends[1]]
}

// cut closes the connections that a test chooses, and returns how many.
func (n *network) cut(choose func(*relay) bool) int {
	n.mu.Lock()
	var chosen []*relay
	for r := range n.relays {
		if choose(r) {
			chosen = append(chosen, r)
		}
	}
	n.mu.Unlock()
	for _, r := range chosen {
		r.close()
	}
	return len(chosen)
}

// connect puts a relay between two connections. It returns false, and closes
// both, when the network is closed.
func (n *network) connect(r *relay) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		r.close()
		return false
	}
	n.relays[r] = struct{}{}
	n.wg.Add(1)
	go func() {
		defer n.wg.Done()
		r.run()
		n.mu.Lock()
		delete(n.relays, r)
		n.mu.Unlock()
	}()
	return true
}

// close cuts everything off and waits for the relays.
func (n *network) close() {
	n.change(func() { n.closed = true })
	n.cut(func(*relay) bool { return true })
	n.wg.Wait()
}

// dialer connects one server to the others.
func (n *network) dialer(from int) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		n.mu.Lock()
		l := n.listeners[address]
		lost := l == nil || n.dead[from] || n.dead[l.owner]
		n.mu.Unlock()
		if lost {
			return nil, errUnreachable
		}
		ends := pairOf(from, l.owner)
		if !n.passes(ends, ctx.Done()) {
			return nil, ctx.Err()
		}
		near, mine := net.Pipe()
		theirs, far := net.Pipe()
		r := newRelay(n, ends, mine, theirs)
		if !n.connect(r) {
			return nil, errUnreachable
		}
		select {
		case l.arrived <- named{far, l.address, memoryAddr(fmt.Sprintf("server-%d", from))}:
			return named{near, memoryAddr(fmt.Sprintf("server-%d", from)), l.address}, nil
		case <-l.done:
			r.close()
			return nil, errUnreachable
		case <-ctx.Done():
			r.close()
			return nil, ctx.Err()
		}
	}
}

// listen opens an address for one server.
func (n *network) listen(owner int) func(string) (net.Listener, error) {
	return func(address string) (net.Listener, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.listeners[address] != nil {
			return nil, fmt.Errorf("zktest: %s is in use", address)
		}
		l := &listener{n: n, owner: owner, address: memoryAddr(address), arrived: make(chan net.Conn), done: make(chan struct{})}
		n.listeners[address] = l
		return l, nil
	}
}

// listener is a server's end for other servers.
type listener struct {
	n       *network
	owner   int
	address memoryAddr
	arrived chan net.Conn
	once    sync.Once
	done    chan struct{}
}

// Accept returns the next connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arrived:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends it.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.n.mu.Lock()
		delete(l.n.listeners, string(l.address))
		l.n.mu.Unlock()
	})
	return nil
}

// Addr is where it listens.
func (l *listener) Addr() net.Addr { return l.address }

// memoryAddr is an address of this network.
type memoryAddr string

// Network is tcp: it stands for one.
func (memoryAddr) Network() string  { return "tcp" }
func (a memoryAddr) String() string { return string(a) }

// named is a connection with addresses.
type named struct {
	net.Conn
	local, remote net.Addr
}

// LocalAddr is this end.
func (c named) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the other end.
func (c named) RemoteAddr() net.Addr { return c.remote }
