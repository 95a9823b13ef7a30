package client

import (
	"context"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// FuzzReceive feeds a connection whatever a server may send.
func FuzzReceive(f *testing.F) {
	event := proto.WatcherEvent{Type: proto.EventNodeCreated, State: proto.StateSyncConnected, Path: "/a"}
	f.Add(event.Append(proto.ReplyHeader{Xid: proto.XidNotification, Zxid: 1}.Append(nil)))
	f.Add(proto.ReplyHeader{Xid: 1, Err: proto.ErrNoNode}.Append(nil))
	f.Add(proto.MultiEnd.Append(proto.MultiHeader{Op: proto.OpDelete}.Append(proto.ReplyHeader{Xid: 1}.Append(nil))))
	f.Add(proto.ReplyHeader{Xid: proto.XidAuth, Err: proto.ErrAuthFailed}.Append(nil))
	f.Fuzz(func(t *testing.T, frame []byte) {
		c := &Client{slots: make(chan struct{}, 1), watches: newWatchTable()}
		c.watches.recursive["/"] = struct{}{}
		l := newLine(nil)
		call := &Call{xid: 1, op: proto.OpMulti, done: make(chan struct{})}
		l.pending = []*Call{call}
		err := c.receive(l, frame)
		select {
		case <-call.done:
			if err != nil {
				t.Errorf("the reply was taken, and is an error: %v", err)
			}
			_ = (&MultiCall{call, make([]Op, 1)}).Wait(context.Background())
		default:
		}
	})
}

// FuzzStat reads a reply of any bytes.
func FuzzStat(f *testing.F) {
	f.Add(new(proto.Stat).Append(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := jute.NewDecoder(body)
		if _, err := new(Client).stat(&d, nil); (err == nil) != (len(body) >= proto.StatBytes) {
			t.Errorf("%d bytes: %v", len(body), err)
		}
	})
}
