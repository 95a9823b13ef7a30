package zktest

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Request is one request of a client, as [Server.Intercept] sees it.
type Request struct {
	Server  int // the id of the server it is on its way to
	Session int64
	Xid     int32
	Op      proto.Op
	// Path is the znode that it is about; "" when it is about none or several.
	Path string
}

// Fate is what becomes of a request.
type Fate int

// What [Server.Intercept] may decide.
const (
	// Pass does nothing to it.
	Pass Fate = iota
	// LoseRequest cuts the connection before the server has seen the request.
	LoseRequest
	// LoseReply lets the server carry it out, and cuts the connection when the
	// answer comes back, which the client never sees.
	LoseReply
)

// maxFrameBytes is the largest frame that a relay takes for one. What begins
// with a larger number is no frame: a four-letter word.
const maxFrameBytes = 64 << 20

// readFrame reads a frame with its length. What is no frame is returned as
// the bytes that are there, and framed is false: from then on nothing is.
func readFrame(r *bufio.Reader) (b []byte, framed bool, err error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, false, err
	}
	size := binary.BigEndian.Uint32(head)
	if size > maxFrameBytes {
		b, err = readChunk(r)
		return b, false, err
	}
	b = make([]byte, 4+size)
	_, err = io.ReadFull(r, b)
	return b, true, err
}

// readChunk reads what there is.
func readChunk(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	b := make([]byte, r.Buffered())
	_, err := io.ReadFull(r, b)
	return b, err
}

// parseRequest reads the header of a request, and its path where it begins
// with one.
func parseRequest(frame []byte) (req Request, ok bool) {
	d := jute.NewDecoder(frame[4:])
	req.Xid, req.Op = d.Int(), proto.Op(d.Int())
	if d.Err() != nil {
		return req, false
	}
	switch req.Op {
	case proto.OpPing, proto.OpMulti, proto.OpMultiRead, proto.OpAuth, proto.OpSASL, proto.OpCloseSession, proto.OpWhoAmI,
		proto.OpSetWatches, proto.OpSetWatches2, proto.OpReconfig:
		return req, true
	}
	if path := d.String(); d.Err() == nil {
		req.Path = path
	}
	return req, true
}

// parseReply reads the xid of a reply or event.
func parseReply(frame []byte) (xid int32, ok bool) {
	d := jute.NewDecoder(frame[4:])
	xid = d.Int()
	return xid, d.Err() == nil
}

// parseSession reads the session id out of the answer to a connect request.
func parseSession(frame []byte) int64 {
	var r proto.ConnectResponse
	d := jute.NewDecoder(frame[4:])
	r.Decode(&d)
	return r.SessionID
}
