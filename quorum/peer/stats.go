package peer

import (
	"net"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// Stats are the numbers of a Peer at one moment, by the names of Apache's
// metrics. Counts are since the start.
type Stats struct {
	Looking         uint64 // looking_count: elections begun
	Proposals       uint64 // proposal_count: proposed by this server as leader
	Commits         uint64 // commit_count: committed by this server as leader
	LearnerProposed uint64 // learner_proposal_received_count
	LearnerCommits  uint64 // learner_commit_received_count, INFORM included
	Disloyal        uint64 // quit_leading_due_to_disloyal_voter
	Snapshots       uint64 // snap_count: snapshots begun to be sent to learners
	Diffs           uint64 // diff_count: learners brought up to date by transactions

	QuorumSize         int // quorum_size: the voters
	Learners           int // learners: all that are connected
	SyncedFollowers    int // synced_followers: those that vote
	SyncedNonVoting    int // synced_non_voting_followers
	SyncedObservers    int // synced_observers
	PendingSyncs       int // pending_syncs
	Snapping, Diffing  int // inflight_snap_count, inflight_diff_count
	WaitingForDisk     int // bytes of transactions that are not written yet
	LastZxid           int64
	Role               quorum.Role
	ElectionTime       time.Duration // of the last election; 0 before its end
	LeaderSince, Since time.Time     // since when it leads, since when it has its role; zero: not
}

// Learner is a connected learner, as a leader or an observer master shows it.
type Learner struct {
	quorum.LearnerStatus
	Remote      net.Addr
	Established time.Time
	QueuedBytes int // wait to be sent
	Queued      int // packets
	Sent        uint64
	Received    uint64
}

// Measure names a summary of Apache's metrics.
type Measure string

// What Config.Observe is told. Times are in milliseconds.
const (
	ElectionTime          Measure = "election_time"           // looking for a leader until one was found
	FollowerSyncTime      Measure = "follower_sync_time"      // from then until clients are served
	ObserverSyncTime      Measure = "observer_sync_time"      // the same of an observer
	UnavailableTime       Measure = "unavailable_time"        // no clients were served
	LeaderUnavailableTime Measure = "leader_unavailable_time" // the same of a server that leads in the end
	QuorumAckLatency      Measure = "quorum_ack_latency"      // of a transaction: proposed until committed; some of them
	InflightSnapCount     Measure = "inflight_snap_count"     // when another one is begun
	InflightDiffCount     Measure = "inflight_diff_count"
	SyncQueueSize         Measure = "sync_processor_queue_size" // transactions that waited for the disk
	SyncBatchSize         Measure = "sync_processor_batch_size" // that shared one sync
	SyncFlushTime         Measure = "sync_processor_queue_flush_time_ms"
	SocketClosingTime     Measure = "socket_closing_time" // of a link to another server

	// From when the leader wrote a transaction down, by its clock; of some of
	// them.
	ProposalLatency            Measure = "proposal_latency"              // until its proposal came to this learner
	ProposalAckCreationLatency Measure = "proposal_ack_creation_latency" // until it was durable here
	CommitPropagationLatency   Measure = "commit_propagation_latency"    // until its commit came to this learner
)

// What Config.ObserveEach is told of other servers.
const (
	AckLatency             Measure = "ack_latency"                // as the latencies above, until that server acknowledged it
	LearnerHandlerQueue    Measure = "learner_handler_qp_size"    // packets that are sent to it together
	LearnerHandlerWaitTime Measure = "learner_handler_qp_time_ms" // how long the first of them has waited
)

// tracker keeps the numbers. It belongs to the loop.
type tracker struct {
	stats   Stats
	observe func(Measure, int64)
	ways    latencies

	lookingSince time.Time
	foundAt      time.Time
	lostAt       time.Time // clients are not served since then; zero: they are
	// One proposal at a time is followed until it is committed.
	sample   int64
	sampleAt time.Time
}

// looking tells whether the last role told was that of an election.
func (t *tracker) looking() bool {
	return t.stats.Looking > 0 && t.stats.Role.State == proto.Looking
}

func (t *tracker) tell(m Measure, since time.Time) {
	if !since.IsZero() {
		t.observe(m, time.Since(since).Milliseconds())
	}
}

// role follows the changes of roles.
func (t *tracker) role(r quorum.Role, now time.Time) {
	s := &t.stats
	if s.Role.Phase == quorum.Broadcast && r.Phase != quorum.Broadcast {
		t.lostAt = now
	}
	s.Role, s.Since, s.LeaderSince, t.sample = r, now, time.Time{}, 0
	t.ways.reset()
	if r.Reason == quorum.ReasonDisloyal || r.Reason == quorum.ReasonHopeless {
		s.Disloyal++
	}
	switch r.Phase {
	case quorum.Election:
		s.Looking++
		t.lookingSince = now
	case quorum.Discovery:
		s.ElectionTime = now.Sub(t.lookingSince)
		t.foundAt = now
		t.tell(ElectionTime, t.lookingSince)
	case quorum.Broadcast:
		t.serves(r, now)
	}
}

func (t *tracker) serves(r quorum.Role, now time.Time) {
	switch r.State {
	case proto.Following:
		t.tell(FollowerSyncTime, t.foundAt)
	case proto.Observing:
		t.tell(ObserverSyncTime, t.foundAt)
	case proto.Leading:
		t.stats.LeaderSince = now
		t.tell(LeaderUnavailableTime, t.lostAt)
	}
	t.tell(UnavailableTime, t.lostAt)
	t.lostAt = time.Time{}
}

// ready counts what the core has decided.
func (t *tracker) ready(out *quorum.Ready, core *quorum.Core) {
	s := &t.stats
	if s.Role.Phase == quorum.Broadcast {
		t.ways.ready(out, s.Role.State == proto.Leading, core.Learners)
	}
	appended := uint64(0)
	for i := range out.Disk {
		appended += uint64(len(out.Disk[i].Entries))
	}
	switch {
	case s.Role.State != proto.Leading:
		s.LearnerProposed += appended
		s.LearnerCommits += uint64(len(out.Apply))
	case s.Role.Phase == quorum.Broadcast:
		s.Proposals += appended
		s.Commits += uint64(len(out.Apply))
		t.follow(out, appended > 0)
	}
}

// follow measures how long a proposal takes.
func (t *tracker) follow(out *quorum.Ready, proposed bool) {
	if n := len(out.Apply); t.sample != 0 && n > 0 && out.Apply[n-1].Zxid >= t.sample {
		t.tell(QuorumAckLatency, t.sampleAt)
		t.sample = 0
	}
	if t.sample == 0 && proposed {
		last := &out.Disk[len(out.Disk)-1]
		if n := len(last.Entries); n > 0 {
			t.sample, t.sampleAt = last.Entries[n-1].Zxid, time.Now()
		}
	}
}

// sent counts how learners are brought up to date.
func (t *tracker) sent(m *quorum.Message, core *quorum.Core) {
	switch m.Packet.Type {
	case proto.PacketSnap:
		t.stats.Snapshots++
	case proto.PacketDiff, proto.PacketTrunc:
		t.stats.Diffs++
	default:
		return
	}
	snaps, diffs := inflight(core.Learners())
	if m.Packet.Type == proto.PacketSnap {
		t.observe(InflightSnapCount, int64(snaps))
	} else {
		t.observe(InflightDiffCount, int64(diffs))
	}
}

func inflight(learners []quorum.LearnerStatus) (snaps, diffs int) {
	for i := range learners {
		switch l := &learners[i]; {
		case l.Synced || l.Mode == 0:
		case l.Mode == proto.PacketSnap:
			snaps++
		default:
			diffs++
		}
	}
	return snaps, diffs
}

// stats returns the numbers as they are.
func (l *loop) stats() Stats {
	s := l.track.stats
	s.QuorumSize, s.PendingSyncs, s.LastZxid = len(l.p.cfg.Core.Verifier.Voters()), l.core.PendingSyncs(), l.core.LastZxid()
	learners := l.core.Learners()
	s.Learners = len(learners)
	s.Snapping, s.Diffing = inflight(learners)
	for i := range learners {
		switch {
		case !learners[i].Synced:
		case learners[i].Observer:
			s.SyncedObservers++
		case learners[i].Voter:
			s.SyncedFollowers++
		default:
			s.SyncedNonVoting++
		}
	}
	s.WaitingForDisk = l.p.writer.waiting()
	return s
}

// Stats returns the numbers of this moment; those of the end when the Peer has
// ended.
func (p *Peer) Stats() Stats {
	answer := make(chan Stats, 1)
	p.post(func() { answer <- p.loop.stats() })
	select {
	case s := <-answer:
		return s
	case <-p.done:
		return p.loop.track.stats
	}
}

// Learners returns who is connected to this leader or observer master.
func (p *Peer) Learners() []Learner {
	answer := make(chan []quorum.LearnerStatus, 1)
	p.post(func() { answer <- p.loop.core.Learners() })
	var found []quorum.LearnerStatus
	select {
	case found = <-answer:
	case <-p.done:
	}
	all := make([]Learner, 0, len(found))
	for _, s := range found {
		l := Learner{LearnerStatus: s}
		if p.links.describe(&l) {
			all = append(all, l)
		}
	}
	return all
}

// ResetLearners forgets how many packets have been sent and received
// (observer_connection_stat_reset).
func (p *Peer) ResetLearners() { p.links.resetCounts() }
