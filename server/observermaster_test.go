package server

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// mastered starts three voters that serve observers, and an observer.
func mastered(t *testing.T) *ensemble {
	port := freePorts(t, "", 1)[0]
	e := newEnsemble(t, 4, func(c *conf.Config) {
		for i := range c.Quorum.Servers { // all have the same port for observers
			c.Quorum.Servers[i].Addresses[0].Host = fmt.Sprintf("127.201.%d.%d", byte(os.Getpid()), i+1)
		}
		c.Quorum.Servers[3].Observer = true
		c.Quorum.Observer = c.Quorum.ID == 4
		c.Learner.ObserverMasterPort, c.Learner.ObserverQueueBytes = port, 32<<20
	})
	for i := range e.servers {
		e.start(i)
	}
	e.serving()
	return e
}

// via moves the observer to a server that does not lead, and returns its index.
func (e *ensemble) via() int {
	e.t.Helper()
	for range 20 {
		via := e.servers[3].engine.(*member).present().Via
		if at := int(via) - 1; at >= 0 && at != e.leader() {
			return at
		}
		e.halt(3)
		e.start(3)
		e.serving()
	}
	e.t.Fatal("the observer always chooses the leader")
	return -1
}

// The clients of an observer that learns from a follower write, sync and keep
// their sessions alive through it, and it looks for another master when that
// one stops.
func TestObserverOfFollower(t *testing.T) {
	e := mastered(t)
	master := e.via()
	client := connect(t, e.servers[3])
	client.create("/o", "", proto.FlagEphemeral)
	elsewhere := connect(t, e.servers[e.leader()])
	for i := range 10 {
		elsewhere.create(fmt.Sprintf("/p%d", i), "", 0)
		client.must(proto.OpSync, &proto.PathRequest{Path: "/"})
		client.must(proto.OpExists, &proto.WatchableRequest{Path: fmt.Sprintf("/p%d", i)})
	}
	moved := reconnect(t, e.servers[e.leader()], client)
	moved = reconnect(t, e.servers[3], moved) // asks the leader, through the follower
	moved.must(proto.OpSetData, &proto.SetDataRequest{Path: "/o", Data: []byte("x"), Version: -1})
	e.agree()

	e.halt(master)
	eventually(t, "the observer has another master", func() bool {
		r := e.servers[3].engine.(*member).present()
		return r.Via != 0 && int(r.Via) != master+1 && e.servers[3].term.Load() != nil
	})
	again := reconnect(t, e.servers[3], moved)
	again.create("/q", "", 0)
	e.agree()
}

// A session whose client only pings lives on, for what the observer touches
// reaches the leader through the follower; one that says nothing expires.
func TestObserverOfFollowerKeepsSessions(t *testing.T) {
	e := mastered(t)
	e.via()
	silent, alive := dial(t, e.servers[3]), dial(t, e.servers[3])
	for path, c := range map[string]*testClient{"/silent": silent, "/alive": alive} {
		c.handshake(&proto.ConnectRequest{TimeoutMs: 600})
		c.create(path, "", proto.FlagEphemeral)
	}
	e.agree()
	watcher := connect(t, e.servers[e.leader()])
	watcher.must(proto.OpExists, &proto.WatchableRequest{Path: "/silent", Watch: true})
	gone := make(chan proto.WatcherEvent, 1)
	go func() { gone <- watcher.readReply().event(t) }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case ev := <-gone:
			if ev.Path != "/silent" || ev.Type != proto.EventNodeDeleted {
				t.Errorf("%+v", ev)
			}
			alive.must(proto.OpExists, &proto.WatchableRequest{Path: "/alive"})
			return
		case <-tick.C:
			alive.must(proto.OpPing, nil)
		}
	}
}
