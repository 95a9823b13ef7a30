//go:build compat

package ensemble

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// TestWipeOne empties the directory of one member after the other under load:
// it gets all back from whichever kind leads.
func TestWipeOne(t *testing.T) {
	for _, name := range []string{"MMM", "M9M", "9M9"} {
		t.Run(name, func(t *testing.T) {
			if name != "MMM" {
				demandWholeMatrix(t)
			}
			// Nothing is sent from the log on disk, and little from memory.
			e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds(name), Props: map[string]string{"zookeeper.snapshotSizeFactor": "-1"}})
			e.Launch(e.Members...)
			l := begin(t, e.Addrs())
			l.progress(300)
			for _, m := range e.Members {
				m.Kill()
				m.Wipe()
				e.Await()
				l.progress(20)
				e.Launch(m)
				if leader := e.Leader(); leader.Metric("zk_snap_count") == "0" {
					t.Errorf("server %d, %s has sent no snapshot", leader.ID, leader.Flavor)
				}
				l.progress(20)
			}
			conclude(t, e, l)
		})
	}
}

// TestWipeAll empties all members under a live client. Its session ends: no
// server knows it, and as long as the new history is shorter than the old one
// a client that has seen more is not even answered.
func TestWipeAll(t *testing.T) {
	for _, name := range []string{"MMM", "9MM"} {
		t.Run(name, func(t *testing.T) {
			if name != "MMM" {
				demandWholeMatrix(t)
			}
			e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds(name)})
			e.Launch(e.Members...)
			client, err := wire.Open(e.Members[0].Addr(), sessionTimeout)
			must(t, err)
			_, err = client.Create("/before", nil, proto.OpenACL, proto.FlagEphemeral)
			must(t, err)
			// Another leader, so that the old history's epoch is ahead.
			leader := e.Leader()
			leader.Kill()
			e.Await()
			e.Launch(leader)
			moved, err := client.Move(e.Members[0].Addr(), replyLimit)
			must(t, err)
			_, err = moved.SetData("/before", []byte("seen"), -1)
			must(t, err)
			for _, m := range e.Members {
				m.Kill()
				m.Wipe()
			}
			e.Launch(e.Members...)
			for _, m := range e.Members {
				if _, err := moved.Move(m.Addr(), replyLimit); !errors.Is(err, io.EOF) {
					t.Errorf("%s answers a client that has seen zxid %#x: %v", m.Flavor, moved.LastZxid, err)
				}
				if _, err := wire.Resume(m.Addr(), sessionTimeout, moved.SessionID, moved.Passwd); !errors.Is(err, wire.ErrSessionGone) {
					t.Errorf("%s does not end a session of the time before: %v", m.Flavor, err)
				}
			}
			fresh, err := wire.Open(e.Members[0].Addr(), sessionTimeout)
			must(t, err)
			defer fresh.Close()
			if _, err := fresh.Exists("/before", false); err != proto.ErrNoNode {
				t.Errorf("a znode of the time before: %v", err)
			}
			demandEqual(t, e)
		})
	}
}

// TestInitialized marks an ensemble as initialised, as zkServer-initialize.sh
// and db.autocreate=false do. A member that comes back empty then has nothing
// to vote for: with a member that has missed a write it elects nobody, and the
// write is there when the one that knows it is back.
func TestInitialized(t *testing.T) {
	for _, name := range []string{"MMM", "9MM", "MM9", "M99"} {
		t.Run(name, func(t *testing.T) {
			if name != "MMM" {
				demandWholeMatrix(t)
			}
			e := rig.NewEnsemble(t, rig.EnsembleSpec{Kinds: kinds(name), Props: map[string]string{"zookeeper.db.autocreate": "false"}})
			for _, m := range e.Members {
				must(t, os.WriteFile(filepath.Join(m.DataDir, "initialize"), nil, 0o600))
			}
			e.Launch(e.Members...)
			wiped, knows, behind := e.Members[0], e.Members[1], e.Members[2]
			behind.Kill()
			e.Await()
			writeAlone(t, knows)
			knows.Kill()
			wiped.Kill()
			wiped.Wipe()
			wiped.Launch()
			behind.Launch()
			// An election takes a moment; that none ends can only be waited for.
			for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
				if leader := e.Leader(); leader != nil {
					t.Fatalf("server %d, %s leads without the acknowledged write", leader.ID, leader.Flavor)
				}
			}
			e.Launch(knows)
			for _, m := range e.Members {
				c, err := wire.Open(m.Addr(), sessionTimeout)
				must(t, err)
				if data, _, err := c.Get("/acknowledged", false); string(data) != "by two" {
					t.Errorf("server %d, %s: the write is lost: %q, %v", m.ID, m.Flavor, data, err)
				}
				must(t, c.CloseSession())
			}
			demandWhole(t, e, demandEqual(t, e))
		})
	}
}

func writeAlone(t *testing.T, m *rig.Member) {
	t.Helper()
	c, err := wire.Open(m.Addr(), sessionTimeout)
	must(t, err)
	_, err = c.Create("/acknowledged", []byte("by two"), proto.OpenACL, proto.FlagPersistent)
	must(t, err)
	must(t, c.CloseSession())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
