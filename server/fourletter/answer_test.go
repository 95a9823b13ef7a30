package fourletter

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/session"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// recorded is the text that an Apache ZooKeeper 3.9.5 has sent.
func recorded(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/apache-3.9.5/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fakeView is a server in the state of that Apache at its recording: two
// sessions, a and b, that hold ephemerals and watches.
type fakeView struct {
	down, readOnly bool
	port           uint16 // of the connection that asks
	resets         []string
	mask           int64
	reset          bool // the statistics were reset
	status         Status
	member         *Member
}

const (
	sessionA = 0x10000612c120000
	sessionB = 0x10000612c120001
	epochMs  = 1795376268964
)

func local(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

func (v *fakeView) Version() string {
	return "3.9.5-293c895a8d966a3ecb92872be4a1daf87d725da2, built on 2026-02-11 20:18 UTC"
}
func (v *fakeView) Serving() bool            { return !v.down }
func (v *fakeView) ReadOnly() bool           { return v.readOnly }
func (v *fakeView) Now() time.Time           { return time.Date(2026, 11, 22, 19, 37, 50, 0, time.UTC) }
func (v *fakeView) Status() Status           { return v.status }
func (v *fakeView) ResetStats()              { v.resets = append(v.resets, "server") }
func (v *fakeView) ResetConns()              { v.resets = append(v.resets, "conns") }
func (v *fakeView) TraceMask() int64         { return v.mask }
func (v *fakeView) SetTraceMask(mask int64)  { v.mask = mask }
func (v *fakeView) DirSizes() (int64, int64) { return 1049070, 1049070 }

func (v *fakeView) Config() Config {
	const dir = "/var/zookeeper/version-2"
	return Config{
		ClientPort: 23811, SecureClientPort: -1, DataDir: dir, DataDirBytes: 1049070, LogDir: dir, LogDirBytes: 1049070,
		TickTimeMs: 2000, MaxClientConns: 60, MinSessionMs: 4000, MaxSessionMs: 40000, ListenBacklog: -1,
	}
}

func (v *fakeView) Conns() []ConnInfo {
	asking := ConnInfo{Remote: local(v.port), Totals: stats.ConnTotals{PacketsReceived: 1, LastCxid: -1, LastZxid: -1}}
	b := ConnInfo{Remote: local(55084), InterestOps: 1, SessionID: sessionB, TimeoutMs: 8000, EstablishedMs: epochMs}
	a := ConnInfo{Remote: local(55098), InterestOps: 1, SessionID: sessionA, TimeoutMs: 20000, EstablishedMs: epochMs}
	none := stats.ConnTotals{LastCxid: -1, LastZxid: -1}
	b.Totals, a.Totals = none, none
	if !v.reset {
		b.Totals = stats.ConnTotals{
			PacketsReceived: 5, PacketsSent: 5, Replied: true, LastOp: proto.OpGetChildren2, LastCxid: 4, LastZxid: 0x132,
			LastReplyMs: 6399154, LastLatencyMs: 2, AvgLatencyMs: 3, MaxLatencyMs: 12,
		}
		a.Totals = stats.ConnTotals{
			PacketsReceived: 355, PacketsSent: 355, Replied: true, LastOp: proto.OpGetData, LastCxid: 0x162, LastZxid: 0x132,
			LastReplyMs: 6399164, AvgLatencyMs: 1, MaxLatencyMs: 55,
		}
	}
	return []ConnInfo{asking, b, a}
}

func (v *fakeView) Sessions() Sessions {
	return Sessions{Global: SessionDeadlines{Total: 2, Deadlines: []session.Deadline{{InMs: 8000, IDs: []int64{sessionB}}, {InMs: 20999, IDs: []int64{sessionA}}}}}
}

func (v *fakeView) Ephemerals() []Ephemerals {
	return []Ephemerals{{sessionB, []string{"/app/f"}}, {sessionA, []string{"/app/e1", "/app/e2"}}}
}

func (v *fakeView) ConnDeadlines() ConnDeadlines {
	return ConnDeadlines{Total: 3, Buckets: []ConnBucket{
		{10000, []ConnID{{local(v.port), 0}, {local(55084), sessionB}}},
		{20000, []ConnID{{local(55098), sessionA}}},
	}}
}

func (v *fakeView) WatchSummary() (int, int, int) { return 2, 2, 3 }

func (v *fakeView) WatchesBySession() []SessionWatches {
	return []SessionWatches{{sessionB, []string{"/app", "/none"}}, {sessionA, []string{"/app"}}}
}

func (v *fakeView) WatchesByPath() []PathWatches {
	return []PathWatches{{"/app", []int64{sessionB, sessionA}}, {"/none", []int64{sessionB}}}
}

func (v *fakeView) Metrics(sink stats.Sink) {
	sink("ephemerals_count", stats.Int(3))
	sink("avg_latency", stats.Float(1.375))
	sink("connection_drop_probability", stats.Float(0))
}

func (v *fakeView) Member() *Member { return v.member }

func (v *fakeView) Digests() []Digest {
	return []Digest{{0x80, 3835465709}, {0x100, 3825212781}}
}

// statusOf is the status behind a recorded srvr.
func statusOf(received, sent int64) Status {
	s := Status{Connections: 3, Zxid: 0x132, Mode: "standalone", Nodes: 9}
	s.Totals.PacketsReceived, s.Totals.PacketsSent = received, sent
	if received > 300 {
		s.Totals.AvgLatencyMs, s.Totals.MaxLatencyMs = 1.375, 55
	}
	return s
}

// TestRecorded compares the answers with Apache's, byte by byte.
func TestRecorded(t *testing.T) {
	tests := []struct {
		name string
		word Word
		view fakeView
		arg  string
	}{
		{name: "ruok", word: Ruok},
		{name: "srvr", word: Srvr, view: fakeView{status: statusOf(370, 369)}},
		{name: "srvr_reset", word: Srvr, view: fakeView{status: statusOf(3, 3)}},
		{name: "stat", word: Stat, view: fakeView{port: 55122, status: statusOf(371, 370)}},
		{name: "conf", word: Conf},
		{name: "cons", word: Cons, view: fakeView{port: 55146}},
		{name: "cons_reset", word: Cons, view: fakeView{port: 55262, reset: true}},
		{name: "dump", word: Dump, view: fakeView{port: 55164}},
		{name: "wchs", word: Wchs},
		{name: "wchc", word: Wchc},
		{name: "wchp", word: Wchp},
		{name: "isro", word: Isro},
		{name: "dirs", word: Dirs},
		{name: "gtmk", word: Gtmk, view: fakeView{mask: DefaultTraceMask}},
		{name: "stmk", word: Stmk, arg: "\x00\x00\x00\x00\x00\x00\x01\x32"},
		{name: "hash", word: Hash},
		{name: "telnet", word: TelnetClose},
		{name: "srst", word: Srst},
		{name: "crst", word: Crst},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(Answer(nil, tt.word, true, []byte(tt.arg), &tt.view))
			if want := recorded(t, tt.name); got != want {
				t.Errorf("got\n%s\nApache\n%s", got, want)
			}
		})
	}
}

func TestMntr(t *testing.T) {
	v := &fakeView{status: statusOf(1, 1)}
	got := strings.SplitAfter(string(Answer(nil, Mntr, true, nil, v)), "\n")
	apache := recorded(t, "mntr-part")
	for _, line := range got {
		if !strings.Contains(apache, line) {
			t.Errorf("Apache does not print %q", line)
		}
	}
	if len(got) != 6 || got[0] != "zk_version\t"+v.Version()+"\n" || got[1] != "zk_server_state\tstandalone\n" {
		t.Errorf("got %q", got)
	}
}

func TestEnvi(t *testing.T) {
	v := &fakeView{}
	var keys []string
	values := map[string]string{}
	for line := range strings.Lines(string(Answer(nil, Envi, true, nil, v))) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		keys = append(keys, key)
		if values[key] = value; value == "" && key != "Environment:" {
			t.Errorf("%s has no value", key)
		}
	}
	if got, want := strings.Join(keys, "\n")+"\n", recorded(t, "envi-keys"); got != want {
		t.Errorf("got keys\n%s\nApache\n%s", got, want)
	}
	if values["zookeeper.version"] != v.Version() || !strings.HasSuffix(values["os.memory.max"], "MB") {
		t.Errorf("got %v", values)
	}
}

// TestEffects: what a word changes, and only when it may.
func TestEffects(t *testing.T) {
	for _, tt := range []struct {
		word    Word
		enabled bool
		down    bool
		want    string
		mask    int64
	}{
		{Srst, true, false, "server", 0},
		{Crst, true, false, "conns", 0},
		{Srst, false, false, "", 0},
		{Crst, false, false, "", 0},
		{Srst, true, true, "", 0},
		{Crst, true, true, "", 0},
		{Stmk, true, false, "", -2},
		{Stmk, true, true, "", -2},
		{Stmk, false, false, "", 0},
	} {
		v := &fakeView{down: tt.down}
		arg := []byte("\xff\xff\xff\xff\xff\xff\xff\xfe")[:tt.word.ArgBytes()]
		Answer(nil, tt.word, tt.enabled, arg, v)
		if strings.Join(v.resets, ",") != tt.want || v.mask != tt.mask {
			t.Errorf("%+v: resets %v, mask %d", tt, v.resets, v.mask)
		}
	}
}

// every is each word, by its four bytes.
var every = []string{
	"conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst", "srvr", "stat", "stmk", "wchc", "wchp", "wchs",
}

func TestNotServing(t *testing.T) {
	const down = "This ZooKeeper instance is not currently serving requests"
	want := map[string]string{"ruok": "imok", "isro": "null", "gtmk": "0", "hash": down, "stmk": "-1"}
	for _, word := range every {
		got := string(Answer(nil, Word(word), true, []byte("\xff\xff\xff\xff\xff\xff\xff\xff")[:Word(word).ArgBytes()], &fakeView{down: true}))
		switch text, special := want[word]; {
		case word == "envi":
			if !strings.HasPrefix(got, "Environment:\nzookeeper.version=3.9.5") {
				t.Errorf("envi: %q", got)
			}
		case special && got != text, !special && got != down+"\n":
			t.Errorf("%s: %q", word, got)
		}
	}
}

func TestDisabled(t *testing.T) {
	for _, word := range append([]string{"telnet close"}, every...) {
		got := string(Answer([]byte("before "), Word(word), false, nil, &fakeView{}))
		if want := "before " + word + " is not executed because it is not in the whitelist.\n"; got != want {
			t.Errorf("%s: %q", word, got)
		}
	}
}

func TestReadOnly(t *testing.T) {
	v := &fakeView{readOnly: true}
	if got := string(Answer(nil, Isro, true, nil, v)); got != "ro" {
		t.Errorf("isro: %q", got)
	}
	for _, word := range []Word{Srvr, Stat} {
		lines := strings.SplitN(string(Answer(nil, word, true, nil, v)), "\n", 3)
		if lines[1] != "READ-ONLY mode; serving only read-only clients" {
			t.Errorf("%s: %q", word, lines)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, word := range every {
		if w, known := Lookup([]byte(word)); !known || w != Word(word) {
			t.Errorf("%s: %q %v", word, w, known)
		}
	}
	if w, known := Lookup([]byte{0xff, 0xf4, 0xff, 0xfd}); !known || w != TelnetClose {
		t.Errorf("telnet: %q %v", w, known)
	}
	for _, no := range []string{"", "ruo", "ruok\n", "RUOK", "\x00\x00\x00\x2c", "abcd"} {
		if w, known := Lookup([]byte(no)); known || w != "" {
			t.Errorf("%q is taken for %q", no, w)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Lookup([]byte("\x00\x00\x00\x2c")) }); n != 0 {
		t.Errorf("%v allocations for what is no word", n)
	}
	if len(answers) != len(every) {
		t.Errorf("%d words, the tests know %d", len(answers), len(every))
	}
}

func TestArg(t *testing.T) {
	v := &fakeView{mask: 5}
	for _, arg := range []string{"", "1234567", "123456789"} {
		if got := Answer(nil, Stmk, true, []byte(arg), v); len(got) != 0 || v.mask != 5 {
			t.Errorf("%q: %q, mask %d", arg, got, v.mask)
		}
	}
	if got := Answer(nil, Ruok, true, []byte("x"), v); len(got) != 0 {
		t.Errorf("an argument too many: %q", got)
	}
	if got := Answer(nil, Word("what"), true, nil, v); len(got) != 0 {
		t.Errorf("an unknown word: %q", got)
	}
}

func TestAddr(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.1:80":        "/10.0.0.1:80",
		"[::ffff:1.2.3.4]:5": "/1.2.3.4:5",
		"[::1]:2181":         "/[0:0:0:0:0:0:0:1]:2181",
	} {
		if got := string(appendAddr(nil, netip.MustParseAddrPort(in))); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// TestOpCodes: every op that a client can send and get a reply to has a name.
func TestOpCodes(t *testing.T) {
	nameless := map[proto.Op]bool{proto.OpNotification: true, proto.OpAuth: true, proto.OpSASL: true, proto.OpError: true}
	for op := proto.Op(-20); op < 200; op++ {
		if named := OpCode(op) != "NA"; named != (op.Known() && !nameless[op]) {
			t.Errorf("%v: %s", op, OpCode(op))
		}
	}
}

func TestVersion(t *testing.T) {
	tests := []struct{ version, commit, date, want string }{
		{"0.1.0", "abc123", "2026-02-11T21:18:59+01:00", "3.9.5-meerkat-0.1.0-abc123, built on 2026-02-11 20:18 UTC"},
		{"v0.0.0+dirty build", "", "some day", "3.9.5-meerkat-v0.0.0.dirty.build-unknown, built on 1970-01-01 00:00 UTC"},
		{"", "", "", "3.9.5-meerkat-unknown-unknown, built on 1970-01-01 00:00 UTC"},
	}
	for _, tt := range tests {
		if got := Version(tt.version, tt.commit, tt.date); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, word := range every {
		f.Add([]byte(word), []byte(""), true, false)
	}
	f.Add([]byte("stmk"), []byte("12345678"), true, true)
	f.Add([]byte{0xff, 0xf4, 0xff, 0xfd}, []byte{}, true, true)
	f.Fuzz(func(t *testing.T, first, arg []byte, enabled, down bool) {
		w, known := Lookup(first)
		if !known {
			return
		}
		got := Answer(nil, w, enabled, arg, &fakeView{down: down})
		if !enabled && !strings.Contains(string(got), "whitelist") {
			t.Errorf("%s: %q", w, got)
		}
	})
}

// TestMember shows a leader, a follower and an observer as Apache does.
func TestMember(t *testing.T) {
	v := &fakeView{status: Status{Mode: "leader"}}
	master := int64(2)
	v.member = &Member{
		Leads: true, LastProposal: 48, MinProposal: 36, MaxProposal: 234, PeerState: "leading - broadcast", MasterID: &master,
		InitTicks: 10, SyncTicks: 5, ElectionPorts: "3888", QuorumPorts: "2888", Membership: "server.1=a:2888:3888:participant\nversion=0",
	}
	for word, want := range map[Word]string{
		Srvr: "\nProposal sizes last/min/max: 48/36/234\n",
		Mntr: "zk_server_state\tleader\nzk_peer_state\tleading - broadcast\nzk_observer_master_id\t2\n",
		Conf: "initLimit=10\nsyncLimit=5\nelectionAlg=3\nelectionPort=3888\nquorumPort=2888\npeerType=0\nmembership: \nserver.1=a:2888:3888:participant\nversion=0",
	} {
		if got := string(Answer(nil, word, true, nil, v)); !strings.Contains(got, want) {
			t.Errorf("%s: %q lacks %q", word, got, want)
		}
	}
}

// What a member of an ensemble shows of sessions: a learner knows their
// timeouts alone, and local ones stand apart.
func TestSessionsOfMembers(t *testing.T) {
	one := SessionDeadlines{Total: 1, Deadlines: []session.Deadline{{InMs: 1000, IDs: []int64{0x2a}}}}
	const bucket = "1 expire at Thu Jan 01 00:00:01 UTC 1970:\n\t0x2a\n"
	for _, c := range []struct {
		name     string
		sessions Sessions
		want     string
		own      int // deadlines
	}{
		{"leader", Sessions{Global: one}, "Session Sets (1)/(1):\n" + bucket, 1},
		{"leader with local sessions", Sessions{Global: one, Local: &SessionDeadlines{}}, "Local Session Sets (0)/(0):\nGlobal Session Sets (1)/(1):\n" + bucket, 1},
		{"learner", Sessions{Global: one, Learned: map[int64]int32{0x2b: 7000, 0x2a: 6000}}, "Global Sessions(2):\n0x2a\t6000ms\n0x2b\t7000ms\n", 0},
		{"learner without sessions", Sessions{Learned: map[int64]int32{}}, "Global Sessions(0):\n", 0},
		{"learner with local sessions", Sessions{Local: &one, Learned: map[int64]int32{}}, "Local Session Sets (1)/(1):\n" + bucket + "Global Sessions(0):\n", 1},
	} {
		if got := string(appendSessions(nil, c.sessions, time.UnixMilli(0).UTC())); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := c.sessions.Deadlines(); len(got) != c.own {
			t.Errorf("%s decides about %v", c.name, got)
		}
	}
}
