//go:build compat

package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// trio is an ensemble of three servers of one kind, of which the leader and a
// follower are asked.
type trio struct{ leader, follower *side }

// trios starts three of Apache's servers and three of those under test, and
// lets clients of the leader and of the follower do the same to both.
func trios(t *testing.T, cfg map[string]string) [2]trio {
	t.Helper()
	rig.Fixture(t, rig.FixtureAdmin) // or skip
	var both [2]trio
	for i, flavor := range []rig.Flavor{rig.Apache(rig.Reference).With(rig.FixtureAdmin), rig.Subject(t).With(rig.FixtureAdmin)} {
		e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: []rig.Flavor{flavor, flavor, flavor}})
		sides := map[*rig.Member]*side{}
		for _, m := range e.Members {
			s := &side{Server: m.Server, admin: rig.FreePort(t), metrics: rig.FreePort(t)}
			m.Cfg = maps.Clone(m.Cfg)
			maps.Copy(m.Cfg, map[string]string{
				"admin.enableServer": "true", "admin.serverAddress": "127.0.0.1", "admin.serverPort": fmt.Sprint(s.admin),
			})
			for k, v := range cfg {
				m.Cfg[k] = strings.ReplaceAll(v, "METRICS_PORT", fmt.Sprint(s.metrics))
			}
			sides[m] = s
		}
		e.Launch(e.Members...)
		leader := e.Leader()
		both[i].leader = sides[leader]
		for _, m := range e.Members {
			if m != leader {
				both[i].follower = sides[m]
			}
		}
		c := occupy(t, both[i].leader)
		occupyFollower(t, both[i].follower)
		if err := c.Ping(); err != nil {
			t.Fatal(err)
		}
	}
	return both
}

// occupyFollower writes, reads, watches and takes a session over through a
// follower.
func occupyFollower(t *testing.T, s *side) {
	t.Helper()
	must := demands(t)
	c, err := wire.Open(s.Addr(), 60*time.Second)
	must(err)
	t.Cleanup(c.Close)
	_, err = c.Create("/follower", []byte("x"), proto.OpenACL, proto.FlagPersistent)
	must(err)
	for i := range 50 {
		_, err := c.SetData("/follower", fmt.Appendf(nil, "value %d", i), int32(i))
		must(err)
	}
	_, _, err = c.Get("/follower", true)
	must(err)
	must(c.Sync("/"))
	must(c.Ping())
}

// TestEnsemble asks the leader and a follower of three for every command.
func TestEnsemble(t *testing.T) {
	both := trios(t, nil)
	for _, role := range []string{"leader", "follower"} {
		t.Run(role, func(t *testing.T) {
			sides := [2]*side{both[0].leader, both[1].leader}
			if role == "follower" {
				sides = [2]*side{both[0].follower, both[1].follower}
			}
			for _, name := range names {
				t.Run(strings.ReplaceAll(name, "/", "-"), func(t *testing.T) { compareCommand(t, sides, name) })
			}
		})
	}
}

func compareCommand(t *testing.T, sides [2]*side, name string) {
	t.Helper()
	var answers [2]answer
	var values [2]map[string]any
	for i, s := range sides {
		answers[i] = s.ask(t, "GET", "/commands/"+name, "", "")
		var err error
		if values[i], err = decode(answers[i].body); err != nil {
			t.Fatalf("%s: %v\n%s", s.Flavor, err, answers[i].body)
		}
	}
	if answers[0].status != answers[1].status {
		t.Errorf("%d, Apache %d", answers[1].status, answers[0].status)
	}
	if name == "monitor" || name == "mntr" {
		compareMonitor(t, withoutIDs(values[0]), withoutIDs(values[1]))
		compareMoving(t, values[0], values[1])
		return
	}
	if command := values[0]["command"]; command == "initial_configuration" {
		values[0][command.(string)] = "" // Apache's members answer null: only its standalone server keeps the text
	}
	if got, want := shapeOf(values[1]), shapeOf(values[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// serverKey is a metric of a set that has one for each server.
var serverKey = regexp.MustCompile(`^([a-z]+[0-9]*_)[1-3]_`)

// withoutIDs forgets which server of its ensemble each one is. Left out is what
// Apache samples too rarely to be seen here, and the namespace of the znode
// with the configuration, which its servers write to.
func withoutIDs(values map[string]any) map[string]any {
	same := map[string]any{}
	for key, value := range values {
		if !strings.HasSuffix(key, "_ack_latency") && !strings.HasSuffix(key, "_zookeeper_write_per_namespace") {
			same[serverKey.ReplaceAllString(key, "${1}N_")] = value
		}
	}
	return same
}

// unlike are summaries that see values in Apache's servers alone, though both
// have them.
var unlike = []string{
	"snapshottime", "inflight_snap_count", // a new ensemble begins with snapshots there
	"request_throttle_queue_time_ms", // counts the requests that never wait there
}

// compareMoving demands that every summary that has seen values in Apache's
// server has seen some in ours, unless the table says why it never does.
func compareMoving(t *testing.T, apache, subject map[string]any) {
	t.Helper()
	never := map[string]bool{}
	for i := range stats.Table {
		if d := &stats.Table[i]; d.Scope == stats.Never {
			never[d.Name] = true
		}
	}
	moving := 0
	for key, value := range withoutIDs(apache) {
		name, isCount := strings.CutPrefix(key, "cnt_")
		if !isCount || value == json.Number("0") || never[strings.TrimPrefix(name, "N_")] || theirs.MatchString(name) || slices.Contains(unlike, name) {
			continue
		}
		moving++
		if got := withoutIDs(subject)[key]; got == json.Number("0") {
			t.Errorf("%s is 0, Apache's %v", key, value)
		}
	}
	if moving < 15 {
		t.Errorf("only %d summaries of Apache's have seen anything", moving)
	}
}

// TestPrometheusEnsemble compares what the exporters of the leader and of a
// follower show.
func TestPrometheusEnsemble(t *testing.T) {
	both := trios(t, map[string]string{
		"metricsProvider.className": prometheus, "metricsProvider.httpHost": "127.0.0.1", "metricsProvider.httpPort": "METRICS_PORT",
	})
	t.Run("leader", func(t *testing.T) { compareExporters(t, [2]*side{both[0].leader, both[1].leader}) })
	t.Run("follower", func(t *testing.T) { compareExporters(t, [2]*side{both[0].follower, both[1].follower}) })
}
