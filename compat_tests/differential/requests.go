package differential

import (
	"math"
	"strings"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// simple makes a request with the next xid.
func (g *generator) simple(op proto.Op, body wire.Record) request {
	g.xid++
	r := request{xid: g.xid, op: op, zxidAt: -1}
	if body != nil {
		r.body = body.Append(nil)
	}
	return r
}

// request makes any request that is well formed.
func (g *generator) request() request {
	r := weighted(g, []choice[request]{
		{200, g.create},
		{70, func() request {
			return g.simple(proto.OpDelete, &proto.DeleteRequest{Path: g.path(), Version: g.version()})
		}},
		{100, func() request {
			return g.simple(proto.OpSetData, &proto.SetDataRequest{Path: g.path(), Data: g.data(), Version: g.version()})
		}},
		{180, g.watchable},
		{70, func() request {
			return g.simple(proto.OpSetACL, &proto.SetACLRequest{Path: g.path(), ACL: g.acl(), Version: g.version()})
		}},
		{80, g.ofPath},
		{130, g.multi},
		{40, g.multiRead},
		{40, func() request {
			op := pick(g, []proto.Op{proto.OpRemoveWatches, proto.OpRemoveWatches, proto.OpCheckWatches})
			return g.simple(op, &proto.WatcherKindRequest{Path: g.path(), Kind: pick(g, []int32{0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, -1})})
		}},
		{50, func() request {
			return g.simple(proto.OpAddWatch, &proto.AddWatchRequest{Path: g.path(), Mode: pick(g, []int32{0, 0, 0, 1, 1, 1, 2, -1})})
		}},
		{50, g.setWatches},
		{30, func() request { return g.simple(proto.OpGetEphemerals, &proto.GetEphemeralsRequest{Prefix: g.path()}) }},
		{20, func() request { return g.simple(proto.OpWhoAmI, nil) }},
		{40, g.auth},
		{15, func() request { return g.simple(proto.OpPing, nil) }},
		{10, func() request {
			return g.simple(proto.OpDeleteContainer, &proto.DeleteContainerRequest{Path: g.path()})
		}},
		{8, g.reconfig},
		{5, func() request {
			return g.simple(proto.OpCheck, &proto.CheckVersionRequest{Path: g.path(), Version: g.version()})
		}},
		{4, func() request { return g.simple(proto.OpSASL, &proto.SASLToken{Token: g.data()}) }},
		{4, func() request { return g.simple(proto.OpCloseSession, nil) }},
		{6, g.oddOp},
		{2, g.atTheLimit},
	})
	return r
}

// oddOp makes a request whose op no client sends, or that no server knows.
func (g *generator) oddOp() request {
	op := pick(g, []proto.Op{0, -1, 10, 23, 99, 108, 1000, -2, math.MaxInt32, math.MinInt32})
	return g.simple(op, &proto.PathRequest{Path: g.path()})
}

const (
	maxFrameBytes = 1048575 // jute.maxbuffer's default
	headerBytes   = 8       // of a request
)

// atTheLimit makes a frame as large as jute.maxbuffer allows, or one byte
// less or more.
func (g *generator) atTheLimit() request {
	body := &proto.SetDataRequest{Path: g.plainPath(), Version: -1}
	room := maxFrameBytes - headerBytes - len(body.Append(nil))
	body.Data = make([]byte, room+g.IntN(3)-1)
	return g.simple(proto.OpSetData, body)
}

func (g *generator) create() request {
	body := &proto.CreateRequest{Path: g.path(), Data: g.data(), ACL: g.acl(), Flags: g.flags()}
	op := pick(g, []proto.Op{proto.OpCreate, proto.OpCreate, proto.OpCreate2, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL})
	if op == proto.OpCreateTTL {
		body.HasTTL, body.TTLMs = true, g.ttl()
		body.Flags = pick(g, []int32{5, 5, 5, 6, 6, 0, 4})
		if body.Flags < 5 && body.TTLMs < 0 {
			body.TTLMs = 0 // this one ends Apache's server
		}
	}
	if op == proto.OpCreateContainer && g.chance(80) {
		body.Flags = proto.FlagContainer
	}
	if g.below != "" {
		body.Flags = g.matchingFlags(op)
	}
	return g.simple(op, body)
}

// matchingFlags are of the kind that the op makes. With others, what Apache
// thinks of a znode changes when its create is applied.
func (g *generator) matchingFlags(op proto.Op) int32 {
	switch op {
	case proto.OpCreateContainer:
		return proto.FlagContainer
	case proto.OpCreateTTL:
		return pick(g, []int32{proto.FlagPersistentTTL, proto.FlagPersistentSequentialTTL})
	}
	return g.Int32N(proto.FlagContainer)
}

func (g *generator) flags() int32 {
	return pick(g, []int32{0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, -1})
}

func (g *generator) ttl() int64 {
	return pick(g, []int64{1, 100000, 1 << 39, 1<<40 - 1, 1 << 40, 1<<48 - 1, 0, -1, math.MaxInt64})
}

func (g *generator) watchable() request {
	op := pick(g, []proto.Op{proto.OpExists, proto.OpGetData, proto.OpGetChildren, proto.OpGetChildren2})
	return g.simple(op, &proto.WatchableRequest{Path: g.path(), Watch: g.chance(50)})
}

func (g *generator) ofPath() request {
	op := pick(g, []proto.Op{proto.OpGetACL, proto.OpGetACL, proto.OpSync, proto.OpGetAllChildrenNumber})
	return g.simple(op, &proto.PathRequest{Path: g.path()})
}

func (g *generator) multi() request {
	var ops wire.Multi
	for range g.IntN(6) {
		ops = append(ops, g.multiOp())
	}
	return g.simple(proto.OpMulti, ops)
}

func (g *generator) multiOp() wire.MultiOp {
	return weighted(g, []choice[wire.MultiOp]{
		{50, func() wire.MultiOp {
			body := &proto.CreateRequest{Path: g.plainPath(), Data: g.data(), ACL: proto.OpenACL, Flags: pick(g, []int32{0, 0, 0, 1, 2, 3})}
			op := pick(g, []proto.Op{proto.OpCreate, proto.OpCreate, proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL})
			switch op {
			case proto.OpCreateContainer:
				body.Flags = proto.FlagContainer
			case proto.OpCreateTTL:
				body.Flags, body.HasTTL, body.TTLMs = 5+g.Int32N(2), true, g.ttl()
			}
			if g.below == "" && g.chance(15) {
				body.Path, body.ACL, body.Flags = g.path(), g.acl(), g.flags()
			}
			return wire.MultiOp{Op: op, Body: body}
		}},
		{15, func() wire.MultiOp {
			return wire.MultiOp{Op: proto.OpDelete, Body: &proto.DeleteRequest{Path: g.path(), Version: g.version()}}
		}},
		{30, func() wire.MultiOp {
			return wire.MultiOp{Op: proto.OpSetData, Body: &proto.SetDataRequest{Path: g.plainPath(), Data: g.data(), Version: g.version()}}
		}},
		{15, func() wire.MultiOp {
			return wire.MultiOp{Op: proto.OpCheck, Body: &proto.CheckVersionRequest{Path: g.plainPath(), Version: g.version()}}
		}},
		{2, func() wire.MultiOp {
			op := pick(g, []proto.Op{proto.OpGetData, proto.OpGetChildren, proto.OpSetACL, proto.OpSync, proto.OpDeleteContainer, 77})
			return wire.MultiOp{Op: op, Body: &proto.WatchableRequest{Path: g.plainPath()}}
		}},
	})
}

func (g *generator) multiRead() request {
	var ops wire.Multi
	for range g.IntN(6) {
		op := pick(g, []proto.Op{proto.OpGetData, proto.OpGetChildren})
		if g.chance(3) {
			op = proto.OpExists
		}
		ops = append(ops, wire.MultiOp{Op: op, Body: &proto.WatchableRequest{Path: g.path(), Watch: g.chance(30)}})
	}
	return g.simple(proto.OpMultiRead, ops)
}

func (g *generator) setWatches() request {
	body := &proto.SetWatchesRequest{
		RelativeZxid: int64(g.IntN(200)), Data: g.paths(), Exist: g.paths(), Child: g.paths(),
	}
	op := proto.OpSetWatches
	if g.chance(60) {
		op, body.HasPersistent = proto.OpSetWatches2, true
		body.Persistent, body.PersistentRecursive = g.paths(), g.paths()
	}
	r := g.simple(op, body)
	r.xid, r.zxidAt = proto.XidSetWatches, 0
	if g.chance(10) {
		r.xid = g.xid
	}
	return r
}

func (g *generator) auth() request {
	packet := &proto.AuthPacket{}
	packet.Scheme, packet.Auth = "digest", []byte(pick(g, []string{"ann:secret", "ann:secret", "bob:builder", "ann:wrong", "nocolon", "", superAuth}))
	if g.chance(12) {
		packet.Scheme = pick(g, []string{"ip", "world", "x509", "sasl", "nope", "", "super"})
	}
	if g.chance(5) {
		packet.Auth = nil
	}
	r := g.simple(proto.OpAuth, packet)
	if g.chance(80) {
		r.xid = proto.XidAuth
	}
	return r
}

func (g *generator) reconfig() request {
	text := func() string {
		return pick(g, []string{"", "server.2=127.0.0.1:2888:3888:participant;2181", "nonsense"})
	}
	return g.simple(proto.OpReconfig, &proto.ReconfigRequest{Joining: text(), Leaving: pick(g, []string{"", "1", "2"}), NewMembers: text(), ConfigVersion: pick(g, []int64{-1, 0, 5})})
}

var (
	validPaths = []string{"/a", "/a/b", "/a/b/c", "/a/d", "/b", "/b/x", "/b/x/y", "/c", "/c/\u00e9\u4e2d"}
	otherPaths = []string{
		"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits",
		"/zookeeper/quota/a/zookeeper_stats", "/zookeeper/x", "/a/s-", "/a/", "/b/", "/b/s-", "/nothing/here",
		"", "a", "//", "//a", "/a//b", "/a/.", "/a/..", "/a/../b", "/a/./b", "/a/b/", "/a\x00", "/a/\x00b", "/a\x01", "/a\x1f", "/a\x7f",
		"/a\u0080", "/a\u009f", "/a\u00a0", "/a\ud7ff", "/a\ue000", "/a\uf8ff", "/a\uf900", "/a\uffef", "/a\ufff0", "/a\ufffd", "/a\uffff",
		"/a\U0001F600", "/a\xff\xfe", "/a\xed\xa0\x80", "/a\xc3", "/.", "/..", "/...", "/a ", "/ a", "/\t",
		"/" + strings.Repeat("long", 700), "/a/" + strings.Repeat("d/", 60) + "e",
	}
)

// plainPath is a path that can exist.
func (g *generator) plainPath() string { return g.below + pick(g, validPaths) }

// path is mostly one that can exist.
func (g *generator) path() string {
	if g.chance(75) || g.below != "" {
		return g.plainPath()
	}
	return pick(g, otherPaths)
}

func (g *generator) paths() []string {
	paths := make([]string, g.IntN(4))
	for i := range paths {
		paths[i] = g.path()
	}
	return paths
}

func (g *generator) version() int32 {
	return pick(g, []int32{-1, -1, -1, -1, 0, 0, 1, 2, 7, -2, math.MaxInt32, math.MinInt32})
}

func (g *generator) data() []byte {
	switch g.IntN(12) {
	case 0:
		return nil
	case 1:
		return []byte{}
	case 2:
		return make([]byte, 100+g.IntN(5000))
	default:
		b := make([]byte, g.IntN(20))
		for i := range b {
			b[i] = byte(g.IntN(256))
		}
		return b
	}
}

// acl is mostly the open one; the others name every scheme, with good and
// bad identities.
func (g *generator) acl() []proto.ACL {
	switch {
	case g.chance(70):
		return proto.OpenACL
	case g.chance(6):
		return nil
	}
	list := []proto.ACL{}
	for range g.IntN(4) {
		list = append(list, proto.ACL{Perms: pick(g, []int32{31, 31, 1, 2, 4, 8, 16, 15, 7, 0, 63, -1}), ID: pick(g, identities)})
	}
	if len(list) > 0 && g.chance(20) {
		list = append(list, list[0])
	}
	return list
}

var identities = []proto.ID{
	proto.Anyone, proto.Anyone, {Scheme: "world", ID: "everyone"}, {Scheme: "auth", ID: ""}, {Scheme: "auth", ID: "ann"},
	{Scheme: "digest", ID: "ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM="}, {Scheme: "digest", ID: "bob:x"}, {Scheme: "digest", ID: "nocolon"},
	{Scheme: "digest", ID: "a:b:c"}, {Scheme: "digest", ID: ""}, {Scheme: "ip", ID: "127.0.0.1"}, {Scheme: "ip", ID: "127.0.0.0/8"},
	{Scheme: "ip", ID: "10.0.0.0/8"}, {Scheme: "ip", ID: "127.0.0.1/33"}, {Scheme: "ip", ID: "localhost"}, {Scheme: "ip", ID: "::1"},
	{Scheme: "ip", ID: "fe80::/10"}, {Scheme: "ip", ID: "1.2.3"}, {Scheme: "ip", ID: ""}, {Scheme: "sasl", ID: "ann"},
	{Scheme: "x509", ID: "CN=ann"}, {Scheme: "super", ID: "super"}, {Scheme: "nope", ID: "x"}, {Scheme: "", ID: ""},
}
