package bench

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// A stub is a server that answers as a test tells it to. It keeps just enough
// state for the workloads: a set of paths with their data, and the
// connections that watch.
type stub struct {
	t  *testing.T
	l  net.Listener
	wg sync.WaitGroup

	mu sync.Mutex // guards all below
	// answer, when set, may replace the reply frames to a request; n counts
	// the requests of all connections from 1. Called with mu held.
	answer   func(n int, h proto.RequestHeader, usual []byte) (frames []byte, hangUp bool)
	expired  bool  // sessions are refused as expired
	granted  int32 // timeout of the sessions, ms
	requests int
	conns    map[net.Conn]bool
	nodes    map[string][]byte
	watchers []net.Conn
	ops      map[proto.Op]int
}

func newStub(t *testing.T) *stub {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stub{t: t, l: l, conns: map[net.Conn]bool{}, granted: 30_000, nodes: map[string][]byte{"": nil}, ops: map[proto.Op]int{}}
	s.wg.Add(1)
	go s.accept()
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

func (s *stub) addr() string { return s.l.Addr().String() }

// behave sets how the stub answers.
func (s *stub) behave(answer func(n int, h proto.RequestHeader, usual []byte) ([]byte, bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// znodes counts all but "/".
func (s *stub) znodes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.nodes) - 1
}

// served counts the requests of one op.
func (s *stub) served(op proto.Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ops[op]
}

func (s *stub) accept() {
	defer s.wg.Done()
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.wg.Add(1)
		go s.serve(c)
	}
}

func readFrame(r io.Reader) ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

func (s *stub) serve(c net.Conn) {
	defer s.wg.Done()
	defer c.Close()
	if _, err := readFrame(c); err != nil {
		return
	}
	s.mu.Lock()
	r := proto.ConnectResponse{TimeoutMs: s.granted, SessionID: 7, Passwd: make([]byte, 16), HasReadOnly: true}
	if s.expired {
		r.TimeoutMs, r.SessionID = 0, 0
	}
	s.mu.Unlock()
	if _, err := c.Write(frame(string(r.Append(nil)))); err != nil {
		return
	}
	for {
		b, err := readFrame(c)
		if err != nil {
			return
		}
		d := jute.NewDecoder(b)
		var h proto.RequestHeader
		h.Decode(&d)
		s.mu.Lock()
		s.requests++
		s.ops[h.Op]++
		out := s.reply(c, h, &d)
		hangUp := h.Op == proto.OpCloseSession
		if s.answer != nil {
			var end bool
			out, end = s.answer(s.requests, h, out)
			hangUp = hangUp || end
		}
		_, err = c.Write(out)
		s.mu.Unlock()
		if err != nil || hangUp {
			return
		}
	}
}

// reply does what the request asks, and returns the frame of its reply.
func (s *stub) reply(c net.Conn, h proto.RequestHeader, d *jute.Decoder) []byte {
	path := ""
	if h.Op != proto.OpCloseSession && h.Op != proto.OpPing {
		path = d.String()
	}
	data, there := s.nodes[path]
	code := proto.OK
	switch h.Op {
	case proto.OpCreate:
		if there {
			code = proto.ErrNodeExists
		} else {
			s.nodes[path] = d.Buffer()
		}
	case proto.OpDelete:
		if !there {
			code = proto.ErrNoNode
		} else if len(s.children(path)) > 0 {
			code = proto.ErrNotEmpty
		} else {
			delete(s.nodes, path)
		}
	case proto.OpSetData:
		if !there {
			code = proto.ErrNoNode
			break
		}
		s.nodes[path] = d.Buffer()
		event := proto.ReplyHeader{Xid: proto.XidNotification, Zxid: -1}.Append(nil)
		for _, w := range s.watchers {
			if _, err := w.Write(frame(string(event) + "an event")); err != nil {
				s.t.Errorf("event: %v", err)
			}
		}
		s.watchers = nil
	case proto.OpGetData:
		if there && d.Bool() {
			s.watchers = append(s.watchers, c)
		}
	}
	if !there && code == proto.OK && h.Op != proto.OpCreate && path != "" {
		code = proto.ErrNoNode
	}
	b := proto.ReplyHeader{Xid: h.Xid, Zxid: 1, Err: code}.Append(nil)
	if code == proto.OK {
		switch h.Op {
		case proto.OpExists, proto.OpGetData:
			st := proto.Stat{DataLength: int32(len(data)), NumChildren: int32(len(s.children(path)))}
			b = st.Append(b)
		case proto.OpGetChildren2:
			b = jute.AppendStrings(b, s.children(path))
		}
	}
	return frame(string(b))
}

func (s *stub) children(path string) (names []string) {
	for p := range s.nodes {
		if len(p) > len(path)+1 && p[:len(path)+1] == path+"/" {
			rest := p[len(path)+1:]
			if !strings.Contains(rest, "/") {
				names = append(names, rest)
			}
		}
	}
	return names
}
