package proto

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQuorumPacket(t *testing.T) {
	tests := []struct {
		name   string
		packet QuorumPacket
		wire   string
	}{
		{"NEWLEADER", QuorumPacket{Type: PacketNewLeader, Zxid: 3 << 32},
			"0000000a 0000000300000000 ffffffff ffffffff"},
		{"LEADERINFO", QuorumPacket{Type: PacketLeaderInfo, Zxid: 1 << 32, Data: []byte{0, 1, 0, 0}},
			"00000011 0000000100000000 00000004 00010000 ffffffff"},
		{"FOLLOWERINFO", QuorumPacket{Type: PacketFollowerInfo, Zxid: 2 << 32,
			Data: LearnerInfo{ServerID: 3, Protocol: LearnerProtocol, ConfigVersion: 0x100000000}.Append(nil)},
			"0000000b 0000000200000000 00000014 0000000000000003 00010000 0000000100000000 ffffffff"},
		{"UPTODATE", QuorumPacket{Type: PacketUpToDate, Zxid: -1}, "0000000c ffffffffffffffff ffffffff ffffffff"},
		{"REQUEST with identities", QuorumPacket{Type: PacketRequest, Zxid: -1, Data: []byte{}, Auth: []ID{{"ip", "::1"}}},
			"00000001 ffffffffffffffff 00000000 00000001 00000002 6970 00000003 3a3a31"},
		{"no identities", QuorumPacket{Type: PacketPing, Zxid: 7, Auth: []ID{}},
			"00000005 0000000000000007 ffffffff 00000000"},
	}
	var stream []byte
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wire := unhex(t, tt.wire)
			if got := tt.packet.Append(nil); !bytes.Equal(got, wire) {
				t.Errorf("Append = %x, want %x", got, wire)
			}
			d := jute.NewDecoder(wire)
			var got QuorumPacket
			got.Decode(&d)
			if d.Err() != nil || !reflect.DeepEqual(got, tt.packet) || len(d.Rest()) != 0 {
				t.Errorf("Decode = %+v, %v", got, d.Err())
			}
			for cut := range wire {
				d := jute.NewDecoder(wire[:cut])
				if got.Decode(&d); d.Err() == nil {
					t.Errorf("cut at %d decodes", cut)
				}
			}
			stream = append(stream, wire...)
		})
	}
	r := jute.NewReader(bufio.NewReader(bytes.NewReader(stream)), 1<<20)
	for _, tt := range tests {
		var got QuorumPacket
		if got.Read(r); r.Err() != nil || !reflect.DeepEqual(got, tt.packet) {
			t.Fatalf("Read = %+v, %v, want %s", got, r.Err(), tt.name)
		}
	}
	var got QuorumPacket
	if got.Read(r); !errors.Is(r.Err(), io.EOF) {
		t.Errorf("after the last packet: %v", r.Err())
	}
}

// TestQuorumRecorded reads what Apache 3.9.5 sent to other servers of an
// ensemble, and writes the same bytes again.
func TestQuorumRecorded(t *testing.T) {
	for _, tt := range []struct {
		wire string
		want QuorumPacket
	}{
		{"0000000b 0000000000000000 00000014 0000000000000001 00010000 0000000000000000 ffffffff",
			QuorumPacket{Type: PacketFollowerInfo, Data: LearnerInfo{ServerID: 1, Protocol: LearnerProtocol}.Append(nil)}},
		{"00000011 0000000100000000 00000004 00010000 ffffffff",
			QuorumPacket{Type: PacketLeaderInfo, Zxid: 1 << 32, Data: jute.AppendInt(nil, LearnerProtocol)}},
		{"00000012 0000000000000000 00000004 00000000 ffffffff", QuorumPacket{Type: PacketAckEpoch, Data: []byte{0, 0, 0, 0}}},
		{"0000000d 0000000100000000 ffffffff ffffffff", QuorumPacket{Type: PacketDiff, Zxid: 1 << 32}},
		{"0000000f 0000000100000000 ffffffff ffffffff", QuorumPacket{Type: PacketSnap, Zxid: 1 << 32}},
		{"0000000c ffffffffffffffff ffffffff ffffffff", QuorumPacket{Type: PacketUpToDate, Zxid: -1}},
		{"00000003 0000000100000001 ffffffff ffffffff", QuorumPacket{Type: PacketAck, Zxid: 1<<32 | 1}},
	} {
		wire := unhex(t, tt.wire)
		d := jute.NewDecoder(wire)
		var got QuorumPacket
		if got.Decode(&d); d.Err() != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v", tt.want.Type, got, d.Err())
		}
		if again := tt.want.Append(nil); !bytes.Equal(again, wire) {
			t.Errorf("%s: written as %x, Apache wrote %x", tt.want.Type, again, wire)
		}
	}
	config := "server.1=127.0.0.1:45101:45001:participant\nserver.2=127.0.0.1:45102:45002:participant\n" +
		"server.3=127.0.0.1:45103:45003:participant\nversion=0"
	vote := Notification{State: Looking, Leader: 3, Round: 1, Version: 2, Config: config}
	wire := unhex(t, "00000000 0000000000000003 0000000000000000 0000000000000001 0000000000000000 00000002 0000008a"+
		hex.EncodeToString([]byte(config)))
	if got, err := DecodeNotification(wire); err != nil || got != vote {
		t.Errorf("vote: %+v, %v", got, err)
	}
	if again := vote.Append(nil); !bytes.Equal(again, wire) {
		t.Errorf("vote: written as %x, Apache wrote %x", again, wire)
	}
}

func TestQuorumPacketLimits(t *testing.T) {
	for name, wire := range map[string]string{
		"data above the limit":       "00000002 0000000000000001 00000401",
		"negative length":            "00000002 0000000000000001 fffffffe",
		"identities above the limit": "00000002 0000000000000001 ffffffff 7fffffff",
	} {
		r := jute.NewReader(bufio.NewReader(bytes.NewReader(unhex(t, wire))), 1024)
		var p QuorumPacket
		if p.Read(r); !errors.Is(r.Err(), jute.ErrLength) {
			t.Errorf("%s: %v", name, r.Err())
		}
	}
}

func TestDecodeLearnerInfo(t *testing.T) {
	whole := LearnerInfo{ServerID: 5, Protocol: LearnerProtocol, ConfigVersion: 9}
	wire := whole.Append(nil)
	tests := []struct {
		size int
		want LearnerInfo
		ok   bool
	}{
		{0, LearnerInfo{}, false},
		{7, LearnerInfo{}, false},
		{8, LearnerInfo{ServerID: 5}, true},
		{12, LearnerInfo{ServerID: 5, Protocol: LearnerProtocol}, true},
		{19, LearnerInfo{ServerID: 5, Protocol: LearnerProtocol}, true},
		{20, whole, true},
	}
	for _, tt := range tests {
		if got, ok := DecodeLearnerInfo(wire[:tt.size]); got != tt.want || ok != tt.ok {
			t.Errorf("%d bytes: %+v, %v", tt.size, got, ok)
		}
	}
}

func TestNotification(t *testing.T) {
	n := Notification{State: Leading, Leader: 3, Zxid: 0x500000007, Round: 9, PeerEpoch: 6, Version: 2, Config: "version=0"}
	wire := n.Append(nil)
	want := unhex(t, "00000002 0000000000000003 0000000500000007 0000000000000009 0000000000000006 00000002 00000009"+
		hex.EncodeToString([]byte("version=0")))
	if !bytes.Equal(wire, want) {
		t.Errorf("Append = %x, want %x", wire, want)
	}
	old, bare := n, n
	old.PeerEpoch, old.Version, old.Config = 5, 0, ""
	bare.Version, bare.Config = 0, ""
	first := append(bytes.Clone(wire[:36]), 0, 0, 0, 1, 9, 9)
	versionOne := n
	versionOne.Version, versionOne.Config = 1, ""
	tests := []struct {
		name string
		wire []byte
		want Notification
		ok   bool
	}{
		{"current", wire, n, true},
		{"with bytes after it", append(bytes.Clone(wire), 1, 2), n, true},
		{"before 3.4", wire[:28], old, true},
		{"without a configuration", wire[:40], bare, true},
		{"version 1 has none either", first, versionOne, true},
		{"short", wire[:27], Notification{}, false},
		{"cut in the peer epoch", wire[:30], Notification{}, false},
		{"cut in the length", wire[:42], Notification{}, false},
		{"cut in the configuration", wire[:48], Notification{}, false},
		{"negative length", append(bytes.Clone(wire[:40]), 0xff, 0xff, 0xff, 0xff), Notification{}, false},
		{"unknown state", append([]byte{0, 0, 0, 4}, wire[4:]...), Notification{}, false},
	}
	for _, tt := range tests {
		got, err := DecodeNotification(tt.wire)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.ok && got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		if !tt.ok && !errors.Is(err, ErrNotification) {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestQuorumNames(t *testing.T) {
	for got, want := range map[string]string{
		PacketRequest.String(): "REQUEST", PacketInformAndActivate.String(): "INFORMANDACTIVATE",
		PacketType(0).String(): "packet 0", PacketType(20).String(): "packet 20",
		Observing.String(): "observing", PeerState(4).String(): "state 4",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzQuorumPacket(f *testing.F) {
	f.Add((&QuorumPacket{Type: PacketRequest, Data: []byte{1}, Auth: []ID{{"ip", "::1"}}}).Append(nil))
	f.Add((&QuorumPacket{Type: PacketPing}).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := jute.NewDecoder(data)
		var p, streamed, again QuorumPacket
		p.Decode(&d)
		r := jute.NewReader(bufio.NewReader(bytes.NewReader(data)), 1<<16)
		streamed.Read(r)
		if d.Err() != nil {
			return
		}
		if r.Err() == nil && !reflect.DeepEqual(p, streamed) {
			t.Fatalf("Decode %+v, Read %+v", p, streamed)
		}
		d = jute.NewDecoder(p.Append(nil))
		if again.Decode(&d); d.Err() != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%+v written and read again is %+v, %v", p, again, d.Err())
		}
	})
}

func FuzzNotification(f *testing.F) {
	n := Notification{State: Following, Leader: 1, Config: "version=0"}
	f.Add(n.Append(nil))
	f.Add(n.Append(nil)[:40])
	f.Add(n.Append(nil)[:28])
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := DecodeNotification(data)
		if err != nil || n.Version != NotificationVersion {
			return
		}
		if again, err := DecodeNotification(n.Append(nil)); err != nil || again != n {
			t.Fatalf("%+v written and read again is %+v, %v", n, again, err)
		}
	})
}
