package conf

import (
	"math"
	"slices"
)

// electionKeys tune how servers vote.
var electionKeys = []Key{
	{
		Name: "electionAlg", Origin: FileOnly, Kind: fileInt, Default: "3", Doc: "how a leader is elected; there is only 3",
		Use: Ensemble, check: within(3, 3, "must be 3"), gathered: true,
	},
	{
		Name: "cnxTimeout", Kind: fileInt, Default: "5000", Unit: "ms", Doc: "how long to dial a server to vote", Use: Ensemble,
		set:   toInt(func(c *Config) *int { return &c.Election.ConnectTimeoutMs }),
		check: within(1, math.MaxInt32, "must be a number of milliseconds from 1 to 2147483647"),
	},
	{
		Name: "quorumCnxnTimeoutMs", Kind: propInt, Default: "-1", Unit: "ms", Use: Ensemble,
		Doc: "how long a server that connects may take to say who it is; up to 0 is tickTime x syncLimit",
		set: toInt(func(c *Config) *int64 { return &c.Election.HandshakeTimeoutMs }),
	},
	{
		Name: "electionPortBindRetry", Kind: propInt, Default: "3", Unit: "times", Use: Ensemble,
		Doc: "how often to try to listen for votes, 0 is endlessly",
		set: toInt(func(c *Config) *int { return &c.Election.BindRetries }),
	},
	{
		Name: "fastleader.minNotificationInterval", Kind: propInt, Default: "200", Unit: "ms", Use: Ensemble,
		Doc:   "first wait for votes before the own is sent again",
		set:   toInt(func(c *Config) *int { return &c.Election.MinNotifyMs }),
		check: within(1, math.MaxInt32, "must be a number of milliseconds from 1 to 2147483647"),
	},
	{
		Name: "fastleader.maxNotificationInterval", Kind: propInt, Default: "60000", Unit: "ms", Use: Ensemble,
		Doc: "what that wait grows to",
		set: toInt(func(c *Config) *int { return &c.Election.MaxNotifyMs }),
	},
	{
		Name: "observer.election.DelayMs", Kind: propLong, Default: "200", Unit: "ms", Use: Ensemble,
		Doc:   "an observer that lost its leader waits at random up to this",
		set:   toInt(func(c *Config) *int64 { return &c.Election.ObserverDelayMs }),
		check: delay,
	},
	{
		Name: "tcpKeepAlive", Kind: propBool, Default: "false", Doc: "set SO_KEEPALIVE on connections for votes", Use: Ensemble,
		set: toBool(func(c *Config) *bool { return &c.Election.TCPKeepAlive }),
	},
}

var delay = within(0, math.MaxInt32, "must be a number of milliseconds from 0 to 2147483647")

// leaderKeys tune what a leader does for its learners.
var leaderKeys = []Key{
	{
		Name: "leaderServes", Kind: text, Default: "yes", Doc: "no makes a leader accept no clients", Use: Ensemble,
		set: func(c *Config, v value) { c.Leader.ServesClients = v.s != "no" },
	},
	{
		Name: "leader.maxTimeToWaitForEpoch", Kind: propInt, Default: "-1", Unit: "ms", Use: Ensemble,
		Doc: "how long a leader waits for its epoch once one of its voters votes again; -1 is initLimit",
		set: toInt(func(c *Config) *int { return &c.Leader.EpochWaitMs }),
	},
	{
		Name: "leader.maxConcurrentSnapSyncs", Kind: propInt, Default: "10", Unit: "learners", Use: Ensemble,
		Doc:   "learners that get a snapshot at the same time",
		set:   toInt(func(c *Config) *int { return &c.Leader.MaxSnapSyncs }),
		check: learners,
	},
	{
		Name: "leader.maxConcurrentDiffSyncs", Kind: propInt, Default: "100", Unit: "learners", Use: Ensemble,
		Doc:   "learners that get transactions at the same time",
		set:   toInt(func(c *Config) *int { return &c.Leader.MaxDiffSyncs }),
		check: learners,
	},
	{
		Name: "commitLogCount", Kind: propDecimal, Default: "500", Unit: "transactions", Use: Ensemble,
		Doc: "transactions kept in memory for learners that lag; at least 500",
		set: toInt(func(c *Config) *int { return &c.Leader.CommitLogCount }),
	},
	{
		Name: "snapshotSizeFactor", Kind: propFactor, Default: "0.33", Use: Ensemble,
		Doc: "how much of the log on disk is read for a learner, as a share of the snapshot's size, at most 1; negative is nothing",
		set: toFloat(func(c *Config) *float64 { return &c.Leader.SnapshotSizeFactor }),
	},
	{
		Name: "forceSnapshotSync", Kind: propBool, Default: "false", Doc: "always send snapshots", Use: Ensemble,
		set: toBool(func(c *Config) *bool { return &c.Leader.ForceSnapshot }),
	},
}

// With 0 no learner would ever be brought up to date.
var learners = within(1, math.MaxInt32, "must be a number of learners from 1 to 2147483647")

// learnerKeys tune followers and observers.
var learnerKeys = []Key{
	{
		Name: "leaderConnectDelayDuringRetryMs", Kind: propInt, Default: "100", Unit: "ms", Use: Ensemble,
		Doc:   "wait between two tries to reach the leader",
		set:   toInt(func(c *Config) *int { return &c.Learner.ConnectRetryMs }),
		check: delay,
	},
	{
		Name: "observer.reconnectDelayMs", Kind: propLong, Default: "0", Unit: "ms", Use: Ensemble,
		Doc:   "an observer waits at random up to this before it connects again",
		set:   toInt(func(c *Config) *int64 { return &c.Learner.ReconnectDelayMs }),
		check: delay,
	},
	{
		Name: "syncEnabled", Origin: FileOnly, Kind: fileBool, Default: "true", Doc: "an observer writes logs and snapshots", Use: Ensemble,
		set: toBool(func(c *Config) *bool { return &c.Learner.SyncEnabled }),
	},
	{
		Name: "observer.syncEnabled", Kind: propBool, Default: "syncEnabled", Doc: "the same; wins over syncEnabled", Use: Ensemble,
		set: toBool(func(c *Config) *bool { return &c.Learner.SyncEnabled }),
	},
	{
		Name: "observerMasterPort", Origin: FileOnly, Kind: fileInt, Default: "0", Use: Ensemble,
		Doc:   "port on which followers serve observers; up to 0 is none",
		set:   func(c *Config, v value) { c.Learner.ObserverMasterPort = int(max(v.n, 0)) },
		check: within(math.MinInt32, maxPort, "must be a port, at most 65535"),
	},
	{
		Name: "observerMaster.sizeLimit", Kind: propInt, Default: "33554432", Unit: "bytes", Use: Ensemble,
		Doc:   "what a follower keeps for observers that lag",
		set:   toInt(func(c *Config) *int { return &c.Learner.ObserverQueueBytes }),
		check: within(1, math.MaxInt32, "must be a number of bytes from 1 to 2147483647"),
	},
}

const (
	besideTheWork = "every connection is written and closed beside the work, never in its way"
	sideBySide    = "all addresses of a server are dialled side by side, and the first that answers counts"
	onePipeline   = "there is one pipeline for all roles, and it keeps no more than it needs"
	forTests      = "it is for tests of Apache itself"
)

// pipelineKeys tune parts that only Apache's servers have.
var pipelineKeys = slices.Concat(
	beside("leader.closeSocketAsync", "close sockets of learners beside the work"),
	beside("learner.closeSocketAsync", "close the socket to the leader beside the work"),
	beside("learner.asyncSending", "send to the leader beside the work"),
	rowsFrom(PropertyOnly, NoEffect, "TCP_NODELAY is always set: what can go together is written together", []row{
		{"follower.nodelay", text, "true", "", "set TCP_NODELAY on the socket to the leader"},
		{"leader.nodelay", text, "true", "", "set TCP_NODELAY on sockets of learners"},
	}),
	reachabilityKeys,
	rowsFrom(FileOnly, NoEffect, "connections need no threads here", []row{
		{"quorum.cnxn.threads.size", fileInt, "20", "threads", "threads for connections of the election"},
	}),
	rows(NoEffect, "acknowledgements are counted in metrics, not logged", []row{
		{"leader.ackLoggingFrequency", propInt, "1000", "transactions", "how often the time of acks is logged"},
	}),
	rows(NoEffect, onePipeline, []row{
		{"follower.skipLearnerRequestToNextProcessor", propBool, "false", "", "a follower does not keep learners' requests"},
		{"forward_learner_requests_to_commit_processor_disabled", propBool, "false", "", "a leader does not keep learners' requests"},
	}),
	rows(NoEffect, "packets between servers are not remembered", []row{
		{"messageTracker.Enabled", propBool, "false", "", "remember packets between servers for the log"},
		{"messageTracker.BufferSize", propInt, "10", "packets", "how many of them"},
	}),
	rows(NoEffect, forTests, []row{
		{"testingonly.initialZxid", text, "", "", "first zxid"},
		{"test.allowDiscontinuousProposals", propBool, "false", "", "gaps between zxids"},
	}),
	commitKeys,
)

// reachabilityKeys are also properties, with the usual names.
var reachabilityKeys = []Key{
	{
		Name: "multiAddress.reachabilityCheckEnabled", Origin: FileOnly, Also: propertyPrefix + "multiAddress.reachabilityCheckEnabled",
		Kind: fileBool, Default: "true", Doc: "try which address answers", Use: NoEffect, Why: sideBySide,
	},
	{
		Name: "multiAddress.reachabilityCheckTimeoutMs", Origin: FileOnly, Also: propertyPrefix + "multiAddress.reachabilityCheckTimeoutMs",
		Kind: fileInt, Default: "1000", Unit: "ms", Doc: "how long to try", Use: NoEffect, Why: sideBySide,
	},
}

// beside is a key with an older name, which lacks the prefix.
func beside(name, doc string) []Key {
	return []Key{{Name: name, Also: name, Kind: propBool, Default: "false", Doc: doc, Use: NoEffect, Why: besideTheWork}}
}

// commitKeys tune a pool of threads that every role of Apache's has, except a
// server that stands alone.
var commitKeys = rows(NoEffect, "reads run on the goroutine of their connection", []row{
	{"commitProcessor.numWorkerThreads", propInt, "cores", "threads", "threads that run reads"},
	{"commitProcessor.maxReadBatchSize", propInt, "-1", "reads", "reads between two commits"},
	{"commitProcessor.maxCommitBatchSize", propInt, "1", "commits", "commits between two batches of reads"},
	{"commitProcessor.shutdownTimeout", propLong, "5000", "ms", "how long the threads may take to stop"},
})
