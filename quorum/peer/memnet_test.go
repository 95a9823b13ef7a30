package peer

import (
	"context"
	"errors"
	"net"
	"sync"
)

// memNet is a network of in-memory connections. Addresses are names, which
// lead to hosts; hosts can be made not to answer.
type memNet struct {
	mu        sync.Mutex
	hosts     map[string]string       // name to host; a name that is missing is its own host
	listeners map[string]*memListener // by host
	silent    map[string]bool         // hosts that do not answer at all
	dialled   []string                // names, in order
	conns     map[*memConn]struct{}
}

func newMemNet() *memNet {
	return &memNet{hosts: map[string]string{}, listeners: map[string]*memListener{}, silent: map[string]bool{}, conns: map[*memConn]struct{}{}}
}

var errRefused = errors.New("connection refused")

type memConn struct {
	net.Conn
	net      *memNet
	from, to string
}

func (c *memConn) Close() error {
	c.net.mu.Lock()
	delete(c.net.conns, c)
	c.net.mu.Unlock()
	return c.Conn.Close()
}

type memListener struct {
	net    *memNet
	host   string
	accept chan net.Conn
	done   chan struct{}
	once   sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.net.mu.Lock()
		defer l.net.mu.Unlock()
		if l.net.listeners[l.host] == l {
			delete(l.net.listeners, l.host)
		}
	})
	return nil
}

func (l *memListener) Addr() net.Addr { return &net.UnixAddr{Name: l.host, Net: "mem"} }

func (n *memNet) listen(host string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &memListener{net: n, host: host, accept: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[host] = l
	return l
}

// dialFrom returns the Dial of one server.
func (n *memNet) dialFrom(from string) Dial {
	return func(ctx context.Context, address string) (net.Conn, error) {
		n.mu.Lock()
		n.dialled = append(n.dialled, address)
		host := address
		if h, ok := n.hosts[address]; ok {
			host = h
		}
		l, silent := n.listeners[host], n.silent[host] || n.silent[from]
		n.mu.Unlock()
		if silent {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		if l == nil {
			return nil, errRefused
		}
		a, b := net.Pipe()
		ours := &memConn{Conn: a, net: n, from: from, to: host}
		select {
		case l.accept <- b:
		case <-l.done:
			return nil, errRefused
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		n.mu.Lock()
		n.conns[ours] = struct{}{}
		n.mu.Unlock()
		return ours, nil
	}
}

// breakAll breaks every connection.
func (n *memNet) breakAll() {
	n.mu.Lock()
	var all []*memConn
	for c := range n.conns {
		all = append(all, c)
	}
	n.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

// count returns how many connections there are.
func (n *memNet) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}
