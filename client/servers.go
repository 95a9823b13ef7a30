package client

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// ErrServers means a list of servers that cannot be understood.
var ErrServers = errors.New("servers")

// defaultPort is that of a server that is named without one.
const defaultPort = "2181"

// ParseServers splits a connect string of Apache's clients: host:port pairs
// with commas between them and, at the end, the path that stands for the root
// of all paths. Without a port it is 2181. The root is "" when there is none.
func ParseServers(connect string) (servers []string, root string, err error) {
	hosts := connect
	if i := strings.IndexByte(connect, '/'); i >= 0 {
		hosts, root = connect[:i], connect[i:]
		if root == "/" {
			root = ""
		} else if err := ValidatePath(root, false); err != nil {
			return nil, "", fmt.Errorf("%w: %q: %w", ErrServers, connect, err)
		}
	}
	for _, host := range strings.Split(hosts, ",") {
		host = strings.TrimSpace(host)
		if host == "" {
			continue
		}
		addr, err := address(host)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %q: %w", ErrServers, connect, err)
		}
		servers = append(servers, addr)
	}
	if len(servers) == 0 {
		return nil, "", fmt.Errorf("%w: %q names none; expected host:port,host:port", ErrServers, connect)
	}
	return servers, root, nil
}

// address completes one host with the port.
func address(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		// Without a port: a name, an IPv4 address, or an IPv6 address in
		// brackets or bare.
		host, port = strings.Trim(text, "[]"), defaultPort
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", err
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("port %q of %q is not a number from 1 to 65535", port, text)
	}
	if host == "" {
		return "", fmt.Errorf("%q has no host", text)
	}
	return net.JoinHostPort(host, port), nil
}
