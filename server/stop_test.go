package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// stopWithin stops a server that gives its clients patience, and fails the
// test when it takes much longer.
func stopWithin(t testing.TB, srv *Server, patience time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	err := srv.Stop(ctx)
	if took := time.Since(began); took > patience+2*time.Second {
		t.Errorf("stopped after %v, patience was %v", took, patience)
	}
	return err
}

// created counts the children of the root that the tests have made.
func created(t testing.TB, srv *Server) int {
	t.Helper()
	d := jute.NewDecoder(connect(t, srv).must(proto.OpGetChildren, &proto.WatchableRequest{Path: "/"}).body)
	return len(d.Strings()) - 1 // without /zookeeper
}

// countReplies reads until the connection ends and counts the frames.
func (c *testClient) countReplies() (n int) {
	for {
		if _, err := c.tryRead(); err != nil {
			return n
		}
		n++
	}
}

// TestStopAnswersThousands stops while many clients have writes waiting for
// the disk: what was read is done and answered, nothing else is done.
func TestStopAnswersThousands(t *testing.T) {
	const clients, writes = 20, 200
	for _, throttled := range []int{0, 30} {
		t.Run(fmt.Sprint("throttle ", throttled), func(t *testing.T) {
			disk := vfs.NewMem()
			srv := startOn(t, disk, func(c *conf.Config) { c.Requests.ThrottleMax, c.Requests.ThrottleStallMs = throttled, 10 })
			var all []*testClient
			for range clients {
				all = append(all, connect(t, srv))
			}
			release := holdSyncs(t, disk)
			var answered atomic.Int64
			var group sync.WaitGroup
			for _, c := range all {
				var burst [][]byte
				for range writes {
					burst = append(burst, c.request(proto.OpCreate, createRequest("/n-", "", proto.FlagPersistentSequential)))
				}
				c.write(burst...)
				group.Go(func() { answered.Add(int64(c.countReplies())) })
			}
			underWay(t, srv, 1)
			stopped := make(chan error)
			go func() { stopped <- stopWithin(t, srv, testPatience) }()
			<-srv.stopping
			release()
			if err := <-stopped; err != nil {
				t.Error(err)
			}
			group.Wait()
			stored := created(t, startOn(t, disk))
			if int64(stored) != answered.Load() || stored == 0 {
				t.Errorf("%d stored, %d answered", stored, answered.Load())
			}
			t.Logf("%d of %d answered", stored, clients*writes)
		})
	}
}

// lateConn lets the first deadline of the handshake come after that of Stop.
type lateConn struct {
	net.Conn
	calls atomic.Int32
	first chan struct{} // closed when the first call has come
	let   chan struct{} // lets the first call go on
}

func (c *lateConn) SetReadDeadline(d time.Time) error {
	switch c.calls.Add(1) {
	case 1:
		close(c.first)
		<-c.let
	case 2:
		defer close(c.let)
	}
	return c.Conn.SetReadDeadline(d)
}

// TestStopDuringHandshake stops while a connection is about to give its client
// time for the handshake.
func TestStopDuringHandshake(t *testing.T) {
	srv := start(t)
	nc, served := net.Pipe()
	defer nc.Close()
	late := &lateConn{Conn: served, first: make(chan struct{}), let: make(chan struct{})}
	srv.admit(late)
	<-late.first
	if err := stopWithin(t, srv, time.Second); err != nil {
		t.Error(err)
	}
}

// TestStopWithDeafClients stops while clients take none of their replies.
func TestStopWithDeafClients(t *testing.T) {
	srv := start(t)
	setup := connect(t, srv)
	setup.create("/a", strings.Repeat("x", 500_000), proto.FlagPersistent)
	for range 5 {
		deaf := connectPipe(t, srv)
		deaf.write(deaf.request(proto.OpGetData, &proto.WatchableRequest{Path: "/a"}))
		behind := connectPipe(t, srv)
		behind.write(behind.request(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: -1}))
	}
	if err := stopWithin(t, srv, 300*time.Millisecond); err != nil {
		t.Error(err)
	}
}

// TestStopAfterFailedLog stops a server whose log has failed while clients
// have more writes for it than may wait.
func TestStopAfterFailedLog(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk, func(c *conf.Config) { c.Limits.LogQueueBytes = 1 << 10 })
	var clients []*testClient
	for range 10 {
		clients = append(clients, connect(t, srv))
	}
	broken := make(chan struct{})
	disk.Observe(func(op vfs.Op) error {
		if op.Kind != vfs.OpSync {
			return nil
		}
		<-broken
		return errors.New("the disk is broken")
	})
	for _, c := range clients {
		for range 100 {
			c.write(c.request(proto.OpCreate, createRequest("/n-", "data", proto.FlagPersistentSequential)))
		}
	}
	eventually(t, "the queue is full", func() bool {
		q := srv.orders().queue
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.batch.raw) > q.maxBytes
	})
	close(broken)
	<-srv.Done()
	if err := stopWithin(t, srv, time.Second); !errors.Is(err, persistence.ErrLogFailed) {
		t.Errorf("stopped with %v", err)
	}
}

// TestStopGivesUpSnapshot stops in the middle of a snapshot, which leaves
// nothing behind and takes no time.
func TestStopGivesUpSnapshot(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk, func(c *conf.Config) { c.Storage.SnapCount = 20 })
	client := connect(t, srv)
	begun := make(chan struct{})
	var once sync.Once
	var names sync.Map
	disk.Observe(func(op vfs.Op) error {
		if op.Kind == vfs.OpCreate && strings.HasPrefix(path.Base(op.Path), "snapshot.") {
			names.Store(op.Path, true)
			once.Do(func() { close(begun) })
			<-srv.stopping
		}
		return nil
	})
	written := 0
	for ; ; written++ {
		client.create("/n-", "", proto.FlagPersistentSequential)
		select {
		case <-begun:
		default:
			continue
		}
		break
	}
	if err := stopWithin(t, srv, time.Second); err != nil {
		t.Error(err)
	}
	names.Range(func(name, _ any) bool {
		if f, err := disk.Open(strings.TrimSuffix(name.(string), ".tmp")); err == nil {
			_ = f.Close()
			t.Errorf("%s was written after all", name)
		}
		return true
	})
	if n := created(t, startOn(t, disk)); n != written+1 {
		t.Errorf("%d znodes after the restart, want %d", n, written+1)
	}
}
