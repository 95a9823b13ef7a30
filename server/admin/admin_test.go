package admin

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

var update = flag.Bool("update", false, "write testdata/answers anew")

// serve starts an admin server over f on a free port.
func serve(t *testing.T, f *fake, change func(*Config)) string {
	t.Helper()
	cfg := Config{
		Address: "127.0.0.1:0", CommandURL: "/commands", SnapshotEnabled: true, RestoreEnabled: true,
		Meters: MetersOf(f.registry), Log: zerolog.Nop(),
	}
	now := time.Unix(1000, 0) // every look at the clock finds a new interval
	cfg.Now = func() time.Time { now = now.Add(time.Hour); return now }
	if change != nil {
		change(&cfg)
	}
	s, err := Start(cfg, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	return "http://" + s.Addr().String()
}

type reply struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, authorization, body string) reply {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// Every command answers JSON with its own name, under each of its names.
func TestEveryCommand(t *testing.T) {
	f := newFake()
	url := serve(t, f, nil)
	for _, c := range commands {
		for _, name := range c.names {
			method := http.MethodGet
			if c.method != "" {
				method = c.method
			}
			r := ask(t, method, url+"/commands/"+name+"?streaming=false&traceMask=5", "digest super:x", `{"percentage":50}`)
			var got map[string]any
			if err := json.Unmarshal([]byte(r.body), &got); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, r.body)
			}
			if r.status != http.StatusOK || got["command"] != c.names[0] || r.header.Get("Content-Type") != jsonType {
				t.Errorf("%s: %d %v", name, r.status, got)
			}
			if got["error"] != nil && name != "leader" && name != "lead" {
				t.Errorf("%s: error %v", name, got["error"])
			}
		}
	}
	if len(f.resets) != 4 || f.mask != 5 {
		t.Errorf("resets %v, mask %d", f.resets, f.mask)
	}
}

// The answers stand, byte for byte, in testdata/answers: they have the shape
// of recordings of Apache's server, and it is compared with a living one in
// compat_tests/admin.
func TestAnswers(t *testing.T) {
	f := newFake()
	url := serve(t, f, nil)
	alone := []string{
		"configuration", "connections", "dirs", "dump", "hash", "initial_configuration", "last_snapshot", "leader", "monitor",
		"observers", "ruok", "stats", "system_properties", "voting_view", "watches", "watches_by_path", "watch_summary", "zabstate", "nope",
	}
	for _, name := range alone {
		golden(t, name, ask(t, "GET", url+"/commands/"+name, "", "").body)
	}
	golden(t, "links", ask(t, "GET", url+"/commands", "", "").body)
	golden(t, "role", ask(t, "GET", url+"/role", "", "").body)
	addr := netip.MustParseAddrPort
	f.ensemble = &Ensemble{
		ID: 2, Leader: 2, LeaderAddress: "10.0.0.2", Voting: true, ZabState: "broadcast",
		Members: []Member{{ID: 2, Quorum: []string{"10.0.0.2:2888"}, Election: []string{"10.0.0.2:3888"}, Client: "0.0.0.0:2181"}},
		Quorum:  []netip.AddrPort{addr("10.0.0.2:2888")}, Election: []netip.AddrPort{addr("10.0.0.2:3888")}, Client: addr("0.0.0.0:2181"),
		Observers: []Learner{{Remote: addr("10.0.0.4:9"), ID: 4, LastZxid: 7}},
	}
	for _, name := range []string{"leader", "monitor", "observers", "server_stats", "voting_view", "zabstate"} {
		golden(t, "ensemble-"+name, ask(t, "GET", url+"/commands/"+name, "", "").body)
	}
	golden(t, "ensemble-role", ask(t, "GET", url+"/role", "", "").body)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "answers", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

func TestStatusCodes(t *testing.T) {
	f := newFake()
	url := serve(t, f, nil)
	const super = "digest super:x"
	for _, test := range []struct {
		method, path, auth, body string
		status                   int
		text                     string // part of the answer
	}{
		{"GET", "/commands/nope", "", "", 200, `"error" : "Unknown command: nope"`},
		{"POST", "/commands/nope", "", "", 200, `"error" : "Unknown command: nope"`},
		{"GET", "/commands/ruok/", "", "", 200, `"error" : "Unknown command: ruok/"`},
		{"GET", "/commands/conf%20x", "", "", 200, `"Unknown command: conf x"`},
		{"POST", "/commands/ruok", "", "", 500, "not for the method POST"},
		{"GET", "/commands/restore", super, "", 500, "not for the method GET"},
		{"POST", "/commands/snapshot", super, "", 500, "not for the method POST"},
		{"PUT", "/commands/ruok", "", "", 405, "not allowed"},
		{"DELETE", "/commands/ruok", "", "", 405, "not allowed"},
		{"OPTIONS", "/commands/ruok", "", "", 200, ""},
		{"TRACE", "/commands/ruok", "", "", 403, "not allowed"},
		{"TRACE", "/livez", "", "", 403, "not allowed"},
		{"GET", "/", "", "", 404, "no such path"},
		{"GET", "/command", "", "", 404, "no such path"},

		{"GET", "/commands/snap", "", "", 401, "\"command\" : \"snap\",\n  \"error\" : \"Auth info is missing for the command\""},
		{"POST", "/commands/restore", "", "", 401, "Auth info is missing"},
		{"POST", "/commands/shed", "", "", 401, "Auth info is missing"},
		{"GET", "/commands/snapshot", "digest", "", 401, "Not authenticated"},
		{"GET", "/commands/snapshot", "digest a b", "", 401, "Not authenticated"},
		{"GET", "/commands/snapshot", "nope x", "", 401, "Not authenticated"},
		{"GET", "/commands/snapshot", "x509", "", 401, "Not authenticated"},
		{"GET", "/commands/snapshot", "digest super:y", "", 403, "Not authorized"},
		{"GET", "/commands/snapshot", super, "", 200, "SNAP"},
		{"GET", "/commands/snapshot?streaming=TRUE", super, "", 200, "SNAP"},
		{"GET", "/commands/snapshot?streaming=yes", super, "", 200, `"error" : null`},
		{"GET", "/commands/snapshot", "ip", "", 200, "SNAP"},
		{"POST", "/commands/restore", super, "abc", 200, `"last_zxid" : 31`},

		{"POST", "/commands/shed_connections", super, `{"percentage":100}`, 200, `"connections_shed" : 10`},
		{"POST", "/commands/shed_connections", super, `{"percentage":0}`, 200, `"connections_shed" : 0`},
		{"POST", "/commands/shed_connections", super, `{"percentage":101}`, 400, "between 0 and 100"},
		{"POST", "/commands/shed_connections", super, `{"percentage":"x"}`, 400, "whole number"},
		{"POST", "/commands/shed_connections", super, `{}`, 400, "Missing required field"},
		{"POST", "/commands/shed_connections", super, `[`, 400, "Invalid JSON"},
		{"POST", "/commands/shed_connections", super, "", 400, "Invalid JSON"},
		{"POST", "/commands/shed_connections", super, `{"a":"` + strings.Repeat("x", maxShedBytes) + `"}`, 400, "Invalid JSON"},

		{"GET", "/commands/set_trace_mask", "", "", 200, "requires long traceMask argument\""},
		{"GET", "/commands/stmk?traceMask=x", "", "", 200, "argument, got x"},
		{"GET", "/commands/stmk?traceMask=12&traceMask=13", "", "", 200, `"tracemask" : 12`},
		{"GET", "/livez", "", "", 200, "ok"},
		{"GET", "/readyz", "", "", 200, "ok"},
		{"POST", "/readyz", "", "", 404, "no such path"},
		{"GET", "/role?is=standalone", "", "", 200, `"ready" : true`},
		{"GET", "/role?is=leader", "", "", 503, `"role" : "standalone"`},
	} {
		r := ask(t, test.method, url+test.path, test.auth, test.body)
		if r.status != test.status || !strings.Contains(r.body, test.text) {
			t.Errorf("%s %s (%s): %d %s", test.method, test.path, test.auth, r.status, r.body)
		}
	}
	if string(f.restored) != "abc" {
		t.Errorf("restored %q", f.restored)
	}
	r := ask(t, "GET", url+"/commands/snapshot", super, "")
	if r.header.Get("last_zxid") != "0x1f" || r.header.Get("snapshot_size") != "4" || r.header.Get("Content-Type") != streamType {
		t.Errorf("headers %v", r.header) // the client's library has made them canonical
	}
	if r := ask(t, "HEAD", url+"/commands/ruok", "", ""); r.status != 200 || r.body != "" || r.header.Get("Content-Length") != "42" {
		t.Errorf("HEAD: %+v", r)
	}
}

func TestNotServing(t *testing.T) {
	f := newFake()
	f.serving = false
	url := serve(t, f, nil)
	for path, want := range map[string]string{
		"/commands/ruok":              "This ZooKeeper instance is not currently serving requests",
		"/commands/snapshot":          "This ZooKeeper instance is not currently serving requests", // whoever asks
		"/commands/monitor":           `"uptime" : 3`,
		"/commands/environment":       `"os.name"`,
		"/commands/system_properties": `"zookeeper.a" : "1"`,
		"/commands/zabstate":          `"zabstate" : ""`,
		"/livez":                      "ok",
	} {
		if r := ask(t, "GET", url+path, "", ""); r.status != 200 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := ask(t, "GET", url+"/readyz", "", ""); r.status != 503 || r.body != "not serving: standalone\n" {
		t.Errorf("readyz: %+v", r)
	}
	f.serving, f.ready = true, false
	if r := ask(t, "GET", url+"/readyz", "", ""); r.status != 503 || r.body != "the disk is full\n" {
		t.Errorf("readyz: %+v", r)
	}
	f.ensemble, f.serving = &Ensemble{ID: 1}, false
	if r := ask(t, "GET", url+"/commands/zabstate", "", ""); r.status != 500 {
		t.Errorf("zabstate: %+v", r)
	}
}

func TestSwitchedOff(t *testing.T) {
	f := newFake()
	url := serve(t, f, func(c *Config) { c.SnapshotEnabled, c.RestoreEnabled = false, false })
	for path, method := range map[string]string{"snapshot": "GET", "restore": "POST"} {
		if r := ask(t, method, url+"/commands/"+path, "digest super:x", "x"); r.status != 503 || !strings.Contains(r.body, `"error" : null`) {
			t.Errorf("%s: %+v", path, r)
		}
	}
	url = serve(t, f, nil)
	f.plainSnapshots = false
	for path, method := range map[string]string{"snapshot": "GET", "restore": "POST"} {
		if r := ask(t, method, url+"/commands/"+path, "digest super:x", "x"); r.status != 500 {
			t.Errorf("%s without zxids: %+v", path, r)
		}
	}
}

// Too much at once is refused, and so is what fails; both are counted.
func TestRateAndErrors(t *testing.T) {
	f := newFake()
	now := time.Unix(1000, 0)
	url := serve(t, f, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.SnapshotInterval, c.RestoreInterval = time.Second, time.Minute
	})
	expect := func(method, path string, status int) {
		t.Helper()
		if r := ask(t, method, url+"/commands/"+path, "digest super:x", "x"); r.status != status {
			t.Errorf("%s: %d %s, want %d", path, r.status, r.body, status)
		}
	}
	expect("GET", "snapshot", 200)
	expect("GET", "snapshot", 429)
	expect("POST", "restore", 200)
	expect("POST", "restore", 429)
	now = now.Add(time.Second)
	expect("GET", "snapshot", 429) // not before the interval is over
	now = now.Add(time.Millisecond)
	f.broken = true
	expect("GET", "snapshot", 500)
	expect("POST", "restore", 429)
	now = now.Add(time.Minute)
	expect("POST", "restore", 500)
	for name, want := range map[string]int64{"snapshot_rate_limited_count": 2, "snapshot_error_count": 1, "restore_rate_limited_count": 2, "restore_error_count": 1} {
		if got := f.registry.Counter(name).Value(); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}
