package peer

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// measures keeps what every server told, in order.
type measures struct {
	mu   sync.Mutex
	told map[int64]map[Measure][]int64
}

func (m *measures) observe(id int64, name Measure, value int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told == nil {
		m.told = map[int64]map[Measure][]int64{}
	}
	if m.told[id] == nil {
		m.told[id] = map[Measure][]int64{}
	}
	m.told[id][name] = append(m.told[id][name], value)
}

func (m *measures) of(id int64, name Measure) []int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.told[id][name])
}

func TestStats(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		var m measures
		e.measure = m.observe
		leader, follower := e.following() // 3 transactions
		e.servers[11] = newMemServer()
		e.start(11)
		e.converge()
		e.propose(7)
		e.converge()

		s := e.peers[leader].Stats()
		if s.QuorumSize != 3 || s.Learners != 3 || s.SyncedFollowers != 2 || s.SyncedObservers != 1 || s.SyncedNonVoting != 0 {
			t.Errorf("the leader counts %+v", s)
		}
		if s.Proposals != 10 || s.Commits != 10 || s.LearnerCommits != 0 || s.Snapshots != 0 || s.Diffs != 3 || s.Looking == 0 {
			t.Errorf("the leader counts %+v", s)
		}
		if s.LastZxid != lastOf(e.want) || s.Role.State != proto.Leading || s.LeaderSince.IsZero() || s.Diffing != 0 || s.PendingSyncs != 0 {
			t.Errorf("the leader is %+v", s)
		}
		if f := e.peers[follower].Stats(); f.LearnerProposed != 10 || f.LearnerCommits != 10 || f.Proposals != 0 || !f.LeaderSince.IsZero() {
			t.Errorf("the follower counts %+v", f)
		}
		if n := len(m.of(leader, QuorumAckLatency)); n == 0 {
			t.Error("no latency of a proposal")
		}
		if got := m.of(11, ObserverSyncTime); len(got) != 1 {
			t.Errorf("the observer was brought up to date in %v", got)
		}
		if got := m.of(follower, UnavailableTime); len(got) != 1 { // from its start on
			t.Errorf("unavailable for %v", got)
		}
		if got := m.of(leader, SyncBatchSize); len(got) == 0 || slices.Min(got) < 1 {
			t.Errorf("%v transactions shared a sync", got)
		}
		e.checkLearners(leader)

		e.stop(leader)
		e.leader()
		e.converge()
		if got := m.of(follower, UnavailableTime); len(got) < 2 || got[1] > longestElection.Milliseconds() {
			t.Errorf("unavailable for %v", got)
		}
		if got := m.of(follower, ElectionTime); len(got) < 2 { // it may take more than one
			t.Errorf("elections took %v", got)
		}
	})
}

// What the way of a transaction takes is measured on every server, in ms of
// the clock that the leader wrote it down by.
func TestLatencies(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		var m measures
		const age = 7 // every transaction is made out to be that old
		e.measure, e.written = m.observe, func([]byte) (int64, bool) { return time.Now().UnixMilli() - age, true }
		leader, follower := e.following()
		e.converge()
		e.propose(3)
		e.converge()
		checkAges(t, &m, leader, age, ProposalAckCreationLatency, AckLatency+Measure(fmt.Sprintf(" of %d", leader)), AckLatency+Measure(fmt.Sprintf(" of %d", follower)))
		checkAges(t, &m, follower, age, ProposalLatency, ProposalAckCreationLatency, CommitPropagationLatency)
		for _, name := range []Measure{ProposalLatency, CommitPropagationLatency} {
			if got := m.of(leader, name); len(got) != 0 {
				t.Errorf("the leader's own %s: %v", name, got)
			}
		}
		for name, least := range map[Measure]int64{LearnerHandlerQueue: 1, LearnerHandlerWaitTime: 0} {
			got := m.of(leader, name+Measure(fmt.Sprintf(" of %d", follower)))
			if len(got) == 0 || slices.Min(got) < least {
				t.Errorf("%s of the follower is %v", name, got)
			}
		}
		e.stop(follower)
		synctest.Wait()
		if got := m.of(leader, SocketClosingTime); len(got) == 0 {
			t.Error("nobody has measured how long a connection took to close")
		}
	})
}

func checkAges(t *testing.T, m *measures, id, age int64, names ...Measure) {
	t.Helper()
	for _, name := range names {
		got := m.of(id, name)
		if len(got) == 0 || slices.Min(got) < age {
			t.Errorf("%s of server %d is %v, and no transaction is younger than %d ms", name, id, got, age)
		}
	}
}

// A transaction that seems to come from the future is not measured: the
// clocks of two servers differ.
func TestLatenciesOfDriftingClocks(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		var m measures
		e.measure, e.written = m.observe, func([]byte) (int64, bool) { return time.Now().Add(time.Hour).UnixMilli(), true }
		leader, follower := e.following()
		e.converge()
		for _, id := range []int64{leader, follower} {
			for _, name := range []Measure{ProposalLatency, ProposalAckCreationLatency, CommitPropagationLatency, AckLatency + Measure(fmt.Sprintf(" of %d", id))} {
				if got := m.of(id, name); len(got) != 0 {
					t.Errorf("%s of server %d is %v", name, id, got)
				}
			}
		}
	})
}

// checkLearners looks at who is connected to the leader.
func (e *ensemble) checkLearners(leader int64) {
	e.t.Helper()
	time.Sleep(2 * time.Second) // a ping has been answered
	synctest.Wait()
	all := e.peers[leader].Learners()
	for _, l := range all {
		if !l.Synced || l.Observer != (l.Server == 11) || l.Voter == l.Observer || l.LastZxid != lastOf(e.want) {
			e.t.Errorf("learner %+v", l)
		}
		if l.Sent == 0 || l.Received == 0 || l.Queued != 0 || l.QueuedBytes != 0 || l.Remote == nil || l.Established.IsZero() {
			e.t.Errorf("learner %+v", l)
		}
	}
	if len(all) != 3 {
		e.t.Errorf("%d learners", len(all))
	}
	e.peers[leader].ResetLearners()
	for _, l := range e.peers[leader].Learners() {
		if l.Sent != 0 || l.Received != 0 {
			e.t.Errorf("learner %+v after a reset", l)
		}
	}
}
