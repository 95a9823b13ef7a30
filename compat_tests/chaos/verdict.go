package chaos

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/meerkat-zk/meerkat/compat_tests/datadir"
	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// judge reads what is there after the trouble and holds everything against
// what was promised. It returns what was looked at, in words.
func (s *scene) judge() string {
	s.t.Helper()
	c, err := wire.Open(s.e.Await().Addr(), 4*sessionTimeout)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = c.CloseSession() }() // or it expires
	if err := c.Sync("/"); err != nil {
		s.t.Fatal(err)
	}
	writes := s.account(c) // while the sessions last
	s.readAll(c)
	s.report(s.h.wrong)
	s.report(goesBack(s.h.ops))
	s.report(againstTime(s.h.ops))
	s.report(stale(s.h.ops))
	v := linearizable(s.h.ops, s.linearizable, s.picture)
	for _, name := range v.wrong {
		s.t.Errorf("the requests to %s have no order", name)
	}
	if len(v.undecided) > 0 {
		s.t.Errorf("no order was found in time for %v: too many requests for one group", v.undecided)
	}
	events := 0
	for _, w := range s.watchers {
		s.report(misfires(w.trace))
		for _, line := range w.trace {
			if line.kind == fired {
				events++
			}
		}
	}
	orphans := s.awaitOrphans(c)
	plain := 0
	for i := range s.h.ops {
		if o := &s.h.ops[i]; o.isRead() && !o.synced && o.outcome == acked {
			plain++
		}
	}
	streamed := 0
	for _, w := range s.streams {
		streamed += w.writes
	}
	return fmt.Sprintf("%d requests to %d groups have an order, %d of them without a reply; %d plain reads, %d watch events, "+
		"%d entries of the bag, %d writes of streams, %d orphaned ephemerals as they should be", v.requests, v.groups, v.open, plain, events, writes, streamed, orphans)
}

// report reports the first few.
func (s *scene) report(wrong []string) {
	s.t.Helper()
	const most = 5
	for _, line := range wrong[:min(most, len(wrong))] {
		s.t.Error(line)
	}
	if len(wrong) > most {
		s.t.Errorf("and %d more", len(wrong)-most)
	}
}

// picture keeps what was found of a group without an order.
func (s *scene) picture(group string, info porcupine.LinearizationInfo) {
	name := filepath.Join(os.TempDir(), fmt.Sprintf("chaos-%d-%s.html", s.seed, filepath.Base(group)))
	if err := porcupine.VisualizePath(model, info, name); err != nil {
		s.t.Log(err)
		return
	}
	s.t.Logf("the requests to %s are in %s", group, name)
}

// readAll adds reads of all groups to the history, behind everything else.
func (s *scene) readAll(c *wire.Client) {
	groups := map[string]bool{}
	for _, o := range s.h.ops {
		groups[o.group] = true
	}
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		for node := range 2 {
			o := op{client: workersCount, session: c.SessionID, group: g, node: node, synced: true, call: s.h.now()}
			if err := o.read(c); err != nil && err != proto.ErrNoNode {
				s.t.Fatal(err)
			}
			o.ret, o.zxid = s.h.now(), c.LastZxid
			s.h.add(o)
		}
	}
}

// account looks into the bag and at the ephemerals, and returns how many
// entries of the bag are known.
func (s *scene) account(c *wire.Client) (entries int) {
	names, _, err := c.Children(bag, false)
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range names {
		found[name] = true
	}
	for _, w := range s.ledgers {
		s.report(w.account(found))
		entries += len(w.sure)
	}
	for _, w := range s.holders {
		wrong, _ := w.account(s.owners(c))
		s.report(wrong)
	}
	return entries
}

// owners are the ephemerals that there are.
func (s *scene) owners(c *wire.Client) map[string]int64 {
	names, _, err := c.Children(ephemerals, false)
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]int64{}
	for _, name := range names {
		stat, err := c.Exists(ephemerals+"/"+name, false)
		if err == nil {
			found[ephemerals+"/"+name] = stat.EphemeralOwner
		}
	}
	return found
}

// awaitOrphans waits until the ephemerals of sessions that have ended are gone.
func (s *scene) awaitOrphans(c *wire.Client) (gone int) {
	deadline := time.Now().Add(sessionTimeout + orphanLimit)
	for {
		found := s.owners(c)
		var left []string
		gone = 0
		for _, w := range s.holders {
			_, l := w.account(found)
			left = append(left, l...)
			gone += len(w.orphan) + w.closed
		}
		if len(left) == 0 {
			return gone
		}
		if time.Now().After(deadline) {
			s.t.Errorf("ephemerals outlive their sessions: %v", left)
			return gone
		}
		time.Sleep(lookEvery) // expiry is a matter of time
	}
}

// demandEqual compares the trees of all members, path by path, ends them and
// checks their directories.
func (s *scene) demandEqual() (znodes int) {
	s.t.Helper()
	var want datadir.Dump
	for i, m := range s.e.Members {
		dump, err := datadir.Take(m.Addr())
		if err != nil {
			s.t.Fatalf("server %d: %v", m.ID, err)
		}
		// Each reader's session takes zxids; each server knows the others by
		// addresses of its own.
		dump.Before, dump.After = 0, 0
		dump.Znodes = slices.DeleteFunc(dump.Znodes, func(line string) bool { return strings.HasPrefix(line, `"/zookeeper/config"`) })
		if i == 0 {
			want = dump
		} else if diff := want.Diff(dump, 12); len(diff) > 0 {
			s.t.Errorf("the trees of server 1 (-) and server %d (+) differ:\n%s", m.ID, strings.Join(diff, "\n"))
		}
		if n := m.Metric("zk_digest_mismatches_count"); n != "0" {
			s.t.Errorf("server %d counts %q digests that do not match", m.ID, n)
		}
	}
	for _, m := range s.e.Members {
		m.Stop()
		res := rig.Run(s.t, exec.Command(rig.Binary(s.t), "fsck", m.DataDir), time.Minute)
		if res.ExitCode != 0 {
			s.t.Errorf("the directory of server %d is not whole: exit code %d\n%s%s", m.ID, res.ExitCode, res.Stdout, res.Stderr)
		}
	}
	return len(want.Znodes)
}
