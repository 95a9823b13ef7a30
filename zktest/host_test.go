package zktest_test

import (
	"net"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/zktest"
)

// TestHost runs a server without a test, and does what cannot be done.
func TestHost(t *testing.T) {
	t.Parallel()
	host := &zktest.Host{}
	var srv *zktest.Server
	var order []string
	host.Cleanup(func() { order = append(order, "last") })
	if err := host.Try(func() { srv = zktest.Start(host) }); err != nil {
		t.Fatal(err)
	}
	host.Cleanup(func() { order = append(order, "first") })
	create(t, connect(t, patience, srv.Addr()), "/a", 0)
	if err := host.Try(srv.Wipe); err == nil || !strings.Contains(err.Error(), "cannot be wiped") {
		t.Errorf("wiping a server that runs: %v", err)
	}
	for range 2 {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(order, " "); got != "first last" {
		t.Errorf("cleaned up in the order %q", got)
	}
	if conn, err := net.Dial("tcp", srv.Addr()); err == nil {
		_ = conn.Close()
		t.Error("the server outlived its host")
	}
}
