package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What is added to the first client port for the others.
const (
	quorumPortOffset   = 707
	electionPortOffset = 1707
	adminPortOffset    = 5899
	maxMembers         = 99
)

// ensembleOptions is the command line of the verb ensemble.
type ensembleOptions struct {
	voters, observers int
	port              int
	dir               string
	set               []string
}

// prepare writes the files of all servers.
func (o *ensembleOptions) prepare() ([]*ensembleMember, error) {
	count := o.voters + o.observers
	switch {
	case o.voters < 1 || o.observers < 0 || count > maxMembers:
		return nil, fmt.Errorf("%w: --size=%d --observers=%d: must be 1 voter at least, and %d servers at most", errUsage, o.voters, o.observers, maxMembers)
	case o.port < 1 || o.port+adminPortOffset+count > 1<<16:
		return nil, fmt.Errorf("%w: --port=%d: must be from 1 to %d", errUsage, o.port, 1<<16-adminPortOffset-count)
	}
	root, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(root, "\\\n\r") {
		return nil, fmt.Errorf("%w: --dir=%q cannot stand in a zoo.cfg", errUsage, o.dir)
	}
	var members []*ensembleMember
	for id := 1; id <= count; id++ {
		m := &ensembleMember{id: id, dir: filepath.Join(root, strconv.Itoa(id)), addr: fmt.Sprintf("127.0.0.1:%d", o.port+id-1)}
		m.log = filepath.Join(m.dir, "server.log")
		if err := os.MkdirAll(m.dir, 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(m.config(), []byte(o.zooCfg(m)), 0o600); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(m.dir, "myid"), []byte(strconv.Itoa(id)+"\n"), 0o600); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

func (m *ensembleMember) config() string { return filepath.Join(m.dir, "zoo.cfg") }

// zooCfg is the configuration of one server.
func (o *ensembleOptions) zooCfg(m *ensembleMember) string {
	var b strings.Builder
	i := m.id - 1
	fmt.Fprintf(&b, `# Written by meerkat ensemble, which writes it anew each time: use --set.
tickTime=2000
initLimit=10
syncLimit=5
dataDir=%s
clientPort=%d
clientPortAddress=127.0.0.1
admin.serverAddress=127.0.0.1
admin.serverPort=%d
autopurge.purgeInterval=1
4lw.commands.whitelist=*
`, m.dir, o.port+i, o.port+adminPortOffset+i)
	if o.voters == 1 {
		b.WriteString("standaloneEnabled=false\n")
	}
	for id := 1; id <= o.voters+o.observers; id++ {
		role := ""
		if id > o.voters {
			role = ":observer"
		}
		// The client port stands there too: it is another one for each server.
		fmt.Fprintf(&b, "server.%d=127.0.0.1:%d:%d%s;127.0.0.1:%d\n", id, o.port+quorumPortOffset+id-1, o.port+electionPortOffset+id-1, role, o.port+id-1)
	}
	for _, line := range o.set {
		b.WriteString(line + "\n")
	}
	return b.String()
}
