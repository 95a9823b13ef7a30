package ensemble

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const (
	pace         = 4 * time.Millisecond // between the writes of one client
	keptEntries  = 12                   // sequential znodes that a writer leaves behind itself
	largeEvery   = 40                   // one write in so many is large
	largeBytes   = 20_000
	writersCount = 3
	idleCount    = 2
)

// writer is a client that writes under a folder of its own and keeps account
// of what it was told.
type writer struct {
	base  string
	s     *session
	n     int               // requests made
	acked atomic.Int64      // writes acknowledged
	sure  map[string]string // path and data of what was acknowledged
	maybe map[string]bool   // paths that may be there or not: their reply was lost
	lost  map[int]bool      // numbers of sequential creates without a reply
	pairs map[int]bool      // numbers of multis; false: the reply was lost
	value int               // largest number that was acknowledged for, or read from, the value
	queue []string          // acknowledged sequential znodes, oldest first
}

func newWriter(s *session, base string) *writer {
	return &writer{base: base, s: s, sure: map[string]string{}, maybe: map[string]bool{}, lost: map[int]bool{}, pairs: map[int]bool{}}
}

// prepare makes the folder.
func (w *writer) prepare() error {
	for _, path := range []string{w.base, w.base + "/value"} {
		if _, err := w.s.c.Create(path, []byte("0"), proto.OpenACL, proto.FlagPersistent); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// run writes until stop is closed. An error is the end of its session, or an
// answer that no correct server gives.
func (w *writer) run(ctx context.Context, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(pace):
		}
		err := w.step()
		if code, ok := refused(err); ok {
			return fmt.Errorf("%s, request %d by session %#x: %w", w.base, w.n, w.s.c.SessionID, code)
		}
		var wrong violation
		if errors.As(err, &wrong) {
			return err
		}
		if err != nil {
			if err := w.s.move(ctx); err != nil {
				return fmt.Errorf("%s: %w", w.base, err)
			}
		}
	}
}

// violation is an answer that breaks what a server guarantees.
type violation string

func (v violation) Error() string { return string(v) }

// step makes one request.
func (w *writer) step() error {
	w.n++
	var err error
	switch w.n % 6 {
	case 0:
		err = w.createSequential()
	case 1:
		err = w.createPair()
	case 2:
		err = w.set()
	case 3:
		err = w.createEphemeral()
	case 4:
		err = w.deleteOldest()
	default:
		return w.read()
	}
	if err == nil {
		w.acked.Add(1)
	}
	return err
}

func (w *writer) data() []byte {
	text := strconv.Itoa(w.n)
	if w.n%largeEvery == 0 {
		text += " " + strings.Repeat("x", largeBytes)
	}
	return []byte(text)
}

func (w *writer) createSequential() error {
	data := w.data()
	path, err := w.s.c.Create(w.base+"/s-", data, proto.OpenACL, proto.FlagPersistentSequential)
	if err != nil {
		w.lost[w.n] = true
		return err
	}
	if _, again := w.sure[path]; again {
		return violation(fmt.Sprintf("%s was created twice", path))
	}
	w.sure[path] = string(data)
	w.queue = append(w.queue, path)
	return nil
}

func (w *writer) pair(n int) (a, b string) {
	return fmt.Sprintf("%s/p-%d-a", w.base, n), fmt.Sprintf("%s/p-%d-b", w.base, n)
}

// createPair makes two znodes and sets the value in one transaction.
func (w *writer) createPair() error {
	a, b := w.pair(w.n)
	_, err := w.s.c.Multi(
		wire.MultiOp{Op: proto.OpCreate, Body: &proto.CreateRequest{Path: a, Data: w.data(), ACL: proto.OpenACL}},
		wire.MultiOp{Op: proto.OpSetData, Body: &proto.SetDataRequest{Path: w.base + "/value", Data: []byte(strconv.Itoa(w.n)), Version: -1}},
		wire.MultiOp{Op: proto.OpCreate, Body: &proto.CreateRequest{Path: b, Data: w.data(), ACL: proto.OpenACL}})
	w.pairs[w.n] = err == nil
	if err == nil {
		w.value = w.n
	}
	return err
}

func (w *writer) set() error {
	_, err := w.s.c.SetData(w.base+"/value", []byte(strconv.Itoa(w.n)), -1)
	if err == nil {
		w.value = w.n
	}
	return err
}

func (w *writer) createEphemeral() error {
	path := fmt.Sprintf("%s/e-%d", w.base, w.n)
	if _, err := w.s.c.Create(path, w.data(), proto.OpenACL, proto.FlagEphemeral); err != nil {
		w.maybe[path] = true
		return err
	}
	w.sure[path] = string(w.data())
	w.queue = append(w.queue, path)
	return nil
}

// deleteOldest keeps the folder small. What was acknowledged has to be there.
func (w *writer) deleteOldest() error {
	if len(w.queue) <= keptEntries {
		return w.read()
	}
	path := w.queue[0]
	w.queue = w.queue[1:]
	err := w.s.c.Delete(path, -1)
	if err == proto.ErrNoNode {
		return violation(fmt.Sprintf("%s is not there, though its creation was acknowledged", path))
	}
	delete(w.sure, path)
	if err != nil {
		w.maybe[path] = true
	}
	return err
}

// read demands that the session sees its own writes and never goes back, and
// makes a request that fails, which is a transaction, too.
func (w *writer) read() error {
	if _, err := w.s.c.Create(w.base+"/value", nil, proto.OpenACL, proto.FlagPersistent); err != proto.ErrNodeExists {
		if err == nil {
			return violation(w.base + "/value was created twice")
		}
		return err
	}
	data, _, err := w.s.c.Get(w.base+"/value", false)
	if err != nil {
		return err
	}
	got, err := strconv.Atoi(string(data))
	if err != nil || got < w.value || got > w.n {
		return violation(fmt.Sprintf("%s/value is %q after %d was acknowledged to the session or read by it", w.base, data, w.value))
	}
	w.value = got
	return nil
}
