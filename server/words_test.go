package server

import (
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/stats"
)

// ask sends a four-letter word and returns the answer.
func ask(t testing.TB, srv *Server, word string) string {
	t.Helper()
	nc, err := net.Dial("tcp", srv.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(testPatience))
	if _, err := io.WriteString(nc, word); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(nc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// metric reads one metric.
func metric(srv *Server, name string) (value string) {
	srv.metrics.Each(func(n string, v stats.Value) {
		if n == name {
			value = v.String()
		}
	})
	return value
}

// TestDumpConnections shows connections in buckets as wide as the patience
// with those that have no session.
func TestDumpConnections(t *testing.T) {
	srv := start(t, func(c *conf.Config) { c.Limits.SessionlessTimeoutMs = 1000 })
	connect(t, srv)
	_, text, found := strings.Cut(ask(t, srv, "dump"), "Connections dump:\n")
	if !found {
		t.Fatal("connections are missing")
	}
	text = regexp.MustCompile(`expire at [^\n]*:\n`).ReplaceAllString(text, "expire\n")
	text = regexp.MustCompile(`/127\.0\.0\.1:\d+`).ReplaceAllString(text, "ADDR")
	text = regexp.MustCompile(`0x[0-9a-f]{5,}`).ReplaceAllString(text, "SESSION")
	const want = "Connections Sets (2)/(2):\n1 expire\n\tip: ADDR sessionId: 0x0\n1 expire\n\tip: ADDR sessionId: SESSION\n"
	if text != want {
		t.Errorf("connections are shown as\n%s\nwanted\n%s", text, want)
	}
}

// TestWordIsGone asks one word after the other: the connection of one is not
// counted by the next.
func TestWordIsGone(t *testing.T) {
	srv := start(t)
	for range 200 {
		c := dial(t, srv)
		if _, err := c.nc.Write([]byte("srvr")); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(c.nc)
		if err != nil || !strings.Contains(string(text), "\nConnections: 1\n") {
			t.Fatalf("%v, %q", err, text)
		}
		if n := srv.conns.count(); n != 0 {
			t.Fatalf("%d connections after the end of the last", n)
		}
	}
}

// TestRefusedWord answers at once, also when bytes should follow the word.
func TestRefusedWord(t *testing.T) {
	srv := start(t, func(c *conf.Config) {
		c.Limits.SessionlessTimeoutMs, c.FourLetter.Words = 0, []string{"srvr"}
	})
	if text := ask(t, srv, "stmk"); !strings.Contains(text, "not in the whitelist") {
		t.Errorf("stmk is answered with %q", text)
	}
}

// TestDropCount counts only connections that the client has ended without
// the end of its session.
func TestDropCount(t *testing.T) {
	srv := start(t)
	ask(t, srv, "ruok")
	closed := connect(t, srv)
	closed.must(proto.OpCloseSession, nil)
	closed.closed()
	dropped := connect(t, srv)
	_ = dropped.nc.Close()
	eventually(t, "the connections are gone", func() bool { return srv.conns.count() == 0 })
	if n := metric(srv, "connection_drop_count"); n != "1" {
		t.Errorf("%s connections count as dropped, not 1", n)
	}
}

// TestReadBytes counts the path, data or names, and 68 for the Stat.
func TestReadBytes(t *testing.T) {
	srv := start(t)
	client := connect(t, srv)
	client.create("/words", "1234567", proto.FlagPersistent)
	client.create("/words/a", "", proto.FlagPersistent)
	client.create("/words/bcd", "", proto.FlagPersistent)
	sum := func() string { return metric(srv, "sum_words_read_per_namespace") }
	for _, c := range []struct {
		op   proto.Op
		path string
		sum  string
	}{
		{proto.OpExists, "/words", "74"},
		{proto.OpGetData, "/words", "155"},
		{proto.OpGetChildren, "/words", "233"},
		{proto.OpGetChildren2, "/words", "311"},
	} {
		client.must(c.op, &proto.WatchableRequest{Path: c.path})
		if got := sum(); got != c.sum {
			t.Errorf("after %v the sum is %s, not %s", c.op, got, c.sum)
		}
	}
}
