package prepare

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/session"
)

// fakeSessions lets every session act that is not closing.
type fakeSessions map[int64]bool

func (f fakeSessions) Check(id int64, _ *session.Owner) proto.ErrCode {
	if f[id] {
		return proto.ErrSessionExpired
	}
	return proto.OK
}

func (f fakeSessions) CheckGlobal(id int64, owner *session.Owner) proto.ErrCode {
	return f.Check(id, owner)
}

func (f fakeSessions) SetClosing(id int64) { f[id] = true }

// bench is a preparer with its tree. Writes wait in the overlay until apply.
type bench struct {
	t       *testing.T
	p       *Preparer
	tree    *datatree.Tree
	waiting []proto.Entry
}

const me = 0x100

func newBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	registry, err := auth.New(auth.Config{DigestEnabled: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{ExtendedTypes: true, CloseSessionPaths: true, Digest: true, MaxTxnBytes: 1 << 20}
	for _, f := range change {
		f(&cfg)
	}
	tree := datatree.New(datatree.Config{Digest: true, ExtendedTypes: true})
	return &bench{t: t, tree: tree, p: New(cfg, tree, registry, fakeSessions{})}
}

type appender interface{ Append([]byte) []byte }

// write prepares one write and leaves it waiting.
func (b *bench) write(op proto.Op, record appender) Result {
	b.t.Helper()
	r := &Request{Session: me, Op: op, TimeMs: 1000, IDs: []proto.ID{{Scheme: "ip", ID: "127.0.0.1"}}}
	if record != nil {
		r.Body = record.Append(nil)
	}
	result := b.p.Prepare(r)
	for i := range r.Body { // as the next request will: nothing may share its memory
		r.Body[i] = 0xAA
	}
	if !result.Malformed {
		b.waiting = append(b.waiting, result.Entry)
		decoded, err := proto.DecodeEntry(result.Raw)
		if err != nil || !reflect.DeepEqual(decoded.Header, result.Entry.Header) {
			b.t.Errorf("Raw does not hold the entry: %+v, %v", decoded, err)
		}
	}
	return result
}

// apply applies everything that waits, and checks each predicted digest.
func (b *bench) apply() {
	b.t.Helper()
	for i := range b.waiting {
		e := &b.waiting[i]
		b.tree.Apply(e)
		if e.HasDigest == (e.Header.Type == proto.OpError) {
			b.t.Errorf("zxid 0x%x (%s): digest is there: %v", e.Header.Zxid, e.Header.Type, e.HasDigest)
		}
		if e.HasDigest && b.tree.Digest() != e.Digest.TreeDigest {
			b.t.Errorf("zxid 0x%x (%s): digest predicted %x, is %x", e.Header.Zxid, e.Header.Type, e.Digest.TreeDigest, b.tree.Digest())
		}
	}
	b.waiting = nil
}

// code is the error of a result; OK for a transaction that is no error.
func code(r Result) proto.ErrCode {
	if r.Malformed {
		return proto.ErrMarshalling
	}
	if txn, failed := r.Entry.Txn.(*proto.ErrorTxn); failed {
		return txn.Err
	}
	return proto.OK
}

func (b *bench) must(op proto.Op, record appender) {
	b.t.Helper()
	if got := code(b.write(op, record)); got != proto.OK {
		b.t.Fatalf("%s %+v: %v", op, record, got)
	}
}

func create(path string, flags int32) *proto.CreateRequest {
	return &proto.CreateRequest{Path: path, Data: []byte("x"), ACL: proto.OpenACL, Flags: flags}
}

func withACL(path string, acl ...proto.ACL) *proto.CreateRequest {
	return &proto.CreateRequest{Path: path, ACL: acl}
}

func ttl(path string, ms int64, flags int32) *proto.CreateRequest {
	return &proto.CreateRequest{Path: path, ACL: proto.OpenACL, Flags: flags, TTLMs: ms, HasTTL: true}
}

// TestChecks runs each check in Apache's order, once against changes that are
// still pending and once against an applied tree.
func TestChecks(t *testing.T) {
	world := func(perms int32) proto.ACL { return proto.ACL{Perms: perms, ID: proto.Anyone} }
	setup := []struct {
		op  proto.Op
		rec appender
	}{
		{proto.OpCreate, create("/a", 0)},
		{proto.OpCreate, create("/a/child", 0)},
		{proto.OpCreate, create("/e", proto.FlagEphemeral)},
		{proto.OpCreate, withACL("/readonly", world(proto.PermRead))},
		{proto.OpCreateContainer, create("/container", proto.FlagContainer)},
		{proto.OpCreate, create("/gone", 0)},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/gone", Version: -1}},
	}
	for _, c := range []struct {
		op   proto.Op
		rec  appender
		want proto.ErrCode
	}{
		{proto.OpCreate, create("/new", 0), proto.OK},
		{proto.OpCreate, create("/gone", 0), proto.OK},
		{proto.OpCreate, create("/a/s-", 2), proto.OK},
		{proto.OpCreate, create("/new", 7), proto.ErrBadArguments},
		{proto.OpCreate, create("/new", -1), proto.ErrBadArguments},
		{proto.OpCreate, create("new", 0), proto.ErrBadArguments},
		{proto.OpCreate, create("", 0), proto.ErrBadArguments},
		{proto.OpCreate, create("/new/", 0), proto.ErrNoNode},
		{proto.OpCreate, create("/a/", 0), proto.ErrBadArguments},
		{proto.OpCreate, create("/a/", 2), proto.OK},
		{proto.OpCreate, create("/a/..", 0), proto.ErrBadArguments},
		{proto.OpCreate, create("/a/b\x00", 0), proto.ErrBadArguments},
		{proto.OpCreate, create("/", 0), proto.ErrNodeExists},
		{proto.OpCreate, create("/a", 0), proto.ErrNodeExists},
		{proto.OpCreate, create("/none/x", 0), proto.ErrNoNode},
		{proto.OpCreate, create("/gone/x", 0), proto.ErrNoNode},
		{proto.OpCreate, create("/e/x", 0), proto.ErrNoChildrenForEphemeral},
		{proto.OpCreate, create("/container/x", 0), proto.OK},
		{proto.OpCreate, create("/readonly/x", 0), proto.ErrNoAuth},
		{proto.OpCreate, withACL("/new"), proto.ErrInvalidACL},
		{proto.OpCreate, withACL("/new", proto.ACL{Perms: 1, ID: proto.ID{Scheme: "nope", ID: "x"}}), proto.ErrInvalidACL},
		{proto.OpCreate, withACL("/none/x"), proto.ErrInvalidACL}, // before NoNode
		{proto.OpCreate, create("/new", proto.FlagPersistentTTL), proto.ErrBadArguments},
		{proto.OpCreateTTL, ttl("/new", 1000, proto.FlagPersistentTTL), proto.OK},
		{proto.OpCreateTTL, ttl("/new", 0, proto.FlagPersistentTTL), proto.ErrBadArguments},
		{proto.OpCreateTTL, ttl("/new", 1<<40, proto.FlagPersistentTTL), proto.ErrBadArguments},
		{proto.OpCreateTTL, ttl("/new", 1000, 0), proto.ErrBadArguments},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/a", Version: -1}, proto.ErrNotEmpty},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/a", Version: 5}, proto.ErrBadVersion}, // before NotEmpty
		{proto.OpDelete, &proto.DeleteRequest{Path: "/a/child", Version: 0}, proto.OK},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/a/child/"}, proto.ErrNoNode},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/gone", Version: -1}, proto.ErrNoNode},
		{proto.OpDelete, &proto.DeleteRequest{Path: "nope", Version: -1}, proto.ErrBadArguments},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/", Version: -1}, proto.ErrBadArguments},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/zookeeper/quota", Version: -1}, proto.ErrBadArguments},
		{proto.OpDeleteContainer, &proto.DeleteContainerRequest{Path: "/container"}, proto.OK},
		{proto.OpDeleteContainer, &proto.DeleteContainerRequest{Path: "/a"}, proto.ErrNotEmpty},
		{proto.OpDeleteContainer, &proto.DeleteContainerRequest{Path: "/e"}, proto.ErrBadVersion},
		{proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: 0}, proto.OK},
		{proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: 1}, proto.ErrBadVersion},
		{proto.OpSetData, &proto.SetDataRequest{Path: "/readonly", Version: 9}, proto.ErrNoAuth}, // before BadVersion
		{proto.OpSetData, &proto.SetDataRequest{Path: "/none", Version: -1}, proto.ErrNoNode},
		{proto.OpSetData, &proto.SetDataRequest{Path: "/a/", Version: -1}, proto.ErrBadArguments},
		{proto.OpSetACL, &proto.SetACLRequest{Path: "/a", ACL: proto.OpenACL, Version: 0}, proto.OK},
		{proto.OpSetACL, &proto.SetACLRequest{Path: "/a", ACL: proto.OpenACL, Version: 3}, proto.ErrBadVersion},
		{proto.OpSetACL, &proto.SetACLRequest{Path: "/none", Version: -1}, proto.ErrInvalidACL}, // before NoNode
		{proto.OpSetACL, &proto.SetACLRequest{Path: "/readonly", ACL: proto.OpenACL, Version: -1}, proto.ErrNoAuth},
		{proto.OpReconfig, &proto.ReconfigRequest{ConfigVersion: -1}, proto.ErrReconfigDisabled},
		{proto.OpCreate, &proto.PathRequest{Path: "/short"}, proto.ErrMarshalling},
		{proto.OpSetData, nil, proto.ErrMarshalling},
	} {
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %v applied=%v", c.op, c.rec, applied), func(t *testing.T) {
				b := newBench(t)
				for _, s := range setup {
					b.must(s.op, s.rec)
				}
				if applied {
					b.apply()
				}
				before := b.p.Zxid()
				got := b.write(c.op, c.rec)
				if code(got) != c.want {
					t.Errorf("got %v, want %v", code(got), c.want)
				}
				spent := b.p.Zxid() - before
				if malformed := c.want == proto.ErrMarshalling; malformed != got.Malformed || malformed == (spent == 1) {
					t.Errorf("malformed %v, zxids spent %d", got.Malformed, spent)
				}
				b.apply()
			})
		}
	}
}

func TestSequence(t *testing.T) {
	b := newBench(t)
	b.must(proto.OpCreate, create("/q", 0))
	var paths []string
	for i := range 4 {
		result := b.write(proto.OpCreate, create("/q/n-", proto.FlagPersistentSequential))
		paths = append(paths, result.Entry.Txn.(*proto.CreateTxn).Path)
		if i == 1 {
			b.apply()
			b.must(proto.OpDelete, &proto.DeleteRequest{Path: paths[0], Version: -1}) // does not count
		}
	}
	if got := strings.Join(paths, " "); got != "/q/n-0000000000 /q/n-0000000001 /q/n-0000000002 /q/n-0000000003" {
		t.Error(got)
	}
	b.apply()
}

type sub struct {
	op  proto.Op
	rec appender
}

// multi is the body of a multi.
type multi []sub

func (m multi) Append(b []byte) []byte {
	for _, s := range m {
		b = s.rec.Append(proto.MultiHeader{Op: s.op, Err: -1}.Append(b))
	}
	return proto.MultiEnd.Append(b)
}

// codes lists the errors of a multi's sub-transactions.
func codes(t *testing.T, r Result) []proto.ErrCode {
	t.Helper()
	txn, ok := r.Entry.Txn.(*proto.MultiTxn)
	if !ok {
		t.Fatalf("%T is no multi", r.Entry.Txn)
	}
	var all []proto.ErrCode
	for _, op := range txn.Ops {
		code := proto.OK
		if failed, ok := op.Body.(*proto.ErrorTxn); ok {
			code = failed.Err
		}
		all = append(all, code)
	}
	return all
}

func TestMulti(t *testing.T) {
	b := newBench(t)
	good := b.write(proto.OpMulti, multi{
		{proto.OpCreate, create("/m", 0)},
		{proto.OpCreate, create("/m/s-", 2)},
		{proto.OpSetData, &proto.SetDataRequest{Path: "/m", Version: 0}},
		{proto.OpCheck, &proto.CheckVersionRequest{Path: "/m", Version: 1}},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/m/s-0000000000", Version: -1}},
	})
	if got := codes(t, good); !reflect.DeepEqual(got, []proto.ErrCode{0, 0, 0, 0, 0}) {
		t.Fatal(got)
	}
	bad := b.write(proto.OpMulti, multi{
		{proto.OpCreate, create("/m/s-", 2)},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/m", Version: -1}},
		{proto.OpCreate, create("/never", 0)},
	})
	if got := codes(t, bad); !reflect.DeepEqual(got, []proto.ErrCode{0, proto.ErrNotEmpty, proto.ErrRuntimeInconsistency}) {
		t.Fatal(got)
	}
	// What the failed multi had changed is taken back: the next name is the
	// one it had, and what it deleted or created is as before.
	next := b.write(proto.OpCreate, create("/m/s-", 2))
	if path := next.Entry.Txn.(*proto.CreateTxn).Path; path != "/m/s-0000000001" {
		t.Errorf("next sequential %q", path)
	}
	if got := code(b.write(proto.OpCreate, create("/never/x", 0))); got != proto.ErrNoNode {
		t.Errorf("a child of what was rolled back: %v", got)
	}
	b.apply()
}

func TestMultiMalformed(t *testing.T) {
	for name, m := range map[string]multi{
		"read op":          {{proto.OpGetData, &proto.WatchableRequest{Path: "/"}}},
		"mixed":            {{proto.OpCreate, create("/a", 0)}, {proto.OpGetData, &proto.WatchableRequest{Path: "/"}}},
		"unknown op":       {{proto.Op(77), &proto.PathRequest{Path: "/"}}},
		"deleteContainer":  {{proto.OpDeleteContainer, &proto.DeleteContainerRequest{Path: "/"}}},
		"flags of no kind": {{proto.OpCreate, create("/a", 9)}},
		"flags of a TTL":   {{proto.OpCreateContainer, create("/a", proto.FlagPersistentTTL)}},
		"short":            {{proto.OpCreate, &proto.PathRequest{Path: "/"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			before := b.p.Zxid()
			r := b.write(proto.OpMulti, m)
			if code(r) != proto.ErrMarshalling || r.Malformed || b.p.Zxid() != before+1 {
				t.Errorf("%v, malformed %v, zxids spent %d: want a transaction of MarshallingError", code(r), r.Malformed, b.p.Zxid()-before)
			}
			b.apply()
		})
	}
	b := newBench(t)
	if r := b.write(proto.OpMulti, multi{{proto.OpCreate, withNoACL("/a")}}); !r.Malformed {
		t.Errorf("a null ACL: %+v, want no transaction", r.Entry)
	}
	if got := codes(t, b.write(proto.OpMulti, multi{})); len(got) != 0 {
		t.Errorf("an empty multi: %v", got)
	}
}

func withNoACL(path string) *proto.CreateRequest { return &proto.CreateRequest{Path: path} }

// TestMultiCreateTypes checks what becomes of creates whose op and flags
// differ, inside a multi and alone.
func TestMultiCreateTypes(t *testing.T) {
	for _, c := range []struct {
		sub   sub
		multi proto.Op
	}{
		{sub{proto.OpCreate, create("/x", proto.FlagContainer)}, proto.OpCreateContainer},
		{sub{proto.OpCreate2, create("/x", 0)}, proto.OpCreate2},
		{sub{proto.OpCreateContainer, create("/x", 0)}, proto.OpCreateContainer},
		{sub{proto.OpCreateTTL, ttl("/x", 5, 0)}, proto.OpCreate},
		{sub{proto.OpCreateTTL, ttl("/x", 5, proto.FlagContainer)}, proto.OpCreateContainer},
		{sub{proto.OpCreateTTL, ttl("/x", 5, proto.FlagPersistentTTL)}, proto.OpCreateTTL},
		{sub{proto.OpCreateTTL, ttl("/x", 5, 9)}, proto.OpError},
	} {
		b := newBench(t)
		txn := b.write(proto.OpMulti, multi{c.sub}).Entry.Txn.(*proto.MultiTxn)
		if got := txn.Ops[0].Type; got != c.multi {
			t.Errorf("%s %+v becomes %s, want %s", c.sub.op, c.sub.rec, got, c.multi)
		}
		b.apply()
	}
}

// TestCloseSession closes a session whose ephemerals are applied, pending,
// deleted meanwhile, or another's.
func TestCloseSession(t *testing.T) {
	b := newBench(t)
	b.must(proto.OpCreate, create("/p", 0))
	b.must(proto.OpCreate, create("/p/applied", proto.FlagEphemeral))
	b.must(proto.OpCreate, create("/p/deleted", proto.FlagEphemeral))
	b.apply()
	b.must(proto.OpDelete, &proto.DeleteRequest{Path: "/p/deleted", Version: -1})
	b.must(proto.OpCreate, create("/p/pending", proto.FlagEphemeral))
	b.must(proto.OpCreate, create("/p/short-lived", proto.FlagEphemeral))
	b.must(proto.OpDelete, &proto.DeleteRequest{Path: "/p/short-lived", Version: -1})
	r := b.write(proto.OpCloseSession, nil)
	if got := r.Entry.Txn.(*proto.CloseSessionTxn).Paths; !reflect.DeepEqual(got, []string{"/p/applied", "/p/pending"}) {
		t.Errorf("closes %q", got)
	}
	if got := code(b.write(proto.OpCreate, create("/p/late", 0))); got != proto.ErrSessionExpired {
		t.Errorf("a write of the closing session: %v", got)
	}
	b.apply()
	if z := b.tree.Lookup("/p"); z.NumChildren() != 0 {
		t.Errorf("%d children left", z.NumChildren())
	}
}

// TestCloseOversizedSession splits what no peer could read in one piece.
func TestCloseOversizedSession(t *testing.T) {
	const ephemerals, limit = 100, 1 << 10
	b := newBench(t, func(c *Config) { c.MaxTxnBytes = limit })
	for i := range ephemerals {
		b.must(proto.OpCreate, create(fmt.Sprintf("/%s-%03d", strings.Repeat("e", 30), i), proto.FlagEphemeral))
	}
	b.apply()
	for _, group := range b.p.Oversized(me) {
		r := b.p.PrepareDeletes(me, group, 1000)
		if len(r.Raw) > limit {
			t.Errorf("a transaction of %d bytes, allowed are %d", len(r.Raw), limit)
		}
		b.waiting = append(b.waiting, r.Entry)
	}
	if len(b.waiting) < 2 {
		t.Errorf("%d transactions ahead of the close", len(b.waiting))
	}
	r := b.write(proto.OpCloseSession, nil)
	if code(r) != proto.OK || len(r.Raw) > limit {
		t.Errorf("close: %v, %d bytes", code(r), len(r.Raw))
	}
	b.apply()
	if left := b.tree.Ephemerals(me); len(left) != 0 {
		t.Errorf("%d ephemerals left", len(left))
	}
}

// TestShrinkBesideWrites deletes a group after other writes have come in
// between: what the session owns no longer is left alone.
func TestShrinkBesideWrites(t *testing.T) {
	b := newBench(t)
	paths := []string{"/gone", "/another's", "/mine"}
	for _, path := range paths {
		b.must(proto.OpCreate, create(path, proto.FlagEphemeral))
	}
	for _, path := range paths[:2] {
		b.must(proto.OpDelete, &proto.DeleteRequest{Path: path, Version: -1})
	}
	b.must(proto.OpCreate, create("/another's", 0))
	b.waiting = append(b.waiting, b.p.PrepareDeletes(me, paths, 1000).Entry)
	b.apply()
	if b.tree.Lookup("/another's") == nil || b.tree.Lookup("/mine") != nil {
		t.Error("deleted what the session does not own, or left what it owns")
	}
}

// TestExpandedACLs names the scheme auth in each op of a multi. What that
// becomes is bounded before all of it is there.
func TestExpandedACLs(t *testing.T) {
	const limit = 4 << 10
	b := newBench(t, func(c *Config) { c.MaxTxnBytes = limit })
	ids := []proto.ID{{Scheme: "digest", ID: strings.Repeat("u", 1000)}}
	var ops multi
	for i := range 100 {
		ops = append(ops, sub{proto.OpCreate, withACL(fmt.Sprintf("/%d", i), proto.ACL{Perms: 31, ID: proto.ID{Scheme: "auth"}})})
	}
	r := b.p.Prepare(&Request{Session: me, Op: proto.OpMulti, Body: ops.Append(nil), IDs: ids})
	if got := code(r); got != proto.ErrMarshalling {
		t.Errorf("%v", got)
	}
	if most := limit + 1100; b.p.aclBytes > most {
		t.Errorf("%d bytes of ACLs were made, where %d are too many", b.p.aclBytes, limit)
	}
	b.must(proto.OpCreate, create("/after", 0))
	b.apply()
}

// TestOversizedWrite refuses what no peer could read, without a trace.
func TestOversizedWrite(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxTxnBytes = 200 })
	big := create("/big", 0)
	big.Data = make([]byte, 200)
	if got := code(b.write(proto.OpCreate, big)); got != proto.ErrMarshalling {
		t.Errorf("%v", got)
	}
	b.must(proto.OpCreate, create("/big", 0))
	b.apply()
}

func FuzzPrepare(f *testing.F) {
	for _, s := range []sub{
		{proto.OpCreate, create("/a", 3)}, {proto.OpCreateTTL, ttl("/b", 5, 6)},
		{proto.OpMulti, multi{{proto.OpCreate, create("/m", 0)}, {proto.OpDelete, &proto.DeleteRequest{Path: "/m"}}}},
		{proto.OpSetACL, &proto.SetACLRequest{Path: "/", ACL: proto.OpenACL, Version: -1}},
	} {
		f.Add(int32(s.op), s.rec.Append(nil))
	}
	writes := map[proto.Op]bool{
		proto.OpCreate: true, proto.OpCreate2: true, proto.OpCreateContainer: true, proto.OpCreateTTL: true,
		proto.OpDelete: true, proto.OpDeleteContainer: true, proto.OpSetData: true, proto.OpSetACL: true,
		proto.OpReconfig: true, proto.OpMulti: true, proto.OpCloseSession: true,
	}
	registry, err := auth.New(auth.Config{DigestEnabled: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, op int32, body []byte) {
		if !writes[proto.Op(op)] {
			return
		}
		tree := datatree.New(datatree.Config{Digest: true, ExtendedTypes: true})
		p := New(Config{Digest: true, ExtendedTypes: true, MaxTxnBytes: 1 << 20}, tree, registry, fakeSessions{})
		r := p.Prepare(&Request{Session: me, Op: proto.Op(op), Body: body})
		if r.Malformed {
			return
		}
		tree.Apply(&r.Entry)
		if r.Entry.HasDigest && tree.Digest() != r.Entry.Digest.TreeDigest {
			t.Errorf("digest predicted %x, is %x", r.Entry.Digest.TreeDigest, tree.Digest())
		}
	})
}

func TestSequenceDigits(t *testing.T) {
	b := newBench(t)
	for _, n := range []int32{0, 1, 9, 10, 999_999_999, 1_000_000_000, 1<<31 - 1, -1, -999_999_999, -1_000_000_000, -1 << 31} {
		if got, want := string(b.p.sequence(n)), fmt.Sprintf("%010d", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
