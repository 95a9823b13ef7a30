package ensemble

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/conf"
)

// Member is a server that is meant to be there.
type Member struct {
	ID       int64  // of the configuration; 0 if that is not known
	Addr     string // of its client port, host:port
	Observer bool   // as configured; false if that is not known
}

// ErrConfig means a configuration that names no server to ask.
var ErrConfig = errors.New("configuration")

// FromList makes members of host:port pairs.
func FromList(servers []string) []Member {
	members := make([]Member, len(servers))
	for i, addr := range servers {
		members[i] = Member{Addr: addr}
	}
	return members
}

// fileKeys are what is read of a zoo.cfg.
type fileKeys struct {
	clientPort, clientAddr, dynamic string
	servers                         map[int64]string
}

func parseKeys(path string, text []byte) (k fileKeys, err error) {
	properties, err := conf.ParseProperties(text)
	if err != nil {
		return k, fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
	}
	k.servers = map[int64]string{}
	for _, p := range properties {
		value := strings.TrimSpace(p.Value)
		switch p.Key {
		case "clientPort":
			k.clientPort = value
		case "clientPortAddress":
			k.clientAddr = value
		case "dynamicConfigFile":
			k.dynamic = value
		default:
			id, ok := strings.CutPrefix(p.Key, "server.")
			if n, err := strconv.ParseInt(id, 10, 64); ok && err == nil {
				k.servers[n] = value
			}
		}
	}
	return k, nil
}

// FromConfig reads the members from a zoo.cfg, and from the dynamic
// configuration that it names. Nothing else in the file is judged.
func FromConfig(path string, read func(path string) ([]byte, error)) ([]Member, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	k, err := parseKeys(path, text)
	if err != nil {
		return nil, err
	}
	if k.dynamic != "" {
		dynamic := k.dynamic
		if !filepath.IsAbs(dynamic) {
			if _, err := read(dynamic); err != nil {
				dynamic = filepath.Join(filepath.Dir(path), dynamic)
			}
		}
		if text, err = read(dynamic); err != nil {
			return nil, err
		}
		more, err := parseKeys(dynamic, text)
		if err != nil {
			return nil, err
		}
		k.servers = more.servers
	}
	if len(k.servers) == 0 {
		if k.clientPort == "" {
			return nil, fmt.Errorf("%w: %s has neither servers nor a clientPort", ErrConfig, path)
		}
		return []Member{{Addr: net.JoinHostPort(reachable(k.clientAddr, "localhost"), k.clientPort)}}, nil
	}
	return k.members(path)
}

func (k *fileKeys) members(path string) ([]Member, error) {
	var members []Member
	for id, value := range k.servers {
		m, err := parseMember(id, value, k.clientPort)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: server.%d=%s: %w", ErrConfig, path, id, value, err)
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	byAddr := map[string]int64{}
	for _, m := range members {
		if other, taken := byAddr[m.Addr]; taken {
			return nil, fmt.Errorf("%w: %s: servers %d and %d would both be asked at %s: write each one's client port behind its line, as in server.%d=...;PORT, or name the servers on the command line", ErrConfig, path, other, m.ID, m.Addr, m.ID)
		}
		byAddr[m.Addr] = m.ID
	}
	return members, nil
}

// parseMember reads host:port:port[:role][;[host:]port].
func parseMember(id int64, value, clientPort string) (Member, error) {
	peers, client, hasClient := strings.Cut(value, ";")
	first, _, _ := strings.Cut(peers, "|")
	host, rest := cutHost(first)
	if host == "" {
		return Member{}, errors.New("it has no host")
	}
	m := Member{ID: id, Observer: strings.HasSuffix(strings.ToLower(rest), ":observer")}
	clientHost := ""
	if hasClient {
		clientPort = client
		if i := strings.LastIndexByte(client, ':'); i >= 0 {
			clientHost, clientPort = strings.Trim(client[:i], "[]"), client[i+1:]
		}
	}
	if clientPort == "" {
		return Member{}, errors.New("its client port is not known: neither behind ; nor as clientPort")
	}
	m.Addr = net.JoinHostPort(reachable(clientHost, host), clientPort)
	return m, nil
}

// cutHost cuts a host, in brackets if it is an IPv6 address, from what
// follows.
func cutHost(s string) (host, rest string) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		host, rest, _ = strings.Cut(inner, "]")
		return host, rest
	}
	i := strings.IndexByte(s, ':')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// reachable is an address to connect to, where one to listen on may be that
// of all interfaces.
func reachable(listen, host string) string {
	if ip := net.ParseIP(listen); listen == "" || ip != nil && ip.IsUnspecified() {
		return host
	}
	return listen
}
