package chaos

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// network is every link of an ensemble: two for each ordered pair of servers,
// for the quorum port and the election port, and one to each client port. A
// server knows the others by addresses of its own in 127.0.0.0/8, where the
// links listen; Linux has all of them on loopback.
type network struct {
	between [][][]*link // [from][to]: the two ports; nil on the diagonal
	clients []*link     // by server
}

// enmesh puts links between the members of an ensemble that was not started
// yet, and rewrites their configurations.
func enmesh(t testing.TB, e *rig.Ensemble) *network {
	t.Helper()
	n := &network{}
	t.Cleanup(n.close)
	real := e.Members[0].Cfg
	for i, m := range e.Members {
		cfg := make(map[string]string, len(real))
		for k, v := range real {
			cfg[k] = v
		}
		row := make([][]*link, len(e.Members))
		for j := range e.Members {
			key := fmt.Sprintf("server.%d", j+1)
			if i == j {
				continue
			}
			parts := strings.SplitN(real[key], ":", 4) // host:quorum:election[:role]
			host := fmt.Sprintf("127.%d.0.%d", 100+i, 1+j)
			for _, port := range parts[1:3] {
				row[j] = append(row[j], n.link(t, host+":"+port, "127.0.0.1:"+port, true))
			}
			parts[0] = host
			cfg[key] = strings.Join(parts, ":")
		}
		m.Cfg = cfg
		n.between = append(n.between, row)
		n.clients = append(n.clients, n.link(t, fmt.Sprintf("127.99.0.%d:%d", 1+i, m.Port), m.Addr(), false))
	}
	return n
}

func (n *network) link(t testing.TB, address, upstream string, drops bool) *link {
	t.Helper()
	l, err := newLink(address, upstream, drops)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (n *network) close() {
	for _, row := range n.between {
		for _, pair := range row {
			for _, l := range pair {
				l.close()
			}
		}
	}
	for _, l := range n.clients {
		l.close()
	}
}

// addrs are where clients connect.
func (n *network) addrs() []string {
	var all []string
	for _, l := range n.clients {
		all = append(all, l.address)
	}
	return all
}

// block swallows (count is 1), or lets through again (-1), what one server
// says to another, whoever of them has dialled.
func (n *network) block(from, to, count int) {
	for _, l := range n.between[from][to] {
		l.hold(count, true, false)
	}
	for _, l := range n.between[to][from] {
		l.hold(count, false, true)
	}
}

// part cuts all connections of two servers and refuses new ones (count is 1),
// or lets them again (-1).
func (n *network) part(a, b, count int) error {
	var failed []error
	for _, l := range append(append([]*link(nil), n.between[a][b]...), n.between[b][a]...) {
		failed = append(failed, l.refuse(count))
	}
	return errors.Join(failed...)
}

// slow delays, in both directions, what a server says to the others.
func (n *network) slow(server int, d time.Duration) {
	for other := range n.between {
		for _, l := range append(append([]*link(nil), n.between[server][other]...), n.between[other][server]...) {
			l.slow(d)
		}
	}
}

// cut ends the connections between two servers, once.
func (n *network) cut(a, b int) {
	for _, l := range append(append([]*link(nil), n.between[a][b]...), n.between[b][a]...) {
		l.cut()
	}
}

// gone makes dialling a server that does not run fail as it would without
// links (count is 1), until it is started again (-1).
func (n *network) gone(server, count int) error {
	failed := []error{n.clients[server].refuse(count)}
	for from := range n.between {
		for _, l := range n.between[from][server] {
			failed = append(failed, l.refuse(count))
		}
	}
	return errors.Join(failed...)
}
