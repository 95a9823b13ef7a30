package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// maxFrameBytes bounds what a server may send; larger is an error.
const maxFrameBytes = 256 << 20

// Conn carries frames over one TCP connection. It is for one goroutine.
type Conn struct {
	nc net.Conn
	r  *bufio.Reader
}

// Dial connects to host:port.
func Dial(addr string) (*Conn, error) {
	nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	return &Conn{nc: nc, r: bufio.NewReaderSize(nc, 64<<10)}, nil
}

// Close closes the connection without a word.
func (c *Conn) Close() { _ = c.nc.Close() }

// Write sends bytes as they are.
func (c *Conn) Write(b []byte) error {
	_ = c.nc.SetWriteDeadline(time.Now().Add(30 * time.Second))
	_, err := c.nc.Write(b)
	return err
}

// Frame prefixes a payload with its length.
func Frame(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

// ReadFrame returns the next frame's payload. The end of the connection is
// io.EOF, whichever way the server ended it; a frame that does not come in
// time is os.ErrDeadlineExceeded.
func (c *Conn) ReadFrame(timeout time.Duration) ([]byte, error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(timeout))
	var length [4]byte
	if _, err := io.ReadFull(c.r, length[:]); err != nil {
		return nil, ended(err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxFrameBytes {
		return nil, fmt.Errorf("the server announces a frame of %d bytes", n)
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(c.r, payload); err != nil {
		return nil, ended(err)
	}
	return payload, nil
}

// ended makes one error of the ways in which a connection can end.
func ended(err error) error {
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		return err
	}
	return io.EOF
}
