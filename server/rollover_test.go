package server

import (
	"math"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// TestZxidRollover lets the counter of an epoch run out: the next write is of
// another epoch, and nothing is lost.
func TestZxidRollover(t *testing.T) {
	e := startEnsemble(t, 3)
	srv := e.servers[e.leader()]
	client := connect(t, srv)
	client.create("/a", "", 0)
	term := srv.term.Load()
	zxid, _ := digest(srv)
	epoch := quorum.Epoch(zxid)
	term.proposer.mu.Lock()
	term.proposer.prep.Advance(quorum.EpochStart(epoch) + math.MaxUint32 - 1)
	term.proposer.mu.Unlock()
	client.write(client.request(proto.OpCreate, createRequest("/b", "", 0)))
	client.closed()
	eventually(t, "there is another term", func() bool {
		now := srv.term.Load()
		return now != nil && now != term
	})
	e.serving()
	again := reconnect(t, srv, client)
	again.must(proto.OpGetData, &proto.WatchableRequest{Path: "/a"})
	again.create("/c", "", 0)
	if zxid, _ := digest(srv); quorum.Epoch(zxid) <= epoch {
		t.Errorf("zxid 0x%x is of epoch %d still", zxid, epoch)
	}
}
