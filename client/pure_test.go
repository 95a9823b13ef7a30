package client

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The texts are those of Apache's PathUtils.
func TestValidatePath(t *testing.T) {
	for path, want := range map[string]string{
		"/": "", "/a": "", "/a/b.c/...": "", "/é☃": "", "/a/.b": "",
		"":             "Path length must be > 0",
		"a":            "Path must start with / character",
		"/a/":          "Path must not end with / character",
		"//a":          `Invalid path string "//a" caused by empty node name specified @1`,
		"/a//b":        `Invalid path string "/a//b" caused by empty node name specified @3`,
		"/./a":         `Invalid path string "/./a" caused by relative paths not allowed @1`,
		"/a/.":         `Invalid path string "/a/." caused by relative paths not allowed @3`,
		"/a/../b":      `Invalid path string "/a/../b" caused by relative paths not allowed @4`,
		"/..":          `Invalid path string "/.." caused by relative paths not allowed @2`,
		"/a\x00b":      "Invalid path string \"/a\x00b\" caused by null character not allowed @2",
		"/a\x1fb":      "Invalid path string \"/a\x1fb\" caused by invalid character @2",
		"/\u0085":      "Invalid path string \"/\u0085\" caused by invalid character @1",
		"/\ue000":      "Invalid path string \"/\ue000\" caused by invalid character @1",
		"/é\U0001f600": "Invalid path string \"/é\U0001f600\" caused by invalid character @2",
	} {
		got := ""
		if err := ValidatePath(path, false); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if err := ValidatePath("/a/", true); err != nil {
		t.Errorf("a sequence number behind a slash: %v", err)
	}
}

func TestParseServers(t *testing.T) {
	for _, test := range []struct {
		connect string
		servers []string
		root    string
	}{
		{"a", []string{"a:2181"}, ""},
		{"a:1,b:2", []string{"a:1", "b:2"}, ""},
		{" a:1 , ,b/x/y", []string{"a:1", "b:2181"}, "/x/y"},
		{"a/", []string{"a:2181"}, ""},
		{"[::1]:5,[fe80::1],::1", []string{"[::1]:5", "[fe80::1]:2181", "[::1]:2181"}, ""},
		{"", nil, ""}, {"/x", nil, ""}, {"a:0", nil, ""}, {"a:x", nil, ""}, {"a:99999", nil, ""}, {"a/x/", nil, ""}, {"a//x", nil, ""}, {":1", nil, ""}, {"a:1:2", nil, ""},
	} {
		servers, root, err := ParseServers(test.connect)
		if test.servers == nil {
			if !errors.Is(err, ErrServers) {
				t.Errorf("%q: error %v", test.connect, err)
			}
			continue
		}
		if err != nil || !slices.Equal(servers, test.servers) || root != test.root {
			t.Errorf("%q: %q, %q, %v", test.connect, servers, root, err)
		}
	}
}

func TestWatchTable(t *testing.T) {
	w := newWatchTable()
	for _, table := range []paths{w.data, w.exist, w.child, w.persistent} {
		table["/a"] = struct{}{}
	}
	w.recursive["/r"] = struct{}{}
	for i, test := range []struct {
		kind proto.EventType
		path string
		want bool
	}{
		{proto.EventNodeChildrenChanged, "/r/x", false},
		{proto.EventNodeCreated, "/r/x/y", true},
		{proto.EventNodeDeleted, "/r", true},
		{proto.EventNodeDataChanged, "/rx", false},
		{proto.EventNodeDataChanged, "/", false},
		{proto.EventNodeDeleted, "/a", true}, // uses up data, exist and child
		{proto.EventNodeChildrenChanged, "/a", true},
	} {
		if got := w.fire(test.kind, test.path); got != test.want {
			t.Errorf("%d: %d at %s is watched: %v", i, test.kind, test.path, got)
		}
	}
	if len(w.data)+len(w.exist)+len(w.child) != 0 || len(w.persistent) != 1 {
		t.Errorf("left are %v", w)
	}
}

// TestRestore splits what does not fit into one request.
func TestRestore(t *testing.T) {
	w := newWatchTable()
	for i := range 20_000 {
		w.data[fmt.Sprintf("/some/long/path/%d", i)] = struct{}{}
	}
	w.recursive["/r"] = struct{}{}
	count := 0
	requests := w.restore(7)
	for i, r := range requests {
		if size := len(r.Append(nil)); size > setWatchesBytes+1000 {
			t.Errorf("request %d has %d bytes", i, size)
		}
		if r.RelativeZxid != 7 || r.HasPersistent != (len(r.PersistentRecursive) > 0) {
			t.Errorf("request %d: %d, %v", i, r.RelativeZxid, r.HasPersistent)
		}
		count += len(r.Data) + len(r.PersistentRecursive)
	}
	if count != 20_001 || len(requests) < 3 {
		t.Errorf("%d watches in %d requests", count, len(requests))
	}
}

func TestPermissions(t *testing.T) {
	if got := PermText(proto.PermAll); got != "cdrwa" {
		t.Error(got)
	}
	if perms, unknown := ParsePerms("rxrw"); perms != proto.PermRead|proto.PermWrite || string(unknown) != "x" {
		t.Errorf("%d, %q", perms, unknown)
	}
}
