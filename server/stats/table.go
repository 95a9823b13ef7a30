package stats

// Table describes every metric, in the order in which mntr prints them. The
// names up to the last group are those of Apache ZooKeeper 3.9.5
// (ServerMetrics, and the gauges that its servers register). Those that
// cannot move here are printed too, at zero, for scripts that ask for them.
var Table = concat(gauges, ensembleGauges, counters, ensembleCounters, summaries, stageSummaries, ensembleSummaries, own)

func concat(groups ...[]Def) []Def {
	var all []Def
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// Why some of Apache's metrics have nothing to count.
const (
	whyCommit  = "there is no commit processor: a request waits only in its own connection's queue"
	whyCache   = "data needs no cache: it is kept as it is sent"
	whyCleaner = "watches of a closed connection are removed at once"
	whyNetty   = "there is no Netty"
	whyTLS     = "there is no TLS yet"
	whyStale   = "only the request throttle looks for them, and drops them: see stale_requests_dropped"
	whyStage   = "the stages of a write are not timed one by one: see updatelatency, gate_wait_time and fsynctime"
	whyAtOnce  = "clients' requests are sent to the leader as they come"
	whyMaster  = "what is passed on to observers goes to their links in the step that takes it in: see learner_handler_qp_time_ms"
	whyOrder   = "learners' requests take the same way as all others"
)

// gauges are the present state of any server.
var gauges = []Def{
	{Name: "avg_latency", Kind: KindGauge, Unit: UnitMs, Help: "mean time from a request's arrival to its reply"},
	{Name: "max_latency", Kind: KindGauge, Unit: UnitMs, Help: "longest time from a request's arrival to its reply"},
	{Name: "min_latency", Kind: KindGauge, Unit: UnitMs, Help: "shortest time from a request's arrival to its reply"},
	{Name: "packets_received", Kind: KindGauge, Help: "frames and four-letter words received from clients"},
	{Name: "packets_sent", Kind: KindGauge, Help: "frames sent to clients: replies and watch events"},
	{Name: "num_alive_connections", Kind: KindGauge, Help: "open client connections"},
	{Name: "outstanding_requests", Kind: KindGauge, Help: "requests that wait for their reply"},
	{Name: "uptime", Kind: KindGauge, Unit: UnitMs, Help: "time since the server was started"},
	{Name: "znode_count", Kind: KindGauge, Help: "znodes; the root counts twice, as in Apache"},
	{Name: "watch_count", Kind: KindGauge, Help: "watches of all kinds"},
	{Name: "ephemerals_count", Kind: KindGauge, Help: "ephemeral znodes"},
	{Name: "approximate_data_size", Kind: KindGauge, Unit: UnitBytes, Help: "paths and data of all znodes"},
	{Name: "global_sessions", Kind: KindGauge, Help: "sessions that all servers know"},
	{Name: "local_sessions", Kind: KindGauge, Help: "sessions that only this server knows"},
	{Name: "open_file_descriptor_count", Kind: KindGauge, Help: "file descriptors in use"},
	{Name: "max_file_descriptor_count", Kind: KindGauge, Help: "file descriptors allowed"},
	{Name: "connection_drop_probability", Kind: KindGauge, Help: "chance of the next connection to be dropped by the connection throttle"},
	{Name: "last_client_response_size", Kind: KindGauge, Unit: UnitBytes, Help: "size of the latest reply; -1 before the first"},
	{Name: "max_client_response_size", Kind: KindGauge, Unit: UnitBytes, Help: "size of the largest reply; -1 before the first"},
	{Name: "min_client_response_size", Kind: KindGauge, Unit: UnitBytes, Help: "size of the smallest reply; -1 before the first"},
	{Name: "outstanding_tls_handshake", Kind: KindGauge, Help: "TLS handshakes under way"},
	{Name: "auth_failed_count", Kind: KindGauge, Help: "TLS clients whose certificate was refused"},
	{Name: "non_mtls_remote_conn_count", Kind: KindGauge, Help: "connections from other hosts without a client certificate"},
	{Name: "non_mtls_local_conn_count", Kind: KindGauge, Help: "connections from this host without a client certificate"},
	{Name: "quota_count_limit_per_namespace", Kind: KindGaugeSet, Help: "hard limit of znodes"},
	{Name: "quota_bytes_limit_per_namespace", Kind: KindGaugeSet, Unit: UnitBytes, Help: "hard limit of data"},
	{Name: "quota_count_usage_per_namespace", Kind: KindGaugeSet, Help: "znodes where a quota is set"},
	{Name: "quota_bytes_usage_per_namespace", Kind: KindGaugeSet, Unit: UnitBytes, Help: "data where a quota is set"},
}

// ensembleGauges are registered by a server in that role only.
var ensembleGauges = []Def{
	{Name: "quorum_size", Kind: KindGauge, Scope: Ensemble, Help: "voting members"},
	{Name: "learners", Kind: KindGauge, Scope: Ensemble, Help: "leader: connected learners"},
	{Name: "synced_followers", Kind: KindGauge, Scope: Ensemble, Help: "leader: followers in sync"},
	{Name: "synced_non_voting_followers", Kind: KindGauge, Scope: Ensemble, Help: "leader: followers in sync that have no vote"},
	{Name: "synced_observers", Kind: KindGauge, Scope: Ensemble, Help: "observers in sync"},
	{Name: "pending_syncs", Kind: KindGauge, Scope: Ensemble, Help: "leader: sync requests that wait"},
	{Name: "leader_uptime", Kind: KindGauge, Unit: UnitMs, Scope: Ensemble, Help: "leader: time since it leads"},
	{Name: "last_proposal_size", Kind: KindGauge, Unit: UnitBytes, Scope: Ensemble, Help: "leader: size of the latest proposal"},
	{Name: "max_proposal_size", Kind: KindGauge, Unit: UnitBytes, Scope: Ensemble, Help: "leader: size of the largest proposal"},
	{Name: "min_proposal_size", Kind: KindGauge, Unit: UnitBytes, Scope: Ensemble, Help: "leader: size of the smallest proposal"},
}

// counters of any server.
var counters = []Def{
	{Name: "bytes_received_count", Kind: KindCounter, Unit: UnitBytes, Help: "received from clients, with the lengths of frames"},
	{Name: "response_bytes", Kind: KindCounter, Unit: UnitBytes, Help: "replies sent to clients"},
	{Name: "watch_bytes", Kind: KindCounter, Unit: UnitBytes, Help: "watch events sent to clients"},
	{Name: "connection_request_count", Kind: KindCounter, Help: "connect requests that passed the connection throttle"},
	{Name: "connection_revalidate_count", Kind: KindCounter, Help: "connect requests that named a session"},
	{Name: "connection_rejected", Kind: KindCounter, Help: "connections refused at accept, or by the connection throttle"},
	{Name: "connection_drop_count", Kind: KindCounter, Help: "connections that the client has closed without closing its session"},
	{Name: "cnxn_closed_without_zk_server_running", Kind: KindCounter, Help: "connections closed because the server did not serve"},
	{Name: "sessionless_connections_expired", Kind: KindCounter, Help: "connections closed for having been silent too long"},
	{Name: "stale_sessions_expired", Kind: KindCounter, Help: "sessions that have expired"},
	{Name: "stale_requests", Kind: KindCounter, Scope: Never, Why: whyStale, Help: "requests processed though nobody waited for them any more"},
	{Name: "stale_requests_dropped", Kind: KindCounter, Help: "requests dropped by the throttle because nobody waited for them any more"},
	{Name: "stale_replies", Kind: KindCounter, Scope: Never, Why: whyStale, Help: "replies made though nobody waited for them any more"},
	{Name: "request_throttle_wait_count", Kind: KindCounter, Help: "pauses that the request throttle has made"},
	{Name: "throttled_ops", Kind: KindCounter, Help: "requests refused because they had waited too long"},
	{Name: "large_requests_rejected", Kind: KindCounter, Help: "large requests that found no room"},
	{Name: "prep_processor_request_queued", Kind: KindCounter, Help: "writes handed to preparation"},
	{Name: "outstanding_changes_queued", Kind: KindCounter, Help: "changes of znodes that were prepared"},
	{Name: "outstanding_changes_removed", Kind: KindCounter, Help: "prepared changes of znodes that were applied"},
	{Name: "sync_processor_request_queued", Kind: KindCounter, Help: "transactions handed to the log writer"},
	{Name: "snapshot_error_count", Kind: KindCounter, Help: "snapshots on command that failed"},
	{Name: "snapshot_rate_limited_count", Kind: KindCounter, Help: "snapshots on command that came too soon after the last"},
	{Name: "restore_error_count", Kind: KindCounter, Help: "restores on command that failed"},
	{Name: "restore_rate_limited_count", Kind: KindCounter, Help: "restores on command that came too soon after the last"},
	{Name: "ensemble_auth_success", Kind: KindCounter, Help: "clients that named this ensemble"},
	{Name: "ensemble_auth_fail", Kind: KindCounter, Help: "clients that named another ensemble"},
	{Name: "ensemble_auth_skip", Kind: KindCounter, Help: "clients that named no ensemble, or none is configured"},
	{Name: "digest_mismatches_count", Kind: KindCounter, Help: "transactions whose digest differs from the tree's"},
	{Name: "unrecoverable_error_count", Kind: KindCounter, Help: "errors that ended the server"},
	{Name: "unsuccessful_handshake", Kind: KindCounter, Scope: Never, Why: whyTLS, Help: "TLS handshakes that failed"},
	{Name: "tls_handshake_exceeded", Kind: KindCounter, Scope: Never, Why: whyTLS, Help: "connections closed because of too many TLS handshakes at once"},
	{Name: "insecure_admin_count", Kind: KindCounter, Scope: Never, Why: whyTLS, Help: "plain connections to an admin server that also speaks TLS"},
	{Name: "response_packet_cache_hits", Kind: KindCounter, Scope: Never, Why: whyCache, Help: "getData replies taken from the cache"},
	{Name: "response_packet_cache_misses", Kind: KindCounter, Scope: Never, Why: whyCache, Help: "getData replies put into the cache"},
	{Name: "response_packet_get_children_cache_hits", Kind: KindCounter, Help: "lists of children for a reply that were encoded already"},
	{Name: "response_packet_get_children_cache_misses", Kind: KindCounter, Help: "lists of children for a reply that had to be encoded"},
	{Name: "add_dead_watcher_stall_time", Kind: KindCounter, Unit: UnitMs, Scope: Never, Why: whyCleaner, Help: "time that closing connections waited for the watcher cleaner"},
	{Name: "dead_watchers_queued", Kind: KindCounter, Scope: Never, Why: whyCleaner, Help: "closed connections handed to the watcher cleaner"},
	{Name: "dead_watchers_cleared", Kind: KindCounter, Scope: Never, Why: whyCleaner, Help: "closed connections whose watches are removed"},
	{Name: "request_commit_queued", Kind: KindCounter, Scope: Never, Why: whyCommit, Help: "commits handed to the commit processor"},
	{Name: "requests_not_forwarded_to_commit_processor", Kind: KindCounter, Scope: Never, Why: whyOrder, Help: "learners' requests kept from the commit processor"},
	{Name: "skip_learner_request_to_next_processor_count", Kind: KindCounter, Scope: Never, Why: whyOrder, Help: "learners' requests kept from a follower's pipeline"},
	{Name: "quota_exceeded_error_per_namespace", Kind: KindCounterSet, Help: "writes refused by a quota"},
}

// ensembleCounters move with other servers only.
var ensembleCounters = []Def{
	{Name: "proposal_count", Kind: KindCounter, Scope: Ensemble, Help: "leader: proposals made"},
	{Name: "commit_count", Kind: KindCounter, Scope: Ensemble, Help: "leader: commits sent"},
	{Name: "diff_count", Kind: KindCounter, Scope: Ensemble, Help: "leader: learners brought up to date with transactions"},
	{Name: "snap_count", Kind: KindCounter, Scope: Ensemble, Help: "leader: learners brought up to date with a snapshot"},
	{Name: "looking_count", Kind: KindCounter, Scope: Ensemble, Help: "elections that this server took part in"},
	{Name: "revalidate_count", Kind: KindCounter, Scope: Ensemble, Help: "leader: sessions that learners asked about"},
	{Name: "learner_proposal_received_count", Kind: KindCounter, Scope: Ensemble, Help: "learner: proposals received"},
	{Name: "learner_commit_received_count", Kind: KindCounter, Scope: Ensemble, Help: "learner: commits received"},
	{Name: "quit_leading_due_to_disloyal_voter", Kind: KindCounter, Scope: Ensemble, Help: "times that a leader stepped down because voters left it"},
}

// own are Meerkat's: what operators otherwise learn too late.
var own = []Def{
	{Name: "datadir_free_bytes", Kind: KindGauge, Unit: UnitBytes, Help: "room left where snapshots are kept"},
	{Name: "logdir_free_bytes", Kind: KindGauge, Unit: UnitBytes, Help: "room left where transaction logs are kept"},
	{Name: "oversized_requests", Kind: KindCounter, Help: "frames above jute.maxbuffer, which cost their connection"},
	{Name: "oversized_replies", Kind: KindCounter, Help: "replies above jute.maxbuffer, which many clients refuse"},
	{Name: "writes_refused_disk_full", Kind: KindCounter, Help: "writes refused because the log has no room"},
	{Name: "disk_full", Kind: KindGauge, Help: "1 while writes are refused because the log has no room, else 0"},
	{Name: "slow_fsync_count", Kind: KindCounter, Help: "syncs of the log that took longer than fsync.warningthresholdms"},
	{Name: "apply_time", Kind: KindSummary, Unit: UnitMs, Help: "time that reads were kept out while a batch of transactions was applied"},
	{Name: "gate_wait_time", Kind: KindSummary, Unit: UnitMs, Help: "time that a batch of transactions waited for running reads"},
}
