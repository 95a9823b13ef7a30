package peer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// observe starts an observer.
func (e *ensemble) observe(id int64) {
	e.servers[id] = newMemServer()
	e.start(id)
}

// Observers follow along, from the leader or from followers, and come back
// when the one they had is gone.
func TestObservers(t *testing.T) {
	for _, masters := range []bool{false, true} {
		t.Run(fmt.Sprint("masters ", masters), func(t *testing.T) {
			inEnsemble(t, 3, func(e *ensemble) {
				e.masters = masters
				e.start(e.voters...)
				e.propose(10)
				for id := int64(11); id <= 13; id++ {
					e.observe(id)
				}
				e.converge()
				e.propose(10)
				e.converge()
				dialled := e.dialledBy(11, 12, 13)
				if atMaster := slices.ContainsFunc(dialled, func(a string) bool { return strings.HasPrefix(a, "m") }); atMaster != masters {
					t.Errorf("observers dialled %q", dialled)
				}
				for _, id := range e.voters {
					e.stop(id)
					e.propose(10)
					e.converge()
					e.start(id)
					e.converge()
				}
				time.Sleep(time.Minute) // pings keep them
				synctest.Wait()
				for id := int64(11); id <= 13; id++ {
					via := e.servers[id].role.Via
					if to := e.dialledBy(id); len(to) != 1 || to[0] != quorumHost(via) && to[0] != masterHost(via) {
						t.Errorf("observer %d is connected to %q, not to %d", id, to, via)
					}
				}
				e.propose(10)
				e.converge()
			})
		})
	}
}

// dialledBy returns the quorum addresses that these servers are connected to.
func (e *ensemble) dialledBy(ids ...int64) []string {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	var to []string
	for c := range e.net.conns {
		for _, id := range ids {
			if c.from == quorumHost(id) {
				to = append(to, c.to)
			}
		}
	}
	slices.Sort(to)
	return to
}

// What an observer's clients ask for reaches the server of the follower that it
// is connected to, and the answer reaches the observer, behind what was
// committed before it.
func TestObserverMasterPassesOn(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.masters = true
		leader, _ := e.following()
		observer, master := int64(10), leader
		for master == leader { // each has an order of its own, some begin with a follower
			observer++
			e.observe(observer)
			e.converge()
			to := e.dialledBy(observer)
			for _, id := range e.voters {
				if slices.Equal(to, []string{masterHost(id)}) {
					master = id
				}
			}
		}
		session := jute.AppendInt(jute.AppendLong(nil, 7), 4000)
		e.servers[observer].mu.Lock()
		e.servers[observer].touched = session
		e.servers[observer].mu.Unlock()
		if err := e.peers[observer].ToLeader(proto.QuorumPacket{Type: proto.PacketRequest, Zxid: -1, Data: []byte("r")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		from := fmt.Sprintf("%d (observer true): ", observer)
		e.expect(master, from+"REQUEST 72", fmt.Sprintf("%sPING %x", from, session))
		e.propose(5)
		synctest.Wait()
		link := e.servers[master].learnerLink
		e.peers[master].ToLearner(link, proto.QuorumPacket{Type: proto.PacketSync})
		e.expect(observer, fmt.Sprintf("leader: SYNC , tree 0x%x", lastOf(e.want)))
		e.stop(observer)
		e.expect(master, fmt.Sprintf("link %d gone", link))
	})
}

// A tree that contradicts the leader's is replaced by a snapshot, once.
func TestPeerRepairsDivergedTree(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		leader, follower := e.following()
		s := e.servers[follower]
		s.mu.Lock()
		s.tree[1].Data = []byte("something else")
		s.mu.Unlock()
		e.peers[follower].Diverged()
		e.converge()
		e.check(follower, 0, 1)
		e.peers[follower].Diverged() // the leader's own tree, then
		e.peers[leader].Diverged()
		e.propose(3)
		e.converge()
		e.check(follower, 0, 1)
		if now, _ := e.leader(); now != leader {
			t.Errorf("%d leads, not %d", now, leader)
		}
	})
}
