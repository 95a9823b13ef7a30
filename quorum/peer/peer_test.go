package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// ensemble is a number of servers in this process, on virtual time.
type ensemble struct {
	t       *testing.T
	net     *memNet
	voters  []int64
	servers map[int64]*memServer
	peers   map[int64]*Peer
	want    []quorum.Entry // proposed so far
	memory  int            // commitLogCount
	measure func(id int64, m Measure, value int64)
	written func(entry []byte) (ms int64, ok bool)
	masters bool // followers serve observers, which look for them only
}

// inEnsemble runs a test with n servers that are not started yet.
func inEnsemble(t *testing.T, n int64, test func(e *ensemble)) {
	synctest.Test(t, func(t *testing.T) {
		e := &ensemble{t: t, net: newMemNet(), servers: map[int64]*memServer{}, peers: map[int64]*Peer{}, memory: 500}
		for id := int64(1); id <= n; id++ {
			e.voters = append(e.voters, id)
			e.servers[id] = newMemServer()
		}
		test(e)
		for id := range e.peers {
			e.stop(id)
		}
		for id, s := range e.servers {
			if s.openSnaps != 0 || len(s.staged) != 0 {
				t.Errorf("server %d left %d snapshots open and %d staged", id, s.openSnaps, len(s.staged))
			}
		}
	})
}

func quorumHost(id int64) string { return fmt.Sprintf("q%d:1", id) }
func masterHost(id int64) string { return fmt.Sprintf("m%d:1", id) }

func (e *ensemble) start(ids ...int64) {
	e.t.Helper()
	for _, id := range ids {
		e.startWith(id, e.servers[id].recover(), e.servers[id])
	}
}

// replica is both, as a real server has them.
type replica interface {
	Disk
	Machine
}

func (e *ensemble) startWith(id int64, found quorum.Recovered, s replica) {
	e.t.Helper()
	votes, packets, masters := map[int64][]string{}, map[int64][]string{}, map[int64][]string{}
	for _, other := range e.voters {
		votes[other], packets[other], masters[other] = []string{host(other)}, []string{quorumHost(other)}, []string{masterHost(other)}
	}
	cfg := Config{
		Core: quorum.Config{
			ID: id, Verifier: quorum.NewMajority(e.voters...), Tick: 2 * time.Second, InitTicks: 10, SyncTicks: 5,
			MinNotify: 200 * time.Millisecond, MaxNotify: time.Minute, Settle: 200 * time.Millisecond, CommitLogCount: e.memory,
		},
		Recovered: found, Disk: s, Machine: s, MaxDiskBytes: 1 << 20,
		Election: ElectionConfig{
			ID: id, Addresses: []string{host(id)}, Peers: votes, Listeners: []net.Listener{e.net.listen(host(id))},
			Dial: e.net.dialFrom(host(id)), DialTimeout: 5 * time.Second, HandshakeTimeout: 10 * time.Second, Log: zerolog.Nop(),
		},
		Links: LinksConfig{
			Peers: packets, Listeners: []net.Listener{e.net.listen(quorumHost(id))}, Dial: e.net.dialFrom(quorumHost(id)),
			DialTimeout: 5 * time.Second, FirstTimeout: 20 * time.Second, MaxPacketBytes: 1 << 20, MaxQueueBytes: 16 << 20, MaxLinks: 100,
			Log: zerolog.Nop(),
		},
	}
	if e.measure != nil {
		cfg.Observe = func(m Measure, value int64) { e.measure(id, m, value) }
		cfg.ObserveEach = func(m Measure, server, value int64) { e.measure(id, m+Measure(fmt.Sprintf(" of %d", server)), value) }
		cfg.Written = e.written
	}
	cfg.Core.Observer = !slices.Contains(e.voters, id)
	if e.masters {
		if cfg.Core.Observer {
			cfg.Core.Masters, cfg.Links.Masters = e.voters, masters
		} else {
			cfg.Core.ServeObservers, cfg.Links.MasterListeners = true, []net.Listener{e.net.listen(masterHost(id))}
		}
	}
	p, err := Start(cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	e.peers[id] = p
}

// stop ends a server as a crash does: what is not synced is lost.
func (e *ensemble) stop(id int64) {
	e.t.Helper()
	if err := e.peers[id].Close(); err != nil {
		e.t.Errorf("server %d ended with %v", id, err)
	}
	delete(e.peers, id)
}

// leader waits for one; it returns how long that took.
func (e *ensemble) leader() (id int64, took time.Duration) {
	e.t.Helper()
	began := time.Now()
	for time.Since(began) < time.Minute {
		synctest.Wait()
		for id := range e.peers {
			if e.servers[id].leads() {
				return id, time.Since(began)
			}
		}
		time.Sleep(time.Millisecond)
	}
	for id, s := range e.servers {
		e.t.Logf("server %d: %+v", id, s.roles)
	}
	e.t.Fatal("nobody leads")
	return 0, 0
}

// propose replicates n transactions through the leader.
func (e *ensemble) propose(n int) {
	e.t.Helper()
	leader, _ := e.leader()
	epoch := e.servers[leader].role.Epoch
	var entries []quorum.Entry
	zxid := max(lastOf(e.want), quorum.EpochStart(epoch))
	for range n {
		zxid++
		entries = append(entries, quorum.Entry{Zxid: zxid, Data: fmt.Appendf(nil, "value %d of %d", zxid, leader)})
	}
	if err := e.peers[leader].Propose(entries...); err != nil {
		e.t.Fatal(err)
	}
	e.want = append(e.want, entries...)
}

// converge waits until every running server serves and shows, and has on its
// disk, what was proposed.
func (e *ensemble) converge() {
	e.t.Helper()
	began := time.Now()
	for {
		synctest.Wait()
		behind := int64(0)
		for id := range e.peers {
			s := e.servers[id]
			s.mu.Lock()
			if s.role.Phase != quorum.Broadcast || !sameHistory(s.tree, e.want) || !sameHistory(s.hist, e.want) {
				behind = id
			}
			s.mu.Unlock()
		}
		if behind == 0 {
			return
		}
		if time.Since(began) > time.Minute {
			s := e.servers[behind]
			e.t.Fatalf("server %d: roles %+v, tree ends at 0x%x (%d), log at 0x%x, want 0x%x (%d)", behind, s.roles,
				lastOf(s.tree), len(s.tree), lastOf(s.hist), lastOf(e.want), len(e.want))
		}
		time.Sleep(time.Millisecond)
	}
}

func (e *ensemble) check(id int64, truncated, installed int) {
	e.t.Helper()
	if s := e.servers[id]; s.truncated != truncated || s.installed != installed {
		e.t.Errorf("server %d truncated %d times and installed %d snapshots, want %d and %d", id, s.truncated, s.installed, truncated, installed)
	}
}

// longestElection is a few tries to reach a leader that does not know yet. Most
// elections here take no time at all, because everyone in reach agrees.
const longestElection = 100 * time.Millisecond

// However the votes of those who lost their leader overtake one another, nobody
// waits for them to be sent again, nor for a leader that nobody follows.
func TestEnsembleFailsOverAtOnce(t *testing.T) {
	for _, n := range []int64{3, 5} {
		for range 25 {
			inEnsemble(t, n, func(e *ensemble) {
				e.start(e.voters...)
				first, _ := e.leader()
				e.converge()
				e.stop(first)
				if second, took := e.leader(); took > longestElection {
					t.Errorf("%d of %d leads after %v", second, n, took)
				}
			})
		}
	}
}

func TestEnsembleReplicatesAndFailsOver(t *testing.T) {
	for _, n := range []int64{3, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inEnsemble(t, n, func(e *ensemble) {
				e.start(e.voters...)
				first, took := e.leader()
				t.Logf("elected %d after %v", first, took)
				e.propose(100)
				e.converge()
				e.stop(first)
				second, took := e.leader()
				t.Logf("then %d after %v", second, took)
				if took > longestElection {
					t.Errorf("nobody led for %v", took)
				}
				if second == first {
					t.Fatal("the one that was stopped leads")
				}
				e.propose(100)
				e.converge()
				e.start(first) // by DIFF: it is behind, and has nothing of its own
				e.converge()
				e.check(first, 0, 0)
				e.propose(10)
				e.converge()
			})
		})
	}
}

// A server that logged what nobody else has, comes back and drops it.
func TestEnsembleTruncates(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.start(e.voters...)
		e.propose(10)
		e.converge()
		for _, id := range e.voters {
			e.stop(id)
		}
		one := e.servers[1]
		one.hist = append(one.hist, quorum.Entry{Zxid: lastOf(one.hist) + 1, Data: []byte(unacknowledged)})
		e.start(2, 3)
		e.leader()
		e.start(1)
		e.converge()
		e.check(1, 1, 0)
		e.propose(10)
		e.converge()
		if !slices.ContainsFunc(one.roles, func(r quorum.Role) bool { return r.Phase == quorum.Synchronization }) {
			t.Errorf("roles %+v", one.roles)
		}
	})
}

// What memory no longer has comes from the log on disk, and what that no
// longer has, by a snapshot.
func TestEnsembleCatchesUpFromDisk(t *testing.T) {
	for _, purged := range []bool{false, true} {
		t.Run(fmt.Sprintf("purged %v", purged), func(t *testing.T) {
			inEnsemble(t, 3, func(e *ensemble) {
				e.memory = 4
				e.start(e.voters...)
				e.propose(5)
				e.converge()
				leader, _ := e.leader()
				away := leader%3 + 1
				e.stop(away)
				for range 20 {
					e.propose(5)
					e.converge()
				}
				if purged {
					e.servers[leader].logFrom = lastOf(e.want)
				}
				e.start(away)
				e.converge()
				if purged {
					e.check(away, 0, 1)
				} else {
					e.check(away, 0, 0)
					if e.servers[leader].read != 1 {
						t.Errorf("the log was read %d times", e.servers[leader].read)
					}
				}
				e.propose(5)
				e.converge()
			})
		})
	}
}

// A server that lost its disk gets everything by a snapshot, and one whose log
// cannot be cut as far as it must be, too.
func TestEnsembleRepairsBySnapshot(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.start(e.voters...)
		e.propose(10)
		e.converge()
		e.stop(1)
		e.servers[1] = newMemServer()
		e.servers[1].wiped = true
		e.start(1)
		e.converge()
		e.check(1, 0, 1)
		for _, id := range e.voters {
			e.stop(id)
		}
		one := e.servers[1]
		one.hist = append(one.hist, quorum.Entry{Zxid: lastOf(one.hist) + 1, Data: []byte(unacknowledged)})
		one.logFrom = lastOf(one.hist)
		e.start(2, 3)
		e.leader()
		e.start(1)
		e.converge()
		e.check(1, 0, 1)
	})
}

// While a log is being cut, what comes after is already proposed and committed.
// When the cut fails, none of that may be applied to the tree, which still has
// what was to be cut off.
func TestEnsembleAppliesNothingAfterFailedCut(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.start(e.voters...)
		e.propose(10)
		e.converge()
		for _, id := range e.voters {
			e.stop(id)
		}
		one := e.servers[1]
		one.hist = append(one.hist, quorum.Entry{Zxid: lastOf(one.hist) + 1, Data: []byte(unacknowledged)})
		one.logFrom, one.barrier = lastOf(one.hist), make(chan struct{})
		e.start(2, 3)
		e.leader()
		e.start(1)
		synctest.Wait()
		e.propose(5)
		synctest.Wait()
		if len(one.tree) != 11 {
			t.Errorf("the tree has %d entries while the log is being cut", len(one.tree))
		}
		close(one.barrier)
		e.converge()
		e.check(1, 0, 1)
		if one.astray {
			t.Error("something was applied to a tree that should have been cut")
		}
	})
}

// A member that has lost its disk does not help to elect one that lacks what
// is committed.
func TestWipedMemberElectsNobody(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.start(e.voters...)
		e.propose(3)
		e.converge()
		e.stop(1)
		e.propose(10) // 2 and 3 have it
		e.converge()
		e.stop(2)
		e.stop(3)
		e.servers[2] = newMemServer()
		e.servers[2].wiped = true
		e.start(1, 2)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		for id := int64(1); id <= 2; id++ {
			if role := e.servers[id].role; role.State != proto.Looking {
				t.Errorf("server %d is %s", id, role.State)
			}
		}
		e.start(3)
		e.leader()
		e.converge()
		e.check(2, 0, 1)
	})
}

// Resigning loses nothing, and another one leads then.
func TestEnsembleResigns(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.start(e.voters...)
		e.propose(50)
		leader, _ := e.leader()
		e.peers[leader].Resign()
		e.stop(leader)
		next, took := e.leader()
		t.Logf("%d after %d in %v", next, leader, took)
		if took > longestElection {
			t.Errorf("nobody led for %v", took)
		}
		e.converge()
		e.propose(5)
		e.start(leader)
		e.converge()
	})
}

func TestEnsembleConfirms(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.start(e.voters...)
		leader, _ := e.leader()
		e.converge()
		if err := e.peers[leader].Confirm(42); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := e.servers[leader].confirmed; !slices.Equal(got, []uint64{42}) {
			t.Errorf("confirmed %v", got)
		}
		follower := leader%3 + 1
		if err := e.peers[follower].Confirm(1); !errors.Is(err, quorum.ErrNotLeading) {
			t.Errorf("a follower: %v", err)
		}
		if err := e.peers[follower].Propose(quorum.Entry{Zxid: 1}); !errors.Is(err, quorum.ErrNotLeading) {
			t.Errorf("a follower: %v", err)
		}
	})
}

// A failing disk ends the server, and what it could not keep is not said to
// be kept.
func TestPeerDiskFails(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.start(e.voters...)
		e.propose(3)
		e.converge()
		leader, _ := e.leader()
		broken := errors.New("broken")
		e.servers[leader].mu.Lock()
		e.servers[leader].syncErr = broken
		e.servers[leader].mu.Unlock()
		p := e.peers[leader]
		e.propose(1)
		<-p.Done()
		if err := p.Close(); !errors.Is(err, broken) {
			t.Errorf("ended with %v", err)
		}
		delete(e.peers, leader)
		if err := p.Propose(quorum.Entry{}); !errors.Is(err, ErrClosed) {
			t.Errorf("propose: %v", err)
		}
		e.leader()
		e.converge() // the two others had it, so it counts
		if role := e.servers[leader].role; role.State == proto.Leading && len(e.servers[leader].hist) != 3 {
			t.Errorf("disk has %d entries", len(e.servers[leader].hist))
		}
	})
}

// A learner that says hello before the election is over here is not turned
// away at once.
func TestPeerKeepsEarlyLearners(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		e.start(3)
		conn, err := e.net.dialFrom("x")(context.Background(), quorumHost(3))
		if err != nil {
			t.Fatal(err)
		}
		info := proto.LearnerInfo{ServerID: 1, Protocol: proto.LearnerProtocol}
		hello := proto.QuorumPacket{Type: proto.PacketFollowerInfo, Data: info.Append(nil)}
		if _, err := conn.Write(hello.Append(nil)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = conn.Read(make([]byte, 1))
		if d := time.Since(began); err == nil || d != earlyWait {
			t.Errorf("turned away after %v: %v", d, err)
		}
	})
}
