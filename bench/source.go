package bench

import "github.com/meerkat-zk/meerkat/jute/proto"

// class tells whose histogram a latency goes into.
type class uint8

const (
	classRead class = iota
	classWrite
	numClasses
)

func (c class) String() string { return [numClasses]string{"read", "write"}[c] }

// A source yields the requests of one connection. It belongs to the loop
// that drives the connection.
type source interface {
	// next adds one request frame to b; ok is false when there are no more.
	next(b []byte, xid int32) (_ []byte, c class, ok bool)
}

// repeated sends the same request, a number of times or, when left is
// negative, without end.
type repeated struct {
	request template
	class   class
	left    int64
}

func (s *repeated) next(b []byte, xid int32) ([]byte, class, bool) {
	if s.left == 0 {
		return b, s.class, false
	}
	s.left--
	return s.request.append(b, xid, 0), s.class, true
}

// generated encodes a request for each of the numbers at, at+step ... below
// end when it is wanted: for preparing, where speed does not matter.
type generated struct {
	request       func(n int64) template
	at, step, end int64
}

func (s *generated) next(b []byte, xid int32) ([]byte, class, bool) {
	if s.at >= s.end {
		return b, classWrite, false
	}
	t := s.request(s.at)
	s.at += s.step
	return t.append(b, xid, 0), classWrite, true
}

// sequential sends one request for each of the keys at, at+step ... below
// end.
type sequential struct {
	request       template
	class         class
	at, step, end int64
}

func (s *sequential) next(b []byte, xid int32) ([]byte, class, bool) {
	if s.at >= s.end {
		return b, s.class, false
	}
	b = s.request.append(b, xid, s.at)
	s.at += s.step
	return b, s.class, true
}

// growing creates znodes without end, in a keyspace of its own, each parent
// just ahead of its first child.
type growing struct {
	keys   keyspace
	value  []byte
	child  template
	key    int64 // the next child
	parent int64 // the next parent
	left   int64 // creates still to be sent; negative: without end
}

func newGrowing(root string, value []byte, left int64) *growing {
	k := newKeyspace(root, 0)
	return &growing{keys: k, value: value, left: left,
		child: keyed(k, proto.OpCreate, create(k.path(0), value))}
}

func (s *growing) next(b []byte, xid int32) ([]byte, class, bool) {
	if s.left == 0 {
		return b, classWrite, false
	}
	s.left--
	if s.key/s.keys.perParent == s.parent {
		t := fixed(proto.OpCreate, create(s.keys.parent(s.parent), s.value))
		s.parent++
		return t.append(b, xid, 0), classWrite, true
	}
	b = s.child.append(b, xid, s.key)
	s.key++
	return b, classWrite, true
}

// random reads and writes keys drawn uniformly, without end.
type random struct {
	read, write template
	keys        uint64
	writeBelow  uint64 // a draw below this, of 2^32, is a write
	state       uint64 // of the generator; not 0
}

// newRandom makes the source of connection i. The fraction readRatio of its
// requests are reads.
func newRandom(k keyspace, value []byte, readRatio float64, seed uint64, i int) *random {
	return &random{
		read:       keyed(k, proto.OpGetData, getData(k.path(0), false)),
		write:      keyed(k, proto.OpSetData, setData(k.path(0), value)),
		keys:       uint64(k.count),
		writeBelow: uint64((1 - readRatio) * (1 << 32)),
		state:      (seed+1)*0x9E3779B97F4A7C15 ^ uint64(i+1)*0xBF58476D1CE4E5B9 | 1,
	}
}

func (s *random) next(b []byte, xid int32) ([]byte, class, bool) {
	draw := s.draw()
	key := int64(draw & 0xFFFFFFFF * s.keys >> 32)
	if draw>>32 < s.writeBelow {
		return s.write.append(b, xid, key), classWrite, true
	}
	return s.read.append(b, xid, key), classRead, true
}

// draw is xorshift64*: a few cycles, and good enough to pick keys.
func (s *random) draw() uint64 {
	s.state ^= s.state >> 12
	s.state ^= s.state << 25
	s.state ^= s.state >> 27
	return s.state * 0x2545F4914F6CDD1D
}
