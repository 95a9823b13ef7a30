package bench

import (
	"context"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func TestFirstReplyGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := FirstReply(ctx, "127.0.0.1:1", "/"); err == nil {
		t.Error("an answer from nobody")
	}
}

// A server that is starting may refuse reads for a while, and never answer
// the first of them.
func TestFirstReplyOfASlowStart(t *testing.T) {
	s := newStub(t)
	reads := 0
	s.behave(func(_ int, h proto.RequestHeader, usual []byte) ([]byte, bool) {
		if h.Op != proto.OpGetData {
			return usual, false
		}
		switch reads++; {
		case reads <= 2:
			return nil, false // swallowed
		case reads <= 4:
			return nil, true // hung up
		case reads <= 6:
			return frame(string(proto.ReplyHeader{Xid: h.Xid, Err: proto.ErrNoNode}.Append(nil))), false
		}
		return frame(string(proto.ReplyHeader{Xid: h.Xid}.Append(nil))), false
	})
	begun := time.Now()
	at, err := FirstReply(t.Context(), s.addr(), "/any")
	if err != nil || at.Before(begun) || at.After(time.Now()) {
		t.Errorf("%v after, %v", at.Sub(begun), err)
	}
	if n := s.served(proto.OpGetData); n < 7 {
		t.Errorf("answered after %d reads", n)
	}
}
