package bench

import (
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// withBeat makes a stub that has the znode /beat.
func withBeat(t *testing.T) *stub {
	s := newStub(t)
	s.mu.Lock()
	s.nodes["/beat"] = nil
	s.mu.Unlock()
	return s
}

func TestFirstWriteIsOfWhoeverAnswers(t *testing.T) {
	dead, alive := withBeat(t), withBeat(t)
	dead.behave(func(int, proto.RequestHeader, []byte) ([]byte, bool) { return nil, true })
	begun := time.Now()
	by, at, err := FirstWrite(t.Context(), []string{dead.addr(), "127.0.0.1:1", alive.addr()}, "/beat")
	if err != nil || by != alive.addr() || at.Before(begun) {
		t.Errorf("%s at %v, %v", by, at, err)
	}
}

func TestBeatGoesOnElsewhere(t *testing.T) {
	const kept = 20
	first, second := withBeat(t), withBeat(t)
	stop := make(chan struct{})
	first.behave(func(_ int, _ proto.RequestHeader, usual []byte) ([]byte, bool) {
		if first.ops[proto.OpSetData] > kept {
			return nil, true
		}
		return usual, false
	})
	second.behave(func(_ int, h proto.RequestHeader, usual []byte) ([]byte, bool) {
		if h.Op == proto.OpSetData && second.ops[h.Op] == kept {
			close(stop)
		}
		return usual, false
	})
	p, err := Beat(t.Context(), []string{first.addr(), second.addr()}, "/beat", time.Millisecond, stop)
	if err != nil || p.Lost != 1 || p.Writes < 2*kept-2 || p.Longest <= 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestBeatNeedsItsFirstServer(t *testing.T) {
	if _, err := Beat(t.Context(), []string{"127.0.0.1:1"}, "/beat", time.Millisecond, nil); err == nil {
		t.Error("beats without a server")
	}
}
