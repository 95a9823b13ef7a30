package conf

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Text is the list of members as Apache writes it into /zookeeper/config, into
// notifications and into NEWLEADER (QuorumMaj.toString and
// QuorumHierarchical.toString of 3.9.5), byte by byte:
//
//	server.N=ADDRESS[|ADDRESS]:ROLE[;HOST:PORT]
//	group.N=ID:ID     when groups decide
//	weight.N=WEIGHT   when groups decide
//	version=HEX       without a line end
//
// The members stand in the order of Java's HashMap, which up to twelve of them
// with ids up to 15 is that of their ids. Where ids share a place in it,
// Apache's order depends on the Java version; here it is that of the ids.
func (q *Quorum) Text() string {
	var b strings.Builder
	byID, weights := map[int64]*Server{}, map[int64]int64{}
	for i := range q.Servers {
		s := &q.Servers[i]
		byID[s.ID] = s
		if !s.Observer {
			weights[s.ID] = 1
		}
	}
	for _, id := range hashOrder(byID) {
		fmt.Fprintf(&b, "server.%d=%s\n", id, byID[id].text())
	}
	if q.Groups != nil {
		for id, w := range q.Weights {
			weights[id] = w
		}
		groupOf := map[int64]int64{}
		for group, ids := range q.Groups {
			for _, id := range ids {
				groupOf[id] = group
			}
		}
		lists := map[int64]string{}
		for _, id := range hashOrder(groupOf) {
			lists[groupOf[id]] += fmt.Sprintf(":%d", id)
		}
		for _, group := range hashOrder(lists) {
			fmt.Fprintf(&b, "group.%d=%s\n", group, lists[group][1:])
		}
		for _, id := range hashOrder(weights) {
			fmt.Fprintf(&b, "weight.%d=%d\n", id, weights[id])
		}
	}
	fmt.Fprintf(&b, "version=%x", uint64(q.Version))
	return b.String()
}

// text is QuorumServer.toString: quorum and election addresses are two sets,
// each sorted by host and then put together.
func (s *Server) text() string {
	type end struct {
		host string
		port int
	}
	var quorum, election []end
	for _, a := range s.Addresses {
		host := javaHost(a.Host)
		if e := (end{host, a.QuorumPort}); !slices.Contains(quorum, e) {
			quorum = append(quorum, e)
		}
		if e := (end{host, a.ElectionPort}); !slices.Contains(election, e) {
			election = append(election, e)
		}
	}
	byHost := func(a, b end) int { return cmp.Compare(a.host, b.host) }
	slices.SortStableFunc(quorum, byHost)
	slices.SortStableFunc(election, byHost)
	var parts []string
	for i := range min(len(quorum), len(election)) {
		parts = append(parts, fmt.Sprintf("%s:%d:%d", inBrackets(quorum[i].host), quorum[i].port, election[i].port))
	}
	text := strings.Join(parts, "|") + ":" + role(s.Observer)
	if s.ClientPort != NoPort {
		text += fmt.Sprintf(";%s:%d", inBrackets(javaHost(s.ClientHost)), s.ClientPort)
	}
	return text
}

// javaHost is a host as java.net.InetSocketAddress shows it: IPv6 addresses
// without abbreviation.
func javaHost(host string) string {
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is6() || ip.Zone() != "" {
		return host
	}
	b := ip.As16()
	groups := make([]string, 8)
	for i := range groups {
		groups[i] = fmt.Sprintf("%x", int(b[2*i])<<8|int(b[2*i+1]))
	}
	return strings.Join(groups, ":")
}

func inBrackets(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// hashOrder returns the keys in the order of a java.util.HashMap<Long, ...>.
func hashOrder[V any](m map[int64]V) []int64 {
	buckets := uint32(16)
	for len(m) > int(buckets/4*3) {
		buckets *= 2
	}
	bucket := func(id int64) uint32 {
		h := uint32(id ^ int64(uint64(id)>>32))
		return (h ^ h>>16) & (buckets - 1)
	}
	ids := make([]int64, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Or(cmp.Compare(bucket(a), bucket(b)), cmp.Compare(a, b)) })
	return ids
}
