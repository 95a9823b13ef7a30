package peer

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/quorum"
)

// ErrOutOfReach is returned by Disk.Truncate when the log does not reach back
// to the place, so that nothing was changed.
var ErrOutOfReach = errors.New("the log does not reach back")

// Disk is what a server keeps durably. The first six methods are called by one
// goroutine; any error of theirs but ErrOutOfReach is final, and ends the Peer.
type Disk interface {
	// Append adds an entry to the log, durable after the next Sync.
	Append(zxid int64, entry []byte) error
	Sync() error
	// Truncate removes all above zxid, durably; with rebuild it loads the
	// tree again from what is left.
	Truncate(zxid int64, rebuild bool) error
	// Install replaces log, snapshots and tree by what was staged for a
	// link. A crash finds it done or not done.
	Install(link quorum.Link, zxid int64) error
	SetAcceptedEpoch(epoch int64) error
	SetCurrentEpoch(epoch int64) error

	// Stage is as in LinksConfig, Unstage forgets what was staged and not
	// installed. These and the rest may be called at any time.
	Stage(link quorum.Link, zxid int64, r *jute.Reader) error
	Unstage(link quorum.Link)
	// Reach tells what the log holds.
	Reach(q quorum.LogQuery) quorum.LogReach
	// ReadLog calls yield for every durable entry in (from, to], in order,
	// and returns its error.
	ReadLog(from, to int64, yield func(quorum.Entry) error) error
}

// diskWriter does the core's disk operations in order, all that have gathered
// with one sync, on a goroutine of its own. It never waits for the loop.
type diskWriter struct {
	disk     Disk
	maxBytes int                  // set once
	report   chan struct{}        // of size 1: something below is new for the loop
	observe  func(Measure, int64) // set once

	mu        sync.Mutex
	changed   sync.Cond // on mu: queue, bytes or closed
	queue     []quorum.DiskOp
	bytes     int // of entries in queue
	closed    bool
	persisted uint64
	failed    bool  // a truncation was out of reach, and not yet told
	err       error // final

	broken bool // owned by run: log operations are left out until an install
}

func newDiskWriter(disk Disk, maxBytes int, observe func(Measure, int64)) *diskWriter {
	w := &diskWriter{disk: disk, maxBytes: maxBytes, observe: observe, report: make(chan struct{}, 1)}
	w.changed.L = &w.mu
	return w
}

// add queues operations. It waits while too much is queued: the peers then
// wait for this server in turn, as they should.
func (w *diskWriter) add(ops []quorum.DiskOp) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.bytes > w.maxBytes && w.err == nil {
		w.changed.Wait()
	}
	for i := range ops {
		w.bytes += opBytes(&ops[i])
	}
	w.queue = append(w.queue, ops...)
	w.changed.Broadcast()
}

func opBytes(op *quorum.DiskOp) int {
	n := 0
	for _, e := range op.Entries {
		n += packetOverhead + len(e.Data)
	}
	return n
}

// news returns what the loop has to be told: a truncation that failed comes
// before the operations done.
func (w *diskWriter) news() (persisted uint64, failed bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	failed, w.failed = w.failed, false
	return w.persisted, failed, w.err
}

// waiting returns how many bytes of transactions are not written yet.
func (w *diskWriter) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

// close lets run return. What is queued and not begun is not done, as in a
// crash: nobody was told that it was.
func (w *diskWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.changed.Broadcast()
}

func (w *diskWriter) run() {
	for {
		w.mu.Lock()
		for len(w.queue) == 0 && !w.closed {
			w.changed.Wait()
		}
		batch := w.queue
		w.queue = nil
		closed := w.closed
		w.mu.Unlock()
		if closed {
			return
		}
		began := time.Now()
		failed, err := w.do(batch)
		w.measure(batch, time.Since(began))
		w.mu.Lock()
		for i := range batch {
			w.bytes -= opBytes(&batch[i])
		}
		w.failed = w.failed || failed
		if w.err = err; err == nil {
			w.persisted = batch[len(batch)-1].Seq
		}
		w.changed.Broadcast()
		w.mu.Unlock()
		select {
		case w.report <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// measure tells what a batch of transactions was like.
func (w *diskWriter) measure(batch []quorum.DiskOp, took time.Duration) {
	entries := int64(0)
	for i := range batch {
		entries += int64(len(batch[i].Entries))
	}
	if entries == 0 {
		return
	}
	w.observe(SyncQueueSize, entries)
	w.observe(SyncBatchSize, entries)
	w.observe(SyncFlushTime, took.Milliseconds())
}

// do makes a batch durable. Appends are synced before anything else is done,
// and at the end.
func (w *diskWriter) do(batch []quorum.DiskOp) (failed bool, err error) {
	unsynced := false
	for i := range batch {
		op := &batch[i]
		if unsynced && op.Kind != quorum.OpAppend {
			if err := w.disk.Sync(); err != nil {
				return failed, fmt.Errorf("sync the log: %w", err)
			}
			unsynced = false
		}
		if w.broken && (op.Kind == quorum.OpAppend || op.Kind == quorum.OpTruncate) {
			continue
		}
		switch err := w.doOne(op); {
		case errors.Is(err, ErrOutOfReach) && op.Kind == quorum.OpTruncate:
			w.broken, failed = true, true
		case err != nil:
			return failed, err
		}
		unsynced = unsynced || op.Kind == quorum.OpAppend
	}
	if unsynced {
		if err := w.disk.Sync(); err != nil {
			return failed, fmt.Errorf("sync the log: %w", err)
		}
	}
	return failed, nil
}

func (w *diskWriter) doOne(op *quorum.DiskOp) error {
	switch op.Kind {
	case quorum.OpAppend:
		for _, e := range op.Entries {
			if err := w.disk.Append(e.Zxid, e.Data); err != nil {
				return fmt.Errorf("append 0x%x: %w", e.Zxid, err)
			}
		}
		return nil
	case quorum.OpTruncate:
		return w.disk.Truncate(op.Zxid, op.Rebuild)
	case quorum.OpInstall:
		w.broken = false
		return w.disk.Install(op.Link, op.Zxid)
	case quorum.OpAcceptedEpoch:
		return w.disk.SetAcceptedEpoch(op.Epoch)
	case quorum.OpCurrentEpoch:
		return w.disk.SetCurrentEpoch(op.Epoch)
	}
	return fmt.Errorf("unknown disk operation %d", op.Kind)
}
