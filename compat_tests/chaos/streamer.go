package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	streams      = root + "/streams"
	streamerPace = 40 * time.Millisecond
	burstMost    = 40 // writes sent at once
)

// streamer is a client that sends many writes before it reads a reply. They
// happen in order, and when the connection is lost in between, those that have
// happened are the first ones.
type streamer struct {
	id     int
	h      *history
	s      *session
	rand   *rand.Rand
	synced bool // a read behind a sync shows all that has happened
	n      int  // znodes used
	writes int  // acknowledged

	path    string // "" before it is made
	value   int64  // that it holds
	version int32
	sent    int64 // the last value that was sent
}

func newStreamer(id int, h *history, s *session, seed uint64, synced bool) *streamer {
	return &streamer{id: id, h: h, s: s, rand: rand.New(rand.NewPCG(seed, uint64(id)+500)), synced: synced}
}

// run writes until stop is closed.
func (w *streamer) run(ctx context.Context, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Duration(w.rand.Int64N(int64(2 * streamerPace)))):
		}
		broken := false
		switch {
		case w.path == "":
			broken = w.begin()
		case w.sent != w.value:
			broken = w.find()
		default:
			broken = w.burst()
		}
		if !broken {
			continue
		}
		isNew, err := w.s.move(ctx)
		if err != nil {
			return err
		}
		if isNew || !w.synced {
			w.path = "" // nobody can tell what has become of the last burst
		}
	}
}

// begin makes a new znode.
func (w *streamer) begin() (broken bool) {
	w.n++
	p := fmt.Sprintf("%s/%d-%d", streams, w.id, w.n)
	out, code, broken := w.s.do(func(c *wire.Client) error {
		_, err := c.Create(p, []byte("0"), proto.OpenACL, proto.FlagPersistent)
		return err
	})
	switch {
	case out == acked:
		w.path, w.value, w.version, w.sent = p, 0, 0, 0
	case out == refused && !broken:
		w.h.violation("creation of %s is refused: %v", p, code)
	}
	return broken
}

// burst sends writes of the next values.
func (w *streamer) burst() (broken bool) {
	var calls []wire.MultiOp
	for range 1 + w.rand.IntN(burstMost) {
		w.sent++
		calls = append(calls, wire.MultiOp{Op: proto.OpSetData, Body: &proto.SetDataRequest{Path: w.path, Data: strconv.AppendInt(nil, w.sent, 10), Version: -1}})
	}
	_, code, broken := w.s.do(func(c *wire.Client) error {
		replies, err := c.Pipeline(calls)
		for _, d := range replies {
			var stat proto.Stat
			stat.Decode(d)
			w.value++
			w.version++
			w.writes++
			if stat.Version != w.version {
				w.h.violation("%s has version %d after write %d, which should have made it %d", w.path, stat.Version, w.value, w.version)
			}
		}
		return err
	})
	if code != proto.OK && !broken {
		w.h.violation("a write to %s is refused: %v", w.path, code)
	}
	return broken || code != proto.OK // the end of a pipeline is that of its connection
}

// find reads how much of a burst has happened.
func (w *streamer) find() (broken bool) {
	var data []byte
	var stat proto.Stat
	_, code, broken := w.s.do(func(c *wire.Client) (err error) {
		if err = c.Sync(w.path); err == nil {
			data, stat, err = c.Get(w.path, false)
		}
		return err
	})
	if broken {
		return true
	}
	value, _ := strconv.ParseInt(string(data), 10, 64)
	if wrong := w.gap(value, stat.Version); code != proto.OK || wrong {
		w.h.violation("%s holds %d at version %d (%v); %d at version %d was acknowledged, and up to %d sent",
			w.path, value, stat.Version, code, w.value, w.version, w.sent)
	}
	w.value, w.version, w.sent = value, stat.Version, value
	return false
}

// gap tells whether writes were lost, or left out of their order.
func (w *streamer) gap(value int64, version int32) bool {
	return value < w.value || value > w.sent || value-w.value != int64(version-w.version)
}
