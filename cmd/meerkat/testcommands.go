package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/meerkat-zk/meerkat/zktest"
)

// testCommand is one line of a test-server's input.
type testCommand struct {
	Do      string  `json:"do"`
	Server  int     `json:"server"`  // its id; of a standalone server 1, which is the default there
	Ms      int     `json:"ms"`      // of latency and sync-latency
	Session string  `json:"session"` // of expire and drop-session: 0x and hexadecimal, or decimal
	Groups  [][]int `json:"groups"`  // of partition: ids of servers
}

func parseTestCommand(line []byte) (testCommand, error) {
	var c testCommand
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: %w", errCommand, err)
	}
	return c, nil
}

// serverCommands are those that do something to one server.
var serverCommands = map[string]func(*testCommand, *zktest.Server, *testAnswer){
	"kill":              func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.Kill() },
	"cut-power":         func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.CutPower() },
	"stop":              func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.Stop() },
	"launch":            func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.Launch() },
	"restart":           func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.Restart() },
	"wipe":              func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.Wipe() },
	"freeze":            func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.Freeze() },
	"thaw":              func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.Thaw() },
	"partition-clients": func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.PartitionClients() },
	"heal-clients":      func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.HealClients() },
	"stall-sync":        func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.StallSync() },
	"resume-sync":       func(_ *testCommand, s *zktest.Server, _ *testAnswer) { s.ResumeSync() },
	"latency":           func(c *testCommand, s *zktest.Server, _ *testAnswer) { s.SetLatency(c.duration()) },
	"sync-latency":      func(c *testCommand, s *zktest.Server, _ *testAnswer) { s.SetSyncLatency(c.duration()) },
	"drop-connections":  func(_ *testCommand, s *zktest.Server, a *testAnswer) { a.Count = int64(s.DropConnections()) },
	"events":            func(_ *testCommand, s *zktest.Server, a *testAnswer) { a.Count = s.Events() },
	"mode":              func(_ *testCommand, s *zktest.Server, a *testAnswer) { a.Mode = s.Mode() },
}

func (c *testCommand) duration() time.Duration { return time.Duration(max(c.Ms, 0)) * time.Millisecond }

// run carries the command out.
func (c *testCommand) run(servers []*zktest.Server, ensemble *zktest.Ensemble, answer *testAnswer) error {
	if do := serverCommands[c.Do]; do != nil {
		s, err := c.server(servers)
		if err == nil {
			do(c, s, answer)
		}
		return err
	}
	switch c.Do {
	case "expire", "drop-session":
		return c.end(servers, ensemble)
	case "leader", "isolate", "partition", "heal", "await-serving":
		if ensemble == nil {
			return fmt.Errorf("%w: %s needs an ensemble", errCommand, c.Do)
		}
		return c.together(servers, ensemble, answer)
	}
	return fmt.Errorf("%w: there is no command %q; there are %s", errCommand, c.Do, strings.Join(testCommandNames(), ", "))
}

// together does what is about all servers.
func (c *testCommand) together(servers []*zktest.Server, ensemble *zktest.Ensemble, answer *testAnswer) error {
	switch c.Do {
	case "leader":
		answer.Server = ensemble.Leader().ID()
	case "heal":
		ensemble.Heal()
	case "await-serving":
		ensemble.AwaitServing()
	case "isolate":
		s, err := c.server(servers)
		if err != nil {
			return err
		}
		ensemble.Isolate(s)
	case "partition":
		groups := make([][]*zktest.Server, len(c.Groups))
		for i, ids := range c.Groups {
			for _, id := range ids {
				s, err := (&testCommand{Do: c.Do, Server: id}).server(servers)
				if err != nil {
					return err
				}
				groups[i] = append(groups[i], s)
			}
		}
		ensemble.Partition(groups...)
	}
	return nil
}

// end ends a session, or its connection.
func (c *testCommand) end(servers []*zktest.Server, ensemble *zktest.Ensemble) error {
	id, err := strconv.ParseUint(c.Session, 0, 64)
	if err != nil {
		return fmt.Errorf("%w: session %q: must be 0x and a hexadecimal number, or a decimal one", errCommand, c.Session)
	}
	switch {
	case c.Do == "drop-session":
		if !slices.ContainsFunc(servers, func(s *zktest.Server) bool { return s.DropSession(int64(id)) }) {
			return fmt.Errorf("%w: session %s is not connected", errCommand, c.Session)
		}
	case ensemble == nil:
		servers[0].ExpireSession(int64(id))
	default:
		ensemble.ExpireSession(int64(id))
	}
	return nil
}

func (c *testCommand) server(servers []*zktest.Server) (*zktest.Server, error) {
	id := c.Server
	if id == 0 && len(servers) == 1 {
		id = 1
	}
	if id < 1 || id > len(servers) {
		return nil, fmt.Errorf("%w: %s: there is no server %d", errCommand, c.Do, id)
	}
	return servers[id-1], nil
}

func testCommandNames() []string {
	names := []string{"leader", "isolate", "partition", "heal", "await-serving", "expire", "drop-session"}
	for name := range serverCommands {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
