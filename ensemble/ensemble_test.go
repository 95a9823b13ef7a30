package ensemble

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

const patience = 10 * time.Second

// said makes a server that answers each word as it is told; without an answer
// it closes the connection, and with "hang" it says nothing.
func said(t *testing.T, answers map[string]string) Member {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	hang := make(chan struct{})
	work.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer nc.Close()
				word := make([]byte, 4)
				if _, err := nc.Read(word); err != nil {
					return
				}
				if answers[string(word)] == "hang" {
					<-hang
				}
				_, _ = nc.Write([]byte(answers[string(word)]))
			})
		}
	})
	t.Cleanup(func() { close(hang); l.Close(); work.Wait() })
	return Member{Addr: l.Addr().String()}
}

// srvr is an answer of Apache's 3.9.5.
func srvr(mode, zxid string) string {
	return "Zookeeper version: 3.9.5-293c895a8d966a3ecb92872be4a1daf87d725da2, built on 2026-02-11 20:18 UTC\n" +
		"Latency min/avg/max: 0/0.5104/14\nReceived: 241\nSent: 240\nConnections: 3\nOutstanding: 1\nZxid: " + zxid + "\nMode: " + mode + "\nNode count: 12\n"
}

const (
	refused = "%s is not executed because it is not in the whitelist.\n"
	idle    = "This ZooKeeper instance is not currently serving requests\n"
)

func look(t *testing.T, members ...Member) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return Judge(Ask(ctx, members, true))
}

func TestStatus(t *testing.T) {
	mntr := "zk_version\t3.9.5\nzk_global_sessions\t7\nzk_watch_count\t5\nzk_synced_followers\t2\nzk_avg_fsynctime\t1.5\n"
	leader := said(t, map[string]string{
		"srvr": srvr("leader", "0x300000010") + "Proposal sizes last/min/max: 36/36/92\n", "mntr": mntr,
		"cons": " /127.0.0.1:4242[1](queued=0,recved=120,sent=121,sid=0x100000,lop=GETD,est=1,to=30000,lcxid=0x7,lzxid=0x1,lresp=2,llat=0,minlat=0,avglat=3,maxlat=9)\n" +
			" /[::1]:99[0](queued=0,recved=1,sent=0)\n\n",
	})
	leader.ID = 1
	follower := said(t, map[string]string{"srvr": srvr("follower", "0x30000000c"), "mntr": strings.ReplaceAll(refused, "%s", "mntr")})
	follower.ID = 2
	observer := said(t, map[string]string{"srvr": srvr("observer", "0x2000000ff")})
	observer.ID = 3
	s := look(t, leader, follower, observer, said(t, map[string]string{"srvr": srvr("follower", "0x300000010")}))
	var text strings.Builder
	if err := s.WriteTable(&text); err != nil {
		t.Fatal(err)
	}
	if s.Health != OK || s.Sessions() != 7 {
		t.Errorf("%s, %d sessions\n%s", s.Health, s.Sessions(), text.String())
	}
	lines := strings.Split(text.String(), "\n")
	for i, want := range []string{
		"ID SERVER ROLE ZXID LAG CONNS OUTST ZNODES WATCHES LATENCY ms VERSION",
		"1 " + leader.Addr + " leader 0x300000010 - 3 1 12 5 0/0.5104/14 3.9.5",
		"2 " + follower.Addr + " follower 0x30000000c 4 3 1 12 - 0/0.5104/14 3.9.5",
		"3 " + observer.Addr + " observer 0x2000000ff epoch 3 1 12 - 0/0.5104/14 3.9.5",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("line %d: %s\nwant %s", i, got, want)
		}
	}
	if !strings.HasSuffix(text.String(), "\nok: 4 of 4 servers answer, 7 sessions\n") {
		t.Error(text.String())
	}
	c := s.Reports[0].Clients
	if len(c) != 2 || c[0] != (Connection{"127.0.0.1:4242", "0x100000", 120, "GETD", 3}) || c[1].Addr != "[::1]:99" {
		t.Errorf("clients %+v", c)
	}
	raw, err := json.Marshal(s.JSON())
	if want := `{"health":"ok","sessions":7,"notes":[],"servers":[{"id":1,"server":"` + leader.Addr + `","role":"leader"`; err != nil || !strings.HasPrefix(string(raw), want) {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestHealth(t *testing.T) {
	role := func(mode string) Member { return said(t, map[string]string{"srvr": srvr(mode, "0x1")}) }
	leader, follower, alone := role("leader"), role("follower"), role("standalone")
	down, idler, empty := Member{Addr: "127.0.0.1:1"}, said(t, map[string]string{"srvr": idle}), said(t, nil)
	other, behind := said(t, map[string]string{"srvr": "HTTP/1.1 400 Bad Request\n"}), said(t, map[string]string{"srvr": srvr("leader", "0x1"), "mntr": "zk_synced_followers\t0\n"})
	for _, test := range []struct {
		members []Member
		health  Health
		note    string
	}{
		{[]Member{alone}, OK, ""},
		{[]Member{alone, alone}, OK, ""},
		{[]Member{leader, follower, follower}, OK, ""},
		{[]Member{leader, follower, down}, Degraded, "connection refused"},
		{[]Member{leader, follower, idler}, Degraded, "not serving requests"},
		{[]Member{leader, empty}, Degraded, "answered nothing"},
		{[]Member{leader, other}, Degraded, "answered nothing"},
		{[]Member{leader, leader}, Degraded, "2 servers say that they lead"},
		{[]Member{leader, alone}, Degraded, "stands alone"},
		{[]Member{leader, role("read-only")}, Degraded, "lost the quorum"},
		{[]Member{behind, follower, follower}, Degraded, "1 of 3 voting servers follow"},
		{[]Member{idler, idler}, Down, "no leader"},
		{[]Member{follower, follower}, Down, "no leader"},
		{[]Member{down}, Down, "no leader"},
	} {
		s := look(t, test.members...)
		if s.Health != test.health || !strings.Contains(strings.Join(s.Notes, "\n"), test.note) {
			t.Errorf("%v: %s, %q, want %s with %q", test.members, s.Health, s.Notes, test.health, test.note)
		}
	}
}

// TestHanging does not wait for a server that says nothing.
func TestHanging(t *testing.T) {
	m := said(t, map[string]string{"srvr": "hang"})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if r := Ask(ctx, []Member{m}, false); r[0].Err == nil || r[0].Err.Error() != "no answer to srvr in time" {
		t.Errorf("%v", r[0].Err)
	}
}

func TestRates(t *testing.T) {
	report := func(received, client int64) *Status {
		return &Status{Reports: []Report{
			{Member: Member{Addr: "a:1"}, Received: received, Metrics: map[string]float64{"avg_fsynctime": 1.25, "approximate_data_size": 3 << 20},
				Clients: []Connection{{"c:1", "0x1", client, "SETD", 2}, {"c:2", "", client, "NA", 0}, {"c:3", "0x3", 5, "PING", 0}}},
			{Member: Member{Addr: "b:1"}, Err: fs.ErrClosed},
		}}
	}
	var r Rates
	var text strings.Builder
	start := time.Unix(1000, 0)
	if err := r.Write(&text, report(100, 10), start); err != nil || text.Len() > 0 {
		t.Errorf("at first: %q, %v", text.String(), err)
	}
	if err := r.Write(&text, report(300, 20), start.Add(2*time.Second)); err != nil {
		t.Fatal(err)
	}
	want := "SERVER REQUESTS/s READS ms UPDATES ms FSYNC ms EPHEMERALS DATA MiB FDS a:1 100 - - 1.25 - 3 - " +
		"CLIENT SESSION OF REQUESTS/s LAST AVG ms c:1 0x1 a:1 5 SETD 2 c:3 0x3 a:1 0 PING 0"
	if got := strings.Join(strings.Fields(text.String()), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	text.Reset()
	if err := r.Write(&text, report(5, 1), start.Add(4*time.Second)); err != nil || strings.Contains(text.String(), "\na:1 ") {
		t.Errorf("after a reset of the counters: %q, %v", text.String(), err)
	}
}

func TestFromConfig(t *testing.T) {
	files := map[string]string{
		"alone":   "clientPort=2182\nclientPortAddress=10.0.0.1\ndataDir=/nope\n",
		"any":     "clientPort=2182\nclientPortAddress=0.0.0.0\n",
		"static":  "clientPort=2181\nserver.2=b:2888:3888:observer\nserver.1=a:2888:3888:participant\nserver.10=[::1]:1:2;2199\n",
		"clients": "server.1=a:1:2:participant;0.0.0.0:2181\nserver.2=b:1:2|c:1:2;10.0.0.9:77\nserver.3=d:1:2;[fe80::1]:5\n",
		"dyn":     "clientPort=1\ndynamicConfigFile=dir/x.dynamic\n",
		"same":    "clientPort=2181\nserver.1=a:1:2\nserver.2=a:3:4\n",
		"none":    "dataDir=/x\n", "noport": "server.1=a:1:2\n", "nohost": "server.1=:1:2;5\n", "nodyn": "dynamicConfigFile=nope\n",
		"dir/x.dynamic": "server.1=a:1:2;2181\nversion=5\n",
	}
	read := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	for file, want := range map[string][]Member{
		"alone":   {{0, "10.0.0.1:2182", false}},
		"any":     {{0, "localhost:2182", false}},
		"static":  {{1, "a:2181", false}, {2, "b:2181", true}, {10, "[::1]:2199", false}},
		"clients": {{1, "a:2181", false}, {2, "10.0.0.9:77", false}, {3, "[fe80::1]:5", false}},
		"dyn":     {{1, "a:2181", false}},
		"none":    nil, "same": nil, "noport": nil, "nohost": nil, "nodyn": nil, "missing": nil,
	} {
		got, err := FromConfig(file, read)
		if want == nil {
			if !errors.Is(err, ErrConfig) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: error %v", file, err)
			}
			continue
		}
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %v, %v", file, got, err)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %+v, want %+v", file, got[i], want[i])
			}
		}
	}
}

// FuzzAnswers reads whatever a server answers.
func FuzzAnswers(f *testing.F) {
	f.Add(srvr("leader", "0x1"))
	f.Add(" /1.2.3.4:5[1](queued=0,recved=1,sid=0x1)\n")
	f.Add("zk_a\t1\nzk_b\tx\n")
	f.Fuzz(func(t *testing.T, text string) {
		var r Report
		if err := r.parseSrvr(text); err == nil && r.Role == "" {
			t.Error("a server without a role")
		}
		parseMntr(text)
		parseCons(text)
	})
}
