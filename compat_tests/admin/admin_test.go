//go:build compat

package admin

import (
	"slices"
	"strings"
	"testing"
)

// commands of Apache ZooKeeper 3.9.5, with all their aliases.
var names = []string{
	"configuration", "conf", "config", "connection_stat_reset", "crst", "connections", "cons", "dirs", "dump", "environment", "env", "envi",
	"get_trace_mask", "gtmk", "hash", "initial_configuration", "icfg", "is_read_only", "isro", "last_snapshot", "lsnp", "leader", "lead",
	"monitor", "mntr", "observer_connection_stat_reset", "orst", "observers", "obsr", "ruok", "server_stats", "srvr", "stat_reset", "srst",
	"stats", "stat", "voting_view", "watch_summary", "wchs", "watches", "wchc", "watches_by_path", "wchp", "zabstate",
	"set_trace_mask", "stmk", "nope", "ruok/", "conf%20x",
}

// exact are the commands whose whole answers are determined.
var exact = []string{
	"is_read_only", "leader", "observers", "ruok", "voting_view", "zabstate", "watch_summary", "get_trace_mask",
	"connection_stat_reset", "set_trace_mask", "nope", "ruok/", "conf%20x",
}

// TestCommands asks for every command under each of its names.
func TestCommands(t *testing.T) {
	sides := both(t, nil, nil)
	for _, s := range sides {
		occupy(t, s)
	}
	for _, name := range names {
		t.Run(strings.ReplaceAll(name, "/", "-"), func(t *testing.T) {
			var answers [2]answer
			var values [2]map[string]any
			for i, s := range sides {
				answers[i] = s.ask(t, "GET", "/commands/"+name, "", "")
				var err error
				if values[i], err = decode(answers[i].body); err != nil {
					t.Fatalf("%s: %v\n%s", s.Flavor, err, answers[i].body)
				}
			}
			if name == "monitor" || name == "mntr" {
				compareMonitor(t, values[0], values[1])
				return
			}
			if answers[0].status != answers[1].status || answers[0].header.Get("Content-Type") != answers[1].header.Get("Content-Type") {
				t.Errorf("%d %s, Apache %d %s", answers[1].status, answers[1].header.Get("Content-Type"), answers[0].status, answers[0].header.Get("Content-Type"))
			}
			if got, want := shapeOf(values[1]), shapeOf(values[0]); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if slices.Contains(exact, name) && answers[0].body != answers[1].body {
				t.Errorf("got\n%s\nwant\n%s", answers[1].body, answers[0].body)
			}
		})
	}
}

// TestErrors compares status codes and texts of what goes wrong.
func TestErrors(t *testing.T) {
	sides := both(t, nil, nil)
	const super = "digest super:x"
	for _, test := range []struct{ method, path, auth, body string }{
		{"GET", "/commands", "", ""}, {"GET", "/commands/", "", ""}, {"POST", "/commands", "", "x"},
		{"GET", "/commands/set_trace_mask?traceMask=12&traceMask=13", "", ""}, {"GET", "/commands/stmk?traceMask=x", "", ""},
		{"GET", "/commands/get_trace_mask", "", ""}, {"POST", "/commands/nope", "", "x"},
		{"POST", "/commands/ruok", "", "x"}, {"GET", "/commands/restore", "", ""}, {"GET", "/commands/restore", super, ""},
		{"POST", "/commands/snapshot", super, ""}, {"GET", "/commands/snapshot", "", ""}, {"GET", "/commands/snap", "", ""},
		{"POST", "/commands/restore", "", "abc"}, {"POST", "/commands/rest", "nope x", "abc"}, {"POST", "/commands/restore", "digest", "abc"},
		{"POST", "/commands/restore", "digest a b", "abc"}, {"POST", "/commands/restore", "x509", "abc"},
		{"PUT", "/commands/ruok", "", "x"}, {"DELETE", "/commands/ruok", "", ""}, {"TRACE", "/commands/ruok", "", ""},
		{"HEAD", "/commands/ruok", "", ""}, {"OPTIONS", "/commands/ruok", "", ""}, {"GET", "/", "", ""}, {"GET", "/nope", "", ""},
	} {
		var answers [2]answer
		for i, s := range sides {
			answers[i] = s.ask(t, test.method, test.path, test.auth, test.body)
		}
		if answers[0].status != answers[1].status {
			t.Errorf("%s %s (%s): %d, Apache %d", test.method, test.path, test.auth, answers[1].status, answers[0].status)
		}
		// Errors in HTML are Jetty's; the list of commands has one more here.
		if strings.HasPrefix(answers[0].body, "{") && answers[0].body != answers[1].body {
			t.Errorf("%s %s (%s):\n%s\nApache:\n%s", test.method, test.path, test.auth, answers[1].body, answers[0].body)
		}
		if strings.HasPrefix(answers[0].body, "<a ") {
			extra := "<a href=\"/commands/shed_connections\">shed_connections</a>\n<br/>\n"
			if strings.Replace(answers[1].body, extra, "", 1) != answers[0].body {
				t.Errorf("%s %s: links\n%s", test.method, test.path, answers[1].body)
			}
		}
	}
}

// TestSnapshotAndRestore hands a snapshot of each server to the other.
func TestSnapshotAndRestore(t *testing.T) {
	sides := both(t, nil, nil)
	const super = "digest super:x"
	var taken [2]answer
	for i, s := range sides {
		occupy(t, s)
		taken[i] = s.ask(t, "GET", "/commands/snapshot", super, "")
		if taken[i].status != 200 || !strings.HasPrefix(taken[i].body, "ZKSN") {
			t.Fatalf("%s: %d %.100q", s.Flavor, taken[i].status, taken[i].body)
		}
		saved := s.ask(t, "GET", "/commands/snapshot?streaming=false", super, "")
		if saved.status != 200 || !strings.Contains(saved.body, `"error" : null`) {
			t.Errorf("%s: not streaming: %d %s", s.Flavor, saved.status, saved.body)
		}
	}
	for _, name := range []string{"last_zxid", "Content-Type"} {
		if got, want := taken[1].header.Get(name), taken[0].header.Get(name); got != want {
			t.Errorf("header %s is %q, Apache's %q", name, got, want)
		}
	}
	for i, s := range sides {
		other := taken[1-i]
		restored := s.ask(t, "POST", "/commands/restore", super, other.body)
		value, err := decode(restored.body)
		if restored.status != 200 || err != nil {
			t.Fatalf("%s: %d %s", s.Flavor, restored.status, restored.body)
		}
		if shape := shapeOf(value); shape != "{command:text error:null last_zxid:integer}" {
			t.Errorf("%s: %s", s.Flavor, shape)
		}
		if broken := s.ask(t, "POST", "/commands/restore", super, other.body[:100]); broken.status != 500 {
			t.Errorf("%s: half a snapshot: %d %s", s.Flavor, broken.status, broken.body)
		}
		stats := s.ask(t, "GET", "/commands/server_stats", "", "")
		if value, err := decode(stats.body); err != nil || shapeOf(value["node_count"]) != "integer" || value["node_count"] != jsonNumber("8") {
			t.Errorf("%s after the restore: %v znodes, %v", s.Flavor, value["node_count"], err)
		}
	}
}
