package datatree

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
)

// fill makes n znodes below /base, with some ACLs and owners.
func fill(g *generator, n int) {
	f := feed{t: g.t, zxid: g.zxid}
	f.create("/a", "")
	f.create("/b", "")
	for i := range n {
		f.create(shapeName("/a/x", i), "data")
		if i%7 == 0 {
			f.ephemeral(int64(i%3+1), shapeName("/b/e", i))
		}
	}
	g.zxid = f.zxid
}

func shapeName(prefix string, i int) string {
	b := []byte(prefix + "00000")
	for at := len(b) - 1; i > 0; at-- {
		b[at] = byte('0' + i%10)
		i /= 10
	}
	return string(b)
}

// busyGate is a read side that lets writes in each time before it is taken,
// as a real gate does while a snapshot is written.
type busyGate struct {
	sync.Mutex
	write func()
}

func (b *busyGate) Lock() {
	b.write()
	b.Mutex.Lock()
}

// A snapshot is the state as of its zxid, whatever is written meanwhile, also
// when two are under way at different places.
func TestSnapshotIsExact(t *testing.T) {
	for seed := range uint64(4) {
		tree := New(modelConfig)
		g := newGenerator(seed, tree)
		fill(g, 2000)
		f := feed{t: tree, zxid: g.zxid}
		f.quota("/a", "count=1,bytes=1")
		g.zxid = f.zxid
		for range 200 {
			tree.Apply(g.next())
		}
		touch := func() {
			for range 150 {
				tree.Apply(g.next())
			}
			f := feed{t: tree, zxid: g.zxid}
			for i := range 40 { // all over what the snapshot walks through
				f.set(shapeName("/a/x", g.rnd.IntN(2000)), "changed", int32(i))
				f.delete(shapeName("/a/x", g.rnd.IntN(2000)))
				f.create(shapeName("/a/y", g.rnd.IntN(2000)), "new")
			}
			g.zxid = f.zxid
		}
		want, wantBytes := imageOf(t, tree), snapshotBytes(t, tree)
		zxid, digest := tree.LastZxid(), tree.Digest()

		var secondWant treeImage
		var secondBytes bytes.Buffer
		calls := 0
		first := tree.Snapshot(&busyGate{write: func() {
			touch()
			if calls++; calls == 5 {
				secondWant = imageOf(t, tree)
				second := tree.Snapshot(&busyGate{write: touch})
				if _, err := second.WriteTo(&secondBytes); err != nil {
					t.Fatal(err)
				}
				second.Close()
			}
		}})
		var firstBytes bytes.Buffer
		if _, err := first.WriteTo(&firstBytes); err != nil {
			t.Fatal(err)
		}
		if d, ok := first.Digest(); first.Zxid() != zxid || d != digest || !ok {
			t.Fatalf("snapshot says zxid %d, digest %d; want %d, %d", first.Zxid(), d, zxid, digest)
		}
		first.Close()
		if calls < 15 || secondBytes.Len() == 0 {
			t.Fatalf("the gate was taken %d times", calls)
		}
		mustEqual(t, want, imageOf(t, reloaded(t, modelConfig, firstBytes.Bytes())))
		if !bytes.Equal(wantBytes, firstBytes.Bytes()) { // the usage of quotas, which a load measures anew
			t.Fatal("the bytes are not those of a snapshot of a tree at rest")
		}
		mustEqual(t, secondWant, imageOf(t, reloaded(t, modelConfig, secondBytes.Bytes())))
		imageOf(t, tree) // still in agreement with itself
		if tree.forgetSnapshots(); len(tree.snapshots) != 0 {
			t.Fatal("the tree still copies for a snapshot that is closed")
		}
	}
}

// The same with a real gate and goroutines, for the race detector.
func TestSnapshotBesideWrites(t *testing.T) {
	var gate sync.RWMutex
	tree := New(modelConfig)
	g := newGenerator(7, tree)
	fill(g, 1000)
	stop, wrote := make(chan struct{}), make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			gate.Lock()
			tree.Apply(g.next())
			gate.Unlock()
			if n == 100 {
				close(wrote)
			}
		}
	})
	work.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			gate.RLock()
			if z := tree.Lookup(shapeName("/a/x", i%1000)); z != nil {
				_, _, _ = z.Data(), z.Stat(), tree.ACL(z)
			}
			tree.AppendChildren(nil, tree.Lookup("/a"))
			gate.RUnlock()
		}
	})
	<-wrote
	for range 3 {
		gate.Lock()
		want := imageOf(t, tree)
		s := tree.Snapshot(gate.RLocker())
		gate.Unlock()
		var b bytes.Buffer
		if _, err := s.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		s.Close()
		mustEqual(t, want, imageOf(t, reloaded(t, modelConfig, b.Bytes())))
	}
	close(stop)
	work.Wait()
}

// A snapshot that nobody writes, or that fails, leaves nothing behind.
func TestSnapshotClose(t *testing.T) {
	f := newFeed(modelConfig)
	f.create("/a", "1")
	s := f.t.Snapshot(&sync.Mutex{})
	s.Close()
	s.Close()
	if _, err := s.WriteTo(io.Discard); !errors.Is(err, ErrSnapshotUsed) {
		t.Errorf("writing a closed snapshot: %v", err)
	}
	failing := f.t.Snapshot(&sync.Mutex{})
	full := errors.New("disk full")
	if _, err := failing.WriteTo(failAfter{full}); !errors.Is(err, full) {
		t.Errorf("writing to a full disk: %v", err)
	}
	failing.Close()
	f.set("/a", "2", 1)
	if len(f.t.snapshots) != 0 {
		t.Error("the tree still copies for snapshots that are closed")
	}
}

type failAfter struct{ err error }

func (f failAfter) Write([]byte) (int, error) { return 0, f.err }

// A snapshot with data of every size around the writer's buffer.
func TestSnapshotLargeData(t *testing.T) {
	f := newFeed(modelConfig)
	for i, n := range []int{0, 1, 1<<16 - 1, 1 << 16, 1<<16 + 1, 1 << 19} {
		f.create(shapeName("/n", i), string(bytes.Repeat([]byte{byte(i)}, n)))
	}
	mustEqual(t, imageOf(t, f.t), imageOf(t, reloaded(t, modelConfig, snapshotBytes(t, f.t))))
}
