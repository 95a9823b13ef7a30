package quorum

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

var rewrite = flag.Bool("rewrite", false, "write the scenarios' outputs as they are now")

// TestScenarios plays the texts in testdata: one server, stepped by hand. A
// block is a line with a command, the line "----", what the server decides,
// and an empty line. Lines that begin with # are remarks.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(text); got != want {
				t.Errorf("%s (go test ./quorum -run TestScenarios -rewrite shows the difference)\n%s", file, firstDifference(want, got))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], strings.Join(g[i:min(i+4, len(g))], "\n     "))
		}
	}
	return "more output than expected"
}

// play runs a text and returns it with the outputs as they are.
func play(t *testing.T, text string) string {
	t.Helper()
	var s scenario
	var out strings.Builder
	skipping := false
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case skipping:
			if line == "" {
				skipping = false
				out.WriteString("\n")
			}
		case line == "" || strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		case line == "----":
			skipping = true
		default:
			out.WriteString(line + "\n----\n")
			for _, l := range s.run(t, line) {
				out.WriteString(l + "\n")
			}
		}
	}
	return out.String()
}

// scenario is one server under manual control.
type scenario struct {
	core *Core
	now  time.Duration
	args map[string]string
	t    *testing.T
}

func (s *scenario) run(t *testing.T, line string) []string {
	t.Helper()
	words := strings.Fields(line)
	s.t, s.args = t, make(map[string]string)
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		s.args[key] = value
	}
	if words[0] == "server" {
		s.create()
		return s.ready(nil)
	}
	var err error
	switch words[0] {
	case "after":
		d, bad := time.ParseDuration(words[1])
		if bad != nil {
			t.Fatal(line, bad)
		}
		s.now += d
		err = s.core.Step(s.now, Tick{})
	case "persisted":
		op := s.core.ops
		if len(words) > 1 {
			op = uint64(s.number(words[1]))
		}
		err = s.core.Step(s.now, Persisted{Op: op})
	default:
		err = s.core.Step(s.now, s.input(words))
	}
	return s.ready(err)
}

func (s *scenario) input(words []string) Input {
	link := Link(s.num("link"))
	switch words[0] {
	case "vote":
		return Notified{From: s.num("from"), Notification: proto.Notification{State: s.state(), Leader: s.num("for"), Zxid: s.num("zxid"),
			PeerEpoch: s.num("epoch"), Round: s.num("round"), Version: proto.NotificationVersion}}
	case "unreachable":
		return Unreachable{Server: s.number(words[1])}
	case "reachable":
		return Reachable{Server: s.number(words[1])}
	case "connected":
		return Connected{Link: link}
	case "dialfailed":
		return DialFailed{}
	case "gone":
		return LinkGone{Link: link}
	case "propose":
		return Propose{Entry: Entry{Zxid: s.num("zxid")}}
	case "proposals":
		var entries []Entry
		for _, zxid := range strings.Split(s.args["zxids"], ",") {
			entries = append(entries, Entry{Zxid: s.number(zxid)})
		}
		return Proposals{Entries: entries}
	case "stepdown":
		return StepDown{Reason: "told to"}
	case "diverged":
		return Diverged{}
	case "settle":
		return Settle{ID: uint64(s.num("id"))}
	case "resign":
		return Resign{}
	case "truncatefailed":
		return TruncateFailed{}
	case "logfound":
		return LogFound{Link: link, Reach: LogReach{Complete: s.num("complete") == 1, Prev: s.num("prev"), Next: s.num("next"), UpTo: s.num("upto")}}
	case "snapshotready":
		return SnapshotReady{Link: link, Zxid: s.num("zxid")}
	case "snapshotsent":
		return SnapshotSent{Link: link}
	case "alive":
		return Alive{Link: link}
	case "sync":
		return SyncRequested{Link: link, Confirm: s.num("confirm") == 1}
	case "confirm":
		return Confirm{ID: uint64(s.num("id"))}
	}
	return Received{Link: link, Packet: s.packet(words[0])}
}

func (s *scenario) packet(name string) proto.QuorumPacket {
	p := proto.QuorumPacket{Zxid: s.num("zxid")}
	for p.Type = 1; p.Type.String() != name; p.Type++ {
		if p.Type > proto.PacketInformAndActivate {
			s.t.Fatalf("unknown command %q", name)
		}
	}
	switch p.Type {
	case proto.PacketFollowerInfo, proto.PacketObserverInfo:
		p.Data = proto.LearnerInfo{ServerID: s.num("id"), Protocol: proto.LearnerProtocol, ConfigVersion: s.num("config")}.Append(nil)
	case proto.PacketAckEpoch:
		p.Data = jute.AppendInt(nil, int32(s.num("epoch")))
	case proto.PacketPing:
		if s.args["touched"] != "" {
			p.Data = jute.AppendInt(jute.AppendLong(nil, s.num("touched")), 5000)
		}
	case proto.PacketInformAndActivate:
		p.Data = make([]byte, 8)
	}
	return p
}

func (s *scenario) create() {
	voters := NewSet()
	for _, id := range strings.Split(s.args["voters"], ",") {
		voters = voters.Add(s.number(id))
	}
	cfg := Config{
		ID: s.num("id"), Verifier: NewMajority(voters...), Observer: s.args["observer"] != "",
		Tick: 2 * time.Second, InitTicks: 10, SyncTicks: 5, MinNotify: 200 * time.Millisecond, MaxNotify: time.Minute,
		Settle: 200 * time.Millisecond, ObserverDelay: 200 * time.Millisecond, CommitLogCount: 500, Seed: 1,
	}
	cfg.ServeObservers = s.args["serve"] != ""
	cfg.MaxSnapSyncs, cfg.MaxDiffSyncs = int(s.num("maxsnap")), int(s.num("maxdiff"))
	cfg.ReconnectDelay = time.Duration(s.num("reconnectms")) * time.Millisecond
	cfg.EpochWait = time.Duration(s.num("epochwaitms")) * time.Millisecond
	cfg.ConnectTicks = int(s.num("connect"))
	if m := s.args["masters"]; m != "" {
		for _, id := range strings.Split(m, ",") {
			cfg.Masters = append(cfg.Masters, s.number(id))
		}
	}
	if o := s.args["oracle"]; o != "" {
		cfg.Verifier = NewOracleMajority(oracle(o == "1"), voters...)
	}
	rec := Recovered{AcceptedEpoch: s.num("accepted"), CurrentEpoch: s.num("current"), TailBase: s.num("base")}
	rec.Zxid = rec.TailBase
	if log := s.args["log"]; log != "" {
		for _, zxid := range strings.Split(log, ",") {
			rec.Tail = append(rec.Tail, Entry{Zxid: s.number(zxid)})
			rec.Zxid = s.number(zxid)
		}
	}
	rec.Applied = rec.Zxid
	if s.args["applied"] != "" {
		rec.Applied = s.num("applied")
	}
	s.now = 0
	var err error
	if s.core, err = New(0, cfg, rec); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scenario) num(key string) int64 {
	if v, ok := s.args[key]; ok {
		return s.number(v)
	}
	return 0
}

// number reads a decimal number, or a zxid written epoch.counter.
func (s *scenario) number(text string) int64 {
	if epoch, counter, ok := strings.Cut(text, "."); ok {
		return EpochStart(s.number(epoch)) | s.number(counter)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *scenario) state() proto.PeerState {
	for st := proto.Looking; st <= proto.Observing; st++ {
		if _, ok := s.args[st.String()]; ok {
			return st
		}
	}
	s.t.Fatal("a vote needs a state")
	return 0
}

func zx(zxid int64) string {
	switch {
	case zxid == -1:
		return "-1"
	case zxid < -1:
		return "least"
	}
	return fmt.Sprintf("%d.%d", Epoch(zxid), Counter(zxid))
}

func list(e []Entry) string {
	var b bytes.Buffer
	for _, e := range e {
		b.WriteString(" " + zx(e.Zxid))
	}
	return b.String()
}

// ready prints everything that was decided.
func (s *scenario) ready(err error) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	out := s.core.Ready()
	if err != nil {
		add("refused: %v", err)
	}
	for _, op := range out.Disk {
		rebuild := ""
		if op.Rebuild {
			rebuild = ", rebuild"
		}
		switch op.Kind {
		case OpAppend:
			add("disk %d: append%s", op.Seq, list(op.Entries))
		case OpTruncate:
			add("disk %d: truncate to %s%s", op.Seq, zx(op.Zxid), rebuild)
		case OpInstall:
			add("disk %d: install snapshot %s from link %d%s", op.Seq, zx(op.Zxid), op.Link, rebuild)
		case OpAcceptedEpoch:
			add("disk %d: acceptedEpoch %d", op.Seq, op.Epoch)
		case OpCurrentEpoch:
			add("disk %d: currentEpoch %d", op.Seq, op.Epoch)
		}
	}
	for _, v := range out.Votes {
		n := v.Notification
		add("vote to %d: %s, for %d, zxid %s, epoch %s, round %d", v.To, n.State, max(n.Leader, -1), zx(n.Zxid), epochText(n.PeerEpoch), n.Round)
	}
	for _, m := range out.Send {
		if m.LogTo > m.LogFrom {
			add("link %d: log after %s up to %s", m.Link, zx(m.LogFrom), zx(m.LogTo))
		} else if m.Packet.Type == proto.PacketAckEpoch {
			d := jute.NewDecoder(m.Packet.Data)
			add("link %d: ACKEPOCH %s, epoch %d", m.Link, zx(m.Packet.Zxid), d.Int())
		} else {
			add("link %d: %s %s", m.Link, m.Packet.Type, zx(m.Packet.Zxid))
		}
	}
	for _, c := range out.Close {
		add("close %d: %s", c.Link, c.Reason)
	}
	if out.Dial != 0 {
		master := ""
		if out.DialMaster {
			master = " for observers"
		}
		add("dial %d%s", out.Dial, master)
	}
	for _, q := range out.Snapshots {
		add("snapshot for link %d, at least %s", q.Link, zx(q.AtLeast))
	}
	for _, q := range out.Queries {
		add("log for link %d: above %s up to %s", q.Link, zx(q.Peer), zx(q.UpTo))
	}
	if len(out.Apply) > 0 {
		add("apply%s", list(out.Apply))
	}
	if len(out.Confirmed) > 0 {
		add("confirmed %v", out.Confirmed)
	}
	for _, e := range out.Learners {
		if e.Gone {
			add("learner %d on link %d is gone", e.Server, e.Link)
		} else {
			add("learner %d on link %d, observer %v: %s %x", e.Server, e.Link, e.Observer, e.Packet.Type, e.Packet.Data)
		}
	}
	for _, p := range out.FromLeader {
		add("from the leader: %s", p.Type)
	}
	if r := out.Role; r != nil {
		reason := ""
		if r.Reason != "" {
			reason = ": " + r.Reason
		}
		add("role %s, %s, leader %d, epoch %d%s", r.State, r.Phase, r.Leader, r.Epoch, reason)
	}
	return lines
}

func epochText(epoch int64) string {
	if epoch < 0 {
		return "least"
	}
	return strconv.FormatInt(epoch, 10)
}
