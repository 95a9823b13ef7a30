package rig

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy passes connections on to a server, until it is told to cut them. It
// lets a client lose its connection while the server goes on.
type Proxy struct {
	listener net.Listener // set once
	carriers sync.WaitGroup

	mu       sync.Mutex
	upstream string            // guarded by mu
	away     bool              // guarded by mu: nothing is passed on
	open     map[net.Conn]bool // guarded by mu: both sides of each connection
}

// StartProxy listens on a free loopback port and passes on to addr. It ends
// with the test.
func StartProxy(t testing.TB, addr string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, upstream: addr, open: make(map[net.Conn]bool)}
	p.carriers.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.Cut()
		p.carriers.Wait()
	})
	return p
}

// Addr is the proxy's host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut ends all connections, and from now on each new one at once.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	for conn := range p.open {
		_ = conn.Close()
	}
}

// Mend lets connections through again.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

// Turn passes new connections on to addr. Those that are open stay where they
// are.
func (p *Proxy) Turn(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = addr
}

func (p *Proxy) target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.upstream
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // the test is over
		}
		p.carriers.Go(func() { p.carry(client) })
	}
}

// carry copies both ways until one side ends.
func (p *Proxy) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target())
	if err != nil {
		return
	}
	defer server.Close()
	if !p.keep(client, server) {
		return
	}
	defer p.drop(client, server)
	p.carriers.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	_, _ = io.Copy(server, client)
}

// keep takes note of a connection, unless connections are cut.
func (p *Proxy) keep(sides ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		return false
	}
	for _, conn := range sides {
		p.open[conn] = true
	}
	return true
}

func (p *Proxy) drop(sides ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range sides {
		delete(p.open, conn)
	}
}
