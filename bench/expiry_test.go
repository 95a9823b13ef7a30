package bench

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The stub forgets ephemerals when it has been asked for them a few times; one
// more connection is the session that looks.
func TestExpiryWaitsForTheLastEphemeral(t *testing.T) {
	s := newStub(t)
	const looks = 5
	asked := 0
	s.behave(func(_ int, h proto.RequestHeader, usual []byte) ([]byte, bool) {
		if h.Op != proto.OpExists {
			return usual, false
		}
		if asked++; asked == 3+looks { // each session looks at "/" before it dies
			for path := range s.nodes {
				if strings.Contains(path, "/of-") {
					delete(s.nodes, path)
				}
			}
		}
		return usual, false
	})
	c := small(Expiry, s.addr())
	c.Ephemerals = 7
	r := mustRun(t, c)
	if r.Ops != 3*7 || s.served(proto.OpCreate) != 3*7+2 {
		t.Errorf("%d ephemerals, %d creates", r.Ops, s.served(proto.OpCreate))
	}
	if asked < 3+looks || s.znodes() != 0 {
		t.Errorf("ended after %d looks with %d znodes", asked, s.znodes())
	}
	// The stub's sessions last long, so all was gone before their timeout.
	if r.GoneMillis >= 0 {
		t.Errorf("gone %v ms after the timeout", r.GoneMillis)
	}
	if n := s.served(proto.OpCloseSession); n != 2 {
		t.Errorf("%d sessions were closed, and only those that look and clean may be", n)
	}
}

func TestExpiryGivesUp(t *testing.T) {
	s := newStub(t)
	s.mu.Lock()
	s.granted = 10
	s.mu.Unlock()
	c := small(Expiry, s.addr())
	c.Patience = 10 * time.Millisecond
	if _, err := Run(t.Context(), c); !errors.Is(err, ErrStalled) {
		t.Errorf("ephemerals that stay: %v", err)
	}
}
