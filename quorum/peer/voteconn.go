package peer

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// maxVoteBytes is the largest notification, as in Apache.
const maxVoteBytes = 512 << 10

// voteConn is an election connection after the initial message: frames of an
// int length and a notification, in both directions.
type voteConn struct {
	conn net.Conn
	wake chan struct{} // of size 1: there is a vote to send
	done chan struct{} // closed by close
	once sync.Once
}

func (c *voteConn) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *voteConn) close() {
	c.once.Do(func() {
		close(c.done)
		_ = c.conn.Close()
	})
}

// adopt makes a connection the one to its server, in place of an older one.
// The newest vote is sent on it, again if need be: it may have been lost with
// the old one.
func (e *Election) adopt(p *votePeer, conn net.Conn) {
	c := &voteConn{conn: conn, wake: make(chan struct{}, 1), done: make(chan struct{})}
	e.mu.Lock()
	if e.closed || e.peers[p.id] != p {
		e.mu.Unlock()
		_ = conn.Close()
		return
	}
	if p.conn != nil {
		p.conn.close()
	}
	p.conn, p.unsent = c, p.frame != nil
	c.wakeUp()
	e.wg.Go(func() { e.write(p, c) })
	e.wg.Go(func() { e.read(p, c) })
	e.mu.Unlock()
}

// write sends the newest vote whenever there is one.
func (e *Election) write(p *votePeer, c *voteConn) {
	defer c.close() // ends the reader, which reports it
	for {
		select {
		case <-c.wake:
		case <-c.done:
			return
		}
		if frame := e.take(p, c); frame != nil {
			if _, err := c.conn.Write(frame); err != nil {
				return
			}
		}
	}
}

// take returns what is to be sent, nil for nothing.
func (e *Election) take(p *votePeer, c *voteConn) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.conn != c || !p.unsent {
		return nil
	}
	p.unsent = false
	return p.frame
}

// read delivers votes until the connection breaks. It tells that the server
// can be reached, and that it no longer can, unless a newer connection has
// taken over.
func (e *Election) read(p *votePeer, c *voteConn) {
	e.report(p)
	err := e.readVotes(p.id, c.conn)
	c.close()
	e.mu.Lock()
	current := p.conn == c && !e.closed
	if current {
		p.conn = nil
		if p.unsent && e.cfg.ID > p.id {
			e.dialLocked(p)
		}
		e.forgetLocked(p)
	}
	e.mu.Unlock()
	if current {
		e.cfg.Log.Info().Int64("server", p.id).Err(err).Msg("election connection ended")
		e.report(p)
	}
}

func (e *Election) readVotes(from int64, conn net.Conn) error {
	src := bufio.NewReader(conn)
	var frame []byte
	for {
		var err error
		if frame, err = readFrame(src, frame); err != nil {
			return err
		}
		n, err := proto.DecodeNotification(frame)
		if err != nil {
			e.cfg.Log.Warn().Int64("server", from).Err(err).Msg("vote dropped")
			continue
		}
		e.cfg.Deliver(quorum.Notified{From: from, Notification: n})
	}
}

// appendFrame adds a notification with its length in front.
func appendFrame(b []byte, n *proto.Notification) []byte {
	at := len(b)
	b = n.Append(append(b, 0, 0, 0, 0))
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

// readFrame reads a frame into buf, which grows as bytes arrive and is
// returned.
func readFrame(src *bufio.Reader, buf []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(src, head[:]); err != nil {
		return buf, err
	}
	size := int32(binary.BigEndian.Uint32(head[:]))
	if size < 1 || size > maxVoteBytes {
		return buf, fmt.Errorf("frame of %d bytes", size)
	}
	buf = buf[:0]
	for len(buf) < int(size) {
		const step = 4096
		n := min(int(size)-len(buf), step)
		buf = append(buf, make([]byte, n)...)
		if _, err := io.ReadFull(src, buf[len(buf)-n:]); err != nil {
			return buf, err
		}
	}
	return buf, nil
}
