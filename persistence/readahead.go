package persistence

import "io"

const (
	readAheadBytes  = 256 << 10
	readAheadChunks = 4
)

// readAhead reads and checksums a stream on a goroutine of its own, so that
// the disk and the decompressor work while the tree is built.
type readAhead struct {
	filled chan chunk    // closed after the last chunk
	empty  chan []byte   // buffers to fill
	stop   chan struct{} // closed by Close
	done   chan struct{} // closed when run has returned

	cur   []byte // owned by the reader: the chunk it is given, and what is left of it
	rest  []byte
	taken int64 // owned by the reader: bytes that Read returned

	sum uint32 // of the whole stream; owned by run, valid once Read has returned an error
	err error  // owned by run, valid once filled is closed
}

type chunk struct {
	buf []byte
	n   int
}

func newReadAhead(src io.Reader) *readAhead {
	r := &readAhead{
		filled: make(chan chunk, readAheadChunks), empty: make(chan []byte, readAheadChunks),
		stop: make(chan struct{}), done: make(chan struct{}), sum: 1,
	}
	for range readAheadChunks {
		r.empty <- nil // allocated when first used: many snapshots are small
	}
	go r.run(src)
	return r
}

func (r *readAhead) run(src io.Reader) {
	defer close(r.done)
	defer close(r.filled)
	for {
		var buf []byte
		select {
		case buf = <-r.empty:
		case <-r.stop:
			return
		}
		if buf == nil {
			buf = make([]byte, readAheadBytes)
		}
		n, err := fill(src, buf)
		r.sum = adlerAppend(r.sum, buf[:n])
		if n > 0 {
			r.filled <- chunk{buf, n} // has room for every buffer
		}
		if err != nil {
			r.err = err
			return
		}
	}
}

// fill reads until buf is full. Unlike io.ReadFull it does not mix up the end
// of a stream with a stream that reports an unexpected end.
func fill(src io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var got int
		got, err = src.Read(buf[n:])
		n += got
	}
	return n, err
}

// Read returns bytes of the stream.
func (r *readAhead) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.cur != nil {
			r.empty <- r.cur // has room for every buffer
			r.cur = nil
		}
		c, ok := <-r.filled
		if !ok {
			if r.err == nil {
				return 0, ErrClosed
			}
			return 0, r.err
		}
		r.cur, r.rest = c.buf, c.buf[:c.n]
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.taken += int64(n)
	return n, nil
}

// Close ends the goroutine and waits for it.
func (r *readAhead) Close() {
	close(r.stop)
	<-r.done
}
