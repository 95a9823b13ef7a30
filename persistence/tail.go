package persistence

import "errors"

// LogEntry is a transaction of the log in its wire form.
type LogEntry struct {
	Zxid int64
	Data []byte
}

// Tail returns the last transactions of the log without holes, at most n of
// them and of at most limitBytes, and the zxid just before the first. Those
// that a snapshot covers count too. It is called after Recover and before the
// first Append, with the zxid that Recover found: when that is not the log's
// last one, or n is 0, there is no tail and the base is that zxid.
func (s *Store) Tail(zxid int64, n int, limitBytes int64) (base int64, entries []LogEntry, err error) {
	snapshots, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return 0, nil, err
	}
	files, err := listLogs(s.fs, s.logDir)
	if err != nil {
		return 0, nil, err
	}
	t := tailReader{store: s, n: n, limit: limitBytes, snapshots: snapshots}
	for i := len(files) - 1; i >= 0 && n > 0 && !t.full; i-- {
		if err := t.prepend(files[i]); err != nil {
			return 0, nil, err
		}
	}
	if len(t.entries) == 0 || t.entries[len(t.entries)-1].Zxid != zxid {
		return zxid, nil, nil
	}
	return t.finish()
}

// tailReader gathers the end of a log, file by file from the last.
type tailReader struct {
	store     *Store
	n         int
	limit     int64
	snapshots []dataFile

	entries []LogEntry
	bytes   int64
	base    int64 // before the first, if known
	known   bool  // base is a transaction of the log
	full    bool  // nothing more belongs in front
}

// prepend reads one file, keeps its last transactions without holes, and puts
// them in front of those of the later files.
func (t *tailReader) prepend(f dataFile) error {
	part := window{limit: t.limit - t.bytes, n: t.n - len(t.entries), chain: chain{snapshots: t.snapshots}}
	file, err := t.store.fs.Open(f.path)
	if err != nil {
		return err
	}
	scan, why, err := newLogScanner(file, f.size, t.store.cfg.MaxEntryBytes)
	for why == stopNone && err == nil {
		var rec record
		if rec, why, err = scan.next(); why == stopNone && err == nil {
			part.add(rec.entry)
		}
	}
	if err := errors.Join(err, file.Close()); err != nil || part.seen == 0 {
		return err
	}
	if len(t.entries) > 0 && !part.chain.continues(t.entries[0].Zxid) {
		t.full = true
		return nil
	}
	t.entries = append(part.entries, t.entries...)
	t.bytes += part.bytes
	if part.cut {
		t.base, t.known, t.full = part.base, part.holds, true
	}
	t.full = t.full || len(t.entries) == t.n && uint32(t.entries[0].Zxid) > 1
	return nil
}

// finish finds out what comes before the first transaction.
func (t *tailReader) finish() (int64, []LogEntry, error) {
	first := t.entries[0].Zxid
	switch {
	case t.known:
		return t.base, t.entries, nil
	case uint32(first) > 1:
		return first - 1, t.entries, nil
	}
	if place := placeAt(t.snapshots, first-1); place >= 0 {
		c := chain{last: place, snapshots: t.snapshots}
		if c.continues(first) {
			return place, t.entries, nil
		}
	}
	return first, t.entries[1:], nil
}

// window keeps the last of the transactions that are added.
type window struct {
	n     int
	limit int64
	chain chain

	entries []LogEntry
	bytes   int64
	spare   []byte // of a transaction that was dropped, to be used again
	seen    int    // transactions added
	base    int64  // the last one that was dropped
	cut     bool   // some were dropped
	holds   bool   // and the last of those comes right before the first that is kept
}

func (w *window) add(entry []byte) {
	zxid := entryZxid(entry)
	if w.seen > 0 && !w.chain.continues(zxid) {
		w.entries, w.bytes, w.cut, w.holds = nil, 0, true, false
	}
	w.seen++
	w.chain.last = zxid
	w.entries = append(w.entries, LogEntry{Zxid: zxid, Data: append(w.spare[:0], entry...)})
	w.spare = nil
	w.bytes += int64(len(entry))
	for len(w.entries) > 0 && (len(w.entries) > w.n || w.bytes > w.limit) {
		w.base, w.cut, w.holds = w.entries[0].Zxid, true, true
		w.bytes -= int64(len(w.entries[0].Data))
		w.spare = w.entries[0].Data
		w.entries = w.entries[1:]
	}
}
