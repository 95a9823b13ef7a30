package client

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// line is one connection. The reader is the client's own goroutine, the
// writer one that serve starts and waits for.
type line struct {
	nc   net.Conn
	in   *bufio.Reader // the reader's
	wake chan struct{} // tells the writer that there is something in out
	end  chan struct{} // closed by the reader when it ends

	// Guarded by Client.mu.
	out     []byte  // frames to write
	pending []*Call // in the order of their replies
	auths   []*Call // replies to these come beside the order of the others
}

func newLine(nc net.Conn) *line {
	return &line{nc: nc, in: bufio.NewReaderSize(nc, 64<<10), wake: make(chan struct{}, 1), end: make(chan struct{})}
}

// frame appends a frame and wakes the writer. Under Client.mu.
func (l *line) frame(appendTo func([]byte) []byte) {
	start := len(l.out)
	l.out = appendTo(append(l.out, 0, 0, 0, 0))
	jute.PutInt(l.out[start:], int32(len(l.out)-start-4))
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// send queues a call. Under Client.mu.
func (l *line) send(c *Client, call *Call, body Record) {
	if call.op == proto.OpAuth {
		call.xid = proto.XidAuth
		l.auths = append(l.auths, call)
	} else {
		c.xid = max(1, c.xid+1)
		call.xid = c.xid
		l.pending = append(l.pending, call)
	}
	l.request(call.xid, call.op, body)
}

// request queues a request that nobody waits for. Under Client.mu.
func (l *line) request(xid int32, op proto.Op, body Record) {
	l.frame(func(b []byte) []byte {
		b = proto.RequestHeader{Xid: xid, Op: op}.Append(b)
		if body != nil {
			b = body.Append(b)
		}
		return b
	})
}

// read returns the next frame; it must come within the limit.
func (l *line) read(limit time.Duration, maxBytes int) ([]byte, error) {
	if err := l.nc.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(l.in, head[:]); err != nil {
		return nil, err
	}
	n := int64(int32(binary.BigEndian.Uint32(head[:])))
	if n < 0 || n > int64(maxBytes) {
		return nil, fmt.Errorf("%w: a frame of %d bytes, where %d are allowed", ErrProtocol, n, maxBytes)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(l.in, payload)
	return payload, err
}

// write sends what is queued until the line ends, and a ping whenever nothing
// was sent for the interval.
func (l *line) write(c *Client, interval time.Duration) {
	ping := time.NewTimer(interval)
	defer ping.Stop()
	var spare []byte
	for {
		select {
		case <-l.end:
			return
		case <-l.wake:
		case <-ping.C:
			c.mu.Lock()
			l.request(proto.XidPing, proto.OpPing, nil)
			c.mu.Unlock()
		}
		c.mu.Lock()
		out := l.out
		l.out = spare[:0]
		c.mu.Unlock()
		if len(out) > 0 {
			err := l.nc.SetWriteDeadline(time.Now().Add(writeLimit))
			if err == nil {
				_, err = l.nc.Write(out)
			}
			if err != nil {
				_ = l.nc.Close() // the reader fails and says so
				return
			}
		}
		spare = out
		ping.Reset(interval)
	}
}

// writeLimit is how long a server may leave bytes untaken.
const writeLimit = time.Minute
