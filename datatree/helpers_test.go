package datatree

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// feed makes entries with growing zxids and times for one tree.
type feed struct {
	t    *Tree
	zxid int64
}

// timeAt is the time of the transaction with that zxid.
func timeAt(zxid int64) int64 { return 1_700_000_000_000 + zxid*10 }

// entryAt builds an entry of the type that belongs to the body.
func entryAt(zxid, session int64, op proto.Op, txn proto.Txn) *proto.Entry {
	return &proto.Entry{
		Header: proto.TxnHeader{ClientID: session, Zxid: zxid, TimeMs: timeAt(zxid), Type: op},
		Txn:    txn,
	}
}

// opOf returns the type of a transaction body; for creates, create.
func opOf(txn proto.Txn) proto.Op {
	switch txn.(type) {
	case *proto.CreateTxn:
		return proto.OpCreate
	case *proto.CreateContainerTxn:
		return proto.OpCreateContainer
	case *proto.CreateTTLTxn:
		return proto.OpCreateTTL
	case *proto.DeleteTxn:
		return proto.OpDelete
	case *proto.SetDataTxn:
		return proto.OpSetData
	case *proto.SetACLTxn:
		return proto.OpSetACL
	case *proto.CheckVersionTxn:
		return proto.OpCheck
	case *proto.CreateSessionTxn:
		return proto.OpCreateSession
	case *proto.CloseSessionTxn:
		return proto.OpCloseSession
	case *proto.ErrorTxn:
		return proto.OpError
	case *proto.MultiTxn:
		return proto.OpMulti
	}
	panic(fmt.Sprintf("no type for %T", txn))
}

// multiOf builds a multi from bodies.
func multiOf(txns ...proto.Txn) *proto.MultiTxn {
	m := &proto.MultiTxn{}
	for _, txn := range txns {
		m.Ops = append(m.Ops, proto.SubTxn{Type: opOf(txn), Body: txn})
	}
	return m
}

// apply applies the body under the next zxid, for session 1.
func (f *feed) apply(txn proto.Txn) Result { return f.applyFor(1, txn) }

func (f *feed) applyFor(session int64, txn proto.Txn) Result {
	f.zxid++
	return f.t.Apply(entryAt(f.zxid, session, opOf(txn), txn))
}

// create creates a persistent znode with open ACL.
func (f *feed) create(path, data string) Result {
	return f.apply(&proto.CreateTxn{Path: path, Data: []byte(data), ACL: proto.OpenACL, ParentCversion: -1})
}

func (f *feed) ephemeral(session int64, path string) Result {
	return f.applyFor(session, &proto.CreateTxn{Path: path, ACL: proto.OpenACL, Ephemeral: true, ParentCversion: -1})
}

func (f *feed) delete(path string) Result { return f.apply(&proto.DeleteTxn{Path: path}) }

func (f *feed) set(path, data string, version int32) Result {
	return f.apply(&proto.SetDataTxn{Path: path, Data: []byte(data), Version: version})
}

func newFeed(cfg Config) *feed { return &feed{t: New(cfg)} }

// nodeImage is all that can be known of a znode.
type nodeImage struct {
	Data     string
	Null     bool
	Stat     Persisted
	Client   proto.Stat
	ACL      string
	Children string
}

// treeImage is all that can be known of a tree's replicated state.
type treeImage struct {
	Nodes      map[string]nodeImage
	Sessions   map[int64]int32
	Ephemerals map[int64]string
	Containers string
	TTLs       string
	Quotas     string
	Digest     uint64
	Size       int64
}

// imageOf copies everything out of a tree, and checks on the way that its
// parts agree with each other.
func imageOf(tb testing.TB, t *Tree) treeImage {
	tb.Helper()
	im := treeImage{
		Nodes: make(map[string]nodeImage), Sessions: make(map[int64]int32), Ephemerals: make(map[int64]string),
		Digest: t.Digest(), Size: t.DataSize(),
	}
	var sum uint64
	size := int64(1) + t.root.dataBytes()
	refs := make(map[aclID]int64)
	t.ordered.Ascend(func(z *Znode) bool {
		path := z.Path()
		if t.Lookup(path) != z {
			tb.Fatalf("%s: the index has another znode than the order", path)
		}
		st := z.Persisted()
		if t.cfg.Digest {
			sum += NodeDigest(path, z.Data(), &st)
		}
		size += utf16Len(z.key()) + int64(len(z.Data()))
		refs[z.acl]++
		im.Nodes[path] = nodeImage{
			Data: string(z.Data()), Null: z.Data() == nil, Stat: st, Client: z.Stat(),
			ACL: fmt.Sprint(t.ACL(z)), Children: fmt.Sprint(childNames(tb, t, z)),
		}
		return true
	})
	if sum != t.Digest() {
		tb.Fatalf("digest is %d, its parts add up to %d", t.Digest(), sum)
	}
	if n := len(im.Nodes); n != t.index.len() || n != t.Nodes()-1 || t.Descendants("/") != n-1 {
		tb.Fatalf("order %d, index %d, count %d, below the root %d", n, t.index.len(), t.Nodes(), t.Descendants("/"))
	}
	for id, entry := range t.acls.entries {
		if entry != nil && aclID(id) > lostACL && entry.refs != refs[aclID(id)] {
			tb.Fatalf("ACL %d has %d users, counted as %d", id, refs[aclID(id)], entry.refs)
		}
	}
	im.Size = size
	for id, timeoutMs := range t.Sessions() {
		im.Sessions[id] = timeoutMs
	}
	count := 0
	for id, paths := range t.EphemeralOwners() {
		if len(paths) > 0 {
			im.Ephemerals[id] = sorted(paths)
		}
		count += len(paths)
	}
	if count != t.EphemeralCount() {
		tb.Fatalf("%d ephemerals, counted as %d", count, t.EphemeralCount())
	}
	im.Containers, im.TTLs = sorted(pathsOf(t.owned.containers)), sorted(pathsOf(t.owned.ttls))
	im.Quotas = sorted(slices.Collect(t.QuotaPaths()))
	return im
}

func pathsOf(set ownedSet) []string {
	var paths []string
	for i, z := range set {
		if z.slot() != i {
			panic(fmt.Sprintf("%s is at %d and thinks at %d", z.Path(), i, z.slot()))
		}
		paths = append(paths, z.Path())
	}
	return paths
}

func sorted(s []string) string {
	s = slices.Clone(s)
	slices.Sort(s)
	return fmt.Sprint(s)
}

// childNames decodes the children vector of a znode.
func childNames(tb testing.TB, t *Tree, z *Znode) []string {
	tb.Helper()
	d := jute.NewDecoder(t.AppendChildren(nil, z))
	names := d.Strings()
	if d.Err() != nil || len(d.Rest()) != 0 {
		tb.Fatalf("children of %s: %v, %d bytes left", z.Path(), d.Err(), len(d.Rest()))
	}
	if len(names) != z.NumChildren() || !slices.IsSorted(names) {
		tb.Fatalf("children of %s: %d of %d, %v", z.Path(), len(names), z.NumChildren(), names)
	}
	return names
}

// diff names what two images do not share.
func (im treeImage) diff(other treeImage) []string {
	var out []string
	for path, n := range im.Nodes {
		if o, ok := other.Nodes[path]; !ok {
			out = append(out, path+" is missing")
		} else if n != o {
			out = append(out, fmt.Sprintf("%s:\n  want %+v\n  have %+v", path, n, o))
		}
	}
	for path := range other.Nodes {
		if _, ok := im.Nodes[path]; !ok {
			out = append(out, path+" should not be there")
		}
	}
	if !maps.Equal(im.Sessions, other.Sessions) {
		out = append(out, fmt.Sprintf("sessions: want %v, have %v", im.Sessions, other.Sessions))
	}
	if !maps.Equal(im.Ephemerals, other.Ephemerals) {
		out = append(out, fmt.Sprintf("ephemerals: want %v, have %v", im.Ephemerals, other.Ephemerals))
	}
	if im.Containers != other.Containers || im.TTLs != other.TTLs || im.Quotas != other.Quotas {
		out = append(out, fmt.Sprintf("sets: want %s %s %s, have %s %s %s",
			im.Containers, im.TTLs, im.Quotas, other.Containers, other.TTLs, other.Quotas))
	}
	if im.Digest != other.Digest {
		out = append(out, fmt.Sprintf("digest: want %d, have %d", im.Digest, other.Digest))
	}
	slices.Sort(out)
	return out
}

// mustEqual fails the test with the first differences of two images.
func mustEqual(tb testing.TB, want, have treeImage) {
	tb.Helper()
	if d := want.diff(have); len(d) > 0 {
		for _, line := range d[:min(len(d), 10)] {
			tb.Error(line)
		}
		tb.FailNow()
	}
}

// snapshotBytes writes a snapshot of a tree that nobody changes.
func snapshotBytes(tb testing.TB, t *Tree) []byte {
	tb.Helper()
	var b bytes.Buffer
	s := t.Snapshot(&sync.Mutex{})
	defer s.Close()
	n, err := s.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		tb.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

const testMaxBytes = 1 << 20

func decodeBytes(t *Tree, stream []byte) error {
	return t.Decode(jute.NewReader(bufio.NewReader(bytes.NewReader(stream)), testMaxBytes))
}

// reloaded returns a tree decoded from a snapshot.
func reloaded(tb testing.TB, cfg Config, stream []byte) *Tree {
	tb.Helper()
	t := New(cfg)
	if err := decodeBytes(t, stream); err != nil {
		tb.Fatal(err)
	}
	return t
}

func bufioWriter(w io.Writer) *bufio.Writer { return bufio.NewWriter(w) }
