package throttle

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
)

// The reasons to close a connection right after it was accepted.
var (
	ErrTotal   = errors.New("too many connections")                  // maxCnxns
	ErrPerAddr = errors.New("too many connections from one address") // maxClientCnxns
)

// Caps bounds how many connections there are, in all and per source address.
type Caps struct {
	total   int // set once; 0 is no limit
	perAddr int // set once; 0 is no limit

	mu     sync.Mutex
	open   int                // guarded by mu
	byAddr map[netip.Addr]int // guarded by mu: no entry counts 0; empty without a limit
}

// NewCaps takes maxCnxns and maxClientCnxns; a value below 1 is no limit.
func NewCaps(total, perAddr int) *Caps {
	return &Caps{total: total, perAddr: perAddr, byAddr: map[netip.Addr]int{}}
}

// plain drops what does not tell two hosts apart: IPv4 mapped into IPv6, and
// the zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// Take counts a new connection, or refuses it with an error that wraps
// ErrTotal or ErrPerAddr. Release undoes a Take that succeeded.
func (c *Caps) Take(addr netip.Addr) error {
	addr = plain(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total > 0 && c.open >= c.total {
		return fmt.Errorf("%w: max is %d", ErrTotal, c.total)
	}
	if c.perAddr > 0 {
		if c.byAddr[addr] >= c.perAddr {
			return fmt.Errorf("%w: %s, max is %d", ErrPerAddr, addr, c.perAddr)
		}
		c.byAddr[addr]++
	}
	c.open++
	return nil
}

// Release gives back what one Take has counted.
func (c *Caps) Release(addr netip.Addr) {
	addr = plain(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if c.perAddr <= 0 {
		return
	}
	if c.byAddr[addr]--; c.byAddr[addr] == 0 {
		delete(c.byAddr, addr)
	}
}

// Open counts the connections.
func (c *Caps) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}
