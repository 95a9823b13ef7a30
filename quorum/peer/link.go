package peer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

const (
	linkBufferBytes   = 64 << 10
	packetOverhead    = 64           // bytes of a packet and its place in a queue, without data
	finishTimeout     = time.Second  // for what waits when a link is broken off
	aliveEvery        = time.Second  // of quorum.Alive
	maxSpare          = 4096         // packets for which a link keeps room
	maxBurst          = 256          // packets delivered together
	snapshotSignature = "BenWasHere" // ends a snapshot on a link
)

// Outgoing is something to be written to a link: a packet, a stream, or a
// packet and the stream that belongs behind it.
type Outgoing struct {
	Packet proto.QuorumPacket // not sent when its Type is 0
	// Stream writes bytes that are not in memory, on the goroutine of the
	// link. An error breaks the link.
	Stream func(io.Writer) error
	// Sent, if set, is called when all of Stream has been handed to the
	// connection, on the goroutine of the link.
	Sent func()
}

// link is one quorum connection.
type link struct {
	id       quorum.Link // these are set once
	conn     net.Conn
	accepted bool          // dialled by the other side: a learner
	maxBytes int           // may be in queue
	wake     chan struct{} // of size 1: queue or finishing has changed
	done     chan struct{} // closed by abort
	once     sync.Once
	written  chan struct{}            // closed when the writer has ended
	closed   func(took time.Duration) // nil: nobody wants to know

	received    atomic.Uint64 // packets
	server      atomic.Int64  // a learner's id, from its first packet on; 0 before
	established time.Time     // set once

	mu        sync.Mutex
	sent      uint64 // packets
	queue     []Outgoing
	oldest    time.Time // when the first in queue came
	bytes     int       // in queue, and in what is being written
	finishing bool      // broken off by this server
}

func newLink(id quorum.Link, conn net.Conn, accepted bool, maxBytes int) *link {
	return &link{established: time.Now(), id: id, conn: conn, accepted: accepted, maxBytes: maxBytes, wake: make(chan struct{}, 1), done: make(chan struct{}), written: make(chan struct{})}
}

func (l *link) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// abort closes the connection at once.
func (l *link) abort() {
	l.once.Do(func() {
		close(l.done)
		began := time.Now()
		_ = l.conn.Close()
		if l.closed != nil {
			l.closed(time.Since(began))
		}
	})
}

// finish closes it after what is in the queue.
func (l *link) finish() {
	l.mu.Lock()
	l.finishing = true
	l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(finishTimeout))
	l.wakeUp()
}

func (l *link) isBroken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finishing
}

// push adds to the queue; false means that the peer is too far behind.
func (l *link) push(m Outgoing) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.finishing {
		return true
	}
	l.bytes += packetOverhead + len(m.Packet.Data)
	if l.bytes > l.maxBytes {
		return false
	}
	if len(l.queue) == 0 {
		l.oldest = time.Now()
	}
	l.queue = append(l.queue, m)
	l.wakeUp()
	return true
}

// take empties the queue, which goes on in the place of an earlier batch.
func (l *link) take(spare []Outgoing) (batch []Outgoing, bytes int, since time.Time, finishing bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch, l.queue = l.queue, spare
	return batch, l.bytes, l.oldest, l.finishing
}

// wrote says that a batch is out.
func (l *link) wrote(packets, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent += uint64(packets)
	l.bytes -= bytes
}

// write sends what is queued: all that has gathered since the last time goes
// out in one write.
func (l *link) write(cfg *LinksConfig) error {
	out := &progress{conn: l.conn, alive: func() { cfg.Deliver(quorum.Alive{Link: l.id}) }}
	buf := bufio.NewWriterSize(out, linkBufferBytes)
	var scratch []byte
	var spare []Outgoing
	for {
		select {
		case <-l.wake:
		case <-l.done:
			return net.ErrClosed
		}
		batch, bytes, since, finishing := l.take(spare)
		if server := l.server.Load(); server != 0 && len(batch) > 0 && cfg.Sending != nil {
			cfg.Sending(server, len(batch), time.Since(since))
		}
		for i := range batch {
			var err error
			if scratch, err = l.writeOne(&batch[i], buf, out, scratch[:0]); err != nil {
				return err
			}
		}
		if err := buf.Flush(); err != nil {
			return err
		}
		if finishing {
			return nil
		}
		l.wrote(len(batch), bytes)
		clear(batch)
		if spare = batch[:0]; cap(spare) > maxSpare {
			spare = nil
		}
	}
}

func (l *link) writeOne(m *Outgoing, buf *bufio.Writer, out *progress, scratch []byte) ([]byte, error) {
	if m.Packet.Type != 0 {
		scratch = m.Packet.Append(scratch)
		if _, err := buf.Write(scratch); err != nil {
			return scratch, err
		}
	}
	if m.Stream == nil {
		return scratch, nil
	}
	out.streaming, out.last = true, time.Now()
	defer func() { out.streaming = false }()
	if err := m.Stream(buf); err != nil {
		return scratch, fmt.Errorf("stream behind %s: %w", m.Packet.Type, err)
	}
	if err := buf.Flush(); err != nil {
		return scratch, err
	}
	if m.Sent != nil {
		m.Sent()
	}
	return scratch, nil
}

// read delivers packets until the link breaks or is broken off. Those that have
// arrived together are delivered together.
func (l *link) read(cfg *LinksConfig) error {
	in := &progress{conn: l.conn, alive: func() { cfg.Deliver(quorum.Alive{Link: l.id}) }}
	src := bufio.NewReaderSize(in, linkBufferBytes)
	r := jute.NewReader(src, cfg.MaxPacketBytes)
	if err := l.readFirst(cfg, r); err != nil {
		return err
	}
	for {
		var burst []proto.QuorumPacket
		for more := true; more; more = len(burst) < maxBurst && packetBuffered(src) {
			if len(burst) == 1 { // the others may be of the same size
				size := packetOverhead + len(burst[0].Data)
				burst = append(make([]proto.QuorumPacket, 0, min(maxBurst, 2+src.Buffered()/size)), burst...)
			}
			var p proto.QuorumPacket
			p.Read(r)
			if err := r.Err(); err != nil {
				return err
			}
			if p.Type == proto.PacketSnap {
				if err := l.deliver(cfg, burst); err != nil {
					return err
				}
				burst = nil
				if err := l.readSnapshot(cfg, in, p, r); err != nil {
					return err
				}
			}
			burst = append(burst, p)
		}
		if err := l.deliver(cfg, burst); err != nil {
			return err
		}
	}
}

// readFirst reads and delivers what a learner says first.
func (l *link) readFirst(cfg *LinksConfig, r *jute.Reader) error {
	if !l.accepted {
		return nil
	}
	_ = l.conn.SetReadDeadline(time.Now().Add(cfg.FirstTimeout))
	var p proto.QuorumPacket
	p.Read(r)
	if err := r.Err(); err != nil {
		return err
	}
	if p.Type != proto.PacketFollowerInfo && p.Type != proto.PacketObserverInfo {
		return violation(&p)
	}
	_ = l.conn.SetReadDeadline(time.Time{}) // from here on the core watches
	if info, told := proto.DecodeLearnerInfo(p.Data); told {
		l.server.Store(info.ServerID)
	}
	return l.deliver(cfg, []proto.QuorumPacket{p})
}

func (l *link) deliver(cfg *LinksConfig, burst []proto.QuorumPacket) error {
	if l.isBroken() {
		return net.ErrClosed
	}
	l.received.Add(uint64(len(burst)))
	if cfg.Burst != nil && len(burst) > 1 {
		cfg.Burst(l.id, burst)
		return nil
	}
	for _, p := range burst {
		cfg.Deliver(quorum.Received{Link: l.id, Packet: p})
	}
	return nil
}

// packetBuffered tells whether the next packet can be read without waiting for
// the network. One with identities, a forwarded request, may be taken for one
// that cannot.
func packetBuffered(src *bufio.Reader) bool {
	const head, tail = 4 + 8 + 4, 4 // type, zxid, length of the data; number of identities
	n := src.Buffered()
	if n < head+tail {
		return false
	}
	b, _ := src.Peek(n)
	size := int64(max(int32(binary.BigEndian.Uint32(b[head-4:])), 0))
	if int64(n) < head+size+tail {
		return false
	}
	return int32(binary.BigEndian.Uint32(b[head+size:])) <= 0
}

var errSignature = errors.New("snapshot without its signature")

func (l *link) readSnapshot(cfg *LinksConfig, in *progress, p proto.QuorumPacket, r *jute.Reader) error {
	if l.accepted {
		return violation(&p)
	}
	in.streaming, in.last = true, time.Now()
	defer func() { in.streaming = false }()
	if err := cfg.Stage(l.id, p.Zxid, r); err != nil {
		return fmt.Errorf("snapshot 0x%x: %w", p.Zxid, err)
	}
	if r.String() != snapshotSignature {
		r.Fail(errSignature)
	}
	return r.Err()
}

// progress tells that bytes move while a stream is on its way. It belongs to
// one goroutine.
type progress struct {
	conn      net.Conn
	alive     func()
	streaming bool
	last      time.Time // of alive
}

// Read reads from the connection.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.conn.Read(b)
	p.moved(n)
	return n, err
}

// Write writes to the connection.
func (p *progress) Write(b []byte) (int, error) {
	n, err := p.conn.Write(b)
	p.moved(n)
	return n, err
}

func (p *progress) moved(n int) {
	if !p.streaming || n == 0 {
		return
	}
	if now := time.Now(); now.Sub(p.last) >= aliveEvery {
		p.last = now
		p.alive()
	}
}
