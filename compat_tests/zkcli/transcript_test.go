package zkcli

import (
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
)

// TestTranscript reads what two threads of the shell have printed, whole and
// torn in every way that the shell allows.
func TestTranscript(t *testing.T) {
	const welcome = "Welcome to ZooKeeper!\n\nWATCHER::\n\nWatchedEvent state:SyncConnected type:None path:null zxid: -1\n"
	want := newTranscript(rig.Result{Stdout: welcome +
		"[zk: h:1(CONNECTED) 0] \nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:/w zxid: 12\n" +
		"[zk: h:1(CONNECTED) 1] [b, a]\n[zk: h:1(CONNECTED) 2] "}, "h:1")
	if !slices.Equal(want.events, []string{"WatchedEvent state:SyncConnected type:NodeDataChanged path:/w zxid: 12"}) {
		t.Errorf("events %q", want.events)
	}
	if !slices.Equal(want.answers, []string{"", "[a, b]", ""}) {
		t.Errorf("answers %q", want.answers)
	}
	for name, text := range map[string]string{
		"prompt before its end": "[zk: h:1(CONNECTED) 0] \nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:/w zxid: 12[zk: h:1(CONNECTED) 1] \n[b, a]\n[zk: h:1(CONNECTED) 2] ",
		"prompt inside":         "[zk: h:1(CONNECTED) 0] \nWATCHER::[zk: h:1(CONNECTED) 1] \n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:/w zxid: 12\n[b, a]\n[zk: h:1(CONNECTED) 2] ",
		"late":                  "[zk: h:1(CONNECTED) 0] [zk: h:1(CONNECTED) 1] [b, a]\n[zk: h:1(CONNECTED) 2] \nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:/w zxid: 12\n",
	} {
		got := newTranscript(rig.Result{Stdout: welcome + text}, "h:1")
		if !slices.Equal(got.events, want.events) || !slices.Equal(got.answers, want.answers) {
			t.Errorf("%s: answers %q, events %q", name, got.answers, got.events)
		}
	}
}
