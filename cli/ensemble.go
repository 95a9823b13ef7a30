package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func ensembleCommands() []*command {
	return []*command{
		{
			name: "config", usage: "[-c] [-w] [-s]", run: printConfig,
			options: options(flags("s", "stats", "w", "watch", "c", "client connection string")),
		},
		{
			name: "reconfig",
			usage: "[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | " +
				"[-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]",
			options: options(flags("s", "stats"), valued("v", "required current config version",
				"file", "path of config file to parse for membership",
				"members", "comma-separated list of config strings for non-incremental reconfig",
				"add", "comma-separated list of config strings for new servers",
				"remove", "comma-separated list of server IDs to remove")),
			run: reconfig,
		},
	}
}

func printConfig(ctx context.Context, s *Shell, p parsed) error {
	data, st, err := s.zk.GetConfig(ctx, p.has("w"))
	if err != nil {
		return err
	}
	s.configAnswer(p, data, st, "")
	return nil
}

// configAnswer prints a membership.
func (s *Shell) configAnswer(p parsed, data []byte, st proto.Stat, title string) {
	text := "null"
	if data != nil {
		text = plainText(data)
	}
	if p.has("c") {
		text = clientConnect(text)
	}
	s.answer(map[string]any{"config": text, "stat": newJSONStat(st)}, func() {
		s.p.println(title + text)
		if p.has("s") {
			s.p.printf("%s", statLines(st))
		}
	})
}

// clientConnect makes of a membership its version and a connect string for
// clients (ConfigUtils.getClientConfigStr).
func clientConnect(config string) string {
	type server struct {
		id   int64
		addr string
	}
	var servers []server
	version := ""
	for line := range strings.Lines(config) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "version" {
			version = value
		}
		id, isServer := strings.CutPrefix(key, "server.")
		if !isServer {
			continue
		}
		n, _ := strconv.ParseInt(id, 10, 64)
		if _, addr, ok := strings.Cut(value, ";"); ok {
			if !strings.Contains(addr, ":") {
				addr = "0.0.0.0:" + addr
			}
			servers = append(servers, server{n, addr})
		}
	}
	slices.SortFunc(servers, func(a, b server) int { return cmp.Compare(a.id, b.id) })
	var addrs []string
	for _, srv := range servers {
		addrs = append(addrs, srv.addr)
	}
	return version + " " + strings.Join(addrs, ",")
}

func reconfig(ctx context.Context, s *Shell, p parsed) error {
	whole, steps := p.has("file") || p.has("members"), p.has("add") || p.has("remove")
	if !whole && !steps {
		return failure("%s", s.find("reconfig").usageText())
	}
	version := int64(-1)
	if p.has("v") {
		var err error
		if version, err = strconv.ParseInt(p.values["v"], 16, 64); err != nil {
			return failure("-v must be followed by a long (configuration version)")
		}
	}
	switch {
	case whole && steps:
		return failure("Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)")
	case p.has("file") && p.has("members"):
		return failure("Can't use -file and -members together (conflicting non-incremental modes)")
	}
	members := strings.ToLower(p.values["members"])
	if file := p.values["file"]; p.has("file") {
		var err error
		if members, err = readMembers(file); err != nil {
			return failure("Error processing %s%v", file, err)
		}
	}
	config, st, err := s.zk.Reconfig(ctx, strings.ToLower(p.values["add"]), strings.ToLower(p.values["remove"]), members, version)
	if err != nil {
		return withoutPath(err)
	}
	s.configAnswer(parsed{values: without(p.values, "c")}, config, st, "Committed new configuration:\n")
	return nil
}

// withoutPath explains a refusal of a reconfig, for which Apache's client
// reports an empty path, and not the null of other requests without one.
func withoutPath(err error) error {
	text, code := explain(err)
	return &commandError{strings.TrimSuffix(text, "null"), code}
}

func without(values map[string]string, name string) map[string]string {
	rest := map[string]string{}
	for k, v := range values {
		if k != name {
			rest[k] = v
		}
	}
	return rest
}

// maxMembersBytes is more than any membership has.
const maxMembersBytes = 1 << 20

// readMembers reads the lines of a dynamic configuration file. The leader
// judges them; only lines that have no place there are refused.
func readMembers(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", failure("%s (No such file or directory)", path)
	}
	if err != nil {
		return "", err
	}
	defer f.Close() // was only read
	var lines []string
	in := bufio.NewScanner(f)
	in.Buffer(nil, maxMembersBytes)
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, _, _ := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !strings.HasPrefix(key, "server.") && !strings.HasPrefix(key, "group") && !strings.HasPrefix(key, "weight") && key != "version" {
			return "", failure("Unrecognised parameter: %s", key)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), in.Err()
}
