package datadir

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// writer makes znodes of every kind below its root with one session. The
// first error sticks.
type writer struct {
	c    *wire.Client
	root string
	err  error
}

// populate writes below root with c: every kind of znode, every form of ACL
// and data, quotas, multis that succeed and fail, requests that fail. What
// the session owns afterwards is kept alive by the caller.
func populate(c *wire.Client, root string) error {
	w := &writer{c: c, root: root}
	w.create("", []byte("root of "+root), proto.OpenACL, proto.FlagPersistent)
	w.kinds()
	w.acls()
	w.contents()
	w.versions()
	w.counters()
	w.quotas()
	w.multis()
	w.failures()
	if w.err != nil {
		return fmt.Errorf("populate %s: %w", root, w.err)
	}
	return nil
}

func (w *writer) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) create(path string, data []byte, acl []proto.ACL, flags int32) {
	_, err := w.c.Create(w.root+path, data, acl, flags)
	if err != nil {
		w.keep(fmt.Errorf("create %s%s: %w", w.root, path, err))
	}
}

// kinds makes one or more of each kind; some get children, which count.
func (w *writer) kinds() {
	w.create("/kinds", nil, proto.OpenACL, proto.FlagPersistent)
	w.create("/kinds/persistent", []byte("p"), proto.OpenACL, proto.FlagPersistent)
	w.create("/kinds/ephemeral", []byte("e"), proto.OpenACL, proto.FlagEphemeral)
	w.create("/kinds/s-", []byte("s"), proto.OpenACL, proto.FlagPersistentSequential)
	w.create("/kinds/es-", []byte("es"), proto.OpenACL, proto.FlagEphemeralSequential)
	w.create("/kinds/container", []byte("c"), proto.OpenACL, proto.FlagContainer)
	w.create("/kinds/container/child", nil, proto.OpenACL, proto.FlagPersistent)
	for _, ttl := range []int64{1, 600000, 1<<40 - 1} {
		_, err := w.c.CreateTTL(fmt.Sprintf("%s/kinds/ttl-%d", w.root, ttl), []byte("t"), proto.OpenACL, proto.FlagPersistentTTL, ttl)
		w.keep(err)
	}
	_, err := w.c.CreateTTL(w.root+"/kinds/ttls-", nil, proto.OpenACL, proto.FlagPersistentSequentialTTL, 600000)
	w.keep(err)
}

func (w *writer) acls() {
	w.keep(w.c.Auth("digest", "bob:builder"))
	w.create("/acls", nil, proto.OpenACL, proto.FlagPersistent)
	lists := map[string][]proto.ACL{
		"readonly": {{Perms: proto.PermRead, ID: proto.Anyone}},
		"digest":   digestACL(proto.PermAll),
		"auth":     {{Perms: proto.PermAll, ID: proto.ID{Scheme: "auth"}}},
		"ip":       {{Perms: proto.PermAll, ID: proto.ID{Scheme: "ip", ID: "127.0.0.0/8"}}},
		"several": append(digestACL(proto.PermRead|proto.PermWrite),
			proto.ACL{Perms: proto.PermRead, ID: proto.Anyone},
			proto.ACL{Perms: proto.PermAdmin, ID: proto.ID{Scheme: "ip", ID: "10.1.2.3"}}),
	}
	for _, name := range []string{"readonly", "digest", "auth", "ip", "several"} {
		w.create("/acls/"+name, []byte(name), lists[name], proto.FlagPersistent)
	}
	w.create("/acls/changed", nil, proto.OpenACL, proto.FlagPersistent)
	_, err := w.c.SetACL(w.root+"/acls/changed", digestACL(proto.PermRead), 0)
	w.keep(err)
	_, err = w.c.SetACL(w.root+"/acls/digest", proto.OpenACL, -1) // only ann may
	w.expect(proto.ErrNoAuth, err)
}

func (w *writer) contents() {
	w.create("/contents", nil, proto.OpenACL, proto.FlagPersistent)
	for name, data := range map[string][]byte{
		"null": nil, "empty": {}, "zeros": make([]byte, 64), "text": []byte("caf\u00e9 \u2603"),
		"large": bytes.Repeat([]byte("0123456789abcdef"), 12000),
	} {
		w.create("/contents/"+name, data, proto.OpenACL, proto.FlagPersistent)
	}
	w.create("/contents/n\u00e4me \u4e2d\u6587", []byte("unicode"), proto.OpenACL, proto.FlagPersistent)
	path := "/contents"
	for depth := range 12 {
		path += fmt.Sprintf("/level%d", depth)
		w.create(path, nil, proto.OpenACL, proto.FlagPersistent)
	}
	w.create("/wide", nil, proto.OpenACL, proto.FlagPersistent)
	for i := range 40 {
		w.create(fmt.Sprintf("/wide/child%03d", i), []byte{byte(i)}, proto.OpenACL, proto.FlagPersistent)
	}
}

// versions brings every counter of a Stat above zero.
func (w *writer) versions() {
	w.create("/versions", nil, proto.OpenACL, proto.FlagPersistent)
	for i := range int32(5) {
		_, err := w.c.SetData(w.root+"/versions", []byte{byte(i)}, i)
		w.keep(err)
	}
	for i := range int32(3) {
		_, err := w.c.SetACL(w.root+"/versions", proto.OpenACL, i)
		w.keep(err)
	}
	for i := range 7 {
		w.create(fmt.Sprintf("/versions/v%d", i), nil, proto.OpenACL, proto.FlagPersistent)
	}
	for i := range 4 {
		w.keep(w.c.Delete(fmt.Sprintf("%s/versions/v%d", w.root, i), 0))
	}
}

// counters advances sequence numbers past deleted znodes.
func (w *writer) counters() {
	w.create("/counters", nil, proto.OpenACL, proto.FlagPersistent)
	for range 5 {
		path, err := w.c.Create(w.root+"/counters/n-", nil, proto.OpenACL, proto.FlagPersistentSequential)
		w.keep(err)
		if err == nil {
			w.keep(w.c.Delete(path, -1))
		}
	}
	w.create("/counters/n-", nil, proto.OpenACL, proto.FlagPersistentSequential)
}

func (w *writer) quotas() {
	w.create("/quota", nil, proto.OpenACL, proto.FlagPersistent)
	w.create("/quota/before", []byte("12345"), proto.OpenACL, proto.FlagPersistent)
	quota := "/zookeeper/quota" + w.root
	for _, node := range []struct{ path, data string }{
		{quota, ""}, {quota + "/quota", ""},
		{quota + "/quota/zookeeper_limits", "count=100,bytes=5000"},
		{quota + "/quota/zookeeper_stats", "count=2,bytes=5"},
	} {
		_, err := w.c.Create(node.path, []byte(node.data), proto.OpenACL, proto.FlagPersistent)
		w.keep(err)
	}
	w.create("/quota/after", []byte("123"), proto.OpenACL, proto.FlagPersistent)
	_, err := w.c.SetData(w.root+"/quota/before", []byte("1234567890"), -1)
	w.keep(err)
}

func (w *writer) multis() {
	w.create("/multi", nil, proto.OpenACL, proto.FlagPersistent)
	at := func(name string) string { return w.root + "/multi/" + name }
	create := func(name string, flags int32) wire.MultiOp {
		return wire.MultiOp{Op: proto.OpCreate, Body: &proto.CreateRequest{Path: at(name), Data: []byte(name), ACL: proto.OpenACL, Flags: flags}}
	}
	_, err := w.c.Multi(create("a", 0), create("b", proto.FlagEphemeral), create("s-", proto.FlagPersistentSequential),
		wire.MultiOp{Op: proto.OpSetData, Body: &proto.SetDataRequest{Path: at("a"), Data: []byte("again"), Version: 0}},
		wire.MultiOp{Op: proto.OpCheck, Body: &proto.CheckVersionRequest{Path: at("a"), Version: 1}},
		create("gone", 0), wire.MultiOp{Op: proto.OpDelete, Body: &proto.DeleteRequest{Path: at("gone"), Version: -1}})
	w.keep(err)
	_, err = w.c.Multi(create("never", 0), create("a", 0), create("neither", 0))
	w.expect(proto.ErrNodeExists, err)
}

// failures makes requests that end as error transactions in the log.
func (w *writer) failures() {
	_, err := w.c.Create(w.root, nil, proto.OpenACL, 0)
	w.expect(proto.ErrNodeExists, err)
	_, err = w.c.SetData(w.root, nil, 99)
	w.expect(proto.ErrBadVersion, err)
	w.expect(proto.ErrNotEmpty, w.c.Delete(w.root, -1))
	w.expect(proto.ErrNoNode, w.c.Delete(w.root+"/nothing", -1))
}

func (w *writer) expect(code proto.ErrCode, err error) {
	if !errors.Is(err, code) {
		w.keep(fmt.Errorf("expected %w, got %v", code, err))
	}
}
