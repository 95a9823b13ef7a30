package datatree

import (
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func TestTakeOver(t *testing.T) {
	create := func(tree *Tree, zxid int64, path string) {
		t.Helper()
		r := tree.Apply(&proto.Entry{
			Header: proto.TxnHeader{ClientID: 1, Zxid: zxid, TimeMs: 5, Type: proto.OpCreate},
			Txn:    &proto.CreateTxn{Path: path, Data: []byte("x"), ACL: proto.OpenACL},
		})
		if r.Err != proto.OK {
			t.Fatalf("create %s: %v", path, r.Err)
		}
	}
	tree, other := New(Config{Digest: true}), New(Config{Digest: true})
	create(tree, 1, "/old")
	create(other, 7, "/new")
	digest := other.Digest()
	w := &recorder{}
	if err := tree.Watches().Add("/later", WatchData, w); err != nil {
		t.Fatal(err)
	}
	tree.TakeOver(other)
	if tree.Lookup("/old") != nil || tree.Lookup("/new") == nil || tree.LastZxid() != 7 || tree.Digest() != digest {
		t.Errorf("old %v, new %v, zxid %d, digest %d", tree.Lookup("/old"), tree.Lookup("/new"), tree.LastZxid(), tree.Digest())
	}
	create(tree, 8, "/later")
	if len(w.events) != 1 {
		t.Errorf("the watch that was there before saw %d events", len(w.events))
	}
}
