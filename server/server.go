// Package server is a ZooKeeper server: the client port, the sessions and the
// pipeline that every request takes.
//
//	reader -> proposer -> log writer -> applier -> outboxes -> clients
//	   \___________________ reads _________________/
//
// A write is prepared and queued by its connection's reader ([proposer]), made
// durable together with all others that wait ([logWriter]), applied in zxid
// order ([applier]) and only then answered. A read runs on its connection's
// reader, unless a write of its session is ahead of it: then the applier runs
// it right after that write. The [gate] keeps watch events and replies in
// order; the [outbox] sends what has gathered with one system call.
//
// A standalone server is an ensemble of one: what commits a transaction is
// the tally of package quorum, with a single voter.
package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/server/audit"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/exporter"
	"github.com/meerkat-zk/meerkat/server/fourletter"
	"github.com/meerkat-zk/meerkat/server/prepare"
	"github.com/meerkat-zk/meerkat/server/session"
	"github.com/meerkat-zk/meerkat/server/stats"
	"github.com/meerkat-zk/meerkat/server/throttle"
)

// selfID is the only voter of an ensemble of one, and its number in the ids of
// its sessions.
const selfID = 1

// id is this server's number.
func (srv *Server) id() int64 {
	if q := &srv.cfg.Quorum; q.Enabled {
		return q.ID
	}
	return selfID
}

// Server is one running server.
type Server struct {
	cfg     *conf.Config   // set once
	log     zerolog.Logger // set once
	build   BuildInfo      // set once
	clock   clock          // set once
	fs      vfs.FS         // set once
	network Network        // set once; its functions are nil for TCP

	startUntil context.Context // set once

	gate      gate
	tree      *datatree.Tree        // set by Start; guarded by the gate
	history   uint64                // guarded by the gate: which of the store's histories the tree shows
	hollow    bool                  // guarded by the gate: the tree is empty because the data is missing or damaged
	store     *persistence.Store    // set by Start; its methods say who may call them
	recovered persistence.Recovered // set by Start: what was on the disk

	logQueueBytes int // set by Start: meerkat.logQueueBytes, or less on a small disk

	auth      *auth.Registry     // set once
	sessions  *session.Tracker   // set once
	locals    *localSessions     // set once; has sessions in an ensemble only
	conns     *connTable         // set once
	caps      *throttle.Caps     // set once
	blue      *throttle.Blue     // set once
	requests  *throttle.Requests // set once
	staleRule throttle.StaleRule // set once
	metrics   *stats.Registry    // set once
	stats     *stats.Server      // set once
	meters    *meters            // set once
	exporter  *exporter.Exporter // set once; nil: metrics are shown as they are
	large     *throttle.Large    // set once

	term      atomic.Pointer[term]    // nil while no client is served
	vacancy   atomic.Pointer[vacancy] // the last one; nil when there was none
	engine    engine                  // set by Start
	applier   *applier                // set by Start
	snapshots *snapshots              // set by Start
	listener  net.Listener            // set by Start; nil without a client port

	audit     *audit.Log   // set by Start; nil: nothing is to be logged
	user      string       // set once: under whom the process runs
	started   atomic.Bool  // Start has returned: what it sets may be read by anybody
	traceMask atomic.Int64 // of gtmk and stmk; only kept

	stopping   chan struct{}  // closed when Stop begins
	stopBy     time.Time      // set before stopping is closed: when clients lose what they have not taken; zero is never
	answered   chan struct{}  // closed when Stop has seen every accepted request answered
	readers    sync.WaitGroup // connections that may still read requests
	background sync.WaitGroup // accepting and maintenance
	failed     chan error     // holds the first fatal error
}

// BuildInfo says which build this is.
type BuildInfo struct {
	Version string // of Meerkat
	Commit  string
	Date    string
}

// New makes a server from a valid configuration. It touches neither disk nor
// network.
func New(cfg *conf.Config, log zerolog.Logger, build BuildInfo, options ...Option) (*Server, error) {
	registry, err := auth.New(auth.Config{
		SkipACL: cfg.Auth.SkipACL, DigestEnabled: cfg.Auth.DigestEnabled, DigestAlg: cfg.Auth.DigestAlg,
		SuperDigest: cfg.Auth.SuperDigest, Classes: cfg.Auth.Classes, EnsembleNames: cfg.Auth.EnsembleNames,
		EnforceAuth: cfg.Auth.Enforce, EnforceSchemes: cfg.Auth.EnforceSchemes,
	})
	if err != nil {
		return nil, err
	}
	srv := &Server{
		cfg: cfg, log: log, build: build, clock: newClock(), fs: vfs.OS{}, auth: registry, startUntil: context.Background(),
		conns:     newConnTable(),
		large:     throttle.NewLarge(cfg.Requests.LargeThresholdBytes, cfg.Requests.LargeMaxBytes),
		caps:      throttle.NewCaps(cfg.Limits.MaxConnections, cfg.Limits.MaxConnectionsPerAddress),
		staleRule: throttle.StaleRule{Connection: cfg.Requests.StaleConnectionCheck, Latency: cfg.Requests.StaleLatencyCheck},
		stopping:  make(chan struct{}), answered: make(chan struct{}), failed: make(chan error, 1),
	}
	for _, option := range options {
		option(srv)
	}
	nowMs := func() int64 { return srv.clock.nanos() / int64(time.Millisecond) }
	srv.requests = throttle.NewRequests(throttle.RequestsConfig{
		Outstanding: throttle.OutstandingLimit(cfg.Requests.MaxOutstanding, max(len(cfg.Quorum.Voters()), 1)), MaxInProcess: cfg.Requests.ThrottleMax,
		StallMs: cfg.Requests.ThrottleStallMs, DropStale: cfg.Requests.ThrottleDropStale,
		OpWaitMs: cfg.Requests.ThrottledOpWaitMs, NowMs: nowMs,
	})
	srv.blue, err = throttle.NewBlue(blueConfig(&cfg.Connections, nowMs))
	srv.sessions = session.NewTracker(session.Config{
		TickMs: cfg.Session.TickTimeMs, ServerID: srv.id(), Expire: srv.expire,
	})
	srv.locals = newLocalSessions(srv)
	srv.user = fourletter.UserName()
	srv.traceMask.Store(fourletter.DefaultTraceMask)
	srv.metrics = stats.NewRegistry()
	srv.stats = stats.NewServer(srv.metrics, srv.clock.nanos)
	srv.meters = newMeters(srv.metrics)
	if cfg.Metrics.Prometheus {
		srv.exporter = exporter.New(srv.metrics, cfg.Metrics.Runtime)
	}
	return srv, err
}

func blueConfig(c *conf.Connections, nowMs func() int64) throttle.BlueConfig {
	return throttle.BlueConfig{
		Tokens: c.Tokens, FillTimeMs: c.FillTimeMs, FillCount: c.FillCount, FreezeTimeMs: c.FreezeTimeMs,
		DropIncrease: c.DropIncrease, DropDecrease: c.DropDecrease, DecreaseRatio: c.DecreaseRatio,
		Weighted: c.Weighted, GlobalWeight: c.GlobalWeight, RenewWeight: c.RenewWeight,
		LocalWeight: c.LocalWeight, NowMs: nowMs,
	}
}

// Start recovers the data directory, opens the client port and serves. When
// it fails, nothing is left running.
func (srv *Server) Start() error {
	if err := srv.openAudit(); err != nil {
		return err
	}
	if err := srv.start(); err != nil {
		srv.auditSelf(audit.ServerStart, audit.Failure)
		return errors.Join(err, srv.dropAudit())
	}
	srv.auditSelf(audit.ServerStart, audit.Success)
	srv.started.Store(true)
	return nil
}

func (srv *Server) start() error {
	if err := srv.recover(); err != nil {
		return err
	}
	if err := srv.listen(); err != nil {
		return errors.Join(err, srv.store.Close())
	}
	srv.applier = newApplier(srv)
	if srv.cfg.Quorum.Enabled {
		srv.engine = newMember(srv)
	} else {
		srv.engine = newStandalone(srv)
	}
	go srv.applier.run() // ends with its inbox, which the engine closes
	if err := srv.engine.start(); err != nil {
		return errors.Join(err, srv.store.Close())
	}
	srv.gauges()
	srv.startMaintenance()
	if srv.listener != nil {
		srv.background.Go(srv.accept)
	}
	return nil
}

// newPreparer makes a preparer that goes on from what the tree has now.
func (srv *Server) newPreparer() *prepare.Preparer {
	return prepare.New(prepare.Config{
		EnforceQuota: srv.cfg.Quota.Enforce, ExtendedTypes: srv.cfg.Znodes.ExtendedTypes,
		ReconfigEnabled: srv.cfg.Reconfig.Enabled, CloseSessionPaths: srv.cfg.Znodes.CloseSessionPaths,
		Digest: srv.cfg.Storage.DigestEnabled, MaxTxnBytes: srv.maxTxnBytes(),
	}, srv.tree, srv.auth, srv.checkedSessions())
}

// maxTxnBytes is the largest transaction that every peer can read.
func (srv *Server) maxTxnBytes() int {
	return srv.cfg.Limits.MaxFrameBytes + srv.cfg.Limits.ExtraFrameBytes
}

// Addr returns where clients reach the server, once it is started; nil when
// it has no client port.
func (srv *Server) Addr() net.Addr {
	if srv.listener == nil {
		return nil
	}
	return srv.listener.Addr()
}

// Done delivers the error after which the server cannot go on. The process is
// to exit then: what is not synced was not acknowledged.
func (srv *Server) Done() <-chan error { return srv.failed }

// fail reports a fatal error; the first one counts.
func (srv *Server) fail(err error) {
	srv.meters.unrecoverable.Add(1)
	select {
	case srv.failed <- err:
	default:
	}
}

// lastZxid returns the zxid of the last applied transaction.
func (srv *Server) lastZxid() int64 {
	srv.gate.enterRead()
	defer srv.gate.leaveRead()
	return srv.tree.LastZxid()
}
