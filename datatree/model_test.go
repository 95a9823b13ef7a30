package datatree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// model is the simplest thing that does what a tree does: one map, everything
// else found by looking at all of it.
type model struct {
	nodes    map[string]*modelNode // the root is "/"
	sessions map[int64]int32
}

type modelNode struct {
	data []byte
	acl  []proto.ACL
	st   Persisted
}

func newModel() *model {
	m := &model{nodes: make(map[string]*modelNode), sessions: make(map[int64]int32)}
	for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"} {
		m.nodes[path] = &modelNode{data: []byte{}, acl: proto.OpenACL}
	}
	m.nodes["/zookeeper/config"].acl = []proto.ACL{{Perms: proto.PermRead, ID: proto.Anyone}}
	m.nodes["/zookeeper/config"].st.Aversion = -1
	return m
}

func modelParent(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

func (m *model) apply(h *proto.TxnHeader, txn proto.Txn) {
	switch txn := txn.(type) {
	case *proto.CreateTxn:
		owner := int64(0)
		if txn.Ephemeral {
			owner = h.ClientID
		}
		m.create(h, txn.Path, txn.Data, txn.ACL, txn.ParentCversion, owner)
	case *proto.CreateContainerTxn:
		m.create(h, txn.Path, txn.Data, txn.ACL, txn.ParentCversion, -1<<63)
	case *proto.CreateTTLTxn:
		m.create(h, txn.Path, txn.Data, txn.ACL, txn.ParentCversion, -1<<56|txn.TTLMs)
	case *proto.DeleteTxn:
		m.delete(txn.Path, h.Zxid)
	case *proto.SetDataTxn:
		if n := m.nodes[txn.Path]; n != nil {
			n.data, n.st.Mzxid, n.st.Mtime, n.st.Version = txn.Data, h.Zxid, h.TimeMs, txn.Version
		}
	case *proto.SetACLTxn:
		if n := m.nodes[txn.Path]; n != nil {
			n.acl, n.st.Aversion = orOpen(txn.ACL), txn.Version
		}
	case *proto.CreateSessionTxn:
		m.sessions[h.ClientID] = txn.TimeoutMs
	case *proto.CloseSessionTxn:
		delete(m.sessions, h.ClientID)
		for _, path := range txn.Paths {
			m.delete(path, h.Zxid)
		}
		for path, n := range m.nodes {
			if n.st.EphemeralOwner == h.ClientID {
				m.delete(path, h.Zxid)
			}
		}
	case *proto.MultiTxn:
		if !slices.ContainsFunc(txn.Ops, func(s proto.SubTxn) bool { return s.Type == proto.OpError }) {
			for _, op := range txn.Ops {
				m.apply(h, op.Body)
			}
		}
	}
}

func orOpen(acl []proto.ACL) []proto.ACL {
	if acl == nil {
		return proto.OpenACL
	}
	return acl
}

func (m *model) create(h *proto.TxnHeader, path string, data []byte, acl []proto.ACL, cversion int32, owner int64) {
	parent := m.nodes[modelParent(path)]
	if parent == nil {
		return
	}
	if cversion == -1 {
		cversion = parent.st.Cversion + 1
	}
	if cversion > parent.st.Cversion {
		parent.st.Cversion, parent.st.Pzxid = cversion, h.Zxid
	}
	if n := m.nodes[path]; n != nil {
		n.acl = orOpen(acl)
		return
	}
	m.nodes[path] = &modelNode{data: data, acl: orOpen(acl), st: Persisted{
		Czxid: h.Zxid, Mzxid: h.Zxid, Pzxid: h.Zxid, Ctime: h.TimeMs, Mtime: h.TimeMs, EphemeralOwner: owner,
	}}
}

func (m *model) delete(path string, zxid int64) {
	parent := m.nodes[modelParent(path)]
	if parent == nil {
		return
	}
	parent.st.Pzxid = max(parent.st.Pzxid, zxid)
	delete(m.nodes, path)
}

func (m *model) childrenOf(path string) []string {
	names := []string{}
	for other := range m.nodes {
		if other != "/" && modelParent(other) == path {
			names = append(names, other[strings.LastIndexByte(other, '/')+1:])
		}
	}
	slices.Sort(names)
	return names
}

// usage returns what the text of the usage znode of a quota is.
func (m *model) usage(subject string) string {
	count, size := 0, 0
	for path, n := range m.nodes {
		if path == subject || strings.HasPrefix(path, subject+"/") {
			count++
			size += len(n.data)
		}
	}
	return fmt.Sprintf("count=%d,bytes=%d", count, size)
}

func (m *model) image() treeImage {
	im := treeImage{
		Nodes: make(map[string]nodeImage), Sessions: m.sessions, Ephemerals: make(map[int64]string), Size: 1,
	}
	ephemerals := make(map[int64][]string)
	var containers, ttls, quotas []string
	for path, n := range m.nodes {
		names := m.childrenOf(path)
		if subject, ok := strings.CutPrefix(path, "/zookeeper/quota"); ok {
			if subject, ok := strings.CutSuffix(subject, "/zookeeper_stats"); ok {
				n.data = []byte(m.usage(subject))
			}
			if subject, ok := strings.CutSuffix(subject, "/zookeeper_limits"); ok {
				quotas = append(quotas, subject)
			}
		}
		node := nodeImage{
			Data: string(n.data), Null: n.data == nil, Stat: n.st, ACL: fmt.Sprint(n.acl), Children: fmt.Sprint(names),
			Client: proto.Stat{
				Czxid: n.st.Czxid, Mzxid: n.st.Mzxid, Ctime: n.st.Ctime, Mtime: n.st.Mtime, Version: n.st.Version,
				Cversion: 2*n.st.Cversion - int32(len(names)), Aversion: n.st.Aversion,
				DataLength: int32(len(n.data)), NumChildren: int32(len(names)), Pzxid: n.st.Pzxid,
			},
		}
		switch owner := n.st.EphemeralOwner; {
		case owner == -1<<63:
			containers = append(containers, path)
		case owner < 0:
			ttls = append(ttls, path)
		case owner > 0:
			node.Client.EphemeralOwner = owner
			ephemerals[owner] = append(ephemerals[owner], path)
		}
		im.Nodes[path] = node
		im.Digest += NodeDigest(path, n.data, &n.st)
	}
	for session, paths := range ephemerals {
		im.Ephemerals[session] = sorted(paths)
	}
	im.Containers, im.TTLs, im.Quotas = sorted(containers), sorted(ttls), sorted(quotas)
	return im
}

var modelConfig = Config{Digest: true, ExtendedTypes: true, ChildrenCache: 4}

// Random transactions leave tree and model in the same state, also when all
// hashes of the index collide, and after a snapshot was written and read.
func TestModel(t *testing.T) {
	for seed := range uint64(9) {
		tree, m := New(modelConfig), newModel()
		if seed%3 == 1 {
			collide(tree)
		}
		g := newGenerator(seed, tree)
		g.noPaths = seed%2 == 1
		for i := range 1500 {
			e := g.next()
			tree.Apply(e)
			m.apply(&e.Header, e.Txn)
			if i%250 == 249 {
				want := m.image()
				mustEqual(t, want, imageOf(t, tree))
				mustEqual(t, want, imageOf(t, reloaded(t, modelConfig, snapshotBytes(t, tree))))
				checkDescendants(t, m, tree, g.path())
			}
		}
		if tree.LastZxid() != 1500 {
			t.Fatalf("seed %d: last zxid %d", seed, tree.LastZxid())
		}
	}
}

// collide leaves the hashes of a tree's index four values.
func collide(t *Tree) {
	t.index = newIndex()
	t.index.mask = 3
	t.ordered.Ascend(t.index.put)
}

func checkDescendants(t *testing.T, m *model, tree *Tree, path string) {
	t.Helper()
	n := 0
	for other := range m.nodes {
		if strings.HasPrefix(other, path+"/") {
			n++
		}
	}
	if got := tree.Descendants(path); got != n {
		t.Fatalf("%s: %d descendants, want %d", path, got, n)
	}
}

// invalidTxns are what a valid leader never sends, but replay and a hostile
// log may hold.
func (g *generator) invalid() proto.Txn {
	switch g.rnd.IntN(5) {
	case 0:
		return &proto.CreateTxn{Path: g.path(), Data: pick(g, genData), ACL: pick(g, genACLs), ParentCversion: int32(g.rnd.IntN(5) - 1)}
	case 1:
		return &proto.DeleteTxn{Path: g.path() + "/x"}
	case 2:
		return &proto.SetDataTxn{Path: g.path() + "/x", Data: pick(g, genData)}
	case 3:
		return &proto.SetACLTxn{Path: g.path() + "/x"}
	}
	return &proto.CreateContainerTxn{Path: g.path(), ACL: pick(g, genACLs), ParentCversion: -1}
}

// Transactions that fail do what the reference says and nothing else.
func TestModelWithInvalid(t *testing.T) {
	for seed := range uint64(6) {
		tree, m := New(modelConfig), newModel()
		g := newGenerator(seed, tree)
		for i := range 1000 {
			e := g.next()
			if i%3 == 0 {
				txn := g.invalid()
				e = entryAt(g.zxid, 1, opOf(txn), txn)
			}
			tree.Apply(e)
			m.apply(&e.Header, e.Txn)
			if i%200 == 199 {
				mustEqual(t, m.image(), imageOf(t, tree))
			}
		}
	}
}
