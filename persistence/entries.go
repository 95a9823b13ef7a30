package persistence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// EntryReader reads durable transactions from the log, oldest first. It ends
// where the log ended when it was made.
type EntryReader struct {
	it  logIter
	rec record
	err error
}

// Entries returns a reader of all durable transactions with at least this
// zxid. It fails with [ErrPurged] when the log may no longer have the first
// of them.
func (s *Store) Entries(fromZxid int64) (*EntryReader, error) {
	files, err := s.durableLogs()
	if err != nil {
		return nil, err
	}
	if len(files) > 0 && files[0].zxid > fromZxid {
		return nil, fmt.Errorf("%w: 0x%x, the oldest file starts with 0x%x", ErrPurged, fromZxid, files[0].zxid)
	}
	r := s.readFrom(files, fromZxid)
	r.it.from = fromZxid
	return r, nil
}

// Next reads the next transaction; false at the end or on an error.
func (r *EntryReader) Next() bool {
	if r.err != nil {
		return false
	}
	r.rec, r.err = r.it.next()
	if errors.Is(r.err, fs.ErrNotExist) {
		r.err = fmt.Errorf("%w: %w", ErrPurged, r.err)
	}
	return r.err == nil
}

// Zxid returns the zxid of the current transaction.
func (r *EntryReader) Zxid() int64 { return entryZxid(r.rec.entry) }

// Entry returns the wire form of the current transaction, valid until Next.
func (r *EntryReader) Entry() []byte { return r.rec.entry }

// Decode decodes the current transaction.
func (r *EntryReader) Decode() (proto.Entry, error) { return r.it.decode(r.rec) }

// Err returns what ended the reading, nil at the end of the log.
func (r *EntryReader) Err() error {
	if errors.Is(r.err, io.EOF) {
		return nil
	}
	return r.err
}

// Close lets go of the files.
func (r *EntryReader) Close() error { return r.it.close() }

// readFrom reads the files from the one that may hold a zxid, with all of its
// records.
func (s *Store) readFrom(files []dataFile, zxid int64) *EntryReader {
	r := &EntryReader{it: logIter{fs: s.fs, log: s.log, limit: s.cfg.MaxEntryBytes}}
	if len(files) > 0 {
		r.it.files = logsFrom(files, zxid)
		r.it.seen = r.it.files[0].zxid - 1
	}
	return r
}

// durableLogs lists the log files, each with the size up to which it was
// durable when the list was made. Files that were begun later are left out.
func (s *Store) durableLogs() ([]dataFile, error) {
	cur, base := s.writer.cur.Load(), s.writer.base.Load() // before the list
	var durable int64
	if cur != nil {
		durable, base = cur.synced.Load(), cur.zxid-1
	}
	files, err := listLogs(s.fs, s.logDir)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		if f.zxid > base {
			files = files[:i]
			break
		}
	}
	if cur != nil {
		files = append(files, dataFile{path: cur.path, zxid: cur.zxid, size: durable})
	}
	return files, nil
}
