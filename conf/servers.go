package conf

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

var errServerForm = errors.New("must be host:quorumPort:electionPort[:participant or :observer][;[host:]clientPort], with several addresses apart by |")

// parseServer reads what follows server.N=, as Apache's QuorumServer does.
// Names of hosts are not looked up.
func parseServer(id int64, s string, multiAddress bool) (Server, error) {
	srv := Server{ID: id, ClientPort: NoPort}
	parts := splitDropEmpty(s, ";")
	if len(parts) == 0 || len(parts) > 2 {
		return srv, errServerForm
	}
	if len(parts) == 2 {
		if err := srv.parseClient(parts[1]); err != nil {
			return srv, err
		}
	}
	addresses := splitDropEmpty(parts[0], "|")
	if len(addresses) == 0 {
		return srv, errServerForm
	}
	if len(addresses) > 1 && !multiAddress {
		return srv, errors.New("several addresses are only read with -Dzookeeper.multiAddress.enabled=true")
	}
	role := ""
	for _, text := range addresses {
		a, r, err := parseAddress(text)
		if err != nil {
			return srv, err
		}
		if r != "" && role != "" && r != role {
			return srv, errors.New("all addresses of a server must have the same role")
		}
		role = cmp.Or(role, r)
		if !slices.Contains(srv.Addresses, a) {
			srv.Addresses = append(srv.Addresses, a)
		}
	}
	srv.Observer = role == "observer"
	return srv, nil
}

// parseAddress reads host:quorumPort:electionPort[:role].
func parseAddress(s string) (a Address, role string, err error) {
	fields, err := hostAndPorts(s)
	if err != nil {
		return a, "", err
	}
	if len(fields) < 3 || len(fields) > 4 {
		return a, "", errServerForm
	}
	var ok1, ok2 bool
	a.Host = literal(fields[0])
	a.QuorumPort, ok1 = parsePort(fields[1])
	a.ElectionPort, ok2 = parsePort(fields[2])
	switch {
	case !ok1 || !ok2:
		return a, "", errors.New("the quorum and election ports must be numbers from 0 to 65535, without blanks around them")
	case a.QuorumPort == a.ElectionPort:
		return a, "", errors.New("the quorum and election ports must differ")
	case len(fields) == 3:
		return a, "", nil
	}
	role = strings.ToLower(trim(fields[3]))
	if role != "observer" && role != "participant" {
		return a, "", errors.New("the role must be participant or observer")
	}
	return a, role, nil
}

// literal is the usual form of an IP address in any of the forms that Java
// knows, and any other host as it is. No text is this machine.
func literal(host string) string {
	if host == "" {
		return "localhost"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 || len(host) > 15 {
		return host
	}
	var ip uint64
	for i, part := range parts {
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts)) // the last part fills the rest
		}
		n, err := strconv.ParseUint(part, 10, bits)
		if err != nil {
			return host
		}
		ip = ip<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}).String()
}

// parseClient reads [host:]port.
func (srv *Server) parseClient(s string) error {
	fields, err := hostAndPorts(s)
	if err != nil {
		return err
	}
	if len(fields) == 0 || len(fields) > 2 {
		return errServerForm
	}
	port, ok := parsePort(fields[len(fields)-1])
	if !ok {
		return errors.New("the client port must be a number from 0 to 65535")
	}
	srv.ClientPort = port
	srv.ClientHost = "0.0.0.0"
	if len(fields) == 2 {
		srv.ClientHost = literal(fields[0])
	}
	return nil
}

func parsePort(s string) (int, bool) {
	n, ok := parseLong(s, 32)
	return int(n), ok && n >= 0 && n <= maxPort
}

// hostAndPorts splits at colons outside of the brackets of an IPv6 address.
func hostAndPorts(s string) ([]string, error) {
	inner, bracket := strings.CutPrefix(s, "[")
	if !bracket {
		return splitDropEmpty(s, ":"), nil
	}
	host, rest, closed := strings.Cut(inner, "]")
	if !closed {
		return nil, errors.New("[ has no matching ]")
	}
	if rest == "" {
		return []string{host}, nil
	}
	return append([]string{host}, splitDropEmpty(rest[1:], ":")...), nil
}

// splitDropEmpty is Java's String.split: empty parts at the end do not count.
func splitDropEmpty(s, sep string) []string {
	parts := strings.Split(s, sep)
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

// myid reads the number of this server, which one that stands alone may lack.
// To Apache, -1 is none.
func (l *loader) myid() (int64, bool) {
	path := filepath.Join(l.cfg.Storage.DataDir, "myid")
	data, err := l.host.readFile(path)
	if err != nil {
		// To Apache, what is no file is not there; that the data directory is none is told later.
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.EISDIR) {
			l.invalid(l.of("dataDir"), fmt.Sprintf("myid must be readable: %v", err))
		}
		return 0, false
	}
	line, _, _ := strings.Cut(string(data), "\n")
	line, _, _ = strings.Cut(line, "\r")
	id, ok := parseLong(line, 64)
	if !ok {
		l.invalid(l.of("dataDir"), fmt.Sprintf("the first line of %s must be a number", path))
	}
	return id, ok && id != -1
}

// ownAddress makes the client address of the server's own line count. It must
// not contradict clientPort.
func (l *loader) ownAddress(s setting, srv Server) {
	ip, err := l.resolve(srv.ClientHost)
	if err != nil {
		l.invalid(s, fmt.Sprintf("the client address must be one of this machine: %v", err))
		return
	}
	if ip == "0.0.0.0" || ip == "::" {
		ip = ""
	}
	c := &l.cfg.Client
	if c.Port != NoPort {
		static := c.Address
		if static == "0.0.0.0" || static == "::" {
			static = ""
		}
		if c.Port != srv.ClientPort || static != "" && static != ip {
			l.invalid(s, fmt.Sprintf("the client address must be the same as that of clientPort, %s:%d", c.Address, c.Port))
			return
		}
	}
	c.Address, c.Port = ip, srv.ClientPort
}
