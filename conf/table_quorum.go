package conf

import "strings"

const noEnsemble = "it is about ensembles, and this server stands alone"

// memberKeys describe an ensemble. Those that ask for one are refused.
var memberKeys = []Key{
	{
		Name: "server.*", Origin: FileOnly, Kind: text, Doc: "a member: host:quorumPort:electionPort[:role][;[host:]clientPort]; a single one is a server that stands alone",
		set: func(*Config, value) {}, // gathered by name
	},
	{
		Name: "standaloneEnabled", Origin: FileOnly, Kind: fileBool, Default: "true", Doc: "false makes a single server an ensemble of one",
		Use: NotBuilt, Why: "ensembles", asks: isFalse,
	},
	{
		Name: "dynamicConfigFile", Origin: FileOnly, Kind: text, Doc: "file with the members",
		Use: NotBuilt, Why: "a file of its own for the members",
	},
	{
		Name: "reconfigEnabled", Origin: FileOnly, Kind: fileBool, Default: "false",
		Doc: "change the members while running; a server that stands alone answers reconfig with UNIMPLEMENTED instead of RECONFIGDISABLED",
		set: toBool(func(c *Config) *bool { return &c.Reconfig.Enabled }),
	},
	{
		Name: "sslQuorum", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "TLS between servers",
		Use: NotBuilt, Why: "TLS between servers", asks: isTrue,
	},
	{
		Name: "portUnification", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "accept TLS and plain connections of servers",
		Use: NotBuilt, Why: "TLS between servers", asks: isTrue,
	},
	{
		Name: "sslQuorumReloadCertFiles", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "watch the key and trust stores of servers",
		Use: NotBuilt, Why: "TLS between servers", asks: isTrue,
	},
	{
		Name: "quorum.auth.enableSasl", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "SASL between servers",
		Use: NotBuilt, Why: "SASL between servers", asks: isTrue,
	},
	{
		Name: "quorum.auth.learnerRequireSasl", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "a learner insists on it",
		Use: NotBuilt, Why: "SASL between servers", asks: isTrue,
	},
	{
		Name: "quorum.auth.serverRequireSasl", Origin: FileOnly, Kind: fileBool, Default: "false", Doc: "a leader insists on it",
		Use: NotBuilt, Why: "SASL between servers", asks: isTrue,
	},
	{
		Name: "electionAlg", Origin: FileOnly, Kind: fileInt, Default: "3", Doc: "how a leader is elected; there is only 3",
		Use: Ensemble, Why: noEnsemble, check: within(3, 3, "must be 3"),
	},
	{
		Name: "peerType", Origin: FileOnly, Kind: text, Default: "participant", Doc: "participant or observer",
		Use: Ensemble, Why: noEnsemble, check: checkPeerType,
	},
	{
		Name: "multiAddress.enabled", Origin: FileOnly, Also: propertyPrefix + "multiAddress.enabled", Kind: fileBool, Default: "false",
		Doc: "several addresses per server; only as -Dzookeeper.multiAddress.enabled=true are server lines with several read",
		Use: Ensemble, Why: noEnsemble,
	},
	{
		Name: "multiAddress.reachabilityCheckEnabled", Origin: FileOnly, Also: propertyPrefix + "multiAddress.reachabilityCheckEnabled",
		Kind: fileBool, Default: "true", Doc: "try which address answers", Use: Ensemble, Why: noEnsemble,
	},
	{
		Name: "multiAddress.reachabilityCheckTimeoutMs", Origin: FileOnly, Also: propertyPrefix + "multiAddress.reachabilityCheckTimeoutMs",
		Kind: fileInt, Default: "1000", Unit: "ms", Doc: "how long to try", Use: Ensemble, Why: noEnsemble,
	},
}

func checkPeerType(v value) string {
	if t := strings.ToLower(v.s); t == "observer" || t == "participant" {
		return ""
	}
	return "must be participant or observer"
}

var memberTuningKeys = rowsFrom(FileOnly, Ensemble, noEnsemble, []row{
	{"group.*", text, "", "", "servers of a group, by colon"},
	{"weight.*", text, "1", "votes", "votes of a server"},
	{"version", text, "", "", "version of the members, only in files of members"},
	{"oraclePath", text, "", "", "file that decides between two servers"},
	{"initLimit", fileInt, "required", "ticks", "how long a learner may take to connect and synchronise"},
	{"syncLimit", fileInt, "required", "ticks", "how far a learner may lag behind"},
	{"connectToLearnerMasterLimit", fileInt, "initLimit", "ticks", "how long a learner may take to connect"},
	{"observerMasterPort", fileInt, "0", "", "port on which a follower serves observers, 0 is none"},
	{"quorumListenOnAllIPs", fileBool, "false", "", "listen for servers on all addresses"},
	{"syncEnabled", fileBool, "true", "", "an observer writes logs and snapshots"},
	{"localSessionsEnabled", fileBool, "false", "", "sessions that only their server knows"},
	{"localSessionsUpgradingEnabled", fileBool, "false", "", "turn them into global ones when needed"},
	{"quorum.auth.learner.saslLoginContext", text, "QuorumLearner", "", "section of the JAAS file"},
	{"quorum.auth.server.saslLoginContext", text, "QuorumServer", "", "section of the JAAS file"},
	{"quorum.auth.kerberos.servicePrincipal", text, "zkquorum/localhost", "", "principal of the servers"},
	{"quorum.cnxn.threads.size", fileInt, "20", "threads", "threads for connections of the election"},
})

// quorumKeys tune what servers say to one another.
var quorumKeys = append(rows(Ensemble, noEnsemble, []row{
	{"commitLogCount", propDecimal, "500", "transactions", "transactions in memory for learners that lag"},
	{"snapshotSizeFactor", propFloat, "0.33", "", "size of logs to send, as a share of a snapshot's"},
	{"leaderServes", text, "yes", "", "a leader accepts clients"},
	{"cnxTimeout", propDecimal, "5000", "ms", "how long to connect for an election"},
	{"quorumCnxnTimeoutMs", propInt, "-1", "ms", "how long a connection of the election may be silent"},
	{"electionPortBindRetry", propInt, "3", "times", "how often to try to listen for elections"},
	{"fastleader.minNotificationInterval", propInt, "200", "ms", "shortest time between two votes"},
	{"fastleader.maxNotificationInterval", propInt, "60000", "ms", "longest time between two votes"},
	{"leader.maxTimeToWaitForEpoch", propInt, "-1", "ms", "how long a leader waits for its epoch"},
	{"leader.ackLoggingFrequency", propInt, "1000", "transactions", "how often the time of acks is logged"},
	{"leader.maxConcurrentSnapSyncs", propInt, "10", "learners", "learners that get a snapshot at once"},
	{"leader.maxConcurrentDiffSyncs", propInt, "100", "learners", "learners that get transactions at once"},
	{"leaderConnectDelayDuringRetryMs", propInt, "100", "ms", "time between two tries to reach the leader"},
	{"forceSnapshotSync", propBool, "false", "", "always send snapshots"},
	{"observer.reconnectDelayMs", propLong, "0", "ms", "how long an observer waits before it connects again"},
	{"observer.election.DelayMs", propLong, "200", "ms", "how long an observer waits before it elects"},
	{"observer.syncEnabled", propBool, "syncEnabled", "", "an observer writes logs and snapshots"},
	{"observerMaster.sizeLimit", propInt, "33554432", "bytes", "what a follower keeps for observers"},
	{"follower.skipLearnerRequestToNextProcessor", propBool, "false", "", "a follower does not keep learners' requests"},
	{"forward_learner_requests_to_commit_processor_disabled", propBool, "false", "", "a leader does not keep learners' requests"},
	{"tcpKeepAlive", propBool, "false", "", "set SO_KEEPALIVE on sockets of the election"},
	{"messageTracker.Enabled", propBool, "false", "", "remember messages for the log"},
	{"messageTracker.BufferSize", propInt, "10", "messages", "how many of them"},
	{"testingonly.initialZxid", text, "", "", "first zxid, for tests of Apache"},
	{"test.allowDiscontinuousProposals", propBool, "false", "", "gaps between zxids, for tests of Apache"},
}), append(closeKeys, commitKeys...)...)

// closeKeys have an older name without the prefix.
var closeKeys = []Key{
	{
		Name: "leader.closeSocketAsync", Also: "leader.closeSocketAsync", Kind: propBool, Default: "false",
		Doc: "close sockets of learners beside the work", Use: Ensemble, Why: noEnsemble,
	},
	{
		Name: "learner.closeSocketAsync", Also: "learner.closeSocketAsync", Kind: propBool, Default: "false",
		Doc: "close the socket to the leader beside the work", Use: Ensemble, Why: noEnsemble,
	},
	{
		Name: "learner.asyncSending", Also: "learner.asyncSending", Kind: propBool, Default: "false",
		Doc: "send to the leader beside the work", Use: Ensemble, Why: noEnsemble,
	},
	{
		Name: "follower.nodelay", Origin: PropertyOnly, Kind: text, Default: "true",
		Doc: "set TCP_NODELAY on the socket to the leader", Use: Ensemble, Why: noEnsemble,
	},
	{
		Name: "leader.nodelay", Origin: PropertyOnly, Kind: text, Default: "true",
		Doc: "set TCP_NODELAY on sockets of learners", Use: Ensemble, Why: noEnsemble,
	},
}

// commitKeys tune a pool of threads that every role of Apache's has, except a
// server that stands alone.
var commitKeys = rows(NoEffect, "reads run on the goroutine of their connection", []row{
	{"commitProcessor.numWorkerThreads", propInt, "cores", "threads", "threads that run reads"},
	{"commitProcessor.maxReadBatchSize", propInt, "-1", "reads", "reads between two commits"},
	{"commitProcessor.maxCommitBatchSize", propInt, "1", "commits", "commits between two batches of reads"},
	{"commitProcessor.shutdownTimeout", propLong, "5000", "ms", "how long the threads may take to stop"},
})
