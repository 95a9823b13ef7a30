package peer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// buffered returns a reader that has these bytes in its buffer, and no more.
func buffered(b []byte) *bufio.Reader {
	src := bufio.NewReaderSize(bytes.NewReader(b), max(16, len(b)))
	_, _ = src.Peek(len(b))
	return src
}

func TestPacketBuffered(t *testing.T) {
	for name, c := range map[string]struct {
		packet proto.QuorumPacket
		want   bool // of the whole packet; of a part of it never
	}{
		"commit":     {proto.QuorumPacket{Type: proto.PacketCommit, Zxid: 7}, true},
		"proposal":   {proto.QuorumPacket{Type: proto.PacketProposal, Zxid: 7, Data: make([]byte, 300)}, true},
		"empty data": {proto.QuorumPacket{Type: proto.PacketPing, Data: []byte{}}, true},
		"identities": {proto.QuorumPacket{Type: proto.PacketRequest, Data: []byte("x"), Auth: []proto.ID{{Scheme: "ip", ID: "::1"}}}, false},
	} {
		whole := c.packet.Append(nil)
		if got := packetBuffered(buffered(append(whole, whole[:5]...))); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		for n := range whole {
			if packetBuffered(buffered(whole[:n])) {
				t.Errorf("%s: %d of %d bytes are taken for all", name, n, len(whole))
			}
		}
	}
}

// Whatever is in the buffer: a packet that is said to be there can be read from
// it, or is malformed.
func FuzzPacketBuffered(f *testing.F) {
	for _, p := range []proto.QuorumPacket{{Type: proto.PacketAck, Zxid: 1}, {Type: proto.PacketProposal, Data: []byte("abc")}} {
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !packetBuffered(buffered(b)) {
			return
		}
		var p proto.QuorumPacket
		r := jute.NewReader(bufio.NewReader(bytes.NewReader(b)), 1<<20)
		p.Read(r)
		if err := r.Err(); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("not all of it was there: %v", err)
		}
	})
}

// Packets that arrive in one piece are delivered together, in order, up to a
// limit; a half one is not waited for.
func TestLinkBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		l := newLink(1, a, false, 1<<20)
		var got []string
		cfg := &LinksConfig{
			MaxPacketBytes: 1 << 20,
			Deliver:        func(in quorum.Input) { got = append(got, fmt.Sprint(in.(quorum.Received).Packet.Zxid)) },
			Burst: func(_ quorum.Link, packets []proto.QuorumPacket) {
				got = append(got, fmt.Sprintf("%d: %d-%d", len(packets), packets[0].Zxid, packets[len(packets)-1].Zxid))
			},
		}
		ended := make(chan error, 1)
		go func() { ended <- l.read(cfg) }()
		var bytes []byte
		for i := range int64(maxBurst + 11) {
			bytes = append(bytes, packet(proto.PacketCommit, i).bytes()...)
		}
		if _, err := b.Write(bytes[:len(bytes)-5]); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if want := []string{"256: 0-255", "10: 256-265"}; !slices.Equal(got, want) {
			t.Errorf("delivered %q, want %q", got, want)
		}
		if _, err := b.Write(bytes[len(bytes)-5:]); err != nil {
			t.Fatal(err)
		}
		_ = b.Close()
		if err := <-ended; !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		if want := "266"; got[len(got)-1] != want {
			t.Errorf("delivered %q at the end, want %q", got[len(got)-1], want)
		}
	})
}
