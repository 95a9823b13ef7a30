package server

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"testing"
)

func appendFrame(o *outbox, payload string) { o.end(append(o.begin(), payload...)) }

func TestOutboxKeepsOrder(t *testing.T) {
	o := newOutbox()
	large := bytes.Repeat([]byte("x"), shareAbove)
	appendFrame(o, "one")
	o.endShared(append(o.begin(), "head"...), large, []byte("tail"))
	o.endShared(append(o.begin(), "head"...), []byte("small"), []byte("tail"))
	appendFrame(o, "two")
	var wire bytes.Buffer
	if err := o.flush(&wire); err != nil {
		t.Fatal(err)
	}
	var want []byte
	for _, payload := range []string{"one", "head" + string(large) + "tail", "headsmalltail", "two"} {
		want = append(want, frame([]byte(payload))...)
	}
	if !bytes.Equal(wire.Bytes(), want) {
		t.Errorf("wrote %d bytes that differ from the %d appended", wire.Len(), len(want))
	}
	if !o.idle() {
		t.Error("not idle after a flush")
	}
}

func TestOutboxOffer(t *testing.T) {
	o := newOutbox()
	failed := errors.New("broken")
	var wire []byte
	takes := func(n int, err error) func([]byte) (int, error) {
		return func(b []byte) (int, error) {
			n := min(n, len(b))
			wire = append(wire, b[:n]...)
			return n, err
		}
	}
	offer := func(n int, err error, wantMore bool) {
		t.Helper()
		more, got := o.offer(takes(n, err))
		if more != wantMore || !errors.Is(got, err) {
			t.Errorf("more %v, %v", more, got)
		}
	}
	offer(100, nil, false) // nothing there
	appendFrame(o, "one")
	offer(0, nil, true) // the client takes nothing
	appendFrame(o, "two")
	offer(100, nil, true) // what was left is for a flush
	if len(wire) > 0 {
		t.Fatalf("wrote %q out of order", wire)
	}
	var rest bytes.Buffer
	if err := o.flush(&rest); err != nil || rest.String() != "\x00\x00\x00\x03one\x00\x00\x00\x03two" {
		t.Fatalf("%q, %v", rest.String(), err)
	}
	appendFrame(o, "three")
	offer(6, nil, true)
	appendFrame(o, "four")
	rest.Reset()
	if err := o.flush(&rest); err != nil || string(wire)+rest.String() != "\x00\x00\x00\x05three\x00\x00\x00\x04four" {
		t.Fatalf("%q and %q, %v", wire, rest.String(), err)
	}
	appendFrame(o, "five")
	offer(0, failed, true)
	o.close()
	offer(100, nil, false)
}

// TestOutboxConcurrently appends from several goroutines while others flush:
// no frame is lost, torn, or out of its appender's order.
func TestOutboxConcurrently(t *testing.T) {
	const writers, frames = 4, 500
	o := newOutbox()
	var wire bytes.Buffer // only one flush writes at a time
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range frames {
				b := binary.BigEndian.AppendUint32(append(o.begin(), byte(w)), uint32(i))
				o.end(b)
				if i%2 == 0 { // the client takes no more than a part of what is offered
					more, err := o.offer(func(b []byte) (int, error) { return wire.Write(b[:len(b)*(i%5)/4]) })
					if err != nil {
						t.Error(err)
					}
					if !more {
						continue
					}
				}
				if err := o.flush(&wire); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	next := [writers]uint32{}
	got, err := readFrames(&wire, 100)
	if !errors.Is(err, io.EOF) || len(got) != writers*frames {
		t.Fatalf("%d frames, %v", len(got), err)
	}
	for _, f := range got {
		if w, i := f[0], binary.BigEndian.Uint32(f[1:]); i != next[w] {
			t.Fatalf("appender %d: frame %d where %d was due", w, i, next[w])
		}
		next[f[0]]++
	}
}

func TestOutboxReportsWhatWaits(t *testing.T) {
	o := newOutbox()
	if n := o.end(append(o.begin(), "1234"...)); n != 8 {
		t.Errorf("%d bytes wait, want 8", n)
	}
	done := make(chan struct{})
	go func() { o.waitBelow(4); close(done) }()
	select {
	case <-done:
		t.Fatal("did not wait")
	default:
	}
	if err := o.flush(io.Discard); err != nil {
		t.Fatal(err)
	}
	<-done
}

func TestOutboxClosed(t *testing.T) {
	o := newOutbox()
	appendFrame(o, "lost")
	o.close()
	appendFrame(o, "lost, too")
	o.waitBelow(0) // must not wait
	var wire bytes.Buffer
	if err := o.flush(&wire); err != nil || wire.Len() > 0 {
		t.Errorf("a closed outbox wrote %d bytes, %v", wire.Len(), err)
	}
}

func TestOutboxFlushFails(t *testing.T) {
	o := newOutbox()
	appendFrame(o, "x")
	r, w := io.Pipe()
	_ = r.Close()
	if err := o.flush(w); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("flush = %v", err)
	}
}
