package ensemble

import (
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/datadir"
	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// local is what each server writes into its own tree outside the log: the
// time at which it stored its configuration.
var local = regexp.MustCompile(`^("/zookeeper/config" .*)(Ctime:\d+ Mtime:\d+)`)

// comparison is what the members were found to have in common.
type comparison struct {
	tree    datadir.Dump
	digests int // how many were compared
	excused int // digests that Apache servers found different, see demandDigests
}

// demandEqual reads the whole tree at every member that runs, and demands the
// same paths, data, ACLs and Stats everywhere, and the same digests of the
// tree for every zxid that two members know one of.
func demandEqual(t testing.TB, e *rig.Ensemble) (c comparison) {
	t.Helper()
	var first *rig.Member
	known := map[string]string{}
	for _, m := range e.Members {
		if !m.Up() {
			continue
		}
		dump, err := datadir.Take(m.Addr())
		if err != nil {
			t.Fatalf("server %d: %v", m.ID, err)
		}
		dump.Before, dump.After = 0, 0 // each reader's session takes zxids
		for i, line := range dump.Znodes {
			dump.Znodes[i] = local.ReplaceAllString(line, "$1")
		}
		if first == nil {
			first, c.tree = m, dump
		} else if diff := c.tree.Diff(dump, 12); len(diff) > 0 {
			t.Errorf("the trees of server %d, %s (-) and server %d, %s (+) differ:\n%s",
				first.ID, first.Flavor, m.ID, m.Flavor, strings.Join(diff, "\n"))
		}
		c.digests += compareDigests(t, m, known)
		c.excused += mismatches(t, e, m)
	}
	return c
}

// compareDigests compares a member's answer to the word hash with the others'.
func compareDigests(t testing.TB, m *rig.Member, known map[string]string) (compared int) {
	t.Helper()
	text, err := rig.FourLetterWord(m.Addr(), "hash")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		zxid, digest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if other, there := known[zxid]; !there {
			known[zxid] = digest
		} else if compared++; other != digest {
			t.Errorf("server %d, %s: the digest at zxid %s is %s, elsewhere %s", m.ID, m.Flavor, zxid, digest, other)
		}
	}
	return compared
}

// mismatches demands that a member has found no digest of a transaction that
// is not its own tree's. Apache servers among themselves are excused: what an
// Apache leader sends as a snapshot holds effects of the transactions that
// follow it, so that the digests of those do not fit, until it has had them all.
func mismatches(t testing.TB, e *rig.Ensemble, m *rig.Member) (excused int) {
	t.Helper()
	n, err := strconv.Atoi(m.Metric("zk_digest_mismatches_count"))
	apaches := 0
	for _, m := range e.Members {
		if !m.Flavor.IsMeerkat() {
			apaches++
		}
	}
	if err == nil && !m.Flavor.IsMeerkat() && apaches > 1 {
		return n
	}
	if err != nil || n > 0 {
		t.Errorf("server %d, %s counts %d digests that do not match (%v)", m.ID, m.Flavor, n, err)
	}
	return 0
}

// unsure tells whether fsck complains of nothing but snapshots without a digest
// that a newer one has replaced: a leader of Apache's sent them, and the member
// asked for another when its first digest was not the leader's.
func unsure(report string) bool {
	without := map[string]bool{} // names of snapshots
	for _, line := range strings.Split(report, "\n") {
		name, said, _ := strings.Cut(line, ": ")
		switch {
		case strings.Contains(said, ", no digest"):
			without[name] = true
		case strings.HasPrefix(said, "replayed to ") && without[name]:
		case complaint.MatchString(said):
			return false
		}
	}
	return len(without) > 0
}

// complaint is what fsck says of what is wrong.
var complaint = regexp.MustCompile("the data differs|damaged|missing|refuses|lost|torn|does not|cannot|must ")

// demandWhole ends all members, checks what they leave on the disk, starts
// them again and demands that they still have the trees that they had.
//
// A directory that Meerkat alone has written has to pass fsck, which compares
// the digest after each transaction. What Apache writes is not always that
// exact: its snapshots may be ahead of the digest in them, and 3.8 logs some
// transactions twice after it was sent a snapshot. A leader of Apache's that
// has lost count of its digests sends snapshots without one, which may be ahead
// of their zxid; see unsure.
func demandWhole(t testing.TB, e *rig.Ensemble, before comparison) {
	t.Helper()
	for _, m := range e.Members {
		if m.Up() {
			m.Stop()
		}
	}
	for _, m := range e.Members {
		res := rig.Run(t, exec.Command(rig.Binary(t), "fsck", m.DataDir), time.Minute)
		if m.WrittenBy(rig.Flavor{}) && res.ExitCode != 0 && !unsure(res.Stdout) || !strings.Contains(res.Stdout, "start: a server loads") {
			t.Errorf("the directory of server %d, %s last, is not whole: exit code %d\n%s%s", m.ID, m.Flavor, res.ExitCode, res.Stdout, res.Stderr)
		}
	}
	e.Launch(e.Members...)
	if diff := before.tree.Diff(demandEqual(t, e).tree, 12); len(diff) > 0 {
		t.Errorf("after all have ended and started again, the tree is another (- before, + now):\n%s", strings.Join(diff, "\n"))
	}
}

// conclude ends the load, and demands that nothing is lost and that all members
// hold the same, now and after they have started again.
func conclude(t *testing.T, e *rig.Ensemble, l *load) {
	t.Helper()
	acked, moves := l.account()
	c := demandEqual(t, e)
	demandWhole(t, e, c)
	if t.Failed() {
		return
	}
	t.Logf("%s: %d acknowledged writes, none lost; %d connections moved, no session lost; %d znodes and %d digests equal on all %d",
		e.Kinds(), acked, moves, len(c.tree.Znodes), c.digests, len(e.Members))
	if c.excused > 0 {
		t.Logf("Apache servers found %d digests different after each other's snapshots", c.excused)
	}
}
