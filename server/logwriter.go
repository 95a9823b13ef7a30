package server

import (
	"fmt"
	"time"

	"github.com/meerkat-zk/meerkat/quorum"
)

// logWriter makes proposals durable: it appends all that queued up during the
// last sync, syncs once, and hands on what that committed. There is no timer:
// a lone write is synced at once, many share a sync.
//
// Invariant: a transaction is applied, and so answered, only after the sync
// that covers it has returned.
type logWriter struct {
	srv    *Server
	queue  *logQueue
	commit *quorum.Commitment
	done   chan struct{} // closed when run has returned
}

// run writes until the queue is closed and empty. The first error of the log
// is the last: it ends the server, and nothing unsynced is ever acknowledged.
// The queue is closed then, too, so that no proposer waits for room in it.
func (w *logWriter) run() {
	defer close(w.done)
	defer w.srv.applier.committed.close()
	defer w.queue.close()
	for {
		batch, ok := w.queue.take()
		if !ok {
			return
		}
		if err := w.write(batch); err != nil {
			w.srv.fail(fmt.Errorf("transaction log: %w", err))
			return
		}
		w.queue.recycle(batch)
	}
}

func (w *logWriter) write(batch logBatch) error {
	srv, raw := w.srv, batch.raw
	srv.meters.queueSize.Add(int64(len(batch.items)))
	srv.meters.batchSize.Add(int64(len(batch.items)))
	for i := range batch.items {
		p := &batch.items[i]
		if err := srv.store.Append(p.entry.Header.Zxid, raw[:p.size]); err != nil {
			return err
		}
		raw = raw[p.size:]
	}
	began := srv.clock.nanos()
	if err := srv.store.Sync(); err != nil {
		return err
	}
	srv.meters.flush.Observe(time.Duration(srv.clock.nanos() - began))
	last := batch.items[len(batch.items)-1].entry.Header.Zxid
	if _, advanced := w.commit.Acked(selfID, last); advanced {
		w.handOn(batch.items)
	}
	return srv.snapshots.logged(len(batch.items), len(batch.raw))
}

// handOn lets a batch be applied: at once when it is small and nobody waits
// for the next sync, else by the applier, while this goroutine syncs again.
func (w *logWriter) handOn(items []proposal) {
	const small = 4
	a := w.srv.applier
	if len(items) <= small && w.queue.empty() && a.applyHere(items) {
		return
	}
	a.committed.put(items...)
}
