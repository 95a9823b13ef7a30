package datatree

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// generator makes transactions as the proposer of a leader would: each one is
// valid on the tree that all before it were applied to.
type generator struct {
	rnd  *rand.Rand
	t    *Tree
	zxid int64
	// noPaths makes closeSessions without a list, as old servers wrote them.
	noPaths bool
}

func newGenerator(seed uint64, t *Tree) *generator {
	return &generator{rnd: rand.New(rand.NewPCG(seed, 1)), t: t}
}

var (
	genNames = []string{"a", "b", "c", "d-0000000001", "ä"}
	genACLs  = [][]proto.ACL{
		proto.OpenACL,
		nil,
		{{Perms: proto.PermRead, ID: proto.Anyone}},
		{{Perms: proto.PermAll, ID: proto.ID{Scheme: "digest", ID: "u:x"}}, {Perms: proto.PermRead, ID: proto.Anyone}},
		{{Perms: proto.PermAll, ID: proto.ID{Scheme: "digest", ID: "v:y"}}},
		{},
	}
	genData = [][]byte{nil, {}, []byte("x"), []byte("some data"), []byte(strings.Repeat("long", 40))}
)

func pick[T any](g *generator, from []T) T { return from[g.rnd.IntN(len(from))] }

// next makes one transaction with the next zxid.
func (g *generator) next() *proto.Entry {
	g.zxid++
	session := int64(1 + g.rnd.IntN(4))
	for {
		var txn proto.Txn
		op := proto.Op(0)
		switch n := g.rnd.IntN(100); {
		case n < 45:
			op, txn = g.create(session)
		case n < 65:
			txn = g.delete()
		case n < 80:
			txn = g.setData()
		case n < 86:
			txn = g.setACL()
		case n < 90:
			txn = g.multi(session)
		case n < 92:
			txn = &proto.ErrorTxn{Err: proto.ErrNoNode}
		case n < 95:
			txn = &proto.CreateSessionTxn{TimeoutMs: int32(1000 * (1 + g.rnd.IntN(9)))}
		case n < 97:
			txn = g.closeSession(session)
		default:
			op, txn = g.quota()
		}
		if txn == nil {
			continue
		}
		if op == 0 {
			op = opOf(txn)
		}
		return entryAt(g.zxid, session, op, txn)
	}
}

// path returns a random path of one to four components.
func (g *generator) path() string {
	var b strings.Builder
	for n := 1 + g.rnd.IntN(4); n > 0; n-- {
		b.WriteString("/" + pick(g, genNames))
	}
	return b.String()
}

// existing returns a random znode that clients made, or "".
func (g *generator) existing() string {
	for range 20 {
		if path := g.path(); g.t.Lookup(path) != nil {
			return path
		}
	}
	return ""
}

func (g *generator) create(session int64) (proto.Op, proto.Txn) {
	path := g.path()
	parent := g.t.parentOf(path)
	if parent == nil || parent.kind() == kindEphemeral || g.t.Lookup(path) != nil {
		return 0, nil
	}
	cversion := parent.cversion + 1
	data, acl := pick(g, genData), pick(g, genACLs)
	switch g.rnd.IntN(6) {
	case 0:
		return 0, &proto.CreateContainerTxn{Path: path, Data: data, ACL: acl, ParentCversion: cversion}
	case 1:
		return 0, &proto.CreateTTLTxn{Path: path, Data: data, ACL: acl, ParentCversion: cversion, TTLMs: int64(1 + g.rnd.IntN(1000))}
	case 2:
		return 0, &proto.CreateTxn{Path: path, Data: data, ACL: acl, ParentCversion: cversion, Ephemeral: true}
	case 3:
		return proto.OpCreate2, &proto.CreateTxn{Path: path, Data: data, ACL: acl, ParentCversion: cversion}
	}
	return 0, &proto.CreateTxn{Path: path, Data: data, ACL: acl, ParentCversion: cversion}
}

func (g *generator) delete() proto.Txn {
	path := g.existing()
	if path == "" || g.t.Lookup(path).kids > 0 {
		return nil
	}
	return &proto.DeleteTxn{Path: path}
}

func (g *generator) setData() proto.Txn {
	path := g.existing()
	if g.rnd.IntN(20) == 0 {
		path = "/"
	}
	if path == "" {
		return nil
	}
	return &proto.SetDataTxn{Path: path, Data: pick(g, genData), Version: g.t.Lookup(path).version + 1}
}

func (g *generator) setACL() proto.Txn {
	path := g.existing()
	if path == "" {
		return nil
	}
	return &proto.SetACLTxn{Path: path, ACL: pick(g, genACLs), Version: g.t.Lookup(path).aversion + 1}
}

// multi makes a multi of ops on unrelated znodes, sometimes a failed one.
func (g *generator) multi(session int64) proto.Txn {
	m := &proto.MultiTxn{}
	fail := -1
	if g.rnd.IntN(4) == 0 {
		fail = g.rnd.IntN(3)
	}
	used := map[string]bool{}
	for i := range 3 {
		var op proto.Op
		var txn proto.Txn
		var path string
		switch g.rnd.IntN(3) {
		case 0:
			if op, txn = g.create(session); txn == nil {
				continue
			}
			path = pathOf(txn)
			parent, _, _ := SplitPath(path)
			if used[parent] {
				continue
			}
			used[parent] = true
		case 1:
			s, _ := g.setData().(*proto.SetDataTxn)
			if s == nil {
				continue
			}
			path, txn = s.Path, s
		default:
			path = g.existing()
			txn = &proto.CheckVersionTxn{Path: path, Version: 1}
		}
		if used[path] {
			continue
		}
		used[path] = true
		if i == fail {
			op, txn = proto.OpError, &proto.ErrorTxn{Err: proto.ErrBadVersion}
		}
		if op == 0 {
			op = opOf(txn)
		}
		m.Ops = append(m.Ops, proto.SubTxn{Type: op, Body: txn})
	}
	return m
}

func pathOf(txn proto.Txn) string {
	switch txn := txn.(type) {
	case *proto.CreateTxn:
		return txn.Path
	case *proto.CreateContainerTxn:
		return txn.Path
	case *proto.CreateTTLTxn:
		return txn.Path
	}
	panic(fmt.Sprintf("%T creates nothing", txn))
}

func (g *generator) closeSession(session int64) proto.Txn {
	if g.noPaths {
		return &proto.CloseSessionTxn{}
	}
	return &proto.CloseSessionTxn{Paths: g.t.Ephemerals(session), HasPaths: true}
}

// quota makes the next step towards a quota on a znode below the root, or
// removes one. Quotas are not nested, for there usage depends on history.
func (g *generator) quota() (proto.Op, proto.Txn) {
	name := pick(g, genNames)
	steps := []string{quotaPath + "/" + name, limitsPath("/" + name), usagePath("/" + name)}
	for i, path := range steps {
		if g.t.Lookup(path) == nil {
			parent := g.t.parentOf(path)
			data := []byte("count=5,bytes=-1")
			if i == 0 {
				data = nil
			}
			return proto.OpCreate, &proto.CreateTxn{Path: path, Data: data, ACL: proto.OpenACL, ParentCversion: parent.cversion + 1}
		}
	}
	return 0, multiOf(&proto.DeleteTxn{Path: steps[1]}, &proto.DeleteTxn{Path: steps[2]})
}
