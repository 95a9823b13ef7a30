package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// saying is a member that answers srvr with a mode.
func saying(t *testing.T, mode string) *member {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			word := make([]byte, 4)
			if _, err := io.ReadFull(c, word); err == nil && string(word) == "srvr" {
				fmt.Fprintf(c, "Zxid: 0x100000000\nMode: %s\nNode count: 5\n", mode)
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return &member{addr: l.Addr().String(), server: &server{}}
}

func TestLed(t *testing.T) {
	follower := saying(t, "follower")
	leader := saying(t, "leader")
	down := &member{addr: "127.0.0.1:1"}
	e := &ensemble{members: []*member{follower, leader, down}}
	if m, err := e.led(t.Context()); err != nil || m != leader {
		t.Errorf("%v, %v", m, err)
	}
	if got := targetOf(e.others(leader)).servers; len(got) != 2 || got[0] != follower.addr {
		t.Errorf("the others are %v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*ledPoll)
	defer cancel()
	for _, e := range []*ensemble{
		{members: []*member{follower, saying(t, "follower")}},
		{members: []*member{leader, {addr: down.addr, server: &server{}}}},
	} {
		if m, err := e.led(ctx); err == nil {
			t.Errorf("%s leads", m.addr)
		}
	}
}

func TestMembersKnowEachOther(t *testing.T) {
	e, err := newEnsemble(contender{name: "Meerkat"}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var servers []string
	for i, m := range e.members {
		text, err := os.ReadFile(m.config)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "initLimit")
		servers = append(servers, after)
		_, port, _ := net.SplitHostPort(m.addr)
		if !bytes.Contains(text, []byte("clientPort="+port+"\n")) || strings.Count(after, "server.") != ensembleSize {
			t.Errorf("member %d at %s: %s", m.id, m.addr, text)
		}
		id, err := os.ReadFile(filepath.Join(m.dir, "data", "myid"))
		if err != nil || string(id) != fmt.Sprintln(i+1) {
			t.Errorf("myid %q, %v", id, err)
		}
	}
	if servers[0] != servers[1] || servers[1] != servers[2] {
		t.Errorf("they differ: %q", servers)
	}
}

func TestAMemberThatDoesNotStartFailsTheRound(t *testing.T) {
	s := tiny(t, "ens-set-1x1")
	dead := contender{name: "Meerkat", command: func(string, string) []string { return []string{os.Args[0], "die"} }}
	begun := time.Now()
	if err := s.round(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	if len(s.failed) != 1 || !strings.Contains(s.failed[0], "exit status 3") || time.Since(begun) > startPatience/2 {
		t.Errorf("failed: %q after %v", s.failed, time.Since(begun))
	}
}
