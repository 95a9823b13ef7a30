//go:build compat

package words

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// every word that a server knows.
var all = []string{
	"ruok", "isro", "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "stmk", "hash",
	"mntr", "srst", "srvr", "stat", "wchc", "wchp", "wchs",
}

func both(t *testing.T, cfg, props map[string]string) [2]*rig.Server {
	var servers [2]*rig.Server
	for i, flavor := range []rig.Flavor{rig.Apache(rig.Reference), rig.Subject(t)} {
		servers[i] = rig.Start(t, rig.Spec{Flavor: flavor, Cfg: cfg, Props: props})
	}
	return servers
}

// TestAnswers asks both servers, after the same requests of the same clients,
// and again when the counters were reset.
func TestAnswers(t *testing.T) {
	servers := both(t, map[string]string{"maxSessionTimeout": "600000", "preAllocSize": "4096"}, nil)
	for _, srv := range servers {
		occupy(t, srv.Addr())
	}
	asked := []string{
		"srvr", "stat", "cons", "conf", "dirs", "envi", "dump", "wchs", "wchc", "wchp", "hash", "ruok", "isro", "gtmk",
		"ruok\n", "srvr\r\n", "stmk\x00\x00\x00\x00\x00\x00\x01\x02", "gtmk", "abcd", "RUOK",
		"crst", "cons", "srst", "srvr", "stat",
	}
	for i, word := range asked {
		t.Run(fmt.Sprintf("%02d-%.4s", i, word), func(t *testing.T) { compare(t, servers, word) })
	}
	t.Run("mntr", func(t *testing.T) { compareMonitor(t, servers) })
}

// TestWithoutWhitelist asks for every word where only srvr is allowed.
func TestWithoutWhitelist(t *testing.T) {
	servers := both(t, map[string]string{"4lw.commands.whitelist": ""}, nil)
	for _, word := range append(all, "\xFF\xF4\xFF\xFD\x06", "abcd") {
		t.Run(fmt.Sprintf("%.4q", word), func(t *testing.T) { compare(t, servers, word, counters...) })
	}
}

// TestWhitelist asks where some words are allowed, written with blanks.
func TestWhitelist(t *testing.T) {
	servers := both(t, map[string]string{"4lw.commands.whitelist": " ruok , stat,nope , conf"}, map[string]string{"readonlymode.enabled": "true"})
	for _, word := range []string{"ruok", "conf", "isro", "srvr", "wchs", "mntr"} {
		t.Run(word, func(t *testing.T) { compare(t, servers, word, counters...) })
	}
}

// occupy gives a server something to tell: two clients with timeouts so far
// apart that they never share a bucket, znodes, ephemerals and watches, and
// enough transactions for the digest history.
func occupy(t *testing.T, addr string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func(timeout time.Duration) *wire.Client {
		c, err := wire.Open(addr, timeout)
		must(err)
		t.Cleanup(c.Close)
		return c
	}
	// How often the start was asked whether it is done is not determined.
	_, err := rig.FourLetterWord(addr, "srst")
	must(err)
	one, two := open(100*time.Second), open(400*time.Second)
	for _, path := range []string{"/words", "/words/a", "/words/b"} {
		_, err := one.Create(path, []byte("some data"), proto.OpenACL, proto.FlagPersistent)
		must(err)
	}
	for i := range 300 {
		_, err := two.SetData("/words/a", fmt.Appendf(nil, "value %d", i), int32(i))
		must(err)
	}
	for i, c := range []*wire.Client{one, two} {
		_, err := c.Create(fmt.Sprintf("/words/eph%d", i), nil, proto.OpenACL, proto.FlagEphemeral)
		must(err)
		_, _, err = c.Get("/words/a", true)
		must(err)
		if _, err = c.Exists("/words/none", true); !errors.Is(err, proto.ErrNoNode) {
			t.Fatalf("exists: %v", err)
		}
		_, _, err = c.Children("/words", true)
		must(err)
		_, err = c.Call(proto.OpAddWatch, &proto.AddWatchRequest{Path: "/words/b", Mode: int32(i)})
		must(err)
	}
	_, err = one.Create("/words", nil, proto.OpenACL, proto.FlagPersistent)
	if err == nil {
		t.Fatal("a znode was created twice")
	}
	must(two.Ping())
}

func compare(t *testing.T, servers [2]*rig.Server, word string, more ...rule) {
	t.Helper()
	var answers [2][]string
	for i, srv := range servers {
		text, err := rig.FourLetterWord(srv.Addr(), word)
		if err != nil {
			text = "error: " + err.Error()
		}
		answers[i] = shape(word[:4], text, more...)
	}
	if !slices.Equal(answers[0], answers[1]) {
		t.Errorf("%q is answered with\n%s\nApache %s:\n%s", word,
			strings.Join(answers[1], "\n"), rig.Reference, strings.Join(answers[0], "\n"))
	}
}

// exact are the keys of mntr whose values the requests before determine.
var exact = []string{
	"zk_server_state", "zk_znode_count", "zk_watch_count", "zk_ephemerals_count", "zk_approximate_data_size", "zk_num_alive_connections",
	"zk_outstanding_requests", "zk_digest_mismatches_count", "zk_global_sessions", "zk_local_sessions",
	"zk_dead_watchers_cleared", "zk_node_created_watch_count", "zk_node_changed_watch_count", "zk_cnt_node_changed_watch_count", "zk_auth_failed_count",
	"zk_connection_drop_count", "zk_connection_rejected", "zk_sessionless_connections_expired", "zk_stale_sessions_expired",
	"zk_cnt_updatelatency", "zk_cnt_readlatency", "zk_cnt_fsynctime",
	"zk_cnt_words_read_per_namespace", "zk_sum_words_read_per_namespace", "zk_min_words_read_per_namespace", "zk_max_words_read_per_namespace",
	"zk_cnt_words_write_per_namespace", "zk_sum_words_write_per_namespace", "zk_min_words_write_per_namespace", "zk_max_words_write_per_namespace",
}

// own are the metrics that only Meerkat has.
var own = []string{
	"zk_datadir_free_bytes", "zk_logdir_free_bytes", "zk_oversized_requests", "zk_oversized_replies", "zk_writes_refused_disk_full",
	"zk_disk_full", "zk_slow_fsync_count",
	"zk_avg_apply_time", "zk_min_apply_time", "zk_max_apply_time", "zk_cnt_apply_time", "zk_sum_apply_time",
	"zk_avg_gate_wait_time", "zk_min_gate_wait_time", "zk_max_gate_wait_time", "zk_cnt_gate_wait_time", "zk_sum_gate_wait_time",
}

func compareMonitor(t *testing.T, servers [2]*rig.Server) {
	t.Helper()
	var keys [2][]string
	var values [2]map[string]string
	for i, srv := range servers {
		text, err := rig.FourLetterWord(srv.Addr(), "mntr")
		if err != nil {
			t.Fatal(err)
		}
		values[i] = make(map[string]string)
		for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			key, value, found := strings.Cut(line, "\t")
			if !found || !strings.HasPrefix(key, "zk_") {
				t.Errorf("%s: a line that is no key and value: %q", srv.Flavor, line)
			}
			keys[i] = append(keys[i], key)
			values[i][key] = value
		}
	}
	if !slices.Equal(keys[0][:2], keys[1][:2]) {
		t.Errorf("it begins with %v, Apache %s with %v", keys[1][:2], rig.Reference, keys[0][:2])
	}
	for _, key := range keys[0] {
		value, ok := values[1][key]
		switch {
		case !ok:
			t.Errorf("%s is missing (Apache: %s)", key, values[0][key])
		case kind(value) != kind(values[0][key]):
			t.Errorf("%s is %q, Apache's %q", key, value, values[0][key])
		case slices.Contains(exact, key) && value != values[0][key]:
			t.Errorf("%s is %s, Apache's %s", key, value, values[0][key])
		}
	}
	for _, key := range keys[1] {
		if _, ok := values[0][key]; !ok && !slices.Contains(own, key) {
			t.Errorf("%s is not in Apache's answer", key)
		}
	}
}
