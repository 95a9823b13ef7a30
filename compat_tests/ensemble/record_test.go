//go:build compat

package ensemble

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

var record = flag.Bool("record", false, "record the packets of Apache's servers in quorum/testdata/recorded")

// recording is an ensemble of one kind of Apache servers. What its first
// member says as a learner to the others, and they to it, is written down.
type recording struct {
	*testing.T
	e    *rig.Ensemble
	kind string
	taps map[int]*tap // by the server behind it
}

// TestRecordPackets records how Apache's leaders and learners talk: joining by
// DIFF, by SNAP and by TRUNC under writes, and observing. The packets stand in
// quorum/testdata/recorded, where package quorum takes either side of them:
//
//	go test -tags compat -run TestRecordPackets ./compat_tests/ensemble -args -record
func TestRecordPackets(t *testing.T) {
	if !*record {
		t.Skip("waits for -record")
	}
	for _, kind := range []string{"3.9.5", "3.8.6"} {
		for name, run := range map[string]func(*recording){
			"diff": (*recording).diff, "snap": (*recording).snap, "trunc": (*recording).trunc, "observer": (*recording).observer,
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				observers := 0
				if name == "observer" {
					observers = 1
				}
				logCount := "50000"
				if name == "snap" {
					logCount = "500"
				}
				r := newRecording(t, kind, observers, logCount)
				run(r)
				r.write(name, observers > 0)
			})
		}
	}
}

func newRecording(t *testing.T, kind string, observers int, logCount string) *recording {
	t.Helper()
	flavor := rig.Apache(kind)
	kinds := []rig.Flavor{flavor, flavor, flavor, flavor}[:3+observers]
	r := &recording{T: t, kind: kind, taps: map[int]*tap{}, e: rig.NewEnsemble(t, rig.EnsembleSpec{
		Kinds: kinds, Observers: observers, Props: map[string]string{"zookeeper.snapshotSizeFactor": "-1", "zookeeper.commitLogCount": logCount},
	})}
	learner := r.learner()
	cfg := maps.Clone(learner.Cfg)
	for _, m := range r.e.Members {
		if m == learner {
			continue
		}
		key := fmt.Sprintf("server.%d", m.ID)
		parts := strings.SplitN(cfg[key], ":", 4) // host:quorum:election[:role]
		r.taps[m.ID] = tapBefore(t, parts[0]+":"+parts[1])
		parts[1] = fmt.Sprint(r.taps[m.ID].port())
		cfg[key] = strings.Join(parts, ":")
	}
	learner.Cfg = cfg
	return r
}

// learner is the observer, or the first member, which wins no election.
func (r *recording) learner() *rig.Member {
	if n := len(r.e.Members); n > 3 {
		return r.e.Members[n-1]
	}
	return r.e.Members[0]
}

// others are the members but for the learner.
func (r *recording) others() (all []*rig.Member) {
	for _, m := range r.e.Members {
		if m != r.learner() {
			all = append(all, m)
		}
	}
	return all
}

// diff lets the learner miss some writes and come back while others go on.
func (r *recording) diff() {
	r.e.Launch(r.e.Members...)
	r.whileWriting(r.others()[0], func() {
		r.learner().Kill()
		r.e.Launch(r.learner())
		c, err := wire.Open(r.learner().Addr(), sessionTimeout) // its client
		must(r.T, err)
		for i := range 10 {
			_, err = c.Create(fmt.Sprintf("/through%d", i), nil, proto.OpenACL, proto.FlagEphemeral)
			must(r.T, err)
			must(r.T, c.Sync("/"))
		}
		moved, err := c.Move(r.others()[0].Addr(), replyLimit)
		must(r.T, err)
		back, err := moved.Move(r.learner().Addr(), replyLimit)
		must(r.T, err)
		must(r.T, back.CloseSession())
	})
}

// betweenWrites is the pace of the writes that a learner gets in passing.
const betweenWrites = 30 * time.Millisecond

// whileWriting does something while a client of a member writes.
func (r *recording) whileWriting(m *rig.Member, do func()) {
	r.Helper()
	c, err := wire.Open(m.Addr(), sessionTimeout)
	must(r.T, err)
	_, err = c.Create("/n", nil, proto.OpenACL, proto.FlagPersistent)
	must(r.T, err)
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for tick := time.NewTicker(betweenWrites); ; <-tick.C {
			select {
			case <-stop:
				tick.Stop()
				ended <- c.CloseSession()
				return
			default:
			}
			if _, err := c.SetData("/n", []byte("x"), -1); err != nil {
				ended <- err
				return
			}
		}
	}()
	do()
	close(stop)
	must(r.T, <-ended)
}

// snap empties it, too, under many more writes.
func (r *recording) snap() {
	r.e.Launch(r.e.Members...)
	l := begin(r.T, r.e.Addrs())
	l.progress(250) // more than the leaders keep in memory
	r.learner().Kill()
	r.learner().Wipe()
	r.e.Launch(r.learner())
	l.progress(20)
	l.end()
}

// trunc lets the learner lead and log a write that nobody else gets: the
// others are killed, and it ends before it has noticed.
func (r *recording) trunc() {
	learner, others := r.learner(), r.others()
	r.e.Launch(r.e.Members...)
	l := begin(r.T, r.e.Addrs())
	letLead(r.T, r.e, l, learner, others[0], others[1])
	l.end()
	for try := 0; ; try++ {
		c, err := wire.Open(learner.Addr(), sessionTimeout)
		must(r.T, err)
		for _, m := range others {
			m.Kill()
		}
		_, err = c.Create(fmt.Sprintf("/alone%d", try), nil, proto.OpenACL, proto.FlagPersistent)
		if err == nil {
			r.Fatal("one of three has committed")
		}
		learner.Kill()
		r.e.Launch(others...)
		r.e.Launch(learner)
		if r.has("< TRUNC") {
			break
		}
		if try == 5 {
			r.Fatal("the write was never logged")
		}
	}
	c, err := wire.Open(learner.Addr(), sessionTimeout)
	must(r.T, err)
	for i := range 5 {
		_, err = c.Create(fmt.Sprintf("/after%d", i), nil, proto.OpenACL, proto.FlagPersistent)
		must(r.T, err)
	}
	must(r.T, c.Sync("/"))
	must(r.T, c.CloseSession())
}

// observer comes back under writes.
func (r *recording) observer() { r.diff() }

// has tells whether some connection has had a packet.
func (r *recording) has(packet string) bool {
	texts, _ := r.texts()
	for _, lines := range texts {
		if strings.Contains(strings.Join(lines, "\n"), packet) {
			return true
		}
	}
	return false
}

// texts are all connections of the learner that got somewhere.
func (r *recording) texts() (all [][]string, leaders []int) {
	for _, m := range r.others() {
		texts, err := r.taps[m.ID].all()
		must(r.T, err)
		for _, lines := range texts {
			if strings.Contains(strings.Join(lines, "\n"), "UPTODATE") {
				all, leaders = append(all, lines), append(leaders, m.ID)
			}
		}
	}
	return all, leaders
}

// maxLines of a connection are kept behind its UPTODATE.
const maxLines = 150

// write saves what was heard.
func (r *recording) write(name string, observer bool) {
	r.Helper()
	dir := filepath.Join(rig.Checkout(), "quorum", "testdata", "recorded")
	must(r.T, os.MkdirAll(dir, 0o755))
	texts, leaders := r.texts()
	for i, lines := range texts {
		head := fmt.Sprintf("# Apache %s, both sides: %s\nlearner=%d leader=%d observer=%t\n", r.kind, name, r.learner().ID, leaders[i], observer)
		file := fmt.Sprintf("%s_%s_%d.txt", r.kind, name, i+1)
		n := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "UPTODATE") }) + maxLines
		text := head + strings.Join(lines[:min(len(lines), n)], "\n") + "\n"
		must(r.T, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
		r.Logf("%s: %d packets", file, len(lines))
	}
}
