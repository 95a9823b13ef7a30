package admin

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/meerkat-zk/meerkat/server/auth"
)

const modeLeader = "leader"

func leader(_ *Server, r *request, out *response) {
	e := r.view.Ensemble()
	if e == nil {
		out.data.put("error", "server is not initialized")
		return
	}
	out.data = object{{"is_leader", r.view.Mode() == modeLeader}, {"leader_id", e.Leader}, {"leader_ip", e.LeaderAddress}}
}

func votingView(_ *Server, r *request, out *response) {
	var members object
	if e := r.view.Ensemble(); e != nil {
		for _, m := range e.Members {
			kind := "participant"
			if m.Observer {
				kind = "observer"
			}
			members = append(members, member{strconv.FormatInt(m.ID, 10), object{
				{"server_addresses", listOf(m.Quorum)}, {"election_addresses", listOf(m.Election)},
				{"client_address", m.Client}, {"learner_type", kind},
			}})
		}
	}
	out.data = object{{"current_config", members}}
}

func observers(_ *Server, r *request, out *response) {
	var infos list
	if e := r.view.Ensemble(); e != nil {
		for _, l := range e.Observers {
			infos = append(infos, object{
				{"remote_socket_address", addressText(l.Remote)}, {"sid", l.ID}, {"established", l.EstablishedMs},
				{"queued_packets", l.QueuedPackets}, {"queued_packets_size", l.QueuedBytes},
				{"packets_received", l.PacketsReceived}, {"packets_sent", l.PacketsSent},
				{"requests", l.Requests}, {"last_zxid", l.LastZxid},
			})
		}
	}
	out.data = object{{"synced_observers", len(infos)}, {"observers", infos}}
}

func resetObservers(_ *Server, r *request, _ *response) {
	if e := r.view.Ensemble(); e != nil && e.ResetObservers != nil {
		e.ResetObservers()
	}
}

func zabState(_ *Server, r *request, out *response) {
	e := r.view.Ensemble()
	if e == nil {
		out.data = object{{"voting", false}, {"zabstate", ""}}
		return
	}
	if !r.view.Serving() {
		out.fail(500, "the server has no role at present")
		return
	}
	zxid := uint64(r.view.Status().Zxid)
	out.data = object{
		{"myid", e.ID}, {"is_leader", r.view.Mode() == modeLeader},
		{"quorum_address", addressSet(e.Quorum)}, {"election_address", addressSet(e.Election)}, {"client_address", nil},
		{"voting", e.Voting}, {"last_zxid", fmt.Sprintf("0x%x", zxid)},
		{"zab_epoch", int64(zxid >> 32)}, {"zab_counter", int64(zxid & 0xffffffff)}, {"zabstate", e.ZabState},
	}
	if e.Client.IsValid() {
		out.data.put("client_address", addressText(e.Client))
	}
}

// addressSet shows addresses as Apache's JSON library sees its object of
// several addresses: a key for each getter. Which of them others can reach is
// not tried: all count as reachable.
func addressSet(addrs []netip.AddrPort) object {
	all, wild, ports, hosts := list{}, list{}, list{}, list{}
	for _, a := range addrs {
		all = append(all, addressText(a))
		unspecified := netip.IPv4Unspecified()
		if a.Addr().Is6() {
			unspecified = netip.IPv6Unspecified()
		}
		wild = append(wild, addressText(netip.AddrPortFrom(unspecified, a.Port())))
		ports, hosts = append(ports, int(a.Port())), append(hosts, auth.HostText(a.Addr()))
	}
	var one any
	if len(all) > 0 {
		one = all[0]
	}
	return object{
		{"empty", len(all) == 0}, {"all_addresses", all}, {"wildcard_addresses", wild}, {"all_ports", ports},
		{"all_host_strings", hosts}, {"reachable_address", one}, {"all_reachable_addresses", all},
		{"all_reachable_addresses_or_all", all}, {"reachable_or_one", one}, {"one", one},
	}
}
