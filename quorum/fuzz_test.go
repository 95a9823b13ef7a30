package quorum

import (
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// FuzzStep steps a core with whatever peers may send, sensible or not. It must
// not panic, must keep its history in order, and must always know a deadline.
// Five bytes are one input: what, link or server, packet type, and a zxid.
func FuzzStep(f *testing.F) {
	// A follower that gets a DIFF, a TRUNC and a SNAP; a leader with a follower and
	// an observer; an election that comes to nothing.
	f.Add(uint8(0), []byte("\x01\x03\x36\x01\x02\x01\x02\x35\x01\x02\x04\x01\x00\x00\x00\x02\x01\x11\x02\x00\x03\x00\x00\x00\x00\x02\x01\x0d\x01\x02\x02\x01\x02\x02\x01\x02\x01\x04\x02\x01\x02\x01\x0a\x02\x00\x03\x00\x00\x00\x00\x03\x00\x00\x00\x00\x02\x01\x0c\x00\x00\x02\x01\x02\x02\x02\x03\x00\x00\x00\x00\x02\x01\x05\x02\x02\x02\x01\x04\x02\x02"))
	f.Add(uint8(0), []byte("\x01\x03\x36\x01\x02\x01\x02\x35\x01\x02\x04\x01\x00\x00\x00\x02\x01\x11\x02\x00\x03\x00\x00\x00\x00\x02\x01\x0e\x01\x01\x02\x01\x02\x02\x01\x02\x01\x0a\x02\x00\x03\x00\x00\x00\x00\x03\x00\x00\x00\x00"))
	f.Add(uint8(8), []byte("\x01\x03\x36\x01\x02\x01\x02\x35\x01\x02\x04\x01\x00\x00\x00\x02\x01\x11\x02\x00\x03\x00\x00\x00\x00\x02\x01\x0f\x01\x09\x02\x01\x08\x02\x01\x02\x01\x0a\x02\x00\x03\x00\x00\x00\x00\x03\x00\x00\x00\x00\x02\x01\x0c\x00\x00\x06\x01\x00\x00\x00"))
	f.Add(uint8(2), []byte("\x01\x01\x34\x01\x02\x01\x02\x34\x01\x02\x02\x01\x0b\x01\x14\x03\x00\x00\x00\x00\x02\x01\x12\x01\x04\x02\x01\x03\x02\x00\x03\x00\x00\x00\x00\x08\x01\x00\x00\x00\x03\x00\x00\x00\x00\x02\x01\x03\x02\x01\x0b\x01\x00\x00\x00\x02\x02\x10\x01\x14\x02\x02\x12\x00\x04\x09\x02\x01\x01\x00\x0a\x02\x00\x00\x00\x02\x02\x03\x02\x00"))
	f.Add(uint8(4), []byte("\x01\x03\x36\x01\x02\x01\x02\x35\x01\x02\x04\x01\x00\x00\x00\x02\x01\x11\x02\x00\x03\x00\x00\x00\x00\x02\x01\x0d\x01\x02\x02\x01\x02\x02\x01\x02\x01\x04\x02\x01\x02\x01\x0a\x02\x00\x03\x00\x00\x00\x00\x03\x00\x00\x00\x00\x02\x01\x0c\x00\x00\x02\x01\x02\x02\x02\x03\x00\x00\x00\x00\x02\x01\x05\x02\x02\x02\x01\x04\x02\x02"))
	f.Add(uint8(1), []byte("\x0c\x02\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(uint8(48), []byte("\x01\x03\x36\x01\x02\x01\x02\x35\x01\x02\x04\x01\x00\x00\x00\x02\x01\x11\x02\x00\x03\x00\x00\x00\x00\x02\x01\x0d\x01\x02\x02\x01\x02\x02\x01\x02\x01\x04\x02\x01\x02\x01\x0a\x02\x00\x03\x00\x00\x00\x00\x03\x00\x00\x00\x00\x02\x01\x0c\x00\x00\x02\x01\x02\x02\x02\x03\x00\x00\x00\x00\x02\x01\x05\x02\x02\x02\x01\x04\x02\x02\x02\x02\x10\x01\x14\x02\x02\x12\x01\x04\x02\x02\x03\x01\x00\x02\x01\x02\x02\x03\x02\x01\x04\x02\x03\x02\x02\x01\x02\x00\x02\x02\x05\x02\x03\x0f\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, kind uint8, script []byte) {
		cfg := Config{
			ID: int64(kind%3) + 1, Verifier: NewMajority(1, 2, 3), Tick: time.Second, InitTicks: 5, SyncTicks: 2,
			MinNotify: time.Millisecond, MaxNotify: time.Second, CommitLogCount: 2, Seed: 1,
		}
		if kind&4 != 0 {
			cfg.ID, cfg.Observer = 4, true
		}
		rec := Recovered{Zxid: z(1, 2), Applied: z(1, 1), AcceptedEpoch: 1, CurrentEpoch: 1, TailBase: z(1, 1), Tail: entries(z(1, 2))}
		cfg.ServeObservers = kind&16 != 0
		if kind&32 != 0 {
			cfg.MaxSnapSyncs, cfg.MaxDiffSyncs, cfg.EpochWait = 1, 1, 1
		}
		if kind&8 != 0 {
			rec = Recovered{Zxid: -1, Applied: -1, TailBase: -1}
		}
		c, err := New(0, cfg, rec)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Duration(0)
		for ; len(script) >= 5; script = script[5:] {
			now += 10 * time.Millisecond
			_ = c.Step(now, fuzzInput(c, script)) // only proposals are refused
			out := c.Ready()
			c.Recycle(&out)
			h := &c.hist
			last := h.base
			for _, e := range h.entries {
				if !follows(last, e.Zxid) {
					t.Fatalf("0x%x after 0x%x in the history", e.Zxid, last)
				}
				last = e.Zxid
			}
			if h.applied > h.committed || h.committed > last || h.applied < h.base {
				t.Fatalf("base 0x%x, applied 0x%x, committed 0x%x, last 0x%x", h.base, h.applied, h.committed, last)
			}
			if d := c.Deadline(); d <= now {
				t.Fatalf("deadline %v in role %+v", d, c.Role())
			}
		}
	})
}

func fuzzInput(c *Core, b []byte) Input {
	zxid := z(int64(int8(b[3])), int64(b[4]))
	link := Link(b[1] % 8)
	switch b[0] % 20 {
	case 0:
		return Tick{}
	case 1:
		return Notified{From: int64(b[1] % 6), Notification: proto.Notification{State: proto.PeerState(b[2] & 3),
			Leader: int64(b[2] >> 4), Zxid: zxid, PeerEpoch: int64(int8(b[3])), Round: int64(b[2] >> 2 & 3), Version: int32(b[4] & 3)}}
	case 3:
		return Persisted{Op: c.ops}
	case 4:
		return Connected{Link: link}
	case 5:
		return Persisted{Op: c.persisted + uint64(b[1])}
	case 6:
		return LinkGone{Link: link}
	case 7:
		return DialFailed{}
	case 8:
		return Propose{Entry: Entry{Zxid: max(c.LastZxid(), EpochStart(c.Role().Epoch)) + int64(b[1]%2)}}
	case 9:
		return LogFound{Link: link, Reach: LogReach{Complete: b[2]&1 != 0, Prev: zxid, Next: zxid + 1, UpTo: c.hist.base}}
	case 10:
		return SnapshotReady{Link: link, Zxid: c.LastZxid() - int64(b[2]&1)}
	case 11:
		return SyncRequested{Link: link, Confirm: b[2]&1 != 0}
	case 12:
		return Unreachable{Server: int64(b[1] % 6)}
	case 14:
		return Confirm{ID: 7}
	case 13:
		return TruncateFailed{}
	case 15:
		return Diverged{}
	case 16:
		return Settle{ID: 8}
	case 17:
		return StepDown{Reason: "told to"}
	case 18:
		return Reachable{Server: int64(b[1] % 6)}
	case 19:
		next := max(c.LastZxid(), EpochStart(c.Role().Epoch)) + 1
		return Proposals{Entries: []Entry{{Zxid: next}, {Zxid: next + int64(b[1]%3)}}}
	}
	data := make([]byte, b[4]%24)
	if len(data) > 7 {
		data[7] = b[1] % 6
	}
	if len(data) > 9 {
		data[9] = 1 // the protocol version
	}
	return Received{Link: link, Packet: proto.QuorumPacket{Type: proto.PacketType(b[2] % 22), Zxid: zxid, Data: data}}
}
