package server

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
	"github.com/meerkat-zk/meerkat/quorum/peer"
	"github.com/meerkat-zk/meerkat/server/fourletter"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// proposalSizes are the bytes of a leader's proposals, as Apache counts them:
// the wire form of the transaction.
type proposalSizes struct{ last, smallest, largest atomic.Int64 }

func (s *proposalSizes) reset() {
	s.last.Store(-1)
	s.smallest.Store(-1)
	s.largest.Store(-1)
}

// saw counts one proposal. It is called by one goroutine.
func (s *proposalSizes) saw(sizeBytes int) {
	n := int64(sizeBytes)
	s.last.Store(n)
	if low := s.smallest.Load(); low == -1 || n < low {
		s.smallest.Store(n)
	}
	if n > s.largest.Load() {
		s.largest.Store(n)
	}
}

// recentStats keeps the Peer's numbers for a moment: one dump reads many.
type recentStats struct {
	mu    sync.Mutex
	at    time.Time  // mu
	stats peer.Stats // mu
}

const recentFor = 50 * time.Millisecond

// numbers returns the Peer's numbers.
func (m *member) numbers() peer.Stats {
	m.recent.mu.Lock()
	defer m.recent.mu.Unlock()
	if now := time.Now(); now.Sub(m.recent.at) > recentFor {
		m.recent.stats, m.recent.at = m.peer.Stats(), now
	}
	return m.recent.stats
}

// gauges registers what only a member of an ensemble has to show.
func (m *member) gauges() {
	r := m.srv.metrics
	r.IntGauge("quorum_size", func() int64 { return int64(m.numbers().QuorumSize) })
	leader := func(name string, get func(*peer.Stats) int64) {
		r.Gauge(name, func() (stats.Value, bool) {
			s := m.numbers()
			return stats.Int(get(&s)), s.Role.State == proto.Leading && s.Role.Phase == quorum.Broadcast
		})
	}
	leader("learners", func(s *peer.Stats) int64 { return int64(s.Learners) })
	leader("synced_followers", func(s *peer.Stats) int64 { return int64(s.SyncedFollowers) })
	leader("synced_non_voting_followers", func(s *peer.Stats) int64 { return int64(s.SyncedNonVoting) })
	leader("pending_syncs", func(s *peer.Stats) int64 { return int64(s.PendingSyncs) })
	leader("leader_uptime", func(s *peer.Stats) int64 { return time.Since(s.LeaderSince).Milliseconds() })
	leader("last_proposal_size", func(*peer.Stats) int64 { return m.proposals.last.Load() })
	leader("min_proposal_size", func(*peer.Stats) int64 { return m.proposals.smallest.Load() })
	leader("max_proposal_size", func(*peer.Stats) int64 { return m.proposals.largest.Load() })
	r.Gauge("synced_observers", func() (stats.Value, bool) {
		s := m.numbers()
		// A follower that serves no observers has no value for it, which Apache's
		// exporter for Prometheus shows as 0.
		serves := m.srv.cfg.Learner.ObserverMasterPort > 0 || m.srv.exporter != nil
		return stats.Int(int64(s.SyncedObservers)), s.Role.State == proto.Leading || s.Role.State == proto.Following && serves
	})
	for name, get := range map[string]func(*peer.Stats) uint64{
		"proposal_count":                     func(s *peer.Stats) uint64 { return s.Proposals },
		"commit_count":                       func(s *peer.Stats) uint64 { return s.Commits },
		"snap_count":                         func(s *peer.Stats) uint64 { return s.Snapshots },
		"diff_count":                         func(s *peer.Stats) uint64 { return s.Diffs },
		"looking_count":                      func(s *peer.Stats) uint64 { return s.Looking },
		"quit_leading_due_to_disloyal_voter": func(s *peer.Stats) uint64 { return s.Disloyal },
		"learner_proposal_received_count":    func(s *peer.Stats) uint64 { return s.LearnerProposed },
		"learner_commit_received_count":      func(s *peer.Stats) uint64 { return s.LearnerCommits },
	} {
		r.CountedBy(name, func() int64 {
			s := m.numbers()
			return int64(get(&s))
		})
	}
}

// observe takes the Peer's measurements.
func (m *member) observe(what peer.Measure, value int64) {
	m.srv.metrics.Summary(string(what)).Add(value)
}

// observeEach takes those about another server.
func (m *member) observeEach(what peer.Measure, server, value int64) {
	m.srv.metrics.SummarySet(string(what)).Of(strconv.FormatInt(server, 10)).Add(value)
}

// writtenMs is when a transaction was written down by its leader.
func writtenMs(raw []byte) (ms int64, ok bool) {
	d := jute.NewAliasDecoder(raw)
	var h proto.TxnHeader
	h.Decode(&d)
	return h.TimeMs, d.Err() == nil
}

// Member describes the server to the words.
func (v view) Member() *fourletter.Member {
	m, ok := v.srv.engine.(*member)
	if !ok {
		return nil
	}
	q, role := &v.srv.cfg.Quorum, m.present()
	shown := &fourletter.Member{
		Leads:        role.State == proto.Leading && role.Phase == quorum.Broadcast,
		LastProposal: m.proposals.last.Load(), MinProposal: m.proposals.smallest.Load(), MaxProposal: m.proposals.largest.Load(),
		PeerState: stateText(role), InitTicks: q.InitTicks, SyncTicks: q.SyncTicks,
		ElectionPorts: v.srv.ports(func(a conf.Address) int { return a.ElectionPort }),
		QuorumPorts:   v.srv.ports(func(a conf.Address) int { return a.QuorumPort }),
	}
	if q.Observer {
		shown.PeerType, shown.MasterID = 1, &role.Via
	}
	if !v.ReadOnly() {
		shown.Membership = q.Text()
	}
	return shown
}

// stateText is a role as Apache's peer_state names it.
func stateText(r quorum.Role) string {
	text := strings.ToLower(r.State.String())
	if r.Phase != quorum.Election {
		text += " - " + r.Phase.String()
	}
	return text
}

// ports lists the ports of one kind that this server has for other servers.
func (srv *Server) ports(port func(conf.Address) int) string {
	q := &srv.cfg.Quorum
	var all []string
	for _, a := range q.Server(q.ID).Addresses {
		all = append(all, strconv.Itoa(port(a)))
	}
	return strings.Join(all, "|")
}
