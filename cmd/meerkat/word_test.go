package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// answering is a server that reads one word from each connection and answers
// it; its end is waited for.
func answering(t *testing.T, answers map[string]string) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			word := make([]byte, 4)
			_, _ = io.ReadFull(conn, word)
			_, _ = io.WriteString(conn, answers[string(word)])
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	host, port, err = net.SplitHostPort(l.Addr().String())
	must(t, err)
	return host, port
}

func TestWord(t *testing.T) {
	long := strings.Repeat("a line\n", 100_000)
	host, port := answering(t, map[string]string{"ruok": "imok", "wchp": long})
	tests := []struct {
		args []string
		code int
		out  string
		err  string // part of standard error
	}{
		{[]string{host, port, "ruok"}, exitOK, "imok", ""},
		{[]string{host, port, "wchp"}, exitOK, long, ""},
		{[]string{host, port, "mntr"}, exitUnexpected, "", "answered nothing"},
		{[]string{host, "1", "ruok"}, exitUnexpected, "", "connect"},
		{[]string{host, "port", "ruok"}, exitInvocation, "", `the port "port" must be a number`},
		{[]string{host, port, "ruokk"}, exitInvocation, "", `"ruokk" is no word of four letters`},
		{[]string{host, port}, exitInvocation, "", "HOST PORT WORD"},
	}
	for _, tt := range tests {
		code, out, errOut := runTool(t, "", append([]string{"word"}, tt.args...)...)
		if code != tt.code || out != tt.out || !strings.Contains(errOut, tt.err) || (tt.err == "") != (errOut == "") {
			t.Errorf("word %q: exit code %d, %d bytes, %q", tt.args, code, len(out), errOut)
		}
	}
}

// A server that takes a connection and says nothing is not waited for.
func TestWordTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	var timeout net.Error
	err = askWord(&bytes.Buffer{}, l.Addr().String(), "ruok", 20*time.Millisecond)
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v", err)
	}
}
