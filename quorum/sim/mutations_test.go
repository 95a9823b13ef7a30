package sim

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var (
	allMutations  = flag.Bool("mutations", false, "break the core in every way listed, not only in the ones found at once")
	mutationSeeds = flag.Int("mutation-seeds", 3000, "seeds within which a mutation must be found")
)

// mutation breaks the core on purpose: one place in one file reads otherwise.
type mutation struct {
	name     string
	file     string
	old, new string
	quick    bool // found within a few seeds
}

var mutations = []mutation{
	{"ack before fsync", "follower.go", // ZK-3023, ZK-4646
		"if e.Zxid > c.durable {", "if false {", true},
	{"leader counts what is not durable", "leader.go",
		"ld.tally.Acked(c.cfg.ID, c.durable)", "ld.tally.Acked(c.cfg.ID, c.hist.last())", false},
	{"NEWLEADER acked before the history is durable", "follower.go", // ZK-3911, ZK-4685
		"		f.acked = c.hist.committed\n",
		"		f.acked = c.hist.committed\n		c.send(f.link, proto.QuorumPacket{Type: proto.PacketAck, Zxid: EpochStart(f.epoch)})\n", false},
	{"current epoch before the log", "follower.go", // ZK-4643
		"	f.step = stepHistory\n", "	f.step = stepHistory\n	c.saveCurrent(f.epoch)\n", false},
	{"current epoch never written", "follower.go",
		"f.fileOp = c.saveCurrent(f.epoch)", "f.fileOp = c.ops", false},
	{"one committed transaction skipped", "leader_sync.go", // ZK-4925, ZK-4785
		"range c.hist.after(from) {", "range c.hist.after(from + 1) {", true},
	{"uncommitted tail kept", "syncplan.go", // ZK-2845
		"	case peer > end:\n", "	case peer > end:\n		return SyncPlan{Mode: proto.PacketDiff, Zxid: end, From: peer}\n	case peer > end+1:\n", false},
	{"leads before a quorum has its history", "leader.go", // ZK-3104
		"|| !c.cfg.Verifier.Quorum(ld.accepting) && !c.override(c.synced()) {", "{", false},
	{"half of the voters are a quorum", "verifier.go",
		"return n > len(m.voters)/2", "return n >= len(m.voters)/2", false},
	{"promise not saved", "follower.go",
		"		c.saveAccepted(f.epoch)\n", "", true},
	{"leader forgets its epoch", "leader.go",
		"	c.saveAccepted(ld.epoch)\n", "	c.acceptedOp = c.disk(DiskOp{Kind: OpAcceptedEpoch, Epoch: c.accepted})\n", false},
	{"follower that is ahead accepted", "leader.go",
		"if epoch > ld.summary.epoch || epoch == ld.summary.epoch && l.last > ld.summary.zxid {", "if false {", false},
	{"acknowledgements outlive a truncation", "leader_sync.go",
		"c.lead.tally.Forget(l.id)", "_ = 0", false},
	{"a wiped member votes", "core.go",
		"	if c.needSnapshot {\n		return -1\n	}\n", "	if c.hist.last() == -1 {\n		return 0\n	}\n", false},
	{"an old answer confirms a leader", "confirm.go",
		"	return ld.round + 1\n", "	return c.answered()\n", false},
	{"a leader confirms itself", "confirm.go",
		"	return c.cfg.Verifier.Quorum(NewSet(c.cfg.ID)) ||", "	return c.cfg.Verifier != nil ||", false},
	{"snapshot older than what was committed", "leader_sync.go", // ZK-3642
		"		l.atLeast = end\n", "		l.atLeast = c.hist.base\n", false},
	{"settled before it is committed", "confirm.go",
		"ld.settles[0].zxid <= c.hist.committed", "ld.settles[0].zxid <= c.hist.last()", true},
	{"observers told what is only proposed", "follower.go",
		"	c.appendEntry(Entry{Zxid: zxid, Data: data})\n", "	c.appendEntry(Entry{Zxid: zxid, Data: data})\n	c.inform(Entry{Zxid: zxid, Data: data})\n", false},
	{"observers brought up to what is only proposed", "leader_sync.go",
		"c.lead != nil && c.lead.tally == nil {", "c.lead == nil || c.lead.tally == nil {", false},
}

// TestMutations proves that the checker can fail: each mutation is compiled
// into a test binary of its own, without touching the sources, and some seed
// must find it.
func TestMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the go tool and time")
	}
	core, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations {
		source, err := os.ReadFile(filepath.Join(core, m.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), m.old); n != 1 {
			t.Errorf("%s: the place to break occurs %d times in %s: %q", m.name, n, m.file, m.old)
			continue
		}
		if !m.quick && !*allMutations {
			continue // the place is still there; `-mutations` runs it
		}
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			dir := t.TempDir()
			broken := filepath.Join(dir, m.file)
			write(t, broken, strings.Replace(string(source), m.old, m.new, 1))
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(core, m.file): broken}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "overlay.json"), string(overlay))
			binary := filepath.Join(dir, "sim.test")
			build := exec.Command("go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("does not build: %v\n%s", err, out)
			}
			out, err := exec.Command(binary, "-test.run=^TestSeeds$", "-seeds="+strconv.Itoa(*mutationSeeds)).CombinedOutput()
			at := strings.Index(string(out), "seed ")
			if err == nil || at < 0 {
				t.Fatalf("not found in %d seeds\n%s", *mutationSeeds, out)
			}
			found, _, _ := strings.Cut(string(out[at:]), "\n")
			t.Log(found)
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
