package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// server is a server.N line.
type server struct {
	id         int64
	observer   bool
	clientHost string
	clientPort int // NoPort when the line names none
}

var errServerForm = errors.New("must be host:quorumPort:electionPort[:participant or :observer][;[host:]clientPort], with several addresses apart by |")

// parseServer reads what follows server.N=, as Apache's QuorumServer does.
// Names of hosts are not looked up.
func parseServer(id int64, s string, multiAddress bool) (server, error) {
	srv := server{id: id, clientPort: NoPort}
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
	for _, a := range addresses {
		r, err := parseMember(a)
		if err != nil {
			return srv, err
		}
		if r != "" && role != "" && r != role {
			return srv, errors.New("all addresses of a server must have the same role")
		}
		if r != "" {
			role = r
		}
	}
	srv.observer = role == "observer"
	return srv, nil
}

// parseMember reads host:quorumPort:electionPort[:role].
func parseMember(s string) (role string, err error) {
	fields, err := hostAndPorts(s)
	if err != nil {
		return "", err
	}
	if len(fields) < 3 || len(fields) > 4 {
		return "", errServerForm
	}
	quorum, ok1 := parsePort(fields[1])
	election, ok2 := parsePort(fields[2])
	switch {
	case !ok1 || !ok2:
		return "", errors.New("the quorum and election ports must be numbers from 0 to 65535")
	case quorum == election:
		return "", errors.New("the quorum and election ports must differ")
	case len(fields) == 3:
		return "", nil
	}
	role = strings.ToLower(trim(fields[3]))
	if role != "observer" && role != "participant" {
		return "", errors.New("the role must be participant or observer")
	}
	return role, nil
}

// parseClient reads [host:]port.
func (srv *server) parseClient(s string) error {
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
	srv.clientPort = port
	srv.clientHost = "0.0.0.0"
	if len(fields) == 2 {
		srv.clientHost = fields[0]
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

// members decides whether the server lines let this server stand alone, and
// takes the client's address from its own line.
func (l *loader) members() {
	var voters, observers []server
	last := setting{}
	for _, name := range sortedKeys(l.file) {
		number, isServer := strings.CutPrefix(name, "server.")
		if !isServer {
			continue
		}
		s := l.file[name]
		id, ok := parseLong(number, 64)
		if !ok {
			l.invalid(s, "what follows server. must be a number")
			return
		}
		multi := isTrue(l.props[propertyPrefix+"multiAddress.enabled"].value)
		srv, err := parseServer(id, s.value, multi)
		if err != nil {
			l.invalid(s, err.Error())
			return
		}
		if srv.observer {
			observers = append(observers, srv)
		} else {
			voters = append(voters, srv)
		}
		last = s
	}
	switch {
	case len(voters) > 1:
		l.errs = append(l.errs, &Error{
			Place: last.Place, Key: last.name, Value: last.shown(), Kind: ErrNotBuilt,
			Problem: fmt.Sprintf("ensembles: not built yet; of %d voters all but one must be left out", len(voters)),
		})
	case len(observers) > 0:
		l.invalid(last, "an observer needs an ensemble: observers must be left out")
	case len(voters) == 1:
		l.notice(last, false, "has no effect but for the client's address: "+noEnsemble)
	}
	if id, ok := l.myid(); ok && len(voters) == 1 && voters[0].id == id && voters[0].clientPort != NoPort {
		l.ownAddress(last, voters[0])
	}
}

// myid reads the number of this server, which a server that stands alone may
// lack.
func (l *loader) myid() (int64, bool) {
	path := filepath.Join(l.cfg.Storage.DataDir, "myid")
	data, err := l.host.readFile(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.invalid(l.of("dataDir"), fmt.Sprintf("myid must be readable: %v", err))
		}
		return 0, false
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	id, ok := parseLong(strings.TrimSuffix(string(line), "\r"), 64)
	if !ok {
		l.invalid(l.of("dataDir"), fmt.Sprintf("the first line of %s must be a number", path))
	}
	return id, ok
}

// ownAddress makes the client address of the server's own line count. It must
// not contradict clientPort.
func (l *loader) ownAddress(s setting, srv server) {
	ip, err := l.resolve(srv.clientHost)
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
		if c.Port != srv.clientPort || static != "" && static != ip {
			l.invalid(s, fmt.Sprintf("the client address must be the same as that of clientPort, %s:%d", c.Address, c.Port))
			return
		}
	}
	c.Address, c.Port = ip, srv.clientPort
}
