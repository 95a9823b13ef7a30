package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/server/admin"
	"github.com/meerkat-zk/meerkat/server/auth"
	"github.com/meerkat-zk/meerkat/server/exporter"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// AdminView shows the server to an admin server, from before Start until
// after Stop.
func (srv *Server) AdminView() admin.View { return adminView{view{srv}} }

// Metrics is where the server counts.
func (srv *Server) Metrics() *stats.Registry { return srv.metrics }

// Exporter shows the metrics to Prometheus; nil unless the configuration asks
// for it.
func (srv *Server) Exporter() *exporter.Exporter { return srv.exporter }

// adminView is the view of the four-letter words, and what they do not show.
type adminView struct{ view }

// Serving also needs what Start sets.
func (v adminView) Serving() bool { return v.srv.started.Load() && v.view.Serving() }

func (v adminView) NowMs() int64 { return v.srv.sessions.NowMs() }

// Mode is the role, with a term or without.
func (v adminView) Mode() string {
	if t := v.srv.term.Load(); t != nil {
		return t.mode
	}
	if v.srv.cfg.Quorum.Enabled {
		return "looking"
	}
	return "standalone"
}

// Ready has nothing to add to Serving: a term exists only in an ensemble that
// has a quorum, as far as this server knows.
func (v adminView) Ready() error {
	if v.Serving() && !v.srv.store.HasRoom() {
		return errors.New("the disk is full: writes are refused")
	}
	return nil
}

func (v adminView) Ensemble() *admin.Ensemble {
	q := &v.srv.cfg.Quorum
	if !q.Enabled {
		return nil
	}
	e := &admin.Ensemble{ID: q.ID, Voting: !q.Observer, ZabState: "election"}
	if v.srv.started.Load() {
		role := v.srv.engine.(*member).present()
		e.Leader, e.ZabState = role.Leader, strings.ToLower(role.Phase.String())
	}
	for i := range q.Servers {
		m := &q.Servers[i]
		if m.ID == e.Leader {
			e.LeaderAddress = m.Addresses[0].Host
		}
		if m.ID == q.ID {
			e.Quorum, e.Election = ownAddresses(m)
			e.Client = parseAddr(m.ClientHost, m.ClientPort)
		}
		if m.Observer {
			continue
		}
		voter := memberOf(m)
		if m.ID == q.ID && voter.Client == "" && v.srv.started.Load() && v.srv.Addr() != nil {
			// Its own port is known without a word in the list of servers.
			e.Client = addrPort(v.srv.Addr())
			voter.Client = e.Client.String()
		}
		e.Members = append(e.Members, voter)
	}
	return e
}

// memberOf describes a voter.
func memberOf(s *conf.Server) admin.Member {
	m := admin.Member{ID: s.ID, Observer: s.Observer}
	for _, a := range s.Addresses {
		m.Quorum = append(m.Quorum, hostPort(a.Host, a.QuorumPort))
		m.Election = append(m.Election, hostPort(a.Host, a.ElectionPort))
	}
	if s.ClientPort != conf.NoPort {
		m.Client = hostPort(cmp.Or(s.ClientHost, "0.0.0.0"), s.ClientPort)
	}
	return m
}

// ownAddresses are this server's as far as they are IP addresses: names are
// not looked up for somebody who only looks.
func ownAddresses(s *conf.Server) (quorum, election []netip.AddrPort) {
	for _, a := range s.Addresses {
		if q := parseAddr(a.Host, a.QuorumPort); q.IsValid() {
			quorum, election = append(quorum, q), append(election, parseAddr(a.Host, a.ElectionPort))
		}
	}
	return quorum, election
}

func parseAddr(host string, port int) netip.AddrPort {
	ip, err := netip.ParseAddr(host)
	if err != nil || port == conf.NoPort {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip, uint16(port))
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func (v adminView) InitialConfig() (text string, known bool) {
	return v.srv.cfg.Text, v.srv.cfg.File != ""
}

func (v adminView) Properties() map[string]string { return v.srv.cfg.Properties }

func (v adminView) Stats() *stats.Server { return v.srv.stats }

func (v adminView) LastSnapshot() (s admin.SavedSnapshot, known bool) {
	snapshots, _, err := v.srv.store.Files()
	if err != nil || len(snapshots) == 0 {
		return s, false
	}
	newest := snapshots[0]
	for _, f := range snapshots {
		if f.Zxid > newest.Zxid {
			newest = f
		}
	}
	info, err := v.srv.fs.Stat(newest.Path)
	if err != nil {
		return s, false // it was purged meanwhile
	}
	return admin.SavedSnapshot{Zxid: newest.Zxid, UnixSec: info.Modified.Unix()}, true
}

func (v adminView) Authenticate(peer auth.Peer, scheme string, data []byte) []proto.ID {
	if scheme == "ip" { // of clients it comes with the connection, not by a packet
		return []proto.ID{{Scheme: scheme, ID: peer.IP}}
	}
	ids, verdict := v.srv.auth.Authenticate(peer, nil, scheme, data)
	if verdict != auth.Accept {
		return nil
	}
	return ids
}

func (v adminView) Permits(ids []proto.ID, perms int32) bool {
	v.srv.gate.enterRead()
	defer v.srv.gate.leaveRead()
	acl := v.srv.tree.ACL(v.srv.tree.Lookup("/"))
	for bit := int32(1); bit <= perms; bit <<= 1 {
		if perms&bit != 0 && !v.srv.auth.Check(acl, bit, ids) {
			return false
		}
	}
	return true
}

func (v adminView) CanSnapshot() bool { return v.srv.cfg.Storage.SerializeLastZxid }

func (v adminView) TakeSnapshot(ctx context.Context) (*admin.TakenSnapshot, error) {
	s := v.srv.snapshots
	if err := s.acquire(ctx); err != nil {
		return nil, err
	}
	defer s.release()
	info, err := s.now()
	if err != nil {
		return nil, err
	}
	v.srv.log.Info().Str("file", info.Path).Int64("bytes", info.SizeBytes).Dur("took", info.Took).Msg("snapshot written on command")
	return v.open(info)
}

// open opens a snapshot file; a purge that removes it does no harm then.
func (v adminView) open(info persistence.SnapshotInfo) (*admin.TakenSnapshot, error) {
	f, err := v.srv.fs.Open(info.Path)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil || size == 0 {
		return nil, errors.Join(err, f.Close(), fmt.Errorf("%s is empty or cannot be read", info.Path))
	}
	return &admin.TakenSnapshot{Zxid: info.Zxid, SizeBytes: size, ReadCloser: sequential{io.NewSectionReader(f, 0, size), f}}, nil
}

// sequential reads a file from its begin to its end.
type sequential struct {
	*io.SectionReader
	file vfs.File
}

// Close closes the file.
func (s sequential) Close() error { return s.file.Close() }

func (v adminView) Restore(ctx context.Context, src io.Reader) (int64, error) {
	return v.srv.restore(ctx, src)
}

// Shed cuts connections that have a session; who only asks is not counted.
func (v adminView) Shed(percent int) int {
	shed := 0
	for _, c := range v.srv.conns.list() {
		if c.sessionID() != 0 && rand.IntN(100) < percent {
			c.cut()
			shed++
		}
	}
	v.srv.log.Warn().Int("connections", shed).Int("percent", percent).Msg("connections closed on command")
	return shed
}
