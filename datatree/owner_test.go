package datatree

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func TestKindOf(t *testing.T) {
	off, on, both := Config{Emulate353TTL: true}, Config{ExtendedTypes: true}, Config{ExtendedTypes: true, Emulate353TTL: true}
	for _, c := range []struct {
		owner                    int64
		without, with, emulating kind
	}{
		{0, kindPersistent, kindPersistent, kindPersistent},
		{0x100000000000001, kindEphemeral, kindEphemeral, kindEphemeral},
		{-1 << 63, kindContainer, kindContainer, kindContainer},
		{-1 << 56, kindEphemeral, kindTTL, kindTTL},
		{TTLOwner(1), kindEphemeral, kindTTL, kindTTL},
		{TTLOwner(1<<40 - 1), kindEphemeral, kindTTL, kindTTL},
		{-1<<56 | 1<<40, kindEphemeral, kindEphemeral, kindTTL}, // an unknown feature
		{-1<<63 | 5000, kindEphemeral, kindEphemeral, kindTTL},  // as 3.5.3 wrote it
		{-1, kindEphemeral, kindEphemeral, kindTTL},
	} {
		got := []kind{off.kindOf(c.owner), on.kindOf(c.owner), both.kindOf(c.owner)}
		if want := []kind{c.without, c.with, c.emulating}; !slices.Equal(got, want) {
			t.Errorf("0x%x: %v, want %v", uint64(c.owner), got, want)
		}
	}
	if tree := New(on); tree.IsEphemeralOwner(TTLOwner(5)) || !tree.IsEphemeralOwner(5) || tree.IsEphemeralOwner(0) || tree.IsEphemeralOwner(ContainerOwner) {
		t.Error("IsEphemeralOwner")
	}
	if TTLOwner(0xABCDEF) != -0x00FFFFFFFF543211 {
		t.Errorf("TTLOwner: %x", uint64(TTLOwner(0xABCDEF)))
	}
}

func TestExpendable(t *testing.T) {
	f := newFeed(modelConfig)
	container := func(path string) {
		f.apply(&proto.CreateContainerTxn{Path: path, ParentCversion: -1})
	}
	ttl := func(path string, ms int64) {
		f.apply(&proto.CreateTTLTxn{Path: path, ParentCversion: -1, TTLMs: ms})
	}
	container("/never")
	container("/used")
	f.create("/used/c", "")
	f.delete("/used/c")
	container("/inuse")
	f.create("/inuse/c", "")
	ttl("/short", 1000)
	ttl("/long", 1_000_000)
	ttl("/parent", 1000)
	f.create("/parent/c", "")
	f.create("/persistent", "")
	f.ephemeral(4, "/ephemeral")
	now := timeAt(f.zxid)
	for _, c := range []struct {
		after, neverUsed int64
		want             []string
	}{
		{0, 0, []string{"/used"}},
		{990, 0, []string{"/short", "/used"}},
		{5000, 10_000, []string{"/short", "/used"}},
		{5000, 4_000, []string{"/never", "/short", "/used"}},
		{2_000_000, 0, []string{"/long", "/short", "/used"}},
	} {
		got := f.t.Expendable(now+c.after, c.neverUsed)
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("after %d ms: %q, want %q", c.after, got, c.want)
		}
	}
	for range 10 {
		f.set("/short", "", 1) // begins anew
	}
	if got := f.t.Expendable(timeAt(f.zxid)+950, 0); !slices.Equal(got, []string{"/used"}) {
		t.Errorf("after a setData: %q", got)
	}
}

// Slots stay right, and memory is given back.
func TestOwnedSet(t *testing.T) {
	var set ownedSet
	var all []*Znode
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		z := &Znode{}
		z.setPlace(kindTTL, 0)
		set.add(z)
		all = append(all, z)
	}
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i, z := range all {
		set.remove(z)
		if len(set) != len(all)-i-1 {
			t.Fatalf("%d left after %d", len(set), i+1)
		}
		for slot, z := range set {
			if z.slot() != slot || z.kind() != kindTTL {
				t.Fatalf("slot %d holds %d, %d", slot, z.slot(), z.kind())
			}
		}
	}
	if cap(set) > 128 {
		t.Errorf("an empty set holds memory for %d", cap(set))
	}
}
