package peer

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// What an Apache 3.9.5 server says first, recorded from its socket: server 1,
// which has the smaller id and wants to be called back; server 2 with its
// vote behind; server 2 with multiAddress.enabled.
const (
	recordedOne   = "ffffffffffff000000000000000000010000000f3132372e302e302e313a3233373031"
	recordedTwo   = "ffffffffffff000000000000000000020000000f3132372e302e302e313a3233373032"
	recordedVote  = "0000008b000000000000000000000002000000000000000000000000000000010000000000000000000000020000005f7365727665722e313d3132372e302e302e313a32333830313a32333730313a7061727469636970616e740a7365727665722e323d3132372e302e302e313a32333830323a32333730323a7061727469636970616e740a76657273696f6e3d30"
	recordedMulti = "ffffffffffff000100000000000000020000001f3132372e302e302e313a32333730327c3132372e302e302e323a3233373034"
)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestInitialMessageOfApache(t *testing.T) {
	cases := map[string]struct {
		recorded  string
		server    int64
		addresses []string
		all       bool
	}{
		"smaller id": {recordedOne, 1, []string{"127.0.0.1:23701"}, false},
		"larger id":  {recordedTwo, 2, []string{"127.0.0.1:23702"}, false},
		"addresses":  {recordedMulti, 2, []string{"127.0.0.1:23702", "127.0.0.2:23704"}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			wire := fromHex(t, c.recorded)
			m, err := readInitial(bytes.NewReader(wire))
			if err != nil || m.server != c.server || !slices.Equal(m.addresses, c.addresses) {
				t.Fatalf("read %+v, %v", m, err)
			}
			if got := m.append(nil, c.all); !bytes.Equal(got, wire) {
				t.Errorf("written again %x, want %x", got, wire)
			}
		})
	}
}

// The whole of what Apache's server 2 sends on a new connection, and the same
// votes framed by this package.
func TestVoteFrameOfApache(t *testing.T) {
	r := bufio.NewReader(bytes.NewReader(fromHex(t, recordedTwo+recordedVote+recordedVote)))
	if _, err := readInitial(r); err != nil {
		t.Fatal(err)
	}
	var frame []byte
	for range 2 {
		var err error
		if frame, err = readFrame(r, frame); err != nil {
			t.Fatal(err)
		}
		n, err := proto.DecodeNotification(frame)
		if err != nil || n.State != proto.Looking || n.Leader != 2 || n.Round != 1 || n.Zxid != 0 || n.PeerEpoch != 0 {
			t.Fatalf("%+v, %v", n, err)
		}
		if got := appendFrame(nil, &n); hex.EncodeToString(got) != recordedVote {
			t.Errorf("framed again as %x", got)
		}
	}
	if _, err := readFrame(r, frame); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

// Addresses that stand for every interface say nothing.
func TestInitialMessageWildcards(t *testing.T) {
	m := initialMessage{server: 3, addresses: []string{"0.0.0.0:1", "[::]:2", "[fe80::1]:3", "host:4"}}
	got, err := readInitial(bytes.NewReader(m.append(nil, true)))
	if err != nil || !slices.Equal(got.addresses, []string{"[fe80::1]:3", "host:4"}) {
		t.Errorf("read %+v, %v", got, err)
	}
}

func FuzzReadInitial(f *testing.F) {
	f.Add(fromHex(f, recordedOne))
	f.Add(fromHex(f, recordedMulti))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, wire []byte) {
		m, err := readInitial(bytes.NewReader(wire))
		if err != nil || len(m.addresses) == 0 {
			return
		}
		again, err := readInitial(bytes.NewReader(m.append(nil, true)))
		if err != nil || again.server != m.server || !slices.Equal(again.addresses, m.addresses) {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add(fromHex(f, recordedVote))
	f.Add([]byte{0, 8, 0, 0, 1})
	f.Fuzz(func(t *testing.T, wire []byte) {
		frame, err := readFrame(bufio.NewReader(bytes.NewReader(wire)), nil)
		if cap(frame) > 2*len(wire)+3*4096 {
			t.Errorf("%d bytes in memory for %d", cap(frame), len(wire))
		}
		if err == nil && !bytes.Equal(frame, wire[4:4+len(frame)]) {
			t.Errorf("frame %x of %x", frame, wire)
		}
	})
}
