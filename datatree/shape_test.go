package datatree

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The benchmarks that decided the shape of the tree, with a million znodes of
// 54-byte paths and 100-byte data; see docs/decisions/tree-shape.md. Run them
// with:
//
//	go test -run '^$' -bench Shape -benchtime 1000000x ./datatree

const shapeNodes = 1_000_000

// shapePath returns one of a million paths of 54 bytes: 100 times 100 parents
// with 100 znodes each.
func shapePath(i int) string {
	return fmt.Sprintf("/services-%03d/application-%03d/instances-%016d", i/10_000, i/100%100, (i%100)*7919)
}

var shapeData = bytes.Repeat([]byte("d"), 100)

var shape struct {
	once  sync.Once
	paths []string
	tree  *Tree
}

// shapeTree returns a tree of a million znodes, made once, and their paths in
// random order.
func shapeTree() (*Tree, []string) {
	shape.once.Do(func() {
		shape.tree = New(Config{Digest: true})
		grow(shape.tree, 0, shapeNodes)
		for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(shapeNodes) {
			shape.paths = append(shape.paths, shapePath(i))
		}
	})
	return shape.tree, shape.paths
}

// grow creates the paths from..to-1 and the parents they need.
func grow(t *Tree, from, to int) {
	for i := from; i < to; i++ {
		path := shapePath(i)
		parent, _, _ := SplitPath(path)
		if t.Lookup(parent) == nil {
			above, _, _ := SplitPath(parent)
			if t.Lookup(above) == nil {
				t.Apply(createEntry(t.lastZxid+1, above, nil))
			}
			t.Apply(createEntry(t.lastZxid+1, parent, nil))
		}
		t.Apply(createEntry(t.lastZxid+1, path, shapeData))
	}
}

func createEntry(zxid int64, path string, data []byte) *proto.Entry {
	return &proto.Entry{
		Header: proto.TxnHeader{ClientID: 1, Zxid: zxid, TimeMs: 1_700_000_000_000, Type: proto.OpCreate},
		Txn:    &proto.CreateTxn{Path: path, Data: data, ACL: proto.OpenACL, ParentCversion: -1},
	}
}

func BenchmarkShapeGet(b *testing.B) {
	t, paths := shapeTree()
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	for i := 0; i < b.N; i++ {
		z := t.Lookup(paths[i%shapeNodes])
		n += len(z.Data()) + int(z.Stat().Version)
	}
	runtime.KeepAlive(n)
}

func BenchmarkShapeSetData(b *testing.B) {
	t, paths := shapeTree()
	e := &proto.Entry{Header: proto.TxnHeader{Type: proto.OpSetData}}
	txn := &proto.SetDataTxn{Data: shapeData}
	e.Txn = txn
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		e.Header.Zxid = t.LastZxid() + 1
		txn.Path = paths[i%shapeNodes]
		txn.Version = int32(i)
		t.Apply(e)
	}
}

// BenchmarkShapeCreateDelete creates and deletes at random places of a tree of a
// million, in turns that leave it as it was; both count.
func BenchmarkShapeCreateDelete(b *testing.B) {
	t, paths := shapeTree()
	e := &proto.Entry{}
	remove := &proto.DeleteTxn{}
	create := &proto.CreateTxn{Data: shapeData, ACL: proto.OpenACL, ParentCversion: -1}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		path := paths[(i/2000*1000+i%1000)%shapeNodes]
		e.Header.Zxid = t.LastZxid() + 1
		if i/1000%2 == 0 {
			remove.Path = path
			e.Header.Type, e.Txn = proto.OpDelete, remove
		} else {
			create.Path = path
			e.Header.Type, e.Txn = proto.OpCreate, create
		}
		t.Apply(e)
	}
}

// BenchmarkShapeBytes reports the live heap of one znode.
func BenchmarkShapeBytes(b *testing.B) {
	for i := 0; i < b.N; i++ {
		before := liveHeap()
		t := New(Config{Digest: true})
		grow(t, 0, shapeNodes)
		b.ReportMetric(float64(liveHeap()-before)/float64(t.Nodes()), "B/znode")
		runtime.KeepAlive(t)
		if i == 0 {
			break // the figure does not get better by counting again
		}
	}
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkShapeLoad decodes a snapshot of a million znodes in our order and
// in that of Apache: depth first, children in no order.
func BenchmarkShapeLoad(b *testing.B) {
	t, _ := shapeTree()
	var ours, apache bytes.Buffer
	s := t.Snapshot(&sync.Mutex{})
	if _, err := s.WriteTo(&ours); err != nil {
		b.Fatal(err)
	}
	s.Close()
	writePreorder(&apache, t)
	for name, stream := range map[string][]byte{"ours": ours.Bytes(), "apache": apache.Bytes()} {
		b.Run(name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				load := New(Config{Digest: true})
				r := jute.NewReader(bufio.NewReaderSize(bytes.NewReader(stream), 1<<16), 1<<20)
				if err := load.Decode(r); err != nil {
					b.Fatal(err)
				}
				if load.Nodes() != t.Nodes() || load.Digest() != t.Digest() {
					b.Fatalf("loaded %d znodes, digest %x; want %d, %x", load.Nodes(), load.Digest(), t.Nodes(), t.Digest())
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/load")
		})
	}
}

// writePreorder writes a snapshot as Apache does.
func writePreorder(w io.Writer, t *Tree) {
	out := snapshotWriter{dst: bufio.NewWriter(w)}
	s := t.Snapshot(&sync.Mutex{})
	defer s.Close()
	s.writeSessions(&out)
	s.writeACLs(&out)
	var visit func(z *Znode)
	visit = func(z *Znode) {
		out.node(z)
		kids := make([]*Znode, 0, z.kids)
		t.children(z, func(c *Znode) { kids = append(kids, c) })
		rand.Shuffle(len(kids), func(i, j int) { kids[i], kids[j] = kids[j], kids[i] })
		for _, c := range kids {
			visit(c)
		}
	}
	visit(t.root)
	out.text(rootPath)
	out.flush()
}

// BenchmarkShapeSnapshot writes a snapshot of a million znodes while another
// goroutine sets data all over the tree, and reports for how long the writer
// of the snapshot held the gate's read side at a time, which is for how long
// it can have kept the applier waiting.
func BenchmarkShapeSnapshot(b *testing.B) {
	t, paths := shapeTree()
	var gate sync.RWMutex
	stop := make(chan struct{})
	var applier sync.WaitGroup
	applier.Go(func() {
		txn := &proto.SetDataTxn{Data: shapeData}
		e := &proto.Entry{Header: proto.TxnHeader{Type: proto.OpSetData}, Txn: txn}
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			gate.Lock()
			e.Header.Zxid, txn.Path = t.LastZxid()+1, paths[i%shapeNodes]
			t.Apply(e)
			gate.Unlock()
		}
	})
	var held []time.Duration
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		gate.Lock()
		s := t.Snapshot(&timedGate{Locker: gate.RLocker(), held: &held})
		gate.Unlock()
		if _, err := s.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.StopTimer()
	close(stop)
	applier.Wait()
	slices.Sort(held)
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/snapshot")
	b.ReportMetric(float64(held[len(held)/2].Microseconds()), "p50-held-us")
	b.ReportMetric(float64(held[len(held)*999/1000].Microseconds()), "p99.9-held-us")
}

// timedGate notes for how long it was held each time.
type timedGate struct {
	sync.Locker
	since time.Time
	held  *[]time.Duration
}

func (g *timedGate) Lock() {
	g.Locker.Lock()
	g.since = time.Now()
}

func (g *timedGate) Unlock() {
	*g.held = append(*g.held, time.Since(g.since))
	g.Locker.Unlock()
}
