package datatree

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// fuzzyWriter writes a snapshot as Apache does: znode by znode, depth first,
// each as it is when its turn comes, while transactions go on in between. The
// ACL lists are written before the znodes, under ids that are never used
// twice, so znodes can name lists that the snapshot lacks.
type fuzzyWriter struct {
	out     bytes.Buffer
	t       *Tree
	aclIDs  map[string]int64
	between func()
}

func (f *fuzzyWriter) write() []byte {
	sw := snapshotWriter{dst: bufioWriter(&f.out)}
	(&Snapshot{sessions: f.t.sessions}).writeSessions(&sw)
	f.between()
	f.aclIDs = make(map[string]int64)
	lists := int32(0)
	for id, entry := range f.t.acls.listed() {
		if entry != nil {
			f.aclIDs[entry.key] = int64(id)
			lists++
		}
	}
	sw.int(lists)
	for id, entry := range f.t.acls.listed() {
		if entry != nil {
			sw.long(int64(id))
			sw.acl(entry.acl)
		}
	}
	f.between()
	f.visit(&sw, "")
	sw.text("/")
	sw.flush()
	return f.out.Bytes()
}

func (f *fuzzyWriter) visit(sw *snapshotWriter, path string) {
	z := f.t.Lookup(path)
	if z == nil {
		return
	}
	names := []string{}
	f.t.children(z, func(c *Znode) { names = append(names, c.Name()) })
	st := z.Persisted()
	b := jute.AppendBuffer(appendText(nil, path), z.Data())
	b = jute.AppendLong(b, f.aclID(z))
	sw.write(st.Append(b))
	f.between()
	for _, name := range names {
		f.visit(sw, path+"/"+name)
	}
}

// aclID gives a list that came up after the table was written a new id.
func (f *fuzzyWriter) aclID(z *Znode) int64 {
	if z.acl == openACL {
		return -1
	}
	key := string(proto.AppendACLs(nil, f.t.ACL(z)))
	id, known := f.aclIDs[key]
	if !known {
		id = 1000 + int64(len(f.aclIDs))
		f.aclIDs[key] = id
	}
	return id
}

// Replay over a fuzzy snapshot ends in the state of the server that wrote it.
func TestFuzzyReplayConverges(t *testing.T) {
	lost, adopted := 0, 0
	for seed := range uint64(80) {
		leader := New(modelConfig)
		g := newGenerator(seed, leader)
		g.noPaths = seed%4 == 3
		var log []*proto.Entry
		step := func(n int) {
			for range n {
				e := g.next()
				leader.Apply(e)
				e.Digest, e.HasDigest = proto.TxnDigest{Version: 2, TreeDigest: leader.Digest()}, true
				log = append(log, e)
			}
		}
		step(150)
		started := leader.LastZxid()
		w := fuzzyWriter{t: leader, between: func() { step(g.rnd.IntN(12)) }}
		stream := w.write()
		ended, digest := leader.LastZxid(), leader.Digest()
		step(60)

		var wrong []Mismatch
		cfg := modelConfig
		cfg.DigestMismatch = func(m Mismatch) { wrong = append(wrong, m) }
		tree := reloaded(t, cfg, stream)
		lost += tree.LostACLs()
		tree.SetLastZxid(started)
		tree.ExpectDigest(ended, 2, digest)
		for _, e := range log[started:] {
			if r := tree.Apply(e); r.Err == proto.ErrNodeExists && tree.adopted {
				adopted++
			}
		}
		if r := tree.EndRecovery(); r != (Recovered{}) || len(wrong) > 0 {
			t.Fatalf("seed %d: %+v, mismatches %+v", seed, r, wrong)
		}
		if d := imageOf(t, leader).diff(imageOf(t, tree)); len(d) > 0 {
			t.Fatalf("seed %d, snapshot of %d to %d: %s", seed, started, ended, d[0])
		}
	}
	if lost == 0 || adopted == 0 {
		t.Errorf("the snapshots were not fuzzy enough: %d lost ACLs, %d adoptions", lost, adopted)
	}
}

// A log that ends before the znodes of a fuzzy snapshot have their parents
// back leaves a tree that can be written and read again.
func TestOrphansAreDropped(t *testing.T) {
	f := newFeed(modelConfig)
	f.create("/a", "")
	f.create("/a/b", "x")
	f.create("/a/b/c", "")
	f.create("/q", "")
	f.delete("/a")
	if f.t.Lookup("/a/b") == nil {
		t.Fatal("children are kept until the log says more")
	}
	r := f.t.EndRecovery()
	if r.Orphans != 2 || f.t.Lookup("/a/b") != nil || f.t.Lookup("/a/b/c") != nil {
		t.Fatalf("%+v", r)
	}
	mustEqual(t, imageOf(t, f.t), imageOf(t, reloaded(t, modelConfig, snapshotBytes(t, f.t))))
}

// A digest that the log does not reach is told and does not trouble what
// comes after.
func TestUncoveredDigest(t *testing.T) {
	f := newFeed(modelConfig)
	f.t.ExpectDigest(10, 2, 42)
	f.create("/a", "")
	if r := f.t.EndRecovery(); r.UncoveredZxid != 10 {
		t.Fatalf("%+v", r)
	}
	for f.zxid < 20 {
		f.create(fmt.Sprint("/b", f.zxid), "")
	}
	if n := f.t.DigestMismatches(); n != 0 {
		t.Errorf("%d mismatches", n)
	}
}
