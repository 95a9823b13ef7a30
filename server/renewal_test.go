package server

import (
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// A new leader takes sessions over at once: it need not order a write first.
func TestRenewalByNewLeader(t *testing.T) {
	e := startEnsemble(t, 3)
	old := e.leader()
	client := connect(t, e.servers[e.follower()])
	client.create("/a", "", 0)
	e.halt(old)
	var leads *Server
	eventually(t, "there is a new leader", func() bool {
		for _, srv := range e.servers {
			if srv == nil {
				continue
			}
			if term := srv.term.Load(); term != nil && term.mode == "leader" {
				leads = srv
			}
		}
		return leads != nil
	})
	again := dial(t, leads)
	_ = again.nc.SetDeadline(time.Now().Add(5 * time.Second)) // before the session expires, which is a write
	again.handshake(&proto.ConnectRequest{TimeoutMs: 10_000, SessionID: client.session.SessionID, Passwd: client.session.Passwd})
	if again.session.SessionID != client.session.SessionID {
		t.Errorf("session 0x%x became 0x%x", client.session.SessionID, again.session.SessionID)
	}
}
