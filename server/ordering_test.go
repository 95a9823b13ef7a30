package server

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// TestOrdering lets many sessions write and read the same znodes, pipelined,
// and checks what ZooKeeper promises each of them:
//   - replies come in the order of the requests, with zxids that never fall;
//   - a read sees every write of its session that was sent before it;
//   - an event comes before any reply that shows the state behind it.
func TestOrdering(t *testing.T) {
	const sessions, nodes, rounds, burst = 12, 4, 60, 16
	srv := start(t)
	setup := connect(t, srv)
	for n := range nodes {
		setup.create(fmt.Sprintf("/n%d", n), "\x00\x00\x00\x00\x00\x00\x00\x00", proto.FlagPersistent)
	}
	var group sync.WaitGroup
	for s := range sessions {
		o := &observer{
			client: connect(t, srv), rng: rand.New(rand.NewPCG(uint64(s), 7)),
			armed: map[string]int32{}, own: map[string]int32{}, seen: map[string]int32{},
		}
		group.Go(func() {
			for range rounds {
				o.round(nodes, burst)
			}
		})
	}
	group.Wait()
}

// observer is one session of TestOrdering.
type observer struct {
	client *testClient
	rng    *rand.Rand
	zxid   int64
	armed  map[string]int32 // watches: the version their getData has shown
	own    map[string]int32 // version after the session's own last write
	seen   map[string]int32 // highest version shown
	sent   []sentRequest
}

type sentRequest struct {
	xid  int32
	op   proto.Op
	path string
}

// round sends a burst and checks the replies and events that come.
func (o *observer) round(nodes, burst int) {
	c := o.client
	var frames [][]byte
	for range burst {
		path := fmt.Sprintf("/n%d", o.rng.IntN(nodes))
		switch o.rng.IntN(4) {
		case 0:
			data := binary.BigEndian.AppendUint64(nil, o.rng.Uint64())
			frames = append(frames, c.request(proto.OpSetData, &proto.SetDataRequest{Path: path, Data: data, Version: -1}))
			o.sent = append(o.sent, sentRequest{c.xid, proto.OpSetData, path})
		default:
			frames = append(frames, c.request(proto.OpGetData, &proto.WatchableRequest{Path: path, Watch: true}))
			o.sent = append(o.sent, sentRequest{c.xid, proto.OpGetData, path})
		}
	}
	c.write(frames...)
	for len(o.sent) > 0 {
		r := c.readReply()
		if r.Xid == proto.XidNotification {
			delete(o.armed, r.event(c.t).Path)
			continue
		}
		o.reply(r)
	}
}

func (o *observer) reply(r reply) {
	t, want := o.client.t, o.sent[0]
	o.sent = o.sent[1:]
	if r.Xid != want.xid || r.Err != proto.OK {
		t.Errorf("reply to xid %d with %v where xid %d was due", r.Xid, r.Err, want.xid)
		return
	}
	if r.Zxid < o.zxid {
		t.Errorf("zxid fell from 0x%x to 0x%x", o.zxid, r.Zxid)
	}
	o.zxid = r.Zxid
	var stat proto.Stat
	if want.op == proto.OpSetData {
		stat = r.stat(t)
		o.own[want.path] = stat.Version
	} else {
		_, stat = r.data(t)
		if stat.Version < o.own[want.path] {
			t.Errorf("%s: read version %d after writing version %d", want.path, stat.Version, o.own[want.path])
		}
	}
	if stat.Version < o.seen[want.path] {
		t.Errorf("%s: version fell from %d to %d", want.path, o.seen[want.path], stat.Version)
	}
	o.seen[want.path] = stat.Version
	if version, armed := o.armed[want.path]; armed && version != stat.Version {
		t.Errorf("%s: version %d shown with a watch armed at %d and no event", want.path, stat.Version, version)
	}
	if want.op == proto.OpGetData {
		o.armed[want.path] = stat.Version
	}
}

// TestReadsBehindWrites pipelines a write and, behind it, one of everything
// that must wait for it.
func TestReadsBehindWrites(t *testing.T) {
	c := connect(t, start(t))
	c.create("/a", "old", proto.FlagPersistent)
	get := &proto.WatchableRequest{Path: "/a"}
	c.write(
		c.request(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Data: []byte("new"), Version: -1}),
		c.request(proto.OpGetData, get),
		c.request(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: 99}), // fails, and has a zxid
		c.request(proto.OpSetData, nil),                                            // cannot be read, and has none
		c.request(proto.OpSync, &proto.PathRequest{Path: "/a"}),
		c.request(proto.OpGetData, &proto.WatchableRequest{Path: "/none"}),
		c.request(proto.OpCreate, createRequest("/a/b", "", proto.FlagPersistent)),
		c.request(proto.OpGetChildren, &proto.WatchableRequest{Path: "/a"}),
	)
	first := c.readReply()
	if data, _ := c.readReply().data(t); data != "new" {
		t.Errorf("read %q behind the write of %q", data, "new")
	}
	failed := c.readReply()
	if failed.Err != proto.ErrBadVersion || failed.Zxid != first.Zxid+1 {
		t.Errorf("failed write: %v, zxid 0x%x after 0x%x", failed.Err, failed.Zxid, first.Zxid)
	}
	malformed := c.readReply()
	if malformed.Err != proto.ErrMarshalling || malformed.Zxid != failed.Zxid {
		t.Errorf("malformed write: %v, zxid 0x%x", malformed.Err, malformed.Zxid)
	}
	if path := c.readReply().path(t); path != "/a" {
		t.Errorf("sync echoes %q", path)
	}
	if r := c.readReply(); r.Err != proto.ErrNoNode {
		t.Errorf("read of a missing znode: %v", r.Err)
	}
	if path := c.readReply().path(t); path != "/a/b" {
		t.Errorf("created %q", path)
	}
	d := jute.NewDecoder(c.readReply().body)
	if names := d.Strings(); len(names) != 1 || names[0] != "b" {
		t.Errorf("children %q", names)
	}
}
