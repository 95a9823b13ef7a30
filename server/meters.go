package server

import (
	"time"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// meters holds the counters and summaries that the pipeline moves, under
// their names in [stats.Table].
type meters struct {
	connectRequests, revalidations, rejected, dropped *stats.Counter
	silent, expired, throttled, largeRejected         *stats.Counter
	oversized, diskFull, unrecoverable, mismatches    *stats.Counter
	oversizedReplies, notServed                       *stats.Counter
	ensembleAccepted, ensembleRefused, ensembleUnsaid *stats.Counter
	prepared, queued, revalidated                     *stats.Counter

	fsync, snapshot, tokenDeficit, gateWait, applying *stats.Summary
	batchSize, queueSize, flush                       *stats.Summary
	throttleWait, propagation                         *stats.Summary
	watched                                           map[proto.EventType]*stats.Summary
	writesPerName                                     *stats.Set[*stats.Summary]
	quotaExceeded                                     *stats.Set[*stats.Counter]
}

func newMeters(r *stats.Registry) *meters {
	return &meters{
		connectRequests:  r.Counter("connection_request_count"),
		revalidations:    r.Counter("connection_revalidate_count"),
		rejected:         r.Counter("connection_rejected"),
		dropped:          r.Counter("connection_drop_count"),
		silent:           r.Counter("sessionless_connections_expired"),
		expired:          r.Counter("stale_sessions_expired"),
		throttled:        r.Counter("throttled_ops"),
		largeRejected:    r.Counter("large_requests_rejected"),
		oversized:        r.Counter("oversized_requests"),
		oversizedReplies: r.Counter("oversized_replies"),
		notServed:        r.Counter("cnxn_closed_without_zk_server_running"),
		ensembleAccepted: r.Counter("ensemble_auth_success"),
		ensembleRefused:  r.Counter("ensemble_auth_fail"),
		ensembleUnsaid:   r.Counter("ensemble_auth_skip"),
		diskFull:         r.Counter("writes_refused_disk_full"),
		unrecoverable:    r.Counter("unrecoverable_error_count"),
		mismatches:       r.Counter("digest_mismatches_count"),
		prepared:         r.Counter("prep_processor_request_queued"),
		queued:           r.Counter("sync_processor_request_queued"),
		revalidated:      r.Counter("revalidate_count"),

		fsync:        r.Summary("fsynctime"),
		snapshot:     r.Summary("snapshottime"),
		tokenDeficit: r.Summary("connection_token_deficit"),
		gateWait:     r.Summary("gate_wait_time"),
		applying:     r.Summary("apply_time"),
		batchSize:    r.Summary("sync_processor_batch_size"),
		queueSize:    r.Summary("sync_processor_queue_size"),
		flush:        r.Summary("sync_processor_queue_flush_time_ms"),
		throttleWait: r.Summary("request_throttle_queue_time_ms"),
		propagation:  r.Summary("propagation_latency"),
		watched: map[proto.EventType]*stats.Summary{
			proto.EventNodeCreated:         r.Summary("node_created_watch_count"),
			proto.EventNodeDeleted:         r.Summary("node_deleted_watch_count"),
			proto.EventNodeDataChanged:     r.Summary("node_changed_watch_count"),
			proto.EventNodeChildrenChanged: r.Summary("node_children_watch_count"),
		},
		writesPerName: r.SummarySet("write_per_namespace"),
		quotaExceeded: r.CounterSet("quota_exceeded_error_per_namespace"),
	}
}

// triggered counts the watchers of one change.
func (m *meters) triggered(event proto.EventType, watchers int) {
	m.watched[event].Add(int64(watchers))
}

// propagated measures how old transactions are that have been applied, by the
// clock of the leader that wrote them down: it may be ahead of this one.
func (m *meters) propagated(chunk []proposal, nowMs int64) {
	for i := range chunk {
		if age := nowMs - chunk[i].entry.Header.TimeMs; age >= 0 {
			m.propagation.Add(age)
		}
	}
}

// gauges registers what is read when somebody asks. It is called by Start,
// when there is a tree.
func (srv *Server) gauges() {
	r := srv.metrics
	tree := func(get func(*datatree.Tree) int64) func() int64 {
		return func() int64 {
			srv.gate.enterRead()
			defer srv.gate.leaveRead()
			return get(srv.tree)
		}
	}
	r.IntGauge("znode_count", tree(func(t *datatree.Tree) int64 { return int64(t.Nodes()) }))
	r.IntGauge("ephemerals_count", tree(func(t *datatree.Tree) int64 { return int64(t.EphemeralCount()) }))
	r.IntGauge("approximate_data_size", tree((*datatree.Tree).DataSize))
	r.IntGauge("watch_count", tree(func(t *datatree.Tree) int64 { return int64(t.Watches().Count()) }))
	r.IntGauge("global_sessions", func() int64 { return int64(srv.sessions.Len()) })
	r.IntGauge("local_sessions", func() int64 { return int64(srv.locals.tracker.Len()) })
	r.IntGauge("num_alive_connections", func() int64 { return int64(srv.conns.count()) })
	r.IntGauge("outstanding_requests", srv.requests.InProcess)
	r.Gauge("connection_drop_probability", func() (stats.Value, bool) {
		return stats.Float(srv.blue.DropProbability()), true
	})
	r.CountedBy("outstanding_changes_queued", func() int64 { prepared, _ := srv.changes(); return prepared })
	r.CountedBy("outstanding_changes_removed", func() int64 { _, applied := srv.changes(); return applied })
	r.CountedBy("request_throttle_wait_count", srv.requests.Stalls)
	r.CountedBy("stale_requests_dropped", srv.requests.StaleDropped)
	r.CountedBy("response_packet_get_children_cache_hits", tree(func(t *datatree.Tree) int64 { hits, _ := t.ChildrenCacheUse(); return hits }))
	r.CountedBy("response_packet_get_children_cache_misses", tree(func(t *datatree.Tree) int64 { _, misses := t.ChildrenCacheUse(); return misses }))
	r.CountedBy("slow_fsync_count", srv.stats.SlowSyncs.Load)
	r.IntGauge("disk_full", func() int64 {
		if srv.store.HasRoom() {
			return 0
		}
		return 1
	})
	r.IntGauge("datadir_free_bytes", func() int64 { snap, _ := srv.freeBytes(); return snap })
	r.IntGauge("logdir_free_bytes", func() int64 { _, log := srv.freeBytes(); return log })
	srv.quotaGauges()
}

func (srv *Server) freeBytes() (snap, log int64) {
	snap, log, err := srv.store.FreeBytes()
	if err != nil {
		srv.log.Warn().Err(err).Msg("free space of the data directory is not known")
	}
	return snap, log
}

// quotaGauges adds limits and usage up by the first component of the path.
func (srv *Server) quotaGauges() {
	register := func(name string, read func(string) (datatree.Quota, bool), pick func(datatree.Quota) int64) {
		srv.metrics.GaugeSet(name, func() map[string]int64 {
			srv.gate.enterRead()
			defer srv.gate.leaveRead()
			sums := map[string]int64{}
			for path := range srv.tree.QuotaPaths() {
				if q, ok := read(path); ok && pick(q) >= 0 {
					sums[stats.Namespace(path)] += pick(q)
				}
			}
			return sums
		})
	}
	limits := func(path string) (datatree.Quota, bool) { return srv.tree.QuotaLimits(path) }
	usage := func(path string) (datatree.Quota, bool) { return srv.tree.QuotaUsage(path) }
	register("quota_count_limit_per_namespace", limits, func(q datatree.Quota) int64 { return hardOrSoft(q.CountHard, q.Count) })
	register("quota_bytes_limit_per_namespace", limits, func(q datatree.Quota) int64 { return hardOrSoft(q.BytesHard, q.Bytes) })
	register("quota_count_usage_per_namespace", usage, func(q datatree.Quota) int64 { return q.Count })
	register("quota_bytes_usage_per_namespace", usage, func(q datatree.Quota) int64 { return q.Bytes })
}

func hardOrSoft(hard, soft int64) int64 {
	if hard > -1 {
		return hard
	}
	return soft
}

// synced counts one sync of the log.
func (srv *Server) synced(took time.Duration, _ int) {
	srv.meters.fsync.Observe(took)
	if warn := srv.cfg.Storage.FsyncWarnMs; warn > 0 && took > time.Duration(warn)*time.Millisecond {
		srv.stats.SlowSyncs.Add(1)
	}
}
