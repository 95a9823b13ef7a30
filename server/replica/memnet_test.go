package replica

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/meerkat-zk/meerkat/quorum/peer"
)

// memNet is a network of in-memory connections between named hosts.
type memNet struct {
	mu        sync.Mutex
	listeners map[string]*memListener // mu
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

var errRefused = errors.New("connection refused")

func (n *memNet) dial() peer.Dial {
	return func(ctx context.Context, host string) (net.Conn, error) {
		n.mu.Lock()
		l := n.listeners[host]
		n.mu.Unlock()
		if l == nil {
			return nil, errRefused
		}
		a, b := net.Pipe()
		select {
		case l.accept <- b:
			return a, nil
		case <-l.done:
			return nil, errRefused
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
