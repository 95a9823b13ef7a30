package peer

import (
	"fmt"
	"io"
	"math"
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

// voter is a server of which only the election transport is there.
type voter struct {
	*Election
	mu    sync.Mutex
	heard []string
}

func (v *voter) deliver(in quorum.Input) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch in := in.(type) {
	case quorum.Notified:
		v.heard = append(v.heard, fmt.Sprintf("%d votes %d", in.From, in.Notification.Zxid))
	case quorum.Reachable:
		v.heard = append(v.heard, fmt.Sprintf("%d up", in.Server))
	case quorum.Unreachable:
		v.heard = append(v.heard, fmt.Sprintf("%d down", in.Server))
	}
}

// news returns what was delivered since the last call.
func (v *voter) news() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	heard := v.heard
	v.heard = nil
	return heard
}

// last returns the last of the news that came from or is about a server.
func last(news []string, server int64) string {
	prefix := fmt.Sprintf("%d ", server)
	for _, s := range slices.Backward(news) {
		if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
			return s
		}
	}
	return ""
}

func host(id int64) string { return fmt.Sprintf("s%d:1", id) }

func startVoter(t *testing.T, n *memNet, id int64, servers ...int64) *voter {
	t.Helper()
	v := &voter{}
	peers := map[int64][]string{}
	for _, s := range servers {
		peers[s] = []string{host(s)}
	}
	e, err := NewElection(ElectionConfig{
		ID: id, Addresses: []string{host(id)}, Peers: peers, Listeners: []net.Listener{n.listen(host(id))},
		Dial: n.dialFrom(host(id)), Deliver: v.deliver, DialTimeout: 5 * time.Second, HandshakeTimeout: 10 * time.Second, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	v.Election = e
	return v
}

func vote(zxid int64) proto.Notification { return proto.Notification{Leader: 1, Zxid: zxid} }

func want(t *testing.T, v *voter, what ...string) {
	t.Helper()
	synctest.Wait()
	if got := v.news(); !slices.Equal(got, what) {
		t.Errorf("server %d heard %q, want %q", v.cfg.ID, got, what)
	}
}

// One connection serves both directions, whoever has something to say first,
// and it is the one that the larger id dialled.
func TestElectionOneConnection(t *testing.T) {
	for _, first := range []int64{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			one, two := startVoter(t, n, 1, 1, 2), startVoter(t, n, 2, 1, 2)
			defer one.Close()
			defer two.Close()
			if first == 1 {
				one.Send(2, vote(11))
				want(t, two, "1 up", "1 votes 11")
				want(t, one, "2 up")
				two.Send(1, vote(22))
				want(t, one, "2 votes 22")
			} else {
				two.Send(1, vote(22))
				want(t, one, "2 up", "2 votes 22")
				want(t, two, "1 up")
				one.Send(2, vote(11))
				want(t, two, "1 votes 11")
			}
			if n.count() != 1 {
				t.Errorf("%d connections", n.count())
			}
			for c := range n.conns {
				if c.from != host(2) {
					t.Errorf("the connection that is left was dialled by %s", c.from)
				}
			}
		})
	}
}

// The newest vote is said again on a new connection, and the loss of the old
// one is noticed at once.
func TestElectionReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		one, two := startVoter(t, n, 1, 1, 2), startVoter(t, n, 2, 1, 2)
		defer one.Close()
		defer two.Close()
		two.Send(1, vote(1))
		one.Send(2, vote(7))
		synctest.Wait()
		one.news()
		two.news()
		start := time.Now()
		n.breakAll()
		want(t, one, "2 down")
		want(t, two, "1 down")
		if d := time.Since(start); d != 0 {
			t.Errorf("noticed after %v", d)
		}
		two.Send(1, vote(2))
		want(t, one, "2 up", "2 votes 2")
		want(t, two, "1 up", "1 votes 7")
	})
}

// A server that was restarted takes the place of its old connection, and
// nobody is told that it is gone.
func TestElectionReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		one := startVoter(t, n, 1, 1, 2)
		defer one.Close()
		for i := range int64(3) {
			conn, err := n.dialFrom(host(2))(t.Context(), host(1))
			if err != nil {
				t.Fatal(err)
			}
			hello := initialMessage{server: 2, addresses: []string{host(2)}}
			v := vote(i)
			conn.Write(appendFrame(hello.append(nil, false), &v))
			want(t, one, "2 up", fmt.Sprintf("2 votes %d", i))
		}
	})
}

// A server that does not answer and one whose name leads nowhere cost the
// others nothing, and are found as soon as their names lead to them.
func TestElectionUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		servers := []int64{1, 2, 3, 4}
		n.silent[host(2)] = true
		n.hosts[host(3)] = "nowhere"
		one, four := startVoter(t, n, 1, servers...), startVoter(t, n, 4, servers...)
		defer one.Close()
		defer four.Close()
		for _, to := range servers {
			four.Send(to, vote(9))
		}
		want(t, one, "4 up", "4 votes 9")
		if got := four.news(); last(got, 1) != "1 up" || last(got, 3) != "3 down" || last(got, 2) != "" {
			t.Errorf("heard %q", got)
		}
		for i := range int64(100) { // no dial is started while one is under way
			four.Send(2, vote(i))
		}
		time.Sleep(5 * time.Second)
		want(t, four, "2 down")
		if count := slices.Index(n.dialled, host(2)); count < 0 || slices.Contains(n.dialled[count+1:], host(2)) {
			t.Errorf("dialled %q", n.dialled)
		}
		three := startVoter(t, n, 3, servers...)
		defer three.Close()
		n.mu.Lock()
		n.hosts[host(3)] = host(3)
		n.mu.Unlock()
		four.Send(3, vote(10))
		want(t, three, "4 up", "4 votes 10")
		want(t, four, "3 up")
	})
}

// A peer that reads nothing gets the newest vote when it reads again.
func TestElectionNewestOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		l := n.listen(host(1))
		two := startVoter(t, n, 2, 1, 2)
		defer two.Close()
		for i := range int64(50) {
			two.Send(1, vote(i))
		}
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if m, err := readInitial(conn); err != nil || m.server != 2 || !slices.Equal(m.addresses, []string{host(2)}) {
			t.Fatal(m, err)
		}
		synctest.Wait() // the first vote is being written
		for i := range int64(50) {
			two.Send(1, vote(100+i))
		}
		for _, zxid := range []int64{49, 149} {
			want := vote(zxid)
			frame := appendFrame(nil, &want)
			got := make([]byte, len(frame))
			if _, err := io.ReadFull(conn, got); err != nil || !slices.Equal(got, frame) {
				t.Errorf("got %x, %v, want %x", got, err, frame)
			}
		}
	})
}

// What others say first is not believed beyond what Apache allows.
func TestElectionRefuses(t *testing.T) {
	long := func(v int64, rest ...byte) []byte { return append(jute.AppendLong(nil, v), rest...) }
	own := initialMessage{server: 5, addresses: []string{"a:1"}}
	good := initialMessage{server: 9, addresses: []string{"a:1"}}
	cases := map[string]struct {
		bytes []byte
		heard []string
	}{
		"own id":             {own.append(nil, false), nil},
		"unknown version":    {long(-65534), nil},
		"address too long":   {append(long(-65536), append(long(9), 0, 0, 8, 1)...), nil},
		"no address":         {append(long(-65536), append(long(9), 0, 0, 0, 0)...), nil},
		"no port":            {append(long(-65536), append(long(9), 0, 0, 0, 1, 'a')...), nil},
		"end of stream":      {long(-65536, 0), nil},
		"frame too long":     {append(good.append(nil, false), 0, 8, 0, 1), []string{"9 up", "9 down"}},
		"empty frame":        {append(good.append(nil, false), 0, 0, 0, 0), []string{"9 up", "9 down"}},
		"malformed vote":     {append(good.append(nil, false), 0, 0, 0, 1, 7), []string{"9 up", "9 down"}},
		"very old, id alone": {long(9), []string{"9 up", "9 down"}},
		"nameless observer":  {long(math.MaxInt64), []string{"-1 up", "-1 down"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				five := startVoter(t, n, 5, 5)
				defer five.Close()
				conn, err := n.dialFrom("x")(t.Context(), host(5))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = conn.Write(c.bytes)
				synctest.Wait()
				_ = conn.Close()
				want(t, five, c.heard...)
				if five.strangers != 0 || len(five.peers) != 0 || len(five.handshakes) != 0 {
					t.Errorf("kept %d strangers, %d peers, %d handshakes", five.strangers, len(five.peers), len(five.handshakes))
				}
			})
		})
	}
}

// Whoever does not say who it is takes a place for a while only, and there
// are not many.
func TestElectionSilentCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		one, two := startVoter(t, n, 1, 1, 2), startVoter(t, n, 2, 1, 2)
		defer one.Close()
		defer two.Close()
		for range maxHandshakes {
			if _, err := n.dialFrom("x")(t.Context(), host(1)); err != nil {
				t.Fatal(err)
			}
		}
		two.Send(1, vote(1))
		want(t, one) // no room
		time.Sleep(10 * time.Second)
		two.Send(1, vote(2))
		want(t, one, "2 up", "2 votes 2")
	})
}

// A server that is in no configuration is answered where it says it is.
func TestElectionStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		five := startVoter(t, n, 5, 5)
		two := startVoter(t, n, 2, 5)
		defer five.Close()
		two.Send(5, vote(3))
		want(t, five, "2 up", "2 votes 3")
		five.Send(2, vote(4))
		want(t, two, "5 up", "5 votes 4")
		two.Close()
		want(t, five, "2 down")
		if five.strangers != 0 || len(five.peers) != 0 {
			t.Errorf("%d strangers are remembered, %d peers", five.strangers, len(five.peers))
		}
	})
}
