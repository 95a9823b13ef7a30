package ensemble

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/datadir"
	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// local is what each server writes into its own tree outside the log: the
// time at which it stored its configuration.
var local = regexp.MustCompile(`^("/zookeeper/config" .*)(Ctime:\d+ Mtime:\d+)`)

// demandEqual reads the whole tree at every member that runs, and demands the
// same paths, data, ACLs and Stats everywhere, and the same digests of the
// tree for every zxid that two members know one of. It returns how many znodes
// and digests it has compared.
func demandEqual(t testing.TB, e *rig.Ensemble) (znodes, digests int) {
	t.Helper()
	var first *rig.Member
	var want datadir.Dump
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
			first, want = m, dump
		} else if diff := want.Diff(dump, 12); len(diff) > 0 {
			t.Errorf("the trees of server %d, %s (-) and server %d, %s (+) differ:\n%s",
				first.ID, first.Flavor, m.ID, m.Flavor, strings.Join(diff, "\n"))
		}
		digests += demandDigests(t, m, known)
	}
	return len(want.Znodes), digests
}

// demandDigests compares a member's answer to the word hash with the others',
// and what it counts itself.
func demandDigests(t testing.TB, m *rig.Member, known map[string]string) (compared int) {
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
	if n := m.Metric("zk_digest_mismatches_count"); n != "0" {
		t.Errorf("server %d, %s counts %q digests that do not match", m.ID, m.Flavor, n)
	}
	return compared
}

// demandWhole ends all members and checks every file that they leave, by a
// replay that compares the digest after each transaction.
func demandWhole(t testing.TB, e *rig.Ensemble) {
	t.Helper()
	for _, m := range e.Members {
		if m.Up() {
			m.Stop()
		}
		cmd := exec.Command(rig.Binary(t), "fsck", m.DataDir)
		if res := rig.Run(t, cmd, time.Minute); res.ExitCode != 0 {
			t.Errorf("the directory of server %d, %s last, is not whole: exit code %d\n%s%s", m.ID, m.Flavor, res.ExitCode, res.Stdout, res.Stderr)
		}
	}
}

// summary is what a test says when it has passed.
func summary(e *rig.Ensemble, acked int64, moves, znodes, digests int) string {
	return fmt.Sprintf("%s: %d acknowledged writes, none lost; %d connections moved, no session lost; %d znodes and %d digests equal on all %d",
		e.Kinds(), acked, moves, znodes, digests, len(e.Members))
}
