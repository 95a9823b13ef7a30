package datatree

import (
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The digest of a fresh tree is that of Apache's, as its parts are.
func TestDigestOfFreshTree(t *testing.T) {
	var zero Persisted
	for path, want := range map[string]uint64{"": 68323592, "/": 68323592, "/zookeeper": 1303661912, "/zookeeper/quota": 0, "/zookeeper/config": 0} {
		if got := NodeDigest(path, []byte{}, &zero); got != want {
			t.Errorf("%q: %d, want %d", path, got, want)
		}
	}
	if got := New(Config{Digest: true}).Digest(); got != 1371985504 {
		t.Errorf("fresh tree: %d, want 1371985504", got)
	}
	if got := New(Config{}).Digest(); got != 0 {
		t.Errorf("without digests: %d, want 0", got)
	}
}

func TestNodeDigestReadsEveryField(t *testing.T) {
	base := Persisted{}
	seen := map[uint64]string{NodeDigest("/a", nil, &base): "base"}
	for name, st := range map[string]Persisted{
		"czxid": {Czxid: 1}, "mzxid": {Mzxid: 1}, "pzxid": {Pzxid: 1}, "ctime": {Ctime: 1}, "mtime": {Mtime: 1},
		"version": {Version: 1}, "cversion": {Cversion: 1}, "aversion": {Aversion: 1}, "owner": {EphemeralOwner: 1},
	} {
		d := NodeDigest("/a", nil, &st)
		if other, taken := seen[d]; taken {
			t.Errorf("%s and %s have the digest %d", name, other, d)
		}
		seen[d] = name
	}
	if NodeDigest("/a", nil, &base) != NodeDigest("/a", []byte{}, &base) {
		t.Error("null and empty data differ in the digest")
	}
}

func TestDigestLog(t *testing.T) {
	f := newFeed(Config{Digest: true})
	const last = 128 * 1030
	for f.zxid < last {
		f.apply(&proto.ErrorTxn{Err: proto.ErrNoNode})
	}
	log := f.t.DigestLog()
	if len(log) != 1024 || log[0].Zxid != last-1023*128 || log[1023].Zxid != last {
		t.Fatalf("%d entries, %d to %d", len(log), log[0].Zxid, log[len(log)-1].Zxid)
	}
	if !slices.IsSortedFunc(log, func(a, b ZxidDigest) int { return int(a.Zxid - b.Zxid) }) {
		t.Error("not in order")
	}
	if log[0].Digest != f.t.Digest() {
		t.Error("wrong digest")
	}
}

// withDigest gives an entry the digest of the tree that applied it.
func withDigest(e *proto.Entry, version int32, digest uint64) *proto.Entry {
	e.Digest, e.HasDigest = proto.TxnDigest{Version: version, TreeDigest: digest}, true
	return e
}

func TestDigestMismatch(t *testing.T) {
	create := func(zxid int64) *proto.Entry {
		return createEntry(zxid, "/a"+string(rune('0'+zxid)), nil)
	}
	leader := New(Config{Digest: true})
	digests := []uint64{leader.Digest()}
	for zxid := int64(1); zxid < 6; zxid++ {
		leader.Apply(create(zxid))
		digests = append(digests, leader.Digest())
	}
	for _, c := range []struct {
		name string
		run  func(*Tree)
		want []Mismatch
	}{
		{"equal digests", func(t *Tree) {
			t.Apply(withDigest(create(1), 2, digests[1]))
			t.Apply(withDigest(create(2), 2, digests[2]))
		}, nil},
		{"a wrong one", func(t *Tree) {
			t.Apply(withDigest(create(1), 2, 7))
			t.Apply(withDigest(create(2), 2, digests[2]))
		}, []Mismatch{{Zxid: 1, Expected: 7, Actual: digests[1]}}},
		{"another version is not compared", func(t *Tree) { t.Apply(withDigest(create(1), 1, 7)) }, nil},
		{"none is not compared", func(t *Tree) { t.Apply(create(1)) }, nil},
		{"a snapshot's, reached by its zxid", func(t *Tree) {
			t.ExpectDigest(2, 2, digests[2])
			t.Apply(withDigest(create(1), 2, 7)) // between two states: not compared
			t.Apply(withDigest(create(2), 2, digests[2]))
			t.Apply(withDigest(create(3), 2, 8))
		}, []Mismatch{{Zxid: 3, Expected: 8, Actual: digests[3]}}},
		{"a snapshot's, wrong", func(t *Tree) {
			t.ExpectDigest(2, 2, 9)
			t.Apply(create(1))
			t.Apply(create(2))
		}, []Mismatch{{Zxid: 2, Expected: 9, Actual: digests[2], Snapshot: true}}},
		{"a snapshot's, at the snapshot's own zxid", func(t *Tree) {
			t.Apply(create(1))
			t.ExpectDigest(1, 2, 9)
			t.SetLastZxid(1)
		}, []Mismatch{{Zxid: 1, Expected: 9, Actual: digests[1], Snapshot: true}}},
		{"a snapshot's, for a zxid without a transaction", func(t *Tree) {
			t.Apply(create(1))
			t.ExpectDigest(1, 2, 9)
			t.Apply(create(2)) // compared before this one
		}, []Mismatch{{Zxid: 1, Expected: 9, Actual: digests[1], Snapshot: true}}},
		{"a snapshot's of another version", func(t *Tree) {
			t.ExpectDigest(1, 1, 9)
			t.Apply(create(1))
		}, nil},
		{"an empty snapshot's", func(t *Tree) {
			t.ExpectDigest(0, 2, 0)
			t.Apply(create(1))
		}, nil},
	} {
		var got []Mismatch
		tree := New(Config{Digest: true, DigestMismatch: func(m Mismatch) { got = append(got, m) }})
		c.run(tree)
		if !slices.Equal(got, c.want) || tree.DigestMismatches() != int64(len(c.want)) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		if n := len(c.want); tree.Differs() != (n > 0 && c.name != "a wrong one") {
			t.Errorf("%s: differs in the end: %v", c.name, tree.Differs())
		}
	}
}
