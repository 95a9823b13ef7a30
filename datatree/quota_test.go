package datatree

import (
	"slices"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

func TestQuotaText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "count=-1,bytes=-1",
		"count=5,bytes=7":                  "count=5,bytes=7",
		"bytes=7":                          "count=-1,bytes=7",
		"count=5,bytes=7=;byteHardLimit=9": "count=5,bytes=7=;byteHardLimit=9",
		"countHardLimit=3;byteHardLimit=9,,;;count=5": "count=5,bytes=-1=;byteHardLimit=9;countHardLimit=3",
		"count=,bytes=7":                "count=-1,bytes=7",
		"count=x,bytes=7":               "count=-1,bytes=7",
		"count=5,count=6":               "count=6,bytes=-1",
		"count=-3,bytes=99999999999999": "count=-3,bytes=99999999999999",
		"rubbish":                       "count=-1,bytes=-1=;rubbish=-1",
		"\x00\xff":                      "count=-1,bytes=-1=;\x00\xff=-1",
	} {
		if got := string(parseQuota(text).append(nil)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzQuotaText(f *testing.F) {
	f.Add("count=5,bytes=7=;byteHardLimit=9;countHardLimit=-1")
	f.Add("=,;=")
	f.Fuzz(func(t *testing.T, text string) {
		once := string(parseQuota(text).append(nil))
		if twice := string(parseQuota(once).append(nil)); twice != once {
			t.Errorf("%q reads as %q and that as %q", text, once, twice)
		}
	})
}

// quota sets limits on a path as zkCli's setquota does.
func (f *feed) quota(path, limits string) {
	at := ""
	for _, name := range strings.Split(path, "/")[1:] {
		if at += "/" + name; f.t.Lookup(quotaPath+at) == nil {
			f.create(quotaPath+at, "")
		}
	}
	f.create(limitsPath(path), limits)
	f.create(usagePath(path), "count=0,bytes=0")
}

func (f *feed) usage(path string) string { return string(f.t.Lookup(usagePath(path)).Data()) }

func TestQuotaUsage(t *testing.T) {
	f := newFeed(modelConfig)
	f.create("/q", "12345")
	f.create("/q/a", "123")
	f.create("/qq", "not below /q")
	f.quota("/q", "count=-1,bytes=-1")
	stat := f.t.Lookup(usagePath("/q")).Stat()
	digest := f.t.Digest()
	step := func(name, want string, do func()) {
		t.Helper()
		if do(); f.usage("/q") != want {
			t.Errorf("%s: %s, want %s", name, f.usage("/q"), want)
		}
	}
	step("measured", "count=2,bytes=8", func() {})
	if f.t.Digest() != digest || stat.Version != 0 {
		t.Error("the usage is in the digest or counts as a setData")
	}
	step("create", "count=3,bytes=12", func() { f.create("/q/b", "1234") })
	step("create beside", "count=3,bytes=12", func() { f.create("/qq/b", "1234") })
	step("setData", "count=3,bytes=9", func() { f.set("/q/b", "1", 1) })
	step("null data", "count=3,bytes=8", func() { f.apply(&proto.SetDataTxn{Path: "/q/b"}) })
	step("on the path itself", "count=3,bytes=3", func() { f.set("/q", "", 1) })
	step("delete", "count=2,bytes=0", func() { f.delete("/q/a") })
	step("create that fails", "count=2,bytes=0", func() { f.create("/q/b", "xxx") })
	step("delete that fails", "count=2,bytes=0", func() { f.delete("/q/x") })
	step("a nearer quota", "count=2,bytes=0", func() {
		f.quota("/q/b", "count=1,bytes=-1")
		f.create("/q/b/c", "1234")
	})
	if got := f.usage("/q/b"); got != "count=2,bytes=4" {
		t.Errorf("the nearer quota: %s", got)
	}
	step("without the nearer one", "count=3,bytes=2", func() {
		f.delete(limitsPath("/q/b"))
		f.create("/q/b/d", "12")
	})
	if got := f.usage("/q/b"); got != "count=2,bytes=4" {
		t.Errorf("a quota without limits goes on counting: %s", got)
	}
	// A start measures again: the outer quota then counts all below it.
	again := feed{t: reloaded(t, modelConfig, snapshotBytes(t, f.t))}
	if got := again.usage("/q"); got != "count=4,bytes=6" {
		t.Errorf("after a start: %s", got)
	}
	if got := again.usage("/q/b"); got != "count=2,bytes=4" {
		t.Errorf("after a start, without limits: %s", got)
	}
}

func TestQuotaPrefixes(t *testing.T) {
	f := newFeed(modelConfig)
	for _, path := range []string{"/a", "/a/b", "/a/b/c"} {
		f.create(path, "")
	}
	f.quota("/a", "count=1,bytes=-1")
	f.quota("/a/b/c", "count=1,bytes=-1")
	f.create(quotaPath+"/zookeeper_limits", "count=1,bytes=1") // of the root: none
	for path, want := range map[string]string{
		"/": "", "/a": "/a", "/ab": "", "/a/b": "/a", "/a/b/c": "/a/b/c", "/a/b/c/d/e": "/a/b/c", "/a/bb/c": "/a", "": "", "a": "",
	} {
		if prefix, ok := f.t.QuotaPrefix(path); prefix != want || ok != (want != "") {
			t.Errorf("%q: %q", path, prefix)
		}
	}
	if got := slices.Sorted(f.t.QuotaPaths()); !slices.Equal(got, []string{"/a", "/a/b/c"}) {
		t.Errorf("paths %q", got)
	}
	if q, ok := f.t.QuotaLimits("/a"); !ok || q != (Quota{1, -1, -1, -1}) {
		t.Errorf("limits %+v", q)
	}
	if q, ok := f.t.QuotaUsage("/a"); !ok || q.Count != 3 {
		t.Errorf("usage %+v", q)
	}
	if _, ok := f.t.QuotaLimits("/b"); ok {
		t.Error("limits of a path without a quota")
	}
}

func TestQuotaExceeded(t *testing.T) {
	for _, c := range []struct {
		limits       string
		count, bytes int64
		want         bool
		notices      string
	}{ // usage is count=2,bytes=10
		{"count=-1,bytes=-1", 1, 1000, false, ""},
		{"count=3,bytes=-1", 1, 0, false, ""},
		{"count=2,bytes=-1", 1, 0, false, "Quota exceeded: /q [current count=3, softCountLimit=2]"},
		{"count=2,bytes=-1", 0, 5, false, ""},
		{"count=-1,bytes=-1=;countHardLimit=2", 1, 0, true, "Quota exceeded: /q [current count=3, hardCountLimit=2]"},
		{"count=1,bytes=-1=;countHardLimit=3", 1, 0, false, ""},
		{"count=-1,bytes=12", 0, 3, false, "Quota exceeded: /q [current bytes=13, softByteLimit=12]"},
		{"count=-1,bytes=12=;byteHardLimit=13", 0, 3, false, ""},
		{"count=-1,bytes=-1=;byteHardLimit=12", 0, 3, true, "Quota exceeded: /q [current bytes=13, hardByteLimit=12]"},
		{"count=-1,bytes=-1=;byteHardLimit=9", 0, -1, false, ""},
		{"count=-1,bytes=-1=;byteHardLimit=8", 0, -1, true, "Quota exceeded: /q [current bytes=9, hardByteLimit=8]"},
		{"count=2,bytes=-1=;byteHardLimit=12", 1, 3, true,
			"Quota exceeded: /q [current count=3, softCountLimit=2]|Quota exceeded: /q [current bytes=13, hardByteLimit=12]"},
		{"rubbish", 100, 100, false, ""},
	} {
		var notices []string
		cfg := modelConfig
		cfg.Notice = func(s string) { notices = append(notices, s) }
		f := newFeed(cfg)
		f.create("/q", "12345")
		f.create("/q/a", "12345")
		f.quota("/q", c.limits)
		if got := f.t.QuotaExceeded("/q/b", c.count, c.bytes); got != c.want || strings.Join(notices, "|") != c.notices {
			t.Errorf("%s, %+d %+d: %v, %q", c.limits, c.count, c.bytes, got, notices)
		}
		if f.t.QuotaExceeded("/other", 100, 100) {
			t.Error("a quota elsewhere counts")
		}
	}
	f := newFeed(modelConfig)
	f.create("/q", "")
	f.create(quotaPath+"/q", "")
	f.create(limitsPath("/q"), "count=-1,bytes=-1=;countHardLimit=0")
	if f.t.QuotaExceeded("/q/b", 1, 1) {
		t.Error("limits without a usage znode count")
	}
}
