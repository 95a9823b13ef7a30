package zktest

import (
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// disk is what one server writes to. It outlives the server's process.
type disk struct {
	net *network // set once
	id  int      // set once: whose it is

	mu      sync.Mutex
	mem     *vfs.Mem
	stalled chan struct{} // mu: closed when syncs go on; nil while they do
	slow    time.Duration // mu: how long each sync takes
	gone    chan struct{} // mu: closed when the process that uses mem is dead
	held    int           // mu: syncs that are held up
}

func newDisk(n *network, id int) *disk {
	d := &disk{net: n, id: id}
	d.insert(vfs.NewMem())
	return d
}

// insert puts another medium in place. The process that uses the one before is
// dead: nothing holds it up any more.
func (d *disk) insert(mem *vfs.Mem) {
	gone := make(chan struct{})
	mem.Observe(func(op vfs.Op) error {
		d.observe(op, gone)
		return nil
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone != nil {
		close(d.gone)
	}
	d.mem, d.gone = mem, gone
}

// crash leaves what a process that ends now leaves.
func (d *disk) crash(loss vfs.Loss) {
	d.mu.Lock()
	mem := d.mem
	d.mu.Unlock()
	d.insert(mem.Crash(loss, 0))
}

// discard gives the memory back when the servers are gone for good: a test
// that has ended is remembered, with its servers, until all that run beside it
// have.
func (d *disk) discard() {
	d.mu.Lock()
	d.mem = nil
	d.mu.Unlock()
}

// medium is what a new process uses.
func (d *disk) medium() *vfs.Mem {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mem
}

// observe holds an operation up for as long as the test wants.
func (d *disk) observe(op vfs.Op, gone <-chan struct{}) {
	d.net.awake(d.id, gone)
	if op.Kind != vfs.OpSync {
		return
	}
	d.mu.Lock()
	stalled, slow := d.stalled, d.slow
	if stalled != nil {
		d.held++
	}
	d.mu.Unlock()
	if stalled != nil {
		select {
		case <-stalled:
		case <-gone:
		}
		d.mu.Lock()
		d.held--
		d.mu.Unlock()
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-gone:
		}
	}
}

// holds tells whether a sync waits at this moment.
func (d *disk) holds() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.held > 0
}

// stall holds syncs up until resume.
func (d *disk) stall() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stalled == nil {
		d.stalled = make(chan struct{})
	}
}

func (d *disk) resume() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stalled != nil {
		close(d.stalled)
		d.stalled = nil
	}
}

// delay makes every sync take so long.
func (d *disk) delay(each time.Duration) {
	d.mu.Lock()
	d.slow = each
	d.mu.Unlock()
}
