package server

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
)

// shareAbove is the payload size from which an immutable slice is handed to
// the kernel where it stands instead of being copied into the outbox.
const shareAbove = 8 << 10

// keepBytes is the largest buffer that an idle outbox holds on to.
const keepBytes = 4 << 10

// outbox gathers the frames on their way to one client. Appending returns at
// once; whoever flushes writes all that has gathered with one system call.
// The order of appends is the order on the wire.
type outbox struct {
	mu      sync.Mutex
	pieces  net.Buffers // mu: finished pieces, before tail
	tail    []byte      // mu: the piece that grows
	size    int         // mu: bytes appended and not yet written
	frame   int         // mu: where the open frame begins in tail
	frames  int64       // mu: frames appended, ever
	spare   []byte      // mu: a written buffer to be used again
	writing bool        // mu: somebody is in flush
	closed  bool        // mu: appends are dropped
	drained sync.Cond   // on mu: size went down, a flush ended, or the outbox closed
}

func newOutbox() *outbox {
	o := &outbox{}
	o.drained.L = &o.mu
	return o
}

// begin opens a frame and locks the outbox until end or endShared. The caller
// appends the payload to the slice it gets.
func (o *outbox) begin() []byte {
	o.mu.Lock()
	if o.tail == nil {
		o.tail, o.spare = o.spare, nil
	}
	o.frame = len(o.tail)
	return append(o.tail, 0, 0, 0, 0)
}

// end closes the frame and returns the bytes that wait to be written.
func (o *outbox) end(b []byte) int { return o.endShared(b, nil, nil) }

// endShared closes the frame with an immutable payload, which is not copied
// when it is large, and what stands behind it.
func (o *outbox) endShared(b, payload, suffix []byte) int {
	defer o.mu.Unlock()
	n := len(b) - o.frame + len(payload) + len(suffix)
	binary.BigEndian.PutUint32(b[o.frame:], uint32(n-4))
	o.frames++
	if o.closed {
		return 0
	}
	o.size += n
	if len(payload) < shareAbove {
		o.tail = append(append(b, payload...), suffix...)
	} else {
		o.pieces = append(o.pieces, b, payload)
		o.tail = append([]byte(nil), suffix...)
	}
	return o.size
}

// flush writes until nothing waits. When somebody else is writing already it
// returns at once: that one will write what was appended meanwhile.
func (o *outbox) flush(w io.Writer) error {
	o.mu.Lock()
	if o.writing {
		o.mu.Unlock()
		return nil
	}
	o.writing = true
	var err error
	for err == nil && o.size > 0 && !o.closed {
		pieces, tail, size := o.pieces, o.tail, o.size
		o.pieces, o.tail = nil, nil
		o.mu.Unlock()
		err = write(w, pieces, tail)
		o.mu.Lock()
		o.size -= size
		if o.spare == nil && cap(tail) <= keepBytes {
			o.spare = tail[:0]
		}
		o.drained.Broadcast()
	}
	o.writing = false
	o.drained.Broadcast()
	o.mu.Unlock()
	return err
}

// offer writes what has gathered, as far as the client takes it at once, and
// tells whether more waits: then a flush has to follow. When somebody else is
// writing already, that one goes on.
func (o *outbox) offer(write func([]byte) (int, error)) (more bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.writing || o.size == 0 || o.closed:
		return false, nil
	case len(o.pieces) > 0:
		return true, nil
	}
	tail := o.tail
	o.tail, o.writing = nil, true
	o.mu.Unlock()
	n, err := write(tail)
	o.mu.Lock()
	o.writing = false
	o.size -= n
	if n < len(tail) && !o.closed {
		o.pieces = append(net.Buffers{tail[n:]}, o.pieces...)
	} else if o.spare == nil && cap(tail) <= keepBytes {
		o.spare = tail[:0]
	}
	o.drained.Broadcast()
	return o.size > 0 && !o.closed, err
}

func write(w io.Writer, pieces net.Buffers, tail []byte) error {
	if len(pieces) == 0 {
		_, err := w.Write(tail)
		return err
	}
	pieces = append(pieces, tail)
	_, err := pieces.WriteTo(w)
	return err
}

// idle tells whether nothing waits and nobody writes.
func (o *outbox) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size == 0 && !o.writing
}

// waitWritten blocks while somebody is in flush.
func (o *outbox) waitWritten() {
	o.mu.Lock()
	for o.writing {
		o.drained.Wait()
	}
	o.mu.Unlock()
}

// waitBelow blocks while more than limit bytes wait.
func (o *outbox) waitBelow(limit int) {
	o.mu.Lock()
	for o.size > limit && !o.closed {
		o.drained.Wait()
	}
	o.mu.Unlock()
}

func (o *outbox) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// close drops what waits and all later appends.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.pieces, o.tail, o.spare = nil, nil, nil
	o.drained.Broadcast()
	o.mu.Unlock()
}
