package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The audit log tells who has changed what; compat_tests/admin compares it
// with Apache's.
func TestAuditLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.log")
	srv := start(t, func(c *conf.Config) { c.Audit = conf.Audit{Enabled: true, File: file} })
	c := connect(t, srv)
	c.create("/a", "x", 0)
	c.call(proto.OpCreate, createRequest("/a", "x", 0))
	c.create("/a/e-", "", 3)
	c.must(proto.OpGetData, &proto.WatchableRequest{Path: "/a"})
	c.call(proto.OpDelete, &proto.DeleteRequest{Path: "/a", Version: -1})
	c.must(proto.OpCloseSession, nothing{})
	c.closed()
	if err := srv.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		_, text, _ := strings.Cut(line, "Logger: ")
		text = strings.ReplaceAll(strings.ReplaceAll(text, hexID(c.session.SessionID), "SESSION"), "user="+srv.user+"\t", "user=SELF\t")
		got = append(got, strings.ReplaceAll(text, "\t", " "))
	}
	const who = "session=SESSION user=127.0.0.1 ip=127.0.0.1 "
	want := []string{
		"user=SELF operation=serverStart result=success",
		who + "operation=create znode=/a znode_type=persistent result=success",
		who + "operation=create znode=/a znode_type=persistent result=failure",
		who + "operation=create znode=/a/e-0000000000 znode_type=ephemeral_sequential result=success",
		who + "operation=delete znode=/a result=failure",
		"session=SESSION user=SELF operation=ephemeralZNodeDeletionOnSessionCloseOrExpire znode=/a/e-0000000000 result=success",
		"user=SELF operation=serverStop result=invoked",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

type nothing struct{}

func (nothing) Append(b []byte) []byte { return b }

// A slow request and an oversized reply are told with operation, path, session
// and client.
func TestNotableRequests(t *testing.T) {
	var out lockedText
	cfg := testConfig(t.TempDir())
	cfg.Limits.MaxFrameBytes = 1000
	cfg.Audit.SlowRequestMs = 1
	srv, err := New(cfg, zerolog.New(&out), BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	defer stop(t, srv)
	c := connect(t, srv)
	c.create("/p", "", 0)
	for _, name := range []string{"a", "b", "c"} {
		c.create("/p/"+name+strings.Repeat("x", 400), "", 0)
	}
	c.must(proto.OpGetChildren, &proto.WatchableRequest{Path: "/p"})
	if got := srv.metrics.Counter("oversized_replies").Value(); got != 1 {
		t.Errorf("%d oversized replies", got)
	}
	srv.gate.enterWrite() // whoever reads now waits
	c.write(c.request(proto.OpExists, &proto.WatchableRequest{Path: "/slow"}))
	eventually(t, "the request has arrived", func() bool { return srv.clock.nanos() > 0 && srv.requests.InProcess() == 1 })
	began := srv.clock.nanos()
	eventually(t, "time passes", func() bool { return srv.clock.nanos()-began > 3_000_000 })
	srv.gate.leaveWrite()
	c.readReply()
	c.write(c.request(proto.OpSetData, &proto.SetDataRequest{Path: "/p/large", Data: make([]byte, 2000)}))
	c.closed()
	for _, want := range []string{
		`"request_bytes":2028,"session":"` + hexID(c.session.SessionID) + `","client":"127.0.0.1:`, `"op":"setData","path":"/p/large"`,
		"request is larger than jute.maxbuffer",
		`"op":"getChildren","path":"/p","session":"` + hexID(c.session.SessionID) + `","client":"127.0.0.1:`,
		"reply is larger than jute.maxbuffer", `"path":"/slow"`, "slow request",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not have %q:\n%s", want, out.String())
		}
	}
}

// lockedText is a log that is read while it is written.
type lockedText struct {
	mu sync.Mutex
	b  strings.Builder // mu
}

func (t *lockedText) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *lockedText) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
