package conf

import (
	"net"
	"slices"
	"strconv"
)

// Quorum is the ensemble and this server's part in it. Unless Enabled, this
// server stands alone, and Quorum, Election, Leader and Learner hold what
// [Default] says.
type Quorum struct {
	// Enabled means an ensemble: more than one voter, or any number of them
	// with standaloneEnabled=false.
	Enabled bool
	// ID is this server's number, of the file myid in the data directory. It
	// is one of Servers.
	ID int64
	// Observer means that this server never votes: what the list of servers
	// says, whatever peerType says.
	Observer bool
	// Servers are all members, by ID (server.N).
	Servers []Server
	// Groups maps the number of a group to the voters in it, and Weights
	// maps a voter to its weight, 1 where none was given (group.N,
	// weight.N). Both are nil when the majority decides.
	Groups  map[int64][]int64
	Weights map[int64]int64
	// Version is that of the list of servers: the hexadecimal number at the
	// end of the name of dynamicConfigFile, else 0 (version).
	Version int64
	// OraclePath is the file whose first character decides, '1' is yes,
	// whether one of two voters may go on alone; "" is never (oraclePath).
	OraclePath string

	// InitTicks is how long a learner may take to connect and synchronise,
	// SyncTicks how long a peer may be silent, and ConnectTicks how long a
	// learner may try to connect, in ticks of Session.TickTimeMs (initLimit,
	// syncLimit, connectToLearnerMasterLimit).
	InitTicks, SyncTicks, ConnectTicks int
	// ListenOnAllIPs listens for servers on all addresses instead of those
	// of this server's own line (quorumListenOnAllIPs).
	ListenOnAllIPs bool
	// MultiAddress tells the others all addresses of this server, which
	// needs Apache 3.6 or later at the other end (multiAddress.enabled).
	MultiAddress bool

	// ReadOnly serves reads without a quorum to clients that accept it
	// (readonlymode.enabled).
	ReadOnly bool
	// LocalSessions makes sessions that only their server knows, and
	// LocalUpgrades turns them into global ones when they create an
	// ephemeral (localSessionsEnabled, localSessionsUpgradingEnabled).
	LocalSessions, LocalUpgrades bool
	// LinearizableSync makes sync confirm with a quorum that the leader still
	// leads before it answers (meerkat.linearizableSync).
	LinearizableSync bool
}

// Server is a member of the ensemble.
type Server struct {
	ID       int64
	Observer bool
	// Addresses are where the other servers reach it, at least one, in the
	// order of the line.
	Addresses []Address
	// ClientHost and ClientPort are where its clients connect. The port is
	// NoPort when the line names none, which is not known to the others then.
	ClientHost string
	ClientPort int
}

// Address is where other servers reach a server. Host is a name, which is
// looked up for each connection, or an IP address, without brackets.
type Address struct {
	Host                     string
	QuorumPort, ElectionPort int
}

// QuorumAddresses returns host:port of each address for learners.
func (s *Server) QuorumAddresses() []string {
	return s.addresses(func(a Address) int { return a.QuorumPort })
}

// ElectionAddresses returns host:port of each address for votes.
func (s *Server) ElectionAddresses() []string {
	return s.addresses(func(a Address) int { return a.ElectionPort })
}

func (s *Server) addresses(port func(Address) int) []string {
	all := make([]string, len(s.Addresses))
	for i, a := range s.Addresses {
		all[i] = net.JoinHostPort(a.Host, strconv.Itoa(port(a)))
	}
	return all
}

// Server returns the member with that id, nil if there is none.
func (q *Quorum) Server(id int64) *Server {
	at, ok := slices.BinarySearchFunc(q.Servers, id, func(s Server, id int64) int {
		switch {
		case s.ID < id:
			return -1
		case s.ID > id:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return &q.Servers[at]
}

// Voters returns the ids of the members that vote, in order.
func (q *Quorum) Voters() []int64 {
	var ids []int64
	for i := range q.Servers {
		if !q.Servers[i].Observer {
			ids = append(ids, q.Servers[i].ID)
		}
	}
	return ids
}

// Election says how servers vote.
type Election struct {
	// ConnectTimeoutMs is how long to dial a server (cnxTimeout).
	ConnectTimeoutMs int
	// HandshakeTimeoutMs is how long a server that connects may take to say
	// who it is; SyncTicks unless given (quorumCnxnTimeoutMs).
	HandshakeTimeoutMs int64
	// BindRetries is how often to try to listen; 0 is endlessly
	// (electionPortBindRetry).
	BindRetries int
	// MinNotifyMs is the first wait for votes before the own vote is sent
	// again, MaxNotifyMs what it grows to (fastleader.minNotificationInterval,
	// fastleader.maxNotificationInterval).
	MinNotifyMs, MaxNotifyMs int
	// ObserverDelayMs bounds the random wait of an observer that lost its
	// leader (observer.election.DelayMs).
	ObserverDelayMs int64
	// TCPKeepAlive sets SO_KEEPALIVE on connections for votes (tcpKeepAlive).
	TCPKeepAlive bool
}

// Leader says what a leader does for its learners.
type Leader struct {
	// ServesClients makes a leader accept clients (leaderServes).
	ServesClients bool
	// EpochWaitMs is how long a leader waits for a quorum to agree on its
	// epoch once a voter has left; -1 is InitTicks
	// (leader.maxTimeToWaitForEpoch).
	EpochWaitMs int
	// MaxSnapSyncs and MaxDiffSyncs bound the learners that get a snapshot,
	// or transactions, at the same time (leader.maxConcurrentSnapSyncs,
	// leader.maxConcurrentDiffSyncs).
	MaxSnapSyncs, MaxDiffSyncs int
	// CommitLogCount is how many committed transactions are kept in memory
	// for learners that fell behind; at least 500 (commitLogCount).
	CommitLogCount int
	// SnapshotSizeFactor bounds what is read from the log on disk for a
	// learner, as a share of the snapshot's size, at most 1; negative never
	// reads the log (snapshotSizeFactor).
	SnapshotSizeFactor float64
	// ForceSnapshot brings every learner up to date by a snapshot
	// (forceSnapshotSync).
	ForceSnapshot bool
}

// Learner says what followers and observers do.
type Learner struct {
	// ConnectRetryMs is the wait between two tries to reach the leader
	// (leaderConnectDelayDuringRetryMs).
	ConnectRetryMs int
	// ReconnectDelayMs bounds the random wait before an observer connects to
	// the next master (observer.reconnectDelayMs).
	ReconnectDelayMs int64
	// SyncEnabled makes an observer write logs and snapshots (syncEnabled,
	// observer.syncEnabled).
	SyncEnabled bool
	// ObserverMasterPort is where a follower serves observers, and where
	// observers look for followers; 0 is nowhere (observerMasterPort).
	ObserverMasterPort int
	// ObserverQueueBytes bounds what a follower keeps for its observers
	// (observerMaster.sizeLimit).
	ObserverQueueBytes int
}
