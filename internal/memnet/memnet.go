// Package memnet is a network in memory, for ensembles inside one test: with
// nothing of the operating system in it, testing/synctest can move its time.
package memnet

import (
	"context"
	"errors"
	"net"
	"sync"
)

// errRefused is what a dial of an address fails with where nobody listens.
var errRefused = errors.New("connection refused")

// Net joins whoever listens on it with whoever dials. Addresses are any text.
type Net struct {
	mu        sync.Mutex
	listeners map[string]*listener // mu
}

// New returns a network on which nobody listens.
func New() *Net { return &Net{listeners: map[string]*listener{}} }

// Listen opens an address. A listener that has it already gets no more.
func (n *Net) Listen(address string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{net: n, address: address, accept: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[address] = l
	return l
}

// Dial connects to an address, once somebody there accepts.
func (n *Net) Dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil {
		return nil, errRefused
	}
	near, far := net.Pipe()
	select {
	case l.accept <- far:
		return near, nil
	case <-l.done:
		return nil, errRefused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type listener struct {
	net     *Net
	address string
	accept  chan net.Conn
	done    chan struct{}
	once    sync.Once
}

// Accept returns the next connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends it.
func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.net.mu.Lock()
		defer l.net.mu.Unlock()
		if l.net.listeners[l.address] == l {
			delete(l.net.listeners, l.address)
		}
	})
	return nil
}

// Addr is where it listens.
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: l.address, Net: "mem"} }
