package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/quorum"
)

// linkEnd is a server of which only the quorum connections are there.
type linkEnd struct {
	*Links
	mu     sync.Mutex
	heard  []string
	staged [][]byte
}

func (e *linkEnd) deliver(in quorum.Input) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch in := in.(type) {
	case quorum.Received:
		e.heard = append(e.heard, fmt.Sprintf("%d %s %d", in.Link, in.Packet.Type, in.Packet.Zxid))
	case quorum.LinkGone:
		e.heard = append(e.heard, fmt.Sprintf("%d gone", in.Link))
	case quorum.Alive:
		e.heard = append(e.heard, fmt.Sprintf("%d alive", in.Link))
	}
}

func (e *linkEnd) news() []string {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

// stage takes a snapshot of 10 buffers.
func (e *linkEnd) stage(_ quorum.Link, _ int64, r *jute.Reader) error {
	for range 10 {
		b := r.Buffer()
		if err := r.Err(); err != nil {
			return err
		}
		e.staged = append(e.staged, b)
	}
	return nil
}

func startLinks(t *testing.T, n *memNet, id int64) *linkEnd {
	t.Helper()
	e := &linkEnd{}
	links, err := NewLinks(LinksConfig{
		Peers: map[int64][]string{1: {host(1)}, 2: {host(2)}}, Listeners: []net.Listener{n.listen(host(id))},
		Dial: n.dialFrom(host(id)), Deliver: e.deliver, Stage: e.stage, DialTimeout: time.Second, FirstTimeout: 10 * time.Second,
		MaxPacketBytes: 1 << 20, MaxQueueBytes: 4 << 20, MaxLinks: 3, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Links = links
	return e
}

func (e *linkEnd) connect(t *testing.T, to int64) quorum.Link {
	t.Helper()
	var link quorum.Link
	var err error
	e.Dial(t.Context(), to, false, func(l quorum.Link, dialErr error) { link, err = l, dialErr })
	synctest.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return link
}

func packet(kind proto.PacketType, zxid int64) Outgoing {
	return Outgoing{Packet: proto.QuorumPacket{Type: kind, Zxid: zxid}}
}

func wantNews(t *testing.T, e *linkEnd, what ...string) {
	t.Helper()
	if got := e.news(); !slices.Equal(got, what) {
		t.Errorf("heard %q, want %q", got, what)
	}
}

// pair is a leader and a learner that has said hello.
func pair(t *testing.T, n *memNet) (leader, learner *linkEnd, link quorum.Link) {
	leader, learner = startLinks(t, n, 1), startLinks(t, n, 2)
	t.Cleanup(leader.Close)
	t.Cleanup(learner.Close)
	link = learner.connect(t, 1)
	learner.Send(link, packet(proto.PacketFollowerInfo, 0))
	wantNews(t, leader, "1 FOLLOWERINFO 0")
	return leader, learner, link
}

func TestLinksCarryAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		leader, learner, link := pair(t, n)
		for zxid := range int64(3) {
			leader.Send(1, packet(proto.PacketProposal, zxid))
		}
		wantNews(t, learner, "1 PROPOSAL 0", "1 PROPOSAL 1", "1 PROPOSAL 2")
		// What was sent before a link is broken off still arrives; only the
		// other side is told.
		leader.Send(1, packet(proto.PacketUpToDate, -1))
		leader.Break(1)
		wantNews(t, learner, "1 UPTODATE -1", "1 gone")
		wantNews(t, leader)
		if leader.Remote(1) != nil || learner.Remote(link) != nil {
			t.Error("the link is remembered")
		}
		// A number is not used twice, and a loss is noticed at once.
		link = learner.connect(t, 1)
		learner.Send(link, packet(proto.PacketObserverInfo, 7))
		wantNews(t, leader, "2 OBSERVERINFO 7")
		start := time.Now()
		n.breakAll()
		wantNews(t, leader, "2 gone")
		wantNews(t, learner, "2 gone")
		if d := time.Since(start); d != 0 {
			t.Errorf("noticed after %v", d)
		}
	})
}

func TestLinksDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		learner := startLinks(t, n, 2)
		defer learner.Close()
		var failed error
		done := func(_ quorum.Link, err error) { failed = err }
		learner.Dial(t.Context(), 1, false, done)
		synctest.Wait()
		if !errors.Is(failed, errRefused) {
			t.Errorf("nobody listens: %v", failed)
		}
		learner.Dial(t.Context(), 3, false, done)
		synctest.Wait()
		if !errors.Is(failed, errNoAddress) {
			t.Errorf("nobody knows server 3: %v", failed)
		}
		n.silent[host(1)] = true
		start := time.Now()
		learner.Dial(t.Context(), 1, false, done)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !errors.Is(failed, context.DeadlineExceeded) {
			t.Errorf("silent for %v: %v", time.Since(start), failed)
		}
		failed = nil
		ctx, cancel := context.WithCancel(t.Context())
		learner.Dial(ctx, 1, false, done)
		cancel()
		synctest.Wait()
		if !errors.Is(failed, context.Canceled) {
			t.Errorf("cancelled: %v", failed)
		}
	})
}

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes int
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.writes++
	return c.Conn.Write(b)
}

// All that gathers while a write is under way goes out in the next one.
func TestLinkBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		conn := &countingConn{Conn: a}
		l := newLink(1, conn, false, 1<<20)
		ended := make(chan error, 1)
		go func() { ended <- l.write(&LinksConfig{}) }()
		var sent []byte
		for i := range int64(101) {
			m := packet(proto.PacketCommit, i)
			sent = m.Packet.Append(sent)
			if !l.push(m) {
				t.Fatal("queue is full")
			}
			if i == 0 {
				synctest.Wait() // the first is being written, nobody reads
			}
		}
		if l.bytes != 101*packetOverhead {
			t.Errorf("%d bytes wait", l.bytes)
		}
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		synctest.Wait()
		if conn.writes != 2 || l.bytes != 0 || l.sent != 101 {
			t.Errorf("%d writes of %d packets, %d bytes still wait", conn.writes, l.sent, l.bytes)
		}
		l.abort()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// A peer that reads nothing is dropped, and nobody else is held up.
func TestLinksSlowPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		leader, learner, _ := pair(t, n)
		frozen, err := n.dialFrom("x")(t.Context(), host(1))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = frozen.Write(packet(proto.PacketFollowerInfo, 9).bytes())
		wantNews(t, leader, "2 FOLLOWERINFO 9")
		data := make([]byte, 1<<20-1)
		for i := range int64(5) {
			for _, to := range []quorum.Link{1, 2} {
				leader.Send(to, Outgoing{Packet: proto.QuorumPacket{Type: proto.PacketProposal, Zxid: i, Data: data}})
			}
			wantNews(t, learner, fmt.Sprintf("1 PROPOSAL %d", i))
		}
		wantNews(t, leader, "2 gone")
		leader.Send(1, packet(proto.PacketCommit, 5))
		wantNews(t, learner, "1 COMMIT 5")
	})
}

// A link that is broken off while its peer reads nothing is closed all the same.
func TestLinksBreakFrozenPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		leader := startLinks(t, n, 1)
		defer leader.Close()
		frozen, err := n.dialFrom("x")(t.Context(), host(1))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = frozen.Write(packet(proto.PacketFollowerInfo, 9).bytes())
		leader.Send(1, packet(proto.PacketCommit, 1))
		wantNews(t, leader, "1 FOLLOWERINFO 9")
		leader.Break(1)
		time.Sleep(finishTimeout)
		synctest.Wait()
		if leader.Remote(1) != nil {
			t.Error("the link is still there")
		}
		wantNews(t, leader)
	})
}

func (m Outgoing) bytes() []byte { return m.Packet.Append(nil) }

// A snapshot is a stream behind its packet; while it is on its way both sides
// are told that it moves.
func TestLinksSnapshot(t *testing.T) {
	for name, signature := range map[string]string{"whole": snapshotSignature, "without signature": "x"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				leader, learner, _ := pair(t, n)
				sent := make(chan struct{})
				snap := packet(proto.PacketSnap, 77)
				snap.Sent = func() { close(sent) }
				snap.Stream = func(w io.Writer) error {
					for range 10 {
						time.Sleep(400 * time.Millisecond)
						if _, err := w.Write(jute.AppendBuffer(nil, make([]byte, 100_000))); err != nil {
							return err
						}
					}
					_, err := w.Write(jute.AppendString(nil, signature))
					return err
				}
				leader.Send(1, snap)
				leader.Send(1, packet(proto.PacketNewLeader, 78))
				time.Sleep(5 * time.Second)
				<-sent
				if signature != snapshotSignature {
					if got := learner.news(); !slices.Contains(got, "1 gone") || slices.Contains(got, "1 SNAP 77") {
						t.Errorf("heard %q", got)
					}
					return
				}
				wantNews(t, learner, "1 alive", "1 alive", "1 alive", "1 SNAP 77", "1 NEWLEADER 78")
				wantNews(t, leader, "1 alive", "1 alive", "1 alive")
				if len(learner.staged) != 10 || len(learner.staged[9]) != 100_000 {
					t.Errorf("%d buffers were staged", len(learner.staged))
				}
			})
		})
	}
}

// What a learner may not send ends its link, and links have a limit.
func TestLinksRefuse(t *testing.T) {
	hello := packet(proto.PacketFollowerInfo, 0).bytes()
	cases := map[string]struct {
		bytes []byte
		heard []string
	}{
		"other first packet": {packet(proto.PacketAck, 1).bytes(), []string{"1 gone"}},
		"snapshot":           {append(hello, packet(proto.PacketSnap, 1).bytes()...), []string{"1 FOLLOWERINFO 0", "1 gone"}},
		"data too long":      {append(jute.AppendLong([]byte{0, 0, 0, 11}, 0), 0, 16, 0, 1), []string{"1 gone"}},
		"nothing":            {[]byte{0}, []string{"1 gone"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				leader := startLinks(t, n, 1)
				defer leader.Close()
				conn, err := n.dialFrom("x")(t.Context(), host(1))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = conn.Write(c.bytes)
				time.Sleep(10 * time.Second)
				wantNews(t, leader, c.heard...)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		leader := startLinks(t, n, 1)
		defer leader.Close()
		for i := range 4 {
			conn, err := n.dialFrom("x")(t.Context(), host(1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = conn.Write(hello); (err != nil) != (i == 3) {
				t.Errorf("connection %d: %v", i, err)
			}
		}
	})
}
