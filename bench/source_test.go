package bench

import (
	"math"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// parsed is what a server would read from one of our frames.
type parsed struct {
	xid  int32
	op   proto.Op
	path string
	data string
}

func parse(t *testing.T, frame []byte) parsed {
	t.Helper()
	d := jute.NewDecoder(frame)
	if n := d.Int(); int(n) != len(frame)-4 {
		t.Fatalf("the frame says %d bytes and has %d", n, len(frame)-4)
	}
	var h proto.RequestHeader
	h.Decode(&d)
	p := parsed{xid: h.Xid, op: h.Op}
	switch h.Op {
	case proto.OpGetData:
		var r proto.WatchableRequest
		r.Decode(&d)
		p.path = r.Path
	case proto.OpSetData:
		var r proto.SetDataRequest
		r.Decode(&d)
		p.path, p.data = r.Path, string(r.Data)
	case proto.OpCreate:
		var r proto.CreateRequest
		r.Decode(&d)
		p.path, p.data = r.Path, string(r.Data)
		if len(r.ACL) != 1 || r.ACL[0] != proto.OpenACL[0] || r.Flags != 0 {
			t.Errorf("create with ACL %v and flags %d", r.ACL, r.Flags)
		}
	default:
		t.Fatalf("unexpected op %v", h.Op)
	}
	if d.Err() != nil || len(d.Rest()) != 0 {
		t.Fatalf("%v: error %v, %d bytes left over", h.Op, d.Err(), len(d.Rest()))
	}
	return p
}

func TestTemplatesPatchXidAndKey(t *testing.T) {
	k := newKeyspace("/r", 5_000_000)
	for _, key := range []int64{0, 1, 999, 1000, 123_456, 4_999_999} {
		tests := map[proto.Op]template{
			proto.OpGetData: keyed(k, proto.OpGetData, getData(k.path(0), false)),
			proto.OpSetData: keyed(k, proto.OpSetData, setData(k.path(0), []byte("value"))),
			proto.OpCreate:  keyed(k, proto.OpCreate, create(k.path(0), []byte("value"))),
		}
		for op, tmpl := range tests {
			b := tmpl.append([]byte("before"), 77, key)
			got := parse(t, b[len("before"):])
			want := parsed{xid: 77, op: op, path: k.path(key)}
			if op != proto.OpGetData {
				want.data = "value"
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	}
	if got := k.path(1_234_567); got != "/r/parent-001234/child-0001234567" {
		t.Errorf("path %q", got)
	}
	if k.parents() != 5000 || newKeyspace("/r", 1001).parents() != 2 {
		t.Error("wrong number of parents")
	}
	if got := newFamily("/r", 10_000).path(9_999); got != "/r/parent-000000/c09999" {
		t.Errorf("path %q", got)
	}
}

func TestConnectFrame(t *testing.T) {
	f := encodeConnect(30_000)
	d := jute.NewDecoder(f[4:])
	var r proto.ConnectRequest
	r.Decode(&d)
	if d.Err() != nil || len(d.Rest()) != 0 || r.TimeoutMs != 30_000 || r.SessionID != 0 ||
		len(r.Passwd) != proto.PasswdBytes || !r.HasReadOnly || len(f) != 4+45 {
		t.Errorf("%d bytes, %+v, %v", len(f), r, d.Err())
	}
}

func TestRandomSourceKeepsRatioAndCoversKeys(t *testing.T) {
	k := newKeyspace("/r", 50)
	const draws = 40_000
	for _, ratio := range []float64{0, 0.5, 0.9, 1} {
		s := newRandom(k, []byte("v"), ratio, 1, 0)
		reads, keys := 0, map[string]int{}
		var b []byte
		for i := range draws {
			var c class
			b, c, _ = s.next(b[:0], int32(i))
			p := parse(t, b)
			if (c == classRead) != (p.op == proto.OpGetData) {
				t.Fatalf("class %v for %v", c, p.op)
			}
			if c == classRead {
				reads++
			}
			keys[p.path]++
		}
		if got := float64(reads) / draws; math.Abs(got-ratio) > 0.01 {
			t.Errorf("ratio %v came out as %v", ratio, got)
		}
		for i := range k.count {
			if n := keys[k.path(i)]; n < draws/50*7/10 || n > draws/50*13/10 {
				t.Errorf("ratio %v: key %d drawn %d times, expected about %d", ratio, i, n, draws/50)
			}
		}
		if len(keys) != 50 {
			t.Errorf("%d keys drawn of 50", len(keys))
		}
	}
	a, b := newRandom(k, nil, 1, 1, 0), newRandom(k, nil, 1, 1, 1)
	if a.draw() == b.draw() {
		t.Error("two connections draw the same keys")
	}
}

func TestEndingSources(t *testing.T) {
	k := newKeyspace("/r", 10)
	get := fixed(proto.OpGetData, getData("/a", false))
	for name, tt := range map[string]struct {
		source source
		want   []string
	}{
		"repeated": {&repeated{request: get, left: 2}, []string{"/a", "/a"}},
		"generated": {&generated{request: func(n int64) template {
			return fixed(proto.OpGetData, getData(k.parent(n), true))
		}, at: 2, step: 3, end: 6}, []string{k.parent(2), k.parent(5)}},
		"sequential": {&sequential{request: keyed(k, proto.OpGetData, getData(k.path(0), false)), at: 1, step: 4, end: 10}, []string{k.path(1), k.path(5), k.path(9)}},
	} {
		var got []string
		for {
			b, _, ok := tt.source.next(nil, 1)
			if !ok {
				break
			}
			got = append(got, parse(t, b).path)
		}
		if len(got) != len(tt.want) {
			t.Fatalf("%s: %v, want %v", name, got, tt.want)
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: %v, want %v", name, got, tt.want)
			}
		}
	}
}

func TestGrowingCreatesParentsFirst(t *testing.T) {
	s := newGrowing("/r", []byte("v"), 2003)
	made := map[string]bool{}
	for {
		b, _, ok := s.next(nil, 1)
		if !ok {
			break
		}
		p := parse(t, b)
		if parent := p.path[:strings.LastIndexByte(p.path, '/')]; parent != "/r" && !made[parent] {
			t.Fatalf("%s is created before its parent", p.path)
		}
		if made[p.path] {
			t.Fatalf("%s is created twice", p.path)
		}
		made[p.path] = true
	}
	if len(made) != 2003 || !made["/r/parent-000002"] || !made["/r/parent-000001/child-0000001999"] {
		t.Errorf("%d znodes", len(made))
	}
}
