//go:build compat

package chaos

import (
	"context"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// TestIsolatedLeader parts a leader that does not notice for long from the
// others, which elect another one. A sync and a read through the old leader
// show an old state, as ZooKeeper's documents say, and the search for an order
// finds that; with meerkat.linearizableSync they do not.
func TestIsolatedLeader(t *testing.T) {
	for _, linearizableSync := range []bool{true, false} {
		t.Run(map[bool]string{true: "linearizable", false: "plain"}[linearizableSync], func(t *testing.T) {
			s := begin(t, options{flavor: rig.Subject(t), servers: 3, linearizable: linearizableSync})
			s.letLastLead()
			answered := s.readThroughOldLeader()
			v := linearizable(s.h.ops, true, func(string, porcupine.LinearizationInfo) {})
			if found := len(v.wrong) > 0; found == linearizableSync || len(v.undecided) > 0 {
				t.Errorf("an old state was read: %v; found: %+v\n%v", answered, v, s.h.ops)
			}
			t.Logf("the old leader answered a sync and a read: %v; found to be stale: %v", answered, len(v.wrong) > 0)
		})
	}
}

// letLastLead makes the last server the leader, with a syncLimit of its own.
func (s *scene) letLastLead() {
	s.t.Helper()
	last := s.e.Members[len(s.e.Members)-1]
	last.Kill()
	last.Cfg["syncLimit"] = "200"
	s.e.Launch(last)
	for leader := s.e.Await(); leader != last; leader = s.e.Await() {
		leader.Kill()
		s.e.Await()
		s.e.Launch(leader)
	}
}

// request makes a request and records it.
func (s *scene) request(client int, sess *session, o op) op {
	o.client, o.session, o.group = client, sess.c.SessionID, group(0, 0)
	w := &worker{id: client, h: s.h, s: sess, seen: map[string]int32{}}
	w.perform(&o)
	return o
}

// readThroughOldLeader returns whether the leader that was cut off has
// answered.
func (s *scene) readThroughOldLeader() bool {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), healLimit)
	defer cancel()
	last := len(s.e.Members) - 1
	write := func(value int64) op { return op{changes: []change{{0, proto.OpSetData, -1, value}}} }
	atOld := newSession(s.h, s.net.addrs()[last:], 0, sessionTimeout, 0)
	atNew := newSession(s.h, s.net.addrs()[:last], 0, sessionTimeout, 0)
	for _, c := range []*session{atOld, atNew} {
		if err := c.open(ctx); err != nil {
			s.t.Fatal(err)
		}
	}
	s.request(0, atOld, op{changes: []change{{0, proto.OpCreate, -1, 1}}})
	for other := range last {
		s.net.block(last, other, 1)
		s.net.block(other, last, 1)
	}
	for value := int64(2); ; value++ { // until there is a new leader
		if o := s.request(1, atNew, write(value)); o.outcome == acked {
			break
		}
		if _, err := atNew.move(ctx); err != nil {
			s.t.Fatal(err)
		}
	}
	read := s.request(0, atOld, op{synced: true})
	for other := range last {
		s.net.block(last, other, -1)
		s.net.block(other, last, -1)
	}
	if read.outcome == unknown {
		if _, err := atOld.move(ctx); err != nil {
			s.t.Fatal(err)
		}
	}
	if o := s.request(0, atOld, op{synced: true}); s.linearizable && o.outcome == acked && o.found.value < 2 {
		s.t.Errorf("after the partition: %v", o)
	}
	return read.outcome == acked
}
