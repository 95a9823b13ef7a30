package tutorial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

var acl = zk.WorldACL(zk.PermAll)

const patience = 20 * time.Second

func TestSession(t *testing.T) {
	srv := zktest.Start(t)
	conn, events, err := zk.Connect([]string{srv.Addr()}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	_, err = conn.Create("/hello", []byte("world"), zk.FlagPersistent, zk.WorldACL(zk.PermAll))
	if err != nil {
		t.Fatal(err)
	}
}

// session returns a connection that has a session.
func session(t *testing.T, srv *zktest.Server) *zk.Conn {
	t.Helper()
	conn, events, err := zk.Connect([]string{srv.Addr(), srv.Addr()}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	for event := range events {
		if event.State == zk.StateHasSession {
			return conn
		}
	}
	t.Fatal("no session")
	return nil
}

// runForMaster tells whether id is the master now.
func runForMaster(conn *zk.Conn, id string) (bool, error) {
	for {
		_, err := conn.Create("/master", []byte(id), zk.FlagEphemeral, acl)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, zk.ErrNodeExists):
			return isMaster(conn, id)
		case !errors.Is(err, zk.ErrConnectionClosed):
			return false, err
		}
		// The create was carried out, or not. Look before trying again.
		master, err := isMaster(conn, id)
		if err == nil && master {
			return true, nil
		}
	}
}

func isMaster(conn *zk.Conn, id string) (bool, error) {
	data, _, err := conn.Get("/master")
	if errors.Is(err, zk.ErrNoNode) {
		return false, nil
	}
	return string(data) == id, err
}

func TestMasterByHand(t *testing.T) {
	srv := zktest.Start(t)
	one, two := session(t, srv), session(t, srv)
	// The answer to the first create is lost: the connection breaks in between.
	lost := false
	srv.Intercept(func(r zktest.Request) zktest.Fate {
		if r.Op == proto.OpCreate && !lost {
			lost = true
			return zktest.LoseReply
		}
		return zktest.Pass
	})
	if master, err := runForMaster(one, "one"); !master || err != nil {
		t.Errorf("one: %v, %v", master, err)
	}
	if master, err := runForMaster(two, "two"); master || err != nil {
		t.Errorf("two: %v, %v", master, err)
	}
}

// backup waits until there is no master, and becomes it.
func backup(conn *zk.Conn, id string) error {
	for {
		exists, _, changed, err := conn.ExistsW("/master")
		if err != nil {
			return err
		}
		if exists {
			<-changed // once: for the next change there must be another watch
			continue
		}
		if master, err := runForMaster(conn, id); master || err != nil {
			return err
		}
	}
}

func TestBackupByHand(t *testing.T) {
	srv := zktest.Start(t)
	one, two := session(t, srv), session(t, srv)
	if master, err := runForMaster(one, "one"); !master || err != nil {
		t.Fatal(master, err)
	}
	leads := make(chan error, 1)
	go func() { leads <- backup(two, "two") }()
	srv.ExpireSession(one.SessionID()) // the master dies
	select {
	case err := <-leads:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the backup does not take over")
	}
}

// connect returns a client of the recipes that notices soon when it may try
// again.
func connect(t *testing.T, srv *zktest.Server) *recipes.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := recipes.Connect(ctx, []string{srv.Addr(), srv.Addr(), srv.Addr()}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// lead does something every now and then for as long as it leads.
func lead(ctx context.Context, client *recipes.Client, id string, step func(*recipes.Claim) error) error {
	claim, err := recipes.NewElection(client, "/election").Campaign(ctx, id)
	if err != nil {
		return err
	}
	for {
		leading := claim.Context()
		for leading.Err() == nil {
			if err := step(claim); err != nil {
				return err
			}
		}
		// The connection is lost, and with it the right to act. Not yet the
		// leadership: the session may live on.
		if err := claim.Resume(ctx); err != nil {
			return err // zk.ErrSessionExpired: somebody else leads by now
		}
	}
}

func TestLead(t *testing.T) {
	srv := zktest.Start(t)
	client := connect(t, srv)
	conn, err := client.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	id, steps := conn.SessionID(), 0
	err = lead(context.Background(), client, "one", func(claim *recipes.Claim) error {
		switch steps++; steps {
		case 1:
			srv.DropSession(id)
			<-claim.Context().Done()
		case 2:
			srv.ExpireSession(id)
			<-claim.Context().Done()
		}
		return nil
	})
	if !errors.Is(err, zk.ErrSessionExpired) || steps != 2 {
		t.Errorf("after %d steps: %v", steps, err)
	}
}

// charge writes only if the claim still stands when the write is carried out.
func charge(claim *recipes.Claim, amount int) error {
	results, err := claim.Conn().Multi(
		claim.Guard(),
		&zk.SetDataRequest{Path: "/account", Data: fmt.Append(nil, amount), Version: -1},
	)
	if err == nil && len(results) > 0 {
		err = results[0].Error
	}
	return err
}

func TestCharge(t *testing.T) {
	srv := zktest.Start(t)
	ctx, client := context.Background(), connect(t, srv)
	conn, err := client.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Create("/account", nil, 0, acl); err != nil {
		t.Fatal(err)
	}
	claim, err := recipes.NewLock(client, "/lock").Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := charge(claim, 10); err != nil {
		t.Error(err)
	}
	if err := claim.Release(ctx); err != nil {
		t.Fatal(err)
	}
	if err := charge(claim, 20); !errors.Is(err, zk.ErrNoNode) {
		t.Errorf("a charge without the lock: %v", err)
	}
	if data, _, err := conn.Get("/account"); string(data) != "10" || err != nil {
		t.Errorf("the account has %s, %v", data, err)
	}
}

// TestSnippets finds each Go snippet of the tutorial in this file, line by
// line.
func TestSnippets(t *testing.T) {
	own, err := os.ReadFile("tutorial_test.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	source := flat(string(own))
	snippets := strings.Split(string(text), "```go\n")[1:]
	if len(snippets) < 5 {
		t.Errorf("the tutorial has %d snippets", len(snippets))
	}
	for _, snippet := range snippets {
		snippet, _, _ = strings.Cut(snippet, "```")
		if !strings.Contains(source, flat(snippet)) {
			t.Errorf("this snippet is not in the code:\n%s", snippet)
		}
	}
}

// flat is a text without indentation.
func flat(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimLeft(line, "\t"))
	}
	return b.String()
}
