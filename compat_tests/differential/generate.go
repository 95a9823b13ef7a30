package differential

import (
	"math"
	"math/rand/v2"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// generator makes the steps of one seed.
type generator struct {
	*rand.Rand
	xid   int32
	below string // where all paths lie; "" is anywhere, and nowhere
}

// Generate returns the steps that belong to a seed: the same for the same
// arguments, always.
func Generate(seed uint64, count int) []Step {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x6d6565726b6174))}
	steps := make([]Step, 0, count)
	for len(steps) < count {
		steps = append(steps, g.steps()...)
	}
	return steps[:count]
}

// weighted calls one of the choices, each as often as its weight says.
func weighted[T any](g *generator, choices []choice[T]) T {
	total := 0
	for _, c := range choices {
		total += c.weight
	}
	n := g.IntN(total)
	for _, c := range choices {
		if n < c.weight {
			return c.make()
		}
		n -= c.weight
	}
	panic("differential: weights do not add up")
}

type choice[T any] struct {
	weight int
	make   func() T
}

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) slot() int { return g.IntN(slots) }

// steps makes the next step, or a few that belong together.
func (g *generator) steps() []Step {
	return weighted(g, []choice[[]Step]{
		{620, func() []Step { return []Step{send{g.slot(), []request{g.request()}}} }},
		{110, func() []Step { return []Step{g.burst()} }},
		{40, func() []Step { return []Step{g.malformed()} }},
		{60, func() []Step { return []Step{g.connect()} }},
		{25, func() []Step { return []Step{drop{g.slot()}} }},
		{10, func() []Step { return []Step{g.raw()} }},
		{30, func() []Step { return []Step{word{pick(g, comparedWords)}} }},
		{2, func() []Step {
			return []Step{expire{"/expiring", pick(g, []int32{shortTimeoutMs, 1, 0, -5, math.MinInt32})}}
		}},
		{12, g.quota},
		{25, g.watchedChange},
	})
}

// burst makes requests that are written at once. Those that the server
// answers out of turn, or that end the connection, stay out.
func (g *generator) burst() Step {
	st := send{slot: g.slot()}
	for range 2 + g.IntN(8) {
		st.requests = append(st.requests, g.orderly())
	}
	return st
}

// orderly makes a request that is answered in its turn and keeps the
// connection.
func (g *generator) orderly() request {
	for {
		r := g.request()
		fits := headerBytes+len(r.body) <= maxFrameBytes
		if fits && r.op.Known() && r.op > 0 && r.op != proto.OpAuth && r.op != proto.OpSASL && r.op != proto.OpCheck {
			return r
		}
	}
}

// watchedChange arms a watch on one connection and changes what it watches
// on another.
func (g *generator) watchedChange() []Step {
	path := g.plainPath()
	arm := g.simple(pick(g, []proto.Op{proto.OpExists, proto.OpGetData, proto.OpGetChildren, proto.OpGetChildren2}),
		&proto.WatchableRequest{Path: path, Watch: true})
	if g.chance(40) {
		arm = g.simple(proto.OpAddWatch, &proto.AddWatchRequest{Path: path, Mode: g.Int32N(2)})
	}
	change := pick(g, []request{
		g.simple(proto.OpSetData, &proto.SetDataRequest{Path: path, Data: g.data(), Version: -1}),
		g.simple(proto.OpDelete, &proto.DeleteRequest{Path: path, Version: -1}),
		g.simple(proto.OpCreate, &proto.CreateRequest{Path: path, Data: g.data(), ACL: proto.OpenACL}),
		g.simple(proto.OpCreate2, &proto.CreateRequest{Path: path + "/kid", ACL: proto.OpenACL}),
		g.simple(proto.OpDelete, &proto.DeleteRequest{Path: path + "/kid", Version: -1}),
	})
	return []Step{send{g.slot(), []request{arm}}, send{g.slot(), []request{change}}}
}

// quota sets limits on a path in the way Apache's shell does.
func (g *generator) quota() []Step {
	path := g.plainPath()
	slot := g.slot()
	var steps []Step
	add := func(path, data string) {
		r := g.simple(proto.OpCreate, &proto.CreateRequest{Path: path, Data: []byte(data), ACL: proto.OpenACL})
		steps = append(steps, send{slot, []request{r}})
	}
	base := "/zookeeper/quota"
	for i, c := range path {
		if c == '/' && i > 0 {
			add(base+path[:i], "")
		}
	}
	add(base+path, "")
	add(base+path+"/zookeeper_limits", pick(g, []string{
		"count=2,bytes=20", "count=-1,bytes=10", "count=3,bytes=-1=;byteHardLimit=-1;countHardLimit=3",
		"count=-1,bytes=-1=;byteHardLimit=30;countHardLimit=-1", "count=-1,bytes=-1=;byteHardLimit=12;countHardLimit=2",
	}))
	add(base+path+"/zookeeper_stats", "count=0,bytes=0")
	return steps
}

func (g *generator) connect() Step {
	st := connect{
		slot: g.slot(), session: -1, timeoutMs: longTimeoutMs, passwdLen: proto.PasswdBytes,
		readOnly: pick(g, []int{0, 0, 0, 0, 1, -1, 7}),
	}
	if g.chance(60) {
		st.session = g.IntN(6)
		st.badPasswd = g.chance(15)
	}
	if g.chance(30) {
		for range 1 + g.IntN(3) {
			st.behind = append(st.behind, g.orderly())
		}
	}
	switch g.IntN(20) {
	case 0:
		st.lastZxid, st.relative = 1<<20, true // ahead of the server
	case 1, 2, 3:
		st.lastZxid, st.relative = 0, true
	case 4:
		st.lastZxid = -1
	case 5:
		st.timeoutMs = pick(g, []int32{40000, 1 << 30, math.MaxInt32})
	case 6:
		st.cut = 1 + g.IntN(44)
	case 7:
		st.extra = []byte{1, 2, 3}
	case 8:
		st.passwdLen = pick(g, []int{-1, 0, 15, 17})
	}
	return st
}

// raw makes bytes that are no frame, or one that no server accepts.
func (g *generator) raw() Step {
	return raw{g.slot(), pick(g, [][]byte{
		{0xFF, 0xFF, 0xFF, 0xFF},                            // length -1
		{0x80, 0, 0, 0},                                     // the smallest length
		{0x7F, 0xFF, 0xFF, 0xFF},                            // the largest
		{0, 0x10, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4},             // one above jute.maxbuffer
		{0, 0, 0, 0},                                        // nothing
		{0, 0, 0, 3, 1, 2, 3},                               // no header
		{0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0},                   // a byte short of a header
		[]byte("ruok"),                                      // a word, but not first
		[]byte("\x00\x00\x00\x04ruok"),                      // a header's half
		[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), // a length of 1.2 GB
	})}
}

// malformed makes a request whose bytes have been tampered with.
func (g *generator) malformed() Step {
	r := g.request()
	for r.op == proto.OpCloseSession {
		r = g.request()
	}
	for range 1 + g.IntN(2) {
		r.body = g.tamper(r.body)
	}
	if r.zxidAt >= 0 && len(r.body) < r.zxidAt+8 {
		r.zxidAt = -1
	}
	return send{g.slot(), []request{r}}
}

func (g *generator) tamper(b []byte) []byte {
	b = append([]byte(nil), b...)
	if len(b) == 0 {
		return []byte{byte(g.IntN(256))}
	}
	switch g.IntN(6) {
	case 0:
		return b[:g.IntN(len(b))]
	case 1:
		for range 1 + g.IntN(12) {
			b = append(b, byte(g.IntN(256)))
		}
	case 2:
		b[g.IntN(len(b))] = byte(g.IntN(256))
	case 3:
		b[g.IntN(len(b))] ^= 1 << g.IntN(8)
	case 4: // a length: they stand at the front of most records
		if len(b) >= 4 {
			copy(b, pick(g, [][]byte{{0xFF, 0xFF, 0xFF, 0xFF}, {0xFF, 0xFF, 0xFF, 0xFE}, {0x7F, 0xFF, 0xFF, 0xFF}, {0, 0x20, 0, 0}, {0, 0, 0, 0}}))
		}
	case 5:
		i := g.IntN(len(b))
		return append(b[:i], b[min(len(b), i+1+g.IntN(4)):]...)
	}
	return b
}
