package admin

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/fourletter"
)

func configuration(_ *Server, r *request, out *response) {
	c := r.view.Config()
	out.data = object{
		{"client_port", c.ClientPort}, {"data_dir", c.DataDir}, {"data_log_dir", c.LogDir},
		{"tick_time", int64(c.TickTimeMs)}, {"max_client_cnxns", c.MaxClientConns},
		{"min_session_timeout", int64(c.MinSessionMs)}, {"max_session_timeout", int64(c.MaxSessionMs)},
		{"server_id", c.ServerID}, {"client_port_listen_backlog", c.ListenBacklog},
	}
}

func connections(_ *Server, r *request, out *response) {
	plain, secure := connectionLists(r.view, false)
	out.data = object{{"connections", plain}, {"secure_connections", secure}}
}

// connectionLists describes all connections: those without TLS, those with.
func connectionLists(v View, brief bool) (plain, secure list) {
	for _, c := range v.Conns() {
		o := object{
			{"remote_socket_address", addressText(c.Remote)}, {"interest_ops", c.InterestOps},
			{"outstanding_requests", c.Outstanding},
			{"packets_received", c.Totals.PacketsReceived}, {"packets_sent", c.Totals.PacketsSent},
		}
		if !brief {
			o = append(o, connectionDetails(&c)...)
		}
		plain = append(plain, o)
	}
	return plain, secure
}

func connectionDetails(c *fourletter.ConnInfo) object {
	t := &c.Totals
	op := "NA"
	if t.Replied {
		op = fourletter.OpCode(t.LastOp)
	}
	return object{
		{"session_id", c.SessionID}, {"last_operation", op}, {"established", c.EstablishedMs},
		{"session_timeout", int64(c.TimeoutMs)}, {"last_cxid", t.LastCxid}, {"last_zxid", t.LastZxid},
		{"last_response_time", t.LastReplyMs}, {"last_latency", t.LastLatencyMs}, {"min_latency", t.MinLatencyMs},
		{"avg_latency", t.AvgLatencyMs}, {"max_latency", t.MaxLatencyMs},
	}
}

// addressText is an address as Jackson writes a Java socket address.
func addressText(a netip.AddrPort) string {
	host := auth.HostText(a.Addr())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(a.Port()))
}

func dirs(_ *Server, r *request, out *response) {
	data, log := r.view.DirSizes()
	out.data = object{{"datadir_size", data}, {"logdir_size", log}}
}

func dump(_ *Server, r *request, out *response) {
	now := r.view.NowMs()
	var buckets object
	sessions := r.view.Sessions()
	for _, d := range sessions.Deadlines() {
		buckets = append(buckets, member{strconv.FormatInt(now+d.InMs, 10), listOf(d.IDs)})
	}
	out.data = object{{"expiry_time_to_session_ids", buckets}}
	all := r.view.Ephemerals()
	slices.SortFunc(all, func(a, b fourletter.Ephemerals) int { return cmp.Compare(a.Session, b.Session) })
	var owners object
	for _, e := range all {
		owners = append(owners, member{strconv.FormatInt(e.Session, 10), listOf(e.Paths)})
	}
	out.data.put("session_id_to_ephemeral_paths", owners)
}

func environment(_ *Server, r *request, out *response) {
	for _, e := range fourletter.Environment(r.view.Version()) {
		out.data.put(e.Key, e.Value)
	}
}

func hash(_ *Server, r *request, out *response) {
	const digestVersion = 2
	var digests list
	for _, d := range r.view.Digests() {
		// A Java long: the digest may come out negative.
		digests = append(digests, object{{"zxid", d.Zxid}, {"digest", int64(d.Digest)}, {"digest_version", digestVersion}})
	}
	out.data = object{{"digests", digests}}
}

func initialConfiguration(_ *Server, r *request, out *response) {
	out.data = object{{"initial_configuration", nil}}
	if text, known := r.view.InitialConfig(); known {
		out.data.put("initial_configuration", text)
	}
}

func isReadOnly(_ *Server, r *request, out *response) {
	out.data = object{{"read_only", r.view.ReadOnly()}}
}

func lastSnapshot(_ *Server, r *request, out *response) {
	s, known := r.view.LastSnapshot()
	if !known {
		s = SavedSnapshot{Zxid: -1, UnixSec: -1}
	}
	out.data = object{{"zxid", strconv.FormatUint(uint64(s.Zxid), 16)}, {"timestamp", s.UnixSec}}
}

func systemProperties(_ *Server, r *request, out *response) {
	properties := r.view.Properties()
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out.data.put(name, properties[name])
	}
}

func getTraceMask(_ *Server, r *request, out *response) {
	out.data = object{{"tracemask", r.view.TraceMask()}}
}

func setTraceMask(_ *Server, r *request, out *response) {
	const needs = "setTraceMask requires long traceMask argument"
	text, given := r.query("traceMask")
	if !given {
		out.data.put("error", needs)
		return
	}
	mask, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		out.data.put("error", needs+", got "+text)
		return
	}
	r.view.SetTraceMask(mask)
	out.data = object{{"tracemask", mask}}
}

func watches(_ *Server, r *request, out *response) {
	all := r.view.WatchesBySession()
	slices.SortFunc(all, func(a, b fourletter.SessionWatches) int { return cmp.Compare(a.Session, b.Session) })
	var sessions object
	for _, w := range all {
		sessions = append(sessions, member{strconv.FormatInt(w.Session, 10), listOf(w.Paths)})
	}
	out.data = object{{"session_id_to_watched_paths", sessions}}
}

func watchesByPath(_ *Server, r *request, out *response) {
	all := r.view.WatchesByPath()
	slices.SortFunc(all, func(a, b fourletter.PathWatches) int { return cmp.Compare(a.Path, b.Path) })
	var paths object
	for _, w := range all {
		paths = append(paths, member{w.Path, listOf(w.Sessions)})
	}
	out.data = object{{"path_to_session_ids", paths}}
}

func watchSummary(_ *Server, r *request, out *response) {
	watchers, paths, total := r.view.WatchSummary()
	out.data = object{{"num_connections", watchers}, {"num_paths", paths}, {"num_total_watches", total}}
}
