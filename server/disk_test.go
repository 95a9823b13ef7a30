package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// startOn runs a server on a disk in memory until the test ends.
func startOn(t testing.TB, disk *vfs.Mem, change ...func(*conf.Config)) *Server {
	t.Helper()
	cfg := testConfig("/data")
	for _, f := range change {
		f(cfg)
	}
	srv, err := New(cfg, zerolog.New(zerolog.NewTestWriter(t)), BuildInfo{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	srv.fs = disk
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, srv) })
	return srv
}

// TestFullDisk fills the disk: writes are refused, reads go on, and when
// there is room again, so do writes, without any acknowledged one lost.
func TestFullDisk(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk)
	client := connect(t, srv)
	disk.SetLimit(disk.Used() + 16<<20)
	data := string(make([]byte, 200_000))
	var acked []string
	refused := false
	for i := 0; i < 1000 && !refused; i++ {
		r := client.call(proto.OpCreate, createRequest(fmt.Sprintf("/n%d", i), data, proto.FlagPersistent))
		switch r.Err {
		case proto.OK:
			acked = append(acked, r.path(t))
		case proto.ErrSystem:
			refused = true
		default:
			t.Fatal(r.Err)
		}
	}
	if !refused {
		t.Fatal("no write was refused")
	}
	client.must(proto.OpGetData, &proto.WatchableRequest{Path: acked[len(acked)-1]})
	disk.SetLimit(1 << 40)
	for { // room is noticed when it is looked for, which is at most once a second
		r := client.call(proto.OpCreate, createRequest("/room", "", proto.FlagPersistent))
		if r.Err == proto.OK {
			break
		}
		if r.Err != proto.ErrSystem {
			t.Fatal(r.Err)
		}
	}
	stop(t, srv)
	again := connect(t, startOn(t, disk))
	for _, path := range append(acked, "/room") {
		if !again.exists(path) {
			t.Errorf("%s was acknowledged and is lost", path)
		}
	}
}

// TestSmallDisk serves from a disk that the usual reserve does not fit on.
func TestSmallDisk(t *testing.T) {
	for _, size := range []int64{20 << 20, 60 << 20, 500 << 20} {
		disk := vfs.NewMem()
		disk.SetLimit(size)
		srv := startOn(t, disk, func(c *conf.Config) { c.Limits.LogQueueBytes, c.Storage.PreallocBytes = 32<<20, 64<<20 })
		client := connect(t, srv)
		for i := range 50 {
			client.create(fmt.Sprintf("/n%d", i), strings.Repeat("x", 10_000), proto.FlagPersistent)
		}
	}
}

// TestFullDiskEndsSession fills the disk under a session that owns more
// ephemerals than the space that is held ready takes to delete. The session
// stays until there is room, and the server goes on.
func TestFullDiskEndsSession(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk, func(c *conf.Config) {
		c.Limits.MaxFrameBytes, c.Limits.ExtraFrameBytes, c.Limits.LogQueueBytes = 64<<10, 1<<10, 64<<10
		c.Storage.PreallocBytes = 64 << 10
	})
	owner, other := connect(t, srv), connect(t, srv)
	const ephemerals = 1500
	for i := range ephemerals {
		owner.create(fmt.Sprintf("/%04d%s", i, strings.Repeat("x", 3000)), "", proto.FlagEphemeral)
	}
	disk.SetLimit(disk.Used())
	if r := owner.call(proto.OpCloseSession, nil); r.Err != proto.ErrSystem {
		t.Fatalf("closeSession on a full disk: %v", r.Err)
	}
	other.must(proto.OpGetChildren, &proto.WatchableRequest{Path: "/"})
	disk.SetLimit(1 << 40)
	eventually(t, "the session ends", func() bool { return owner.call(proto.OpCloseSession, nil).Err == proto.OK })
	d := jute.NewDecoder(other.must(proto.OpGetChildren, &proto.WatchableRequest{Path: "/"}).body)
	if names := d.Strings(); len(names) != 1 {
		t.Errorf("%d znodes are left", len(names))
	}
	stop(t, srv)
	startOn(t, disk) // replays what was written in pieces
	select {
	case err := <-srv.Done():
		t.Error(err)
	default:
	}
}

// TestSmallRequestsLargeWrites sends requests of a few bytes that become large
// transactions: no more of them wait for the log than may.
func TestSmallRequestsLargeWrites(t *testing.T) {
	srv, slow, release := slowLog(t)
	client := connect(t, srv)
	const ids, idBytes, writes = 100, 1000, 60
	var frames [][]byte
	for i := range ids {
		frames = append(frames, authFrame("digest", fmt.Sprintf("%0*d:p", idBytes, i)))
	}
	client.write(frames...)
	for range ids {
		if r := client.readReply(); r.Err != proto.OK {
			t.Fatal(r.Err)
		}
	}
	slow()
	acl := []proto.ACL{{Perms: proto.PermAll, ID: proto.ID{Scheme: "auth"}}}
	frames = nil
	for i := range writes {
		frames = append(frames, client.request(proto.OpCreate, &proto.CreateRequest{Path: fmt.Sprintf("/n%d", i), ACL: acl}))
	}
	client.write(frames...)
	queue := srv.orders().queue
	queued := func() int {
		queue.mu.Lock()
		defer queue.mu.Unlock()
		return len(queue.batch.raw)
	}
	eventually(t, "the queue is full", func() bool { return queued() > queue.maxBytes })
	if n, most := queued(), queue.maxBytes+maxBurstBytes+2*ids*idBytes; n > most {
		t.Errorf("%d bytes wait for the log, %d may", n, most)
	}
	release()
	for range writes {
		if r := client.readReply(); r.Err != proto.OK {
			t.Fatal(r.Err)
		}
	}
}

// TestFailedSync makes the log's disk fail: the server reports a fatal error,
// and what was not synced is not acknowledged.
func TestFailedSync(t *testing.T) {
	disk := vfs.NewMem()
	srv := startOn(t, disk)
	client, reader := connect(t, srv), connect(t, srv)
	client.create("/before", "", proto.FlagPersistent)
	// The disk breaks when it gets the record, not before: else the file that
	// is made ready for later could not be made, and the write be refused.
	const recordAbove, recordBelow = 64, 4096 // bytes: neither a file's header nor zeros
	var armed, broken atomic.Bool
	disk.Observe(func(op vfs.Op) error {
		if armed.Load() && op.Kind == vfs.OpWrite && op.Bytes > recordAbove && op.Bytes < recordBelow {
			broken.Store(true)
		}
		if broken.Load() && op.Kind == vfs.OpSync {
			return errors.New("the disk is broken")
		}
		return nil
	})
	armed.Store(true)
	client.write(client.request(proto.OpCreate, createRequest("/after", "", proto.FlagPersistent)))
	if err := <-srv.Done(); !errors.Is(err, persistence.ErrLogFailed) {
		t.Errorf("fatal error: %v", err)
	}
	if reader.exists("/after") {
		t.Error("a write is visible that was not synced")
	}
	armed.Store(false)
	broken.Store(false)
	crashed := disk.Crash(vfs.LoseAll, 1)
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	if err := srv.Stop(ctx); !errors.Is(err, persistence.ErrLogFailed) {
		t.Errorf("a server whose log has failed stops with %v", err)
	}
	again := connect(t, startOn(t, crashed))
	if !again.exists("/before") {
		t.Error("an acknowledged write is lost")
	}
}

// TestCrashes takes the disk away at random points of a load of multis, each
// of which writes two znodes: after recovery every acknowledged multi is there,
// and none is there by half.
func TestCrashes(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			disk := vfs.NewMem()
			srv := startOn(t, disk, func(c *conf.Config) {
				c.Storage.SnapCount, c.Limits.LogQueueBytes, c.Limits.ExtraFrameBytes = 40, 1<<10, 0
			})
			client := connect(t, srv)
			var crashed atomic.Pointer[vfs.Mem]
			var acked, before, ops atomic.Int64
			disk.Observe(func(op vfs.Op) error {
				if !op.Kind.Changes() || crashed.Load() != nil {
					return nil
				}
				if ops.Add(1) == int64(10+seed*13) {
					before.Store(acked.Load()) // acknowledged before the crash, so durable
					crashed.Store(disk.Crash(vfs.LoseSome, seed))
				}
				return nil
			})
			for i := 0; crashed.Load() == nil && i < 3000; i++ {
				client.must(proto.OpMulti, pair(i))
				acked.Add(1)
			}
			if crashed.Load() == nil {
				t.Fatalf("no crash after %d operations", ops.Load())
			}
			again := connect(t, startOn(t, crashed.Load()))
			for i := range before.Load() + 50 {
				a, b := again.exists(fmt.Sprintf("/a%d", i)), again.exists(fmt.Sprintf("/b%d", i))
				if a != b || !a && i < before.Load() {
					t.Fatalf("multi %d of %d acknowledged: halves are there: %v, %v", i, before.Load(), a, b)
				}
			}
		})
	}
}

// pair is a multi that creates two znodes.
type pair int

func (p pair) Append(b []byte) []byte {
	for _, path := range []string{fmt.Sprintf("/a%d", p), fmt.Sprintf("/b%d", p)} {
		b = proto.MultiHeader{Op: proto.OpCreate, Err: -1}.Append(b)
		b = createRequest(path, "data", proto.FlagPersistent).Append(b)
	}
	return proto.MultiEnd.Append(b)
}
