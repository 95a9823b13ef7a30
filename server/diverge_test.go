package server

import (
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// spoil changes the data of a znode on one server, as a broken disk or a bug
// might; the same call with what was there before mends it. The transaction
// has the zxid and time of the znode's creation, so that nothing else differs.
func spoil(srv *Server, path, data string) {
	srv.gate.enterWrite()
	defer srv.gate.leaveWrite()
	stat := srv.tree.Lookup(path).Stat()
	srv.tree.Apply(&proto.Entry{
		Header: proto.TxnHeader{Zxid: stat.Czxid, TimeMs: stat.Ctime, Type: proto.OpSetData},
		Txn:    &proto.SetDataTxn{Path: path, Data: []byte(data)},
	})
}

// read returns what a server shows of a znode, and false while it shows nothing.
func (e *ensemble) read(i int, path string) (data string, serves bool) {
	srv := e.servers[i]
	if srv.term.Load() == nil {
		return "", false
	}
	srv.gate.enterRead()
	defer srv.gate.leaveRead()
	z := srv.tree.Lookup(path)
	return string(z.Data()), true
}

// mended waits until a server shows the leader's data again.
func (e *ensemble) mended(i int) {
	e.t.Helper()
	eventually(e.t, "the member shows the leader's data", func() bool {
		data, serves := e.read(i, "/n")
		return serves && data == "right"
	})
	e.agree()
	if n := e.servers[i].meters.mismatches.Value(); n == 0 {
		e.t.Error("nothing was reported")
	}
}

// TestDivergedMember spoils the tree of a member that runs. The next
// transaction shows it, and the member gets the leader's tree.
func TestDivergedMember(t *testing.T) {
	e := startEnsemble(t, 3)
	client := connect(t, e.servers[e.leader()])
	client.create("/n", "right", 0)
	e.agree()
	wrong := e.follower()
	held := connect(t, e.servers[wrong])
	spoil(e.servers[wrong], "/n", "wrong")
	client.create("/next", "", 0)
	held.closed() // it stops to serve
	e.mended(wrong)
}

// TestDivergedDirectory spoils what a member has on its disk, while the others
// write nothing: the end of its own log shows it, and it must not serve until
// somebody writes.
func TestDivergedDirectory(t *testing.T) {
	e := startEnsemble(t, 3)
	client := connect(t, e.servers[e.leader()])
	client.create("/n", "right", 0)
	e.agree()
	wrong := e.follower()
	srv := e.servers[wrong]
	spoil(srv, "/n", "wrong")
	if _, err := srv.snapshots.now(); err != nil {
		t.Fatal(err)
	}
	spoil(srv, "/n", "right")
	client.create("/next", "", 0)
	e.agree()
	e.halt(wrong)
	e.start(wrong)
	if data := e.servers[wrong].recovered; data.Txns == 0 {
		t.Fatalf("nothing is replayed: %+v", data)
	}
	e.serving()
	before, _ := digest(e.servers[e.leader()])
	e.mended(wrong)
	if after, _ := digest(e.servers[e.leader()]); after != before {
		t.Errorf("0x%x was needed to find it, after 0x%x", after, before)
	}
}
