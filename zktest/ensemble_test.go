package zktest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/zktest"
)

// TestBackupTakesOver is the first exercise of ZooKeeper's tutorial: a master
// and a backup; the master dies, the backup takes over.
func TestBackupTakesOver(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	master, backup := connect(t, 10*time.Second, srv.Addr()), connect(t, 10*time.Second, srv.Addr())
	if _, err := master.Create("/master", []byte("m1"), zk.FlagEphemeral, acl); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Create("/master", []byte("m2"), zk.FlagEphemeral, acl); !errors.Is(err, zk.ErrNodeExists) {
		t.Fatalf("a second master: %v", err)
	}
	_, _, vacant, err := backup.ExistsW("/master")
	if err != nil {
		t.Fatal(err)
	}
	srv.ExpireSession(master.SessionID())
	if e := within(t, "the master's death", vacant); e.Type != zk.EventNodeDeleted {
		t.Fatalf("event %v", e)
	}
	if _, err := backup.Create("/master", []byte("m2"), zk.FlagEphemeral, acl); err != nil {
		t.Errorf("the backup does not take over: %v", err)
	}
}

// TestFailover kills leaders and finds every acknowledged write.
func TestFailover(t *testing.T) {
	t.Parallel()
	began := time.Now()
	e := zktest.StartEnsemble(t, 3)
	t.Logf("three servers started in %v", time.Since(began))
	conn := connect(t, time.Minute, e.Addrs()...)
	for _, path := range []string{"/a", "/b", "/c"} {
		create(t, conn, path, 0)
		leader := e.Leader()
		began := time.Now()
		leader.Kill()
		next := e.Leader()
		t.Logf("server %d leads after %v", next.ID(), time.Since(began))
		if next == leader {
			t.Fatal("a dead server leads")
		}
		leader.Restart()
	}
	for _, path := range []string{"/a", "/b", "/c"} {
		if !exists(t, conn, path) {
			t.Errorf("%s is lost", path)
		}
	}
}

// TestIsolatedLeader cuts the leader off from the others: they elect another,
// and the old one serves no writes. After healing it follows.
func TestIsolatedLeader(t *testing.T) {
	t.Parallel()
	e := zktest.StartEnsemble(t, 3)
	old := e.Leader()
	e.Isolate(old)
	next := e.Leader()
	if next == old {
		t.Fatal("the isolated server still counts as leader")
	}
	create(t, connect(t, 10*time.Second, next.Addr()), "/a", 0)
	eventually(t, "the old leader steps down", func() bool { return old.Mode() == "" })
	e.Heal()
	old.AwaitServing()
	conn := connect(t, 10*time.Second, old.Addr())
	if _, err := conn.Sync("/a"); err != nil {
		t.Fatal(err)
	}
	if !exists(t, conn, "/a") {
		t.Error("the old leader does not have what was written without it")
	}
	if old.Mode() != "follower" {
		t.Errorf("the old leader is %q", old.Mode())
	}
}

// TestFrozenLeader freezes the leader: the others elect another, and when it
// thaws it follows.
func TestFrozenLeader(t *testing.T) {
	t.Parallel()
	e := zktest.StartEnsemble(t, 3)
	old := e.Leader()
	old.Freeze()
	next := e.Leader()
	create(t, connect(t, 10*time.Second, next.Addr()), "/a", 0)
	old.Thaw()
	eventually(t, "the thawed server follows", func() bool { return old.Mode() == "follower" })
}

// TestStalledFollower holds one follower's disk: two of three still commit.
func TestStalledFollower(t *testing.T) {
	t.Parallel()
	e := zktest.StartEnsemble(t, 3)
	slow := e.Followers()[0]
	slow.StallSync()
	create(t, connect(t, 10*time.Second, e.Leader().Addr()), "/a", 0)
	slow.ResumeSync()
	conn := connect(t, 10*time.Second, slow.Addr())
	if _, err := conn.Sync("/"); err != nil {
		t.Fatal(err)
	}
	if !exists(t, conn, "/a") {
		t.Error("the slow follower did not catch up")
	}
}

// TestWipedMember comes back with nothing and gets everything.
func TestWipedMember(t *testing.T) {
	t.Parallel()
	e := zktest.StartEnsemble(t, 3)
	create(t, connect(t, 10*time.Second, e.Leader().Addr()), "/a", 0)
	s := e.Followers()[0]
	s.Kill()
	s.Wipe()
	s.Restart()
	conn := connect(t, 10*time.Second, s.Addr())
	if _, err := conn.Sync("/"); err != nil {
		t.Fatal(err)
	}
	if !exists(t, conn, "/a") {
		t.Error("the wiped member has not got the data")
	}
}

// TestExpireInEnsemble ends the session of a follower's client.
func TestExpireInEnsemble(t *testing.T) {
	t.Parallel()
	e := zktest.StartEnsemble(t, 3)
	conn := connect(t, time.Minute, e.Followers()[0].Addr())
	create(t, conn, "/e", zk.FlagEphemeral)
	session := conn.SessionID()
	e.ExpireSession(session)
	eventually(t, "the client has another session", func() bool {
		found, _, err := conn.Exists("/e")
		return err == nil && !found && conn.SessionID() != session
	})
}
