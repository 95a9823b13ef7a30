package server

import (
	"context"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/quorum"
	"github.com/meerkat-zk/meerkat/quorum/peer"
)

// Bounds of the quorum connections that no setting changes.
const (
	maxLearners      = 4096
	peerQueueBytes   = 256 << 20 // waits for one learner; who is further behind starts anew
	quorumDiskBytes  = 64 << 20  // waits for the log's disk before peers have to wait
	historyTailBytes = 64 << 20  // of the log kept in memory for learners at start
)

// verifier is the rule by which votes and acknowledgements are counted.
func verifier(q *conf.Quorum) (quorum.Verifier, error) {
	switch {
	case q.Groups != nil:
		return quorum.NewHierarchical(q.Groups, q.Weights)
	case q.OraclePath != "" && len(q.Voters()) == 2:
		return quorum.NewOracleMajority(oracleFile(q.OraclePath), q.Voters()...), nil
	}
	return quorum.NewMajority(q.Voters()...), nil
}

// oracleFile is the path of a file whose first character grants a quorum to
// one of two voters, when it is 1. It is read anew for each question.
type oracleFile string

// Grants asks the oracle.
func (path oracleFile) Grants() bool {
	f, err := os.Open(string(path))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	var first [1]byte
	n, _ := f.Read(first[:])
	return n == 1 && first[0] == '1'
}

// coreConfig is what the core of the quorum has to know.
func (srv *Server) coreConfig() (quorum.Config, error) {
	q, election, leader, learner := &srv.cfg.Quorum, &srv.cfg.Election, &srv.cfg.Leader, &srv.cfg.Learner
	rule, err := verifier(q)
	cfg := quorum.Config{
		ID: q.ID, Verifier: rule, Observer: q.Observer,
		Tick: ms(srv.cfg.Session.TickTimeMs), InitTicks: q.InitTicks, SyncTicks: q.SyncTicks,
		MinNotify: ms(election.MinNotifyMs), MaxNotify: ms(election.MaxNotifyMs), Settle: settleWait,
		ObserverDelay: ms(election.ObserverDelayMs), ServeObservers: !q.Observer && learner.ObserverMasterPort > 0,
		ReconnectDelay: ms(learner.ReconnectDelayMs), ConnectTicks: q.ConnectTicks, DialPause: ms(learner.ConnectRetryMs),
		MaxSnapSyncs: leader.MaxSnapSyncs, MaxDiffSyncs: leader.MaxDiffSyncs, ForceSnapshot: leader.ForceSnapshot,
		CommitLogCount: leader.CommitLogCount, ConfigText: q.Text(), ConfigVersion: q.Version,
		Seed: uint64(srv.clock.wallMs()),
	}
	if leader.EpochWaitMs >= 0 {
		cfg.EpochWait = max(ms(leader.EpochWaitMs), 1)
	}
	if q.Observer && learner.ObserverMasterPort > 0 {
		cfg.Masters = q.Voters()
	}
	return cfg, err
}

// settleWait is for how long a server waits for a better vote once a quorum
// agrees (Apache's finalizeWait).
const settleWait = 200 * time.Millisecond

func ms[T int | int32 | int64](n T) time.Duration { return time.Duration(n) * time.Millisecond }

// electionConfig says where votes go.
func (srv *Server) electionConfig(listeners []net.Listener) peer.ElectionConfig {
	q := &srv.cfg.Quorum
	peers := make(map[int64][]string)
	for i := range q.Servers {
		if s := &q.Servers[i]; s.ID != q.ID {
			peers[s.ID] = s.ElectionAddresses()
		}
	}
	return peer.ElectionConfig{
		ID: q.ID, Addresses: q.Server(q.ID).ElectionAddresses(), MultiAddress: q.MultiAddress,
		Peers: peers, Listeners: listeners, Dial: srv.dialServer(srv.cfg.Election.TCPKeepAlive),
		DialTimeout: ms(srv.cfg.Election.ConnectTimeoutMs), HandshakeTimeout: ms(srv.cfg.Election.HandshakeTimeoutMs),
		Log: srv.log,
	}
}

// linksConfig says where learners connect, and observers to followers.
func (srv *Server) linksConfig(listeners, masters []net.Listener) peer.LinksConfig {
	q := &srv.cfg.Quorum
	peers, served := make(map[int64][]string), make(map[int64][]string)
	for i := range q.Servers {
		s := &q.Servers[i]
		if s.ID == q.ID {
			continue
		}
		peers[s.ID] = s.QuorumAddresses()
		for _, a := range s.Addresses {
			served[s.ID] = append(served[s.ID], net.JoinHostPort(a.Host, strconv.Itoa(srv.cfg.Learner.ObserverMasterPort)))
		}
	}
	tick := ms(srv.cfg.Session.TickTimeMs)
	return peer.LinksConfig{
		Peers: peers, Listeners: listeners, Masters: served, MasterListeners: masters, Dial: srv.dialServer(false),
		DialTimeout: tick * time.Duration(q.ConnectTicks), FirstTimeout: tick * time.Duration(q.InitTicks),
		MaxPacketBytes: srv.maxTxnBytes(), MaxQueueBytes: peerQueueBytes,
		MaxMasterBytes: srv.cfg.Learner.ObserverQueueBytes, MaxLinks: maxLearners, Log: srv.log,
	}
}

// dialServer connects to another server. The name is resolved each time.
func (srv *Server) dialServer(keepAlive bool) peer.Dial {
	if srv.network.Dial != nil {
		return srv.network.Dial
	}
	dialer := net.Dialer{KeepAlive: -1}
	if keepAlive {
		dialer.KeepAlive = 0
	}
	return func(ctx context.Context, address string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", address)
	}
}

// listenForServers opens one of the ports that other servers dial.
func (srv *Server) listenForServers(ctx context.Context, address string) (net.Listener, error) {
	if srv.network.Listen != nil {
		return srv.network.Listen(address)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		srv.log.Warn().Err(err).Msg("cannot listen for other servers")
	}
	return l, err
}

// own returns where this server listens for others: on the addresses of its
// line, or on all of the machine's.
func (srv *Server) own(port func(conf.Address) int) []string {
	q := &srv.cfg.Quorum
	var addresses []string
	for _, a := range q.Server(q.ID).Addresses {
		host := a.Host
		if q.ListenOnAllIPs {
			host = ""
		}
		address := net.JoinHostPort(host, strconv.Itoa(port(a)))
		if !slices.Contains(addresses, address) { // all of the machine's are the same for each address of the line
			addresses = append(addresses, address)
		}
	}
	return addresses
}
