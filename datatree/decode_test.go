package datatree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// stream builds parts 2 to 5 of a snapshot.
type stream struct{ b []byte }

func newStream() *stream { return &stream{b: jute.AppendInt(jute.AppendInt(nil, 0), 0)} }

func (s *stream) node(path, data string, acl int64, st Persisted) *stream {
	s.b = jute.AppendString(s.b, path)
	s.b = jute.AppendBuffer(s.b, []byte(data))
	s.b = st.Append(jute.AppendLong(s.b, acl))
	return s
}

func (s *stream) nodes(paths ...string) *stream {
	for _, path := range paths {
		s.node(path, "x", -1, Persisted{})
	}
	return s
}

func (s *stream) end() []byte { return jute.AppendString(s.b, "/") }

func TestDecodeRefuses(t *testing.T) {
	long := func(n int) []byte { return bytes.Repeat([]byte{0}, n) }
	for name, c := range map[string]struct {
		stream []byte
		want   error
	}{
		"nothing":                 {nil, io.EOF},
		"no nodes":                {newStream().end(), ErrSnapshot},
		"no root":                 {newStream().nodes("/a").end(), ErrSnapshot},
		"root twice":              {newStream().nodes("", "").end(), ErrSnapshot},
		"node twice":              {newStream().nodes("", "/a", "/a").end(), ErrSnapshot},
		"child before its parent": {newStream().nodes("", "/a/b", "/a").end(), ErrSnapshot},
		"path without a slash":    {newStream().nodes("", "a").end(), ErrSnapshot},
		"no end":                  {newStream().nodes("", "/a").b, io.EOF},
		"session cut off":         {append(jute.AppendInt(nil, 1), long(5)...), io.ErrUnexpectedEOF},
		"sessions without end":    {jute.AppendInt(nil, 1<<31-1), io.EOF},
		"ACLs without end":        {jute.AppendInt(jute.AppendInt(nil, 0), 1<<31-1), io.EOF},
		"null ACL":                {jute.AppendInt(jute.AppendLong(jute.AppendInt(jute.AppendInt(nil, 0), 1), 1), -1), ErrSnapshot},
		"ACL of many entries":     {jute.AppendInt(jute.AppendLong(jute.AppendInt(jute.AppendInt(nil, 0), 1), 1), testMaxBytes), io.EOF},
		"ACL of too many entries": {jute.AppendInt(jute.AppendLong(jute.AppendInt(jute.AppendInt(nil, 0), 1), 1), 1<<30), jute.ErrLength},
		"ACL of -2 entries":       {jute.AppendInt(jute.AppendLong(jute.AppendInt(jute.AppendInt(nil, 0), 1), 1), -2), jute.ErrLength},
		"path too long":           {jute.AppendInt(newStream().b, testMaxBytes+1), jute.ErrLength},
		"data too long":           {jute.AppendInt(jute.AppendString(newStream().b, ""), testMaxBytes+1), jute.ErrLength},
		"data cut off":            {jute.AppendInt(jute.AppendString(newStream().b, ""), 1000), io.ErrUnexpectedEOF},
		"stat cut off":            {newStream().nodes("").b[:50], io.ErrUnexpectedEOF},
	} {
		tree := New(modelConfig)
		f := feed{t: tree}
		f.create("/before", "")
		err := decodeBytes(tree, c.stream)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if d := imageOf(t, New(modelConfig)).diff(imageOf(t, tree)); len(d) > 0 {
			t.Errorf("%s: the tree is not as new: %s", name, d[0])
		}
	}
}

func TestDecodeReads(t *testing.T) {
	b := jute.AppendInt(nil, 2) // sessions, one of them twice
	for _, ms := range []int32{3000, 5000} {
		b = jute.AppendInt(jute.AppendLong(b, 7), ms)
	}
	b = jute.AppendInt(b, 4) // ACL lists with ids as they come, one of them unused
	lists := map[int64][]proto.ACL{
		9: {{Perms: 8, ID: proto.Anyone}}, 500: {{Perms: 1, ID: proto.Anyone}}, 1: {{Perms: 3, ID: proto.Anyone}}, 1 << 40: {},
	}
	for id, acl := range lists {
		b = proto.AppendACLs(jute.AppendLong(b, id), acl)
	}
	s := &stream{b: b}
	s.node("", "root", -1, Persisted{Cversion: 4})
	s.node("/e", "", 500, Persisted{EphemeralOwner: 7, Version: 3})
	s.node("/c", "", 1, Persisted{EphemeralOwner: ContainerOwner})
	s.node("/t", "", 1<<40, Persisted{EphemeralOwner: TTLOwner(9)})
	s.node("/lost", "", 77, Persisted{})
	s.node("/c/\xff\xfe", "", 1, Persisted{})
	tree := New(modelConfig)
	if err := decodeBytes(tree, s.end()); err != nil {
		t.Fatal(err)
	}
	imageOf(t, tree)
	if ms, _ := tree.SessionTimeoutMs(7); ms != 5000 {
		t.Errorf("timeout %d", ms)
	}
	for path, id := range map[string]int64{"/e": 500, "/c": 1, "/t": 1 << 40} {
		if got := tree.ACL(tree.Lookup(path)); fmt.Sprint(got) != fmt.Sprint(lists[id]) {
			t.Errorf("%s: ACL %v, want %v", path, got, lists[id])
		}
	}
	if n := len(tree.acls.byKey); n != 3 {
		t.Errorf("%d ACL lists, 3 are in use", n)
	}
	if z := tree.Lookup("/c/\uFFFD\uFFFD"); z == nil || tree.Lookup("/c").NumChildren() != 1 {
		t.Error("bytes that are not UTF-8 read as replacement characters")
	}
	if len(tree.owned.containers) != 1 || len(tree.owned.ttls) != 1 || !strings.Contains(fmt.Sprint(tree.Ephemerals(7)), "/e") {
		t.Error("owners are not filed")
	}
	if tree.LostACLs() != 1 || fmt.Sprint(tree.ACL(tree.Lookup("/lost"))) != "[{0 {world anyone}}]" {
		t.Errorf("%d lost ACLs, %v", tree.LostACLs(), tree.ACL(tree.Lookup("/lost")))
	}
	// What is lost stays closed, also after it went through our own snapshot.
	again := reloaded(t, modelConfig, snapshotBytes(t, tree))
	mustEqual(t, imageOf(t, tree), imageOf(t, again))
	if again.LostACLs() != 0 {
		t.Error("our own snapshot defines every ACL")
	}
	again.Apply(entryAt(1, 1, proto.OpSetACL, &proto.SetACLTxn{Path: "/lost", ACL: proto.OpenACL, Version: 1}))
	tree.Apply(entryAt(1, 1, proto.OpSetACL, &proto.SetACLTxn{Path: "/lost", ACL: proto.OpenACL, Version: 1}))
	if tree.LostACLs() != 0 {
		t.Error("setACL mends a lost ACL")
	}
}

// A stream that promises more than it has costs no memory to speak of.
func TestDecodeMemory(t *testing.T) {
	for _, b := range [][]byte{
		jute.AppendInt(nil, 1<<31-1),
		jute.AppendInt(jute.AppendInt(nil, 0), 1<<31-1),
		jute.AppendInt(jute.AppendLong(jute.AppendInt(jute.AppendInt(nil, 0), 1<<30), 1), testMaxBytes),
		jute.AppendInt(jute.AppendString(newStream().b, ""), testMaxBytes),
	} {
		tree := New(modelConfig)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := decodeBytes(tree, b); err == nil {
			t.Fatal("decoded")
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 2*testMaxBytes {
			t.Errorf("%x: %d bytes allocated", b, n)
		}
	}
}

// Whatever the bytes, decoding ends, in an error or in a tree that agrees
// with itself and survives being written and read again.
func FuzzDecode(f *testing.F) {
	seed := newFeed(modelConfig)
	seed.create("/a", "data")
	seed.apply(&proto.CreateTxn{Path: "/a/b", ACL: []proto.ACL{{Perms: 1, ID: proto.Anyone}}, ParentCversion: -1})
	seed.ephemeral(5, "/a/e")
	seed.quota("/a", "count=1,bytes=1")
	seed.applyFor(5, &proto.CreateSessionTxn{TimeoutMs: 1})
	var b bytes.Buffer
	s := seed.t.Snapshot(noLock{})
	if _, err := s.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(newStream().nodes("", "/a", "/a/", "/a//", "/\xff").end())
	f.Add(newStream().node("", "", 5, Persisted{EphemeralOwner: -1}).node("/x", "", 5, Persisted{EphemeralOwner: -1}).end())
	f.Fuzz(func(t *testing.T, b []byte) {
		tree := New(modelConfig)
		if err := decodeBytes(tree, b); err != nil {
			return
		}
		want := imageOf(t, tree)
		mustEqual(t, want, imageOf(t, reloaded(t, modelConfig, snapshotBytes(t, tree))))
	})
}

// FuzzReplay applies a log of any bytes to a tree: it stays a tree.
func FuzzReplay(f *testing.F) {
	tree := New(modelConfig)
	g := newGenerator(3, tree)
	var log []byte
	for range 40 {
		e := g.next()
		tree.Apply(e)
		b := e.Append(nil)
		log = append(jute.AppendInt(log, int32(len(b))), b...)
	}
	f.Add(log)
	f.Fuzz(func(t *testing.T, log []byte) {
		tree := New(modelConfig)
		d := jute.NewDecoder(log)
		for len(d.Rest()) > 0 && d.Err() == nil {
			if e, err := proto.DecodeEntry(d.Buffer()); err == nil {
				tree.Apply(&e)
			}
		}
		tree.EndRecovery()
		if tree.Lookup(systemPath) == nil {
			return
		}
		want := imageOf(t, tree)
		mustEqual(t, want, imageOf(t, reloaded(t, modelConfig, snapshotBytes(t, tree))))
	})
}

type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}
