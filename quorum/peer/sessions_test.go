package peer

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// following returns a follower of three, with its leader, everyone converged.
func (e *ensemble) following() (leader, follower int64) {
	e.start(e.voters...)
	leader, _ = e.leader()
	e.propose(3)
	e.converge()
	for _, s := range e.servers {
		s.noted()
	}
	return leader, leader%int64(len(e.voters)) + 1
}

func (e *ensemble) expect(id int64, want ...string) {
	e.t.Helper()
	synctest.Wait()
	if got := e.servers[id].noted(); !slices.Equal(got, want) {
		e.t.Errorf("server %d was told\n%q, want\n%q", id, got, want)
	}
}

// A learner's requests reach the leader's server in order, and the answers the
// learner's, a SYNC behind the transactions that it waited for.
func TestSessionPackets(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		leader, follower := e.following()
		for i := range byte(3) {
			if err := e.peers[follower].ToLeader(proto.QuorumPacket{Type: proto.PacketRequest, Zxid: -1, Data: []byte{i}}); err != nil {
				t.Fatal(err)
			}
		}
		session := jute.AppendInt(jute.AppendLong(nil, 7), 4000)
		if err := e.peers[follower].ToLeader(proto.QuorumPacket{Type: proto.PacketRevalidate, Zxid: -1, Data: session}); err != nil {
			t.Fatal(err)
		}
		from := fmt.Sprintf("%d (observer false): ", follower)
		e.expect(leader, from+"REQUEST 00", from+"REQUEST 01", from+"REQUEST 02", fmt.Sprintf("%sREVALIDATE %x", from, session))

		link := e.servers[leader].learnerLink
		answer := jute.AppendBool(jute.AppendLong(nil, 7), true)
		e.peers[leader].ToLearner(link, proto.QuorumPacket{Type: proto.PacketRevalidate, Zxid: -1, Data: answer})
		e.expect(follower, fmt.Sprintf("leader: REVALIDATE %x, tree 0x%x", answer, lastOf(e.want)))

		next := lastOf(e.want) + 1
		first, second := quorum.Entry{Zxid: next, Data: []byte("a")}, quorum.Entry{Zxid: next + 1, Data: []byte("b")}
		err := e.peers[leader].Submit([]quorum.Input{
			quorum.Proposals{Entries: []quorum.Entry{first}}, quorum.SyncRequested{Link: link}, quorum.Settle{ID: 1},
			quorum.Proposals{Entries: []quorum.Entry{second}}, quorum.SyncRequested{Link: link, Confirm: true}, quorum.Settle{ID: 2},
		})
		if err != nil {
			t.Fatal(err)
		}
		e.want = append(e.want, first, second)
		e.converge()
		synctest.Wait()
		told := e.servers[follower].noted()
		if len(told) != 2 || told[1] != fmt.Sprintf("leader: SYNC , tree 0x%x", next+1) {
			t.Errorf("the follower was told %q", told)
		}
		if got := e.servers[leader].confirmed; !slices.Equal(got, []uint64{1, 2}) {
			t.Errorf("settled %v", got)
		}

		e.servers[follower].mu.Lock()
		e.servers[follower].touched = session
		e.servers[follower].mu.Unlock()
		time.Sleep(2 * time.Second)
		e.expect(leader, fmt.Sprintf("%sPING %x", from, session))

		e.peers[leader].DropLearner(link)
		e.expect(leader, fmt.Sprintf("link %d gone", link))
		e.converge()
	})
}

// What a server that does not lead, or not any more, is asked for is refused
// aloud; and nothing goes to a leader that there is not.
func TestSessionsWithoutLeader(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		leader, follower := e.following()
		if err := e.peers[leader].ToLeader(proto.QuorumPacket{Type: proto.PacketRequest}); !errors.Is(err, ErrNotFollowing) {
			t.Errorf("a leader's own: %v", err)
		}
		batch := []quorum.Input{quorum.Proposals{Entries: []quorum.Entry{{Zxid: 1}}}, quorum.Settle{ID: 1}}
		if err := e.peers[follower].Submit(batch); err != nil {
			t.Fatal(err)
		}
		const not = ": quorum: not the leader"
		e.expect(follower, "refused quorum.Proposals"+not, "refused quorum.Settle"+not)

		// Out of order: the first is proposed, the rest is not.
		next := quorum.Entry{Zxid: lastOf(e.want) + 1, Data: []byte("a")}
		batch = []quorum.Input{quorum.Proposals{Entries: []quorum.Entry{next, {Zxid: next.Zxid + 5}}}}
		if err := e.peers[leader].Submit(batch); err != nil {
			t.Fatal(err)
		}
		e.want = append(e.want, next)
		e.converge()
		told := e.servers[leader].noted()
		if len(told) != 1 || e.servers[leader].refused != 1 {
			t.Errorf("the leader was told %q, %d refused", told, e.servers[leader].refused)
		}

		ended := e.peers[leader]
		e.stop(leader)
		synctest.Wait()
		if err := ended.Submit(batch); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed peer: %v", err)
		}
		e.leader()
		e.converge()
		for id, p := range e.peers {
			err := p.ToLeader(proto.QuorumPacket{Type: proto.PacketRequest, Zxid: -1})
			if leads := e.servers[id].leads(); leads != errors.Is(err, ErrNotFollowing) {
				t.Errorf("server %d, leads %v: %v", id, leads, err)
			}
		}
	})
}
