package admin

import (
	"github.com/meerkat-zk/meerkat/server/stats"
)

func monitor(_ *Server, r *request, out *response) {
	out.data = object{{"version", r.view.Version()}, {"server_state", r.view.Mode()}}
	if r.view.Ensemble() != nil && r.view.Serving() {
		if m := r.view.Member(); m != nil {
			out.data.put("peer_state", m.PeerState)
			if m.MasterID != nil {
				out.data.put("observer_master_id", *m.MasterID)
			}
		}
	}
	r.view.Metrics(func(name string, v stats.Value) {
		// The names are distinct: no search for an equal one among hundreds.
		out.data = append(out.data, member{name, v})
	})
}

func serverStats(_ *Server, r *request, out *response) { out.data = statsOf(r.view) }

func stat(_ *Server, r *request, out *response) {
	plain, secure := connectionLists(r.view, true)
	out.data = append(statsOf(r.view), member{"connections", plain}, member{"secure_connections", secure})
}

// statsOf describes the server as Apache's JSON library sees its object of
// statistics: a key for each getter.
func statsOf(v View) object {
	s := v.Status()
	t := &s.Totals
	data, log := v.DirSizes()
	sizes := bufferStats(t.LastReplyBytes, t.MinReplyBytes, t.MaxReplyBytes)
	counts := v.Stats()
	o := object{
		{"version", v.Version()}, {"read_only", v.ReadOnly()},
		{"server_stats", object{
			{"packets_sent", t.PacketsSent}, {"packets_received", t.PacketsReceived},
			{"fsync_threshold_exceed_count", counts.SlowSyncs.Load()}, {"client_response_stats", sizes},
			{"data_dir_size", data}, {"log_dir_size", log}, {"provider_null", false},
			{"last_processed_zxid", s.Zxid}, {"outstanding_requests", s.Outstanding}, {"server_state", s.Mode},
			{"avg_latency", t.AvgLatencyMs}, {"max_latency", t.MaxLatencyMs}, {"min_latency", t.MinLatencyMs},
			{"num_alive_client_connections", s.Connections}, {"uptime", counts.UptimeMs()},
			{"auth_failed_count", counts.AuthFailed.Load()},
			{"non_mtlsremote_conn_count", counts.NonMTLSRemote.Load()}, {"non_mtlslocal_conn_count", counts.NonMTLSLocal.Load()},
		}},
		{"client_response", sizes},
	}
	if m := v.Member(); m != nil && m.Leads {
		o.put("proposal_stats", bufferStats(m.LastProposal, m.MinProposal, m.MaxProposal))
	}
	o.put("node_count", s.Nodes)
	return o
}

func bufferStats(last, least, most int64) object {
	return object{{"last_buffer_size", last}, {"min_buffer_size", least}, {"max_buffer_size", most}}
}
