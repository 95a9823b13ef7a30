package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// A probe is a plain client, one blocking request at a time: for looking at a
// server, not for loading it. It belongs to one goroutine.
type probe struct {
	conn    net.Conn
	timeout time.Duration // of one request
	xid     int32
}

// probePatience bounds each request of a probe that looks at servers in use.
const probePatience = 20 * time.Second

// dialProbe opens a session. The timeout bounds that and each request.
func dialProbe(ctx context.Context, addr string, timeout time.Duration) (*probe, error) {
	d := net.Dialer{Timeout: timeout}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p := &probe{conn: nc, timeout: timeout}
	abandon := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer abandon()
	b, err := p.exchange(encodeConnect(int32(max(timeout/time.Millisecond, 1000))))
	if err == nil {
		d := jute.NewDecoder(b)
		var r proto.ConnectResponse
		if r.Decode(&d); d.Err() != nil || r.TimeoutMs == 0 {
			err = fmt.Errorf("%w: %s", ErrSession, addr)
		}
	}
	if err != nil {
		return nil, errors.Join(err, nc.Close())
	}
	return p, nil
}

// exchange writes a frame and reads one.
func (p *probe) exchange(frame []byte) ([]byte, error) {
	if err := p.conn.SetDeadline(time.Now().Add(p.timeout)); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if _, err := p.conn.Write(frame); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	var length [lengthBytes]byte
	if _, err := io.ReadFull(p.conn, length[:]); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	n := int32(binary.BigEndian.Uint32(length[:]))
	if n < 0 || n > maxFrameBytes {
		return nil, fmt.Errorf("%w: length %d", ErrFrame, n)
	}
	b, err := io.ReadAll(io.LimitReader(p.conn, int64(n)))
	if err == nil && len(b) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return b, nil
}

// call makes a request; the decoder stands at the reply's body. An error code
// of the server comes back as a [proto.ErrCode].
func (p *probe) call(op proto.Op, body record) (jute.Decoder, error) {
	p.xid++
	b, err := p.exchange(encodeFrame(p.xid, op, body))
	if err != nil {
		return jute.Decoder{}, err
	}
	d := jute.NewDecoder(b)
	var h proto.ReplyHeader
	h.Decode(&d)
	switch {
	case d.Err() != nil:
		return d, fmt.Errorf("bench: reply to %v: %w", op, d.Err())
	case h.Xid != p.xid:
		return d, fmt.Errorf("%w: got xid %d, expected %d", ErrOrder, h.Xid, p.xid)
	case h.Err != proto.OK:
		return d, fmt.Errorf("bench: %v: %w", op, h.Err)
	}
	return d, nil
}

func (p *probe) stat(path string) (st proto.Stat, err error) {
	d, err := p.call(proto.OpExists, getData(path, false))
	if err != nil {
		return st, err
	}
	st.Decode(&d)
	return st, d.Err()
}

func (p *probe) children(path string) ([]string, error) {
	d, err := p.call(proto.OpGetChildren2, getData(path, false))
	if err != nil {
		return nil, err
	}
	return d.Strings(), d.Err()
}

// close ends the session, if the server still listens, and hangs up.
func (p *probe) close() error {
	_, _ = p.call(proto.OpCloseSession, nil) // else it expires
	return p.conn.Close()
}
