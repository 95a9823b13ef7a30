package ensemble

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// tap stands before a server's quorum port and writes down the packets that
// pass: a text for each connection, a line for each packet, in the order in
// which they came by. Lines with > are from the learner, with < from the leader.
type tap struct {
	listener net.Listener // set once
	upstream string       // set once
	carriers sync.WaitGroup

	mu     sync.Mutex
	open   []net.Conn // mu
	traces []*trace   // mu
	failed error      // mu: a packet that could not be read
}

// trace is one connection.
type trace struct{ lines []string }

// tapBefore listens on a free port.
func tapBefore(t testing.TB, upstream string) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{listener: listener, upstream: upstream}
	p.carriers.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.end()
		p.carriers.Wait()
	})
	return p
}

func (p *tap) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

func (p *tap) accept() {
	for {
		learner, err := p.listener.Accept()
		if err != nil {
			return // the test is over
		}
		leader, err := net.Dial("tcp", p.upstream)
		if err != nil {
			_ = learner.Close() // as if it had been refused
			continue
		}
		p.mu.Lock()
		tr := &trace{}
		p.traces, p.open = append(p.traces, tr), append(p.open, learner, leader)
		p.mu.Unlock()
		p.carriers.Go(func() { p.carry(tr, ">", learner, leader) })
		p.carriers.Go(func() { p.carry(tr, "<", leader, learner) })
	}
}

// end closes all connections.
func (p *tap) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		_ = c.Close() // mostly closed already
	}
}

// carry passes one direction on, as it is, and reads it on the way.
func (p *tap) carry(tr *trace, mark string, from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	r := jute.NewReader(bufio.NewReader(io.TeeReader(from, to)), 64<<20)
	for {
		var packet proto.QuorumPacket
		packet.Read(r)
		if r.Err() == nil && packet.Type == proto.PacketSnap {
			p.note(tr, mark, &packet)
			readSnapshot(r)
		} else if r.Err() == nil {
			p.note(tr, mark, &packet)
		}
		switch err := r.Err(); {
		case err == nil:
		case errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || isReset(err):
			return
		default:
			p.mu.Lock()
			p.failed = errors.Join(p.failed, fmt.Errorf("%s: %w", mark, err))
			p.mu.Unlock()
			return
		}
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.ErrUnexpectedEOF)
}

// readSnapshot reads what follows a SNAP: sessions, lists of ACLs, znodes up to
// a path that is "/", and the signature.
func readSnapshot(r *jute.Reader) {
	const statBytes = 60
	var stat [statBytes]byte
	for n := r.Int(); n > 0 && r.Err() == nil; n-- {
		_, _ = r.Long(), r.Int()
	}
	for n := r.Int(); n > 0 && r.Err() == nil; n-- {
		_ = r.Long()
		for acls := r.Int(); acls > 0 && r.Err() == nil; acls-- {
			_, _, _ = r.Int(), r.String(), r.String()
		}
	}
	for r.String() != "/" && r.Err() == nil {
		_, _ = r.Buffer(), r.Long()
		r.Full(stat[:])
	}
	if sign := r.String(); sign != "BenWasHere" {
		r.Fail(fmt.Errorf("a snapshot ends with %q", sign))
	}
}

func (p *tap) note(tr *trace, mark string, packet *proto.QuorumPacket) {
	line := fmt.Sprintf("%s %s zxid=%s%s", mark, packet.Type, zxidText(packet.Zxid), details(packet))
	p.mu.Lock()
	tr.lines = append(tr.lines, line)
	p.mu.Unlock()
}

// details are what a replay needs of a packet's data.
func details(packet *proto.QuorumPacket) string {
	d := jute.NewDecoder(packet.Data)
	switch packet.Type {
	case proto.PacketFollowerInfo, proto.PacketObserverInfo:
		info, _ := proto.DecodeLearnerInfo(packet.Data)
		return fmt.Sprintf(" id=%d config=%d", info.ServerID, info.ConfigVersion)
	case proto.PacketAckEpoch:
		return fmt.Sprintf(" epoch=%d", d.Int())
	case proto.PacketPing:
		return fmt.Sprintf(" touched=%d", len(packet.Data)/12)
	case proto.PacketRequest:
		_, _ = d.Long(), d.Int()
		return fmt.Sprintf(" op=%d", d.Int())
	}
	return ""
}

// zxidText writes a zxid as epoch and counter.
func zxidText(zxid int64) string {
	if zxid < 0 {
		return fmt.Sprint(zxid)
	}
	return fmt.Sprintf("%d.%d", zxid>>32, uint32(zxid))
}

// all returns the traces so far, and what could not be read.
func (p *tap) all() (texts [][]string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tr := range p.traces {
		texts = append(texts, append([]string(nil), tr.lines...))
	}
	return texts, p.failed
}
