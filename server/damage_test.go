package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
)

// damage changes a byte in the middle of the only log of a member that is
// stopped: in a record that it has acknowledged, with others behind it.
func (e *ensemble) damage(i int) {
	e.t.Helper()
	logs, err := filepath.Glob(filepath.Join(e.configs[i].Storage.LogDir, "version-2", "log.*"))
	if err != nil || len(logs) != 1 {
		e.t.Fatal(logs, err)
	}
	data, err := os.ReadFile(logs[0])
	if err != nil {
		e.t.Fatal(err)
	}
	data[len(data)/2] ^= 0xff
	if err := os.WriteFile(logs[0], data, 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// damaged stops a follower of an ensemble that has written something, and
// damages its log.
func damaged(t *testing.T, n int, change ...func(*conf.Config)) (e *ensemble, victim int) {
	e = startEnsemble(t, n, change...)
	client := connect(t, e.servers[e.leader()])
	for i := range 20 {
		client.create(fmt.Sprintf("/n%d", i), "data", 0)
	}
	e.agree()
	victim = e.follower()
	e.halt(victim)
	e.damage(victim)
	return e, victim
}

// TestDamagedMember has a record damaged that it may have acknowledged. It
// votes for nothing, and gets everything from the leader.
func TestDamagedMember(t *testing.T) {
	e, victim := damaged(t, 3)
	if zxid := e.start(victim).recovered.Zxid; zxid != -1 {
		t.Errorf("it claims to have 0x%x", zxid)
	}
	e.serving()
	e.agree()
	client := connect(t, e.servers[victim])
	client.must(proto.OpExists, &proto.WatchableRequest{Path: "/n19"})
	client.create("/after", "", 0)
	e.agree()
	e.halt(victim)
	if zxid := e.start(victim).recovered.Zxid; zxid <= 0 {
		t.Errorf("what it got is not on its disk: it has 0x%x", zxid)
	}
	e.serving()
	e.agree()
}

// TestDamagedMemberAlone shows nothing of the data that it has lost to those
// who accept reads without a leader.
func TestDamagedMemberAlone(t *testing.T) {
	e, victim := damaged(t, 3, func(c *conf.Config) { c.Quorum.ReadOnly = true })
	for i, srv := range e.servers {
		if srv != nil {
			e.halt(i)
		}
	}
	m := e.start(victim).engine.(*member)
	asked := make(chan bool)
	m.later(func() {
		m.serveAlone(m.turn.Load())
		asked <- m.term == nil
	})
	if !<-asked {
		t.Error("it serves an empty tree")
	}
}

// TestDamagedMemberOfTwo cannot be elected without: it refuses to start, and
// says why, as a server does that stands alone.
func TestDamagedMemberOfTwo(t *testing.T) {
	e, victim := damaged(t, 2)
	srv, err := New(e.configs[victim], zerolog.Nop(), BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	var corrupt *persistence.CorruptError
	if err := srv.Start(); !errors.As(err, &corrupt) || corrupt.Remedy == "" {
		t.Errorf("start: %v", err)
	}
}
