package main

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
)

// A port that is taken ends the start with Apache's exit code, before the
// data directory is touched.
func TestAdminPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := writeConfig(t, "clientPort=0", "admin.serverAddress=127.0.0.1", "admin.serverPort="+strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	var out lockedBuffer
	if code := run(context.Background(), []string{"meerkat", "server", cfg}, io.Discard, &out); code != exitAdmin {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(out.String(), "address already in use") || !strings.Contains(out.String(), "admin.enableServer=false") {
		t.Errorf("the log does not tell why, or what to do:\n%s", out.String())
	}
}
