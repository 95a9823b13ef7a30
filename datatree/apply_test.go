package datatree

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// Every transaction and what it does to the Stat of every znode it touches.
// Times are timeAt(zxid). Each case starts from: zxid 1 creates /p, zxid 2
// creates /p/c with 4 bytes.
func TestStatEffects(t *testing.T) {
	type node struct {
		st      Persisted
		clientC int32 // Cversion that clients see
		kids    int32
		length  int32
		owner   int64 // EphemeralOwner that clients see
	}
	at := timeAt
	parent := node{Persisted{Czxid: 1, Mzxid: 1, Ctime: at(1), Mtime: at(1), Cversion: 1, Pzxid: 2}, 1, 1, 2, 0}
	child := node{Persisted{Czxid: 2, Mzxid: 2, Ctime: at(2), Mtime: at(2), Pzxid: 2}, 0, 0, 4, 0}
	fresh := func(zxid, owner, shown int64, length int32) node {
		return node{Persisted{Czxid: zxid, Mzxid: zxid, Ctime: at(zxid), Mtime: at(zxid), EphemeralOwner: owner, Pzxid: zxid}, 0, 0, length, shown}
	}
	parentAfter := func(cversion int32, pzxid int64, clientC, kids int32) node {
		n := parent
		n.st.Cversion, n.st.Pzxid, n.clientC, n.kids = cversion, pzxid, clientC, kids
		return n
	}
	create := func(path string, cversion int32) *proto.CreateTxn {
		return &proto.CreateTxn{Path: path, Data: []byte("xyz"), ACL: proto.OpenACL, ParentCversion: cversion}
	}
	for _, c := range []struct {
		name string
		txns []proto.Txn // zxids 3, 4, ... of session 9
		want map[string]node
		errs []proto.ErrCode
	}{
		{name: "nothing", want: map[string]node{"/p": parent, "/p/c": child}},
		{name: "create", txns: []proto.Txn{create("/p/d", 2)},
			want: map[string]node{"/p": parentAfter(2, 3, 2, 2), "/p/c": child, "/p/d": fresh(3, 0, 0, 3)}},
		{name: "create with null data", txns: []proto.Txn{&proto.CreateTxn{Path: "/p/d", ParentCversion: 2}},
			want: map[string]node{"/p/d": fresh(3, 0, 0, 0)}},
		{name: "create with the cversion of an old log", txns: []proto.Txn{create("/p/d", -1)},
			want: map[string]node{"/p": parentAfter(2, 3, 2, 2)}},
		{name: "create with a higher cversion", txns: []proto.Txn{create("/p/d", 7)},
			want: map[string]node{"/p": parentAfter(7, 3, 12, 2)}},
		{name: "create with a cversion that the parent has", txns: []proto.Txn{create("/p/d", 1)},
			want: map[string]node{"/p": parentAfter(1, 2, 0, 2), "/p/d": fresh(3, 0, 0, 3)}},
		{name: "ephemeral", txns: []proto.Txn{&proto.CreateTxn{Path: "/p/d", Data: []byte("xyz"), Ephemeral: true, ParentCversion: 2}},
			want: map[string]node{"/p": parentAfter(2, 3, 2, 2), "/p/d": fresh(3, 9, 9, 3)}},
		{name: "container", txns: []proto.Txn{&proto.CreateContainerTxn{Path: "/p/d", Data: []byte("xyz"), ParentCversion: 2}},
			want: map[string]node{"/p": parentAfter(2, 3, 2, 2), "/p/d": fresh(3, -1<<63, 0, 3)}},
		{name: "TTL", txns: []proto.Txn{&proto.CreateTTLTxn{Path: "/p/d", Data: []byte("xyz"), ParentCversion: 2, TTLMs: 5000}},
			want: map[string]node{"/p": parentAfter(2, 3, 2, 2), "/p/d": fresh(3, -1<<56|5000, 0, 3)}},
		{name: "create of what is there", txns: []proto.Txn{create("/p/c", 2)}, errs: []proto.ErrCode{proto.ErrNodeExists},
			want: map[string]node{"/p": parentAfter(2, 3, 3, 1), "/p/c": child}},
		{name: "create of what is there, parent up to date", txns: []proto.Txn{create("/p/c", 1)}, errs: []proto.ErrCode{proto.ErrNodeExists},
			want: map[string]node{"/p": parent, "/p/c": child}},
		{name: "create without a parent", txns: []proto.Txn{create("/no/d", 1)}, errs: []proto.ErrCode{proto.ErrNoNode},
			want: map[string]node{"/p": parent}},
		{name: "create of no path", txns: []proto.Txn{create("", 1), create("x", 1)}, errs: []proto.ErrCode{proto.ErrNoNode, proto.ErrNoNode},
			want: map[string]node{"/p": parent}},
		{name: "delete", txns: []proto.Txn{&proto.DeleteTxn{Path: "/p/c"}},
			want: map[string]node{"/p": parentAfter(1, 3, 2, 0)}},
		{name: "delete of what is not there", txns: []proto.Txn{&proto.DeleteTxn{Path: "/p/x"}}, errs: []proto.ErrCode{proto.ErrNoNode},
			want: map[string]node{"/p": parentAfter(1, 3, 1, 1), "/p/c": child}},
		{name: "delete without a parent", txns: []proto.Txn{&proto.DeleteTxn{Path: "/no/x"}, &proto.DeleteTxn{Path: "/"}, &proto.DeleteTxn{Path: ""}},
			errs: []proto.ErrCode{proto.ErrNoNode, proto.ErrNoNode, proto.ErrNoNode}, want: map[string]node{"/p": parent}},
		{name: "create and delete", txns: []proto.Txn{create("/p/d", 2), &proto.DeleteTxn{Path: "/p/d"}},
			want: map[string]node{"/p": parentAfter(2, 4, 3, 1)}},
		{name: "setData", txns: []proto.Txn{&proto.SetDataTxn{Path: "/p/c", Data: []byte("longer"), Version: 1}},
			want: map[string]node{"/p": parent, "/p/c": {Persisted{Czxid: 2, Mzxid: 3, Ctime: at(2), Mtime: at(3), Version: 1, Pzxid: 2}, 0, 0, 6, 0}}},
		{name: "setData to null", txns: []proto.Txn{&proto.SetDataTxn{Path: "/p/c", Version: -1}},
			want: map[string]node{"/p/c": {Persisted{Czxid: 2, Mzxid: 3, Ctime: at(2), Mtime: at(3), Version: -1, Pzxid: 2}, 0, 0, 0, 0}}},
		{name: "setData of what is not there", txns: []proto.Txn{&proto.SetDataTxn{Path: "/p/x"}}, errs: []proto.ErrCode{proto.ErrNoNode},
			want: map[string]node{"/p": parent}},
		{name: "setACL", txns: []proto.Txn{&proto.SetACLTxn{Path: "/p/c", ACL: proto.OpenACL, Version: 1}},
			want: map[string]node{"/p": parent, "/p/c": {Persisted{Czxid: 2, Mzxid: 2, Ctime: at(2), Mtime: at(2), Aversion: 1, Pzxid: 2}, 0, 0, 4, 0}}},
		{name: "setACL of what is not there", txns: []proto.Txn{&proto.SetACLTxn{Path: "/p/x"}}, errs: []proto.ErrCode{proto.ErrNoNode},
			want: map[string]node{"/p": parent}},
		{name: "check", txns: []proto.Txn{multiOf(&proto.CheckVersionTxn{Path: "/p/c", Version: 1})},
			want: map[string]node{"/p": parent, "/p/c": child}},
		{name: "error", txns: []proto.Txn{&proto.ErrorTxn{Err: proto.ErrBadVersion}}, errs: []proto.ErrCode{proto.ErrBadVersion},
			want: map[string]node{"/p": parent, "/p/c": child}},
		{name: "multi", txns: []proto.Txn{multiOf(create("/p/d", 2), create("/p/e", 3), &proto.DeleteTxn{Path: "/p/c"}, &proto.SetDataTxn{Path: "/p/d", Data: []byte("1"), Version: 1})},
			want: map[string]node{"/p": parentAfter(3, 3, 4, 2), "/p/e": fresh(3, 0, 0, 3),
				"/p/d": {Persisted{Czxid: 3, Mzxid: 3, Ctime: at(3), Mtime: at(3), Version: 1, Pzxid: 3}, 0, 0, 1, 0}}},
		{name: "multi with an error", txns: []proto.Txn{multiOf(create("/p/d", 2), &proto.ErrorTxn{Err: proto.ErrNoNode}, &proto.DeleteTxn{Path: "/p/c"})},
			errs: []proto.ErrCode{proto.ErrNoNode}, want: map[string]node{"/p": parent, "/p/c": child}},
		{name: "closeSession", txns: []proto.Txn{
			&proto.CreateTxn{Path: "/p/d", Ephemeral: true, ParentCversion: 2}, &proto.CloseSessionTxn{Paths: []string{"/p/d"}, HasPaths: true}},
			want: map[string]node{"/p": parentAfter(2, 4, 3, 1)}},
	} {
		f := newFeed(modelConfig)
		f.create("/p", "pp")
		f.create("/p/c", "cccc")
		for i, txn := range c.txns {
			want := proto.OK
			if c.errs != nil {
				want = c.errs[i]
			}
			if r := f.applyFor(9, txn); r.Err != want {
				t.Errorf("%s: txn %d: %v, want %v", c.name, i, r.Err, want)
			}
		}
		for path, want := range c.want {
			z := f.t.Lookup(path)
			if z == nil {
				t.Errorf("%s: no %s", c.name, path)
				continue
			}
			s := z.Stat()
			have := node{z.Persisted(), s.Cversion, s.NumChildren, s.DataLength, s.EphemeralOwner}
			if have != want {
				t.Errorf("%s: %s\nhave %+v\nwant %+v", c.name, path, have, want)
			}
		}
		if d := New(modelConfig).Nodes() + len(namesBelow(f.t, "/p")) + 1; f.t.Nodes() != d {
			t.Errorf("%s: %d znodes, want %d", c.name, f.t.Nodes(), d)
		}
		if f.t.LastZxid() != f.zxid {
			t.Errorf("%s: last zxid %d, want %d", c.name, f.t.LastZxid(), f.zxid)
		}
	}
}

func namesBelow(t *Tree, path string) []string {
	var names []string
	t.descendants(t.Lookup(path), func(z *Znode) { names = append(names, z.Path()) })
	return names
}

func TestFreshTree(t *testing.T) {
	tree := New(modelConfig)
	if tree.Nodes() != 5 || tree.DataSize() != 44 { // as Apache's mntr shows them
		t.Errorf("%d znodes, %d bytes; want 5, 44", tree.Nodes(), tree.DataSize())
	}
	for path, want := range map[string]proto.Stat{
		"/": {NumChildren: 1, Cversion: -1}, "": {NumChildren: 1, Cversion: -1}, "/zookeeper": {NumChildren: 2, Cversion: -2},
		"/zookeeper/quota": {}, "/zookeeper/config": {Aversion: -1},
	} {
		z := tree.Lookup(path)
		if z.Stat() != want || z.Data() == nil || len(z.Data()) != 0 {
			t.Errorf("%q: %+v, %v", path, z.Stat(), z.Data())
		}
		acl := "[{31 {world anyone}}]"
		if path == "/zookeeper/config" {
			acl = "[{1 {world anyone}}]"
		}
		if got := fmt.Sprint(tree.ACL(z)); got != acl {
			t.Errorf("%q: ACL %s", path, got)
		}
	}
	for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"} {
		if !Reserved(path) {
			t.Errorf("%s is not reserved", path)
		}
	}
	if Reserved("/zookeeper/quota/a") || Reserved("") {
		t.Error("too much is reserved")
	}
}

func TestResults(t *testing.T) {
	f := newFeed(modelConfig)
	create := func(path string) *proto.CreateTxn {
		return &proto.CreateTxn{Path: path, Data: []byte("12"), ParentCversion: -1}
	}
	r := f.apply(create("/a"))
	want := Result{Type: proto.OpCreate, Path: "/a", Stat: f.t.Lookup("/a").Stat()}
	if !reflect.DeepEqual(r, want) || r.Stat.Czxid != 1 || r.Stat.DataLength != 2 {
		t.Errorf("create: %+v", r)
	}
	// The Stat in a multi is that of the moment, not of the end.
	m := multiOf(create("/a/b"), &proto.SetDataTxn{Path: "/a", Data: []byte("3"), Version: 1}, &proto.DeleteTxn{Path: "/a/b"}, &proto.CheckVersionTxn{Path: "/a"})
	r = f.apply(m)
	var types []proto.Op
	for _, sub := range r.Multi {
		types = append(types, sub.Type)
	}
	if !slices.Equal(types, []proto.Op{proto.OpCreate, proto.OpSetData, proto.OpDelete, proto.OpCheck}) || r.Err != proto.OK {
		t.Errorf("multi: %v %v", types, r.Err)
	}
	if s := r.Multi[1].Stat; s.NumChildren != 1 || s.Version != 1 || s.Cversion != 1 || s.DataLength != 1 {
		t.Errorf("Stat inside the multi: %+v", s)
	}
	if s := f.t.Lookup("/a").Stat(); s.NumChildren != 0 || s.Cversion != 2 {
		t.Errorf("Stat after the multi: %+v", s)
	}
	r = f.apply(multiOf(create("/c"), &proto.CheckVersionTxn{Path: "/a"}, &proto.ErrorTxn{Err: proto.ErrBadVersion}, create("/d"), &proto.ErrorTxn{Err: proto.ErrRuntimeInconsistency}))
	var codes []proto.ErrCode
	for _, sub := range r.Multi {
		if sub.Type != proto.OpError || sub.Path != "" {
			t.Errorf("op of a failed multi: %+v", sub)
		}
		codes = append(codes, sub.Err)
	}
	if !slices.Equal(codes, []proto.ErrCode{proto.OK, proto.OK, proto.ErrBadVersion, proto.ErrRuntimeInconsistency, proto.ErrRuntimeInconsistency}) || r.Err != proto.ErrBadVersion {
		t.Errorf("failed multi: %v, %v", codes, r.Err)
	}
	if f.t.Lookup("/c") != nil || f.t.Lookup("/d") != nil {
		t.Error("a failed multi had an effect")
	}
	if r := f.apply(&proto.MultiTxn{}); r.Err != proto.OK || len(r.Multi) != 0 {
		t.Errorf("empty multi: %+v", r)
	}
}

func TestSessions(t *testing.T) {
	var notices []string
	cfg := modelConfig
	cfg.Notice = func(s string) { notices = append(notices, s) }
	f := newFeed(cfg)
	f.applyFor(0x10, &proto.CreateSessionTxn{TimeoutMs: 4000})
	f.applyFor(0x20, &proto.CreateSessionTxn{TimeoutMs: 6000})
	f.ephemeral(0x10, "/x")
	f.ephemeral(0x10, "/y")
	f.ephemeral(0x20, "/z")
	f.ephemeral(0x30, "/w") // of a session that nobody created
	if ms, ok := f.t.SessionTimeoutMs(0x10); ms != 4000 || !ok || f.t.SessionCount() != 2 {
		t.Errorf("session 0x10: %d, %v", ms, ok)
	}
	if got := f.t.OrphanOwners(); !slices.Equal(got, []int64{0x30}) {
		t.Errorf("orphans: %x", got)
	}
	f.applyFor(0x10, &proto.CloseSessionTxn{Paths: []string{"/x", "/gone"}, HasPaths: true})
	if f.t.Lookup("/x") != nil || f.t.Lookup("/y") != nil || f.t.Lookup("/z") == nil {
		t.Error("closeSession deletes what the session owns, listed or not, and nothing else")
	}
	if len(notices) != 1 {
		t.Errorf("an ephemeral missing in the list is worth a notice: %q", notices)
	}
	f.applyFor(0x20, &proto.CloseSessionTxn{})
	f.applyFor(0x30, &proto.CloseSessionTxn{})
	if f.t.SessionCount() != 0 || f.t.EphemeralCount() != 0 || len(f.t.OrphanOwners()) != 0 || len(notices) != 1 {
		t.Errorf("%d sessions, %d ephemerals, %q", f.t.SessionCount(), f.t.EphemeralCount(), notices)
	}
	// A session whose ephemerals are deleted one by one stays listed, as in
	// Apache's dump command, until it is closed.
	f.ephemeral(0x40, "/e")
	f.delete("/e")
	for id, paths := range f.t.EphemeralOwners() {
		if id != 0x40 || len(paths) != 0 {
			t.Errorf("owner %x: %v", id, paths)
		}
	}
	if len(f.t.owned.ephemerals) != 1 || len(f.t.OrphanOwners()) != 0 {
		t.Error("the session is not listed, or counts as an orphan")
	}
}

// What a session closes by its list may belong to another session by then;
// only replay knows such a thing, and the log then makes it anew.
func TestCloseSessionDeletesByList(t *testing.T) {
	f := newFeed(modelConfig)
	f.ephemeral(2, "/x")
	f.applyFor(1, &proto.CloseSessionTxn{Paths: []string{"/x"}, HasPaths: true})
	if f.t.Lookup("/x") != nil || f.t.EphemeralCount() != 0 {
		t.Error("the list decides")
	}
}

func TestSetConfig(t *testing.T) {
	f := newFeed(modelConfig)
	w := &recorder{}
	_ = f.t.Watches().Add("/zookeeper/config", WatchData, w)
	digest := f.t.Digest()
	f.t.SetConfig([]byte("server.1=x"), 0x100, 77)
	z := f.t.Lookup("/zookeeper/config")
	if s := z.Stat(); s.Version != -1 || s.Mzxid != 0x100 || s.Mtime != 77 || s.Aversion != -1 || s.DataLength != 10 {
		t.Errorf("%+v", s)
	}
	if f.t.Digest() != digest || f.t.LastZxid() != 0 {
		t.Error("the config is in the digest or moves the zxid")
	}
	if len(w.events) != 1 || w.events[0].Type != proto.EventNodeDataChanged || w.events[0].Zxid != 0x100 {
		t.Errorf("events %+v", w.events)
	}
	f.delete("/zookeeper/config")
	f.t.SetConfig([]byte("again"), 0x200, 78)
	if z := f.t.Lookup("/zookeeper/config"); z == nil || string(z.Data()) != "again" || fmt.Sprint(f.t.ACL(z)) != "[{1 {world anyone}}]" {
		t.Error("the znode is not made where it is missing")
	}
}

// Applying a log twice leaves what applying it once does: nothing in it may
// count on being new.
func TestReplayIsIdempotent(t *testing.T) {
	for seed := range uint64(20) {
		once := New(modelConfig)
		g := newGenerator(seed, once)
		var log []*proto.Entry
		for range 200 {
			e := g.next()
			once.Apply(e)
			log = append(log, e)
		}
		twice := New(modelConfig)
		for range 2 {
			for _, e := range log {
				twice.Apply(e)
			}
		}
		twice.EndRecovery()
		have := imageOf(t, twice)
		// The reserved znodes were not made by the log, so it cannot take
		// their counters back.
		for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"} {
			delete(have.Nodes, path)
		}
		want := imageOf(t, once)
		for path, n := range want.Nodes {
			if h, ok := have.Nodes[path]; ok && h != n {
				t.Fatalf("seed %d: %s:\nonce  %+v\ntwice %+v", seed, path, n, h)
			} else if !ok && !Reserved(path) {
				t.Fatalf("seed %d: %s is gone", seed, path)
			}
		}
		if len(have.Nodes)+4 != len(want.Nodes) {
			t.Fatalf("seed %d: %d znodes, want %d", seed, len(have.Nodes)+4, len(want.Nodes))
		}
	}
}

func TestApplyAllocations(t *testing.T) {
	f := newFeed(modelConfig)
	f.create("/a", "data")
	f.create("/a/b", "data")
	e := entryAt(0, 1, proto.OpSetData, &proto.SetDataTxn{Path: "/a/b", Data: []byte("other"), Version: 1})
	if n := testing.AllocsPerRun(100, func() { f.t.Apply(e) }); n > 1 {
		t.Errorf("setData: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = f.t.Lookup("/a/b").Stat() }); n != 0 {
		t.Errorf("lookup: %v allocations", n)
	}
}
