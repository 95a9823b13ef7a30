package persistence

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"
	"path/filepath"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// LogFile reads one log file record by record for a tool, and goes on behind
// records that fail their checksum. It takes the file as it was when opened.
type LogFile struct {
	path string
	file vfs.File
	scan *logScanner
	head [fileHeadBytes]byte
	why  stop // what newLogScanner found, later what Next found last
}

// LogRecord is one record of a log file.
type LogRecord struct {
	Offset int64  // of its first byte
	Sum    uint64 // the checksum that the file has
	BadSum bool   // Sum is not the entry's
	Entry  []byte // the wire form of a [proto.Entry], valid until the next record is read
}

// OpenLogFile opens a log file. One that has no header is a [CorruptError].
func OpenLogFile(fsys vfs.FS, path string) (*LogFile, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	l := &LogFile{path: path, file: file}
	err = l.open()
	if err == nil && l.why != stopNone {
		err = l.damaged(0, stopTexts[l.why], "It is no transaction log, or its first bytes are lost.")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

func (l *LogFile) open() error {
	size, err := l.file.Size()
	if err != nil {
		return err
	}
	if l.scan, l.why, err = newLogScanner(l.file, size, defaultMaxEntryBytes); err != nil {
		return err
	}
	head, err := l.scan.view(0, fileHeadBytes)
	copy(l.head[:], head)
	return err
}

// Version returns the version of the format.
func (l *LogFile) Version() int32 { return int32(binary.BigEndian.Uint32(l.head[4:])) }

// DBID returns the database id, which Apache writes as 0 and never reads.
func (l *LogFile) DBID() int64 { return int64(binary.BigEndian.Uint64(l.head[8:])) }

// Offset returns where the next record begins.
func (l *LogFile) Offset() int64 { return l.scan.offset }

// SizeBytes returns the size of the file.
func (l *LogFile) SizeBytes() int64 { return l.scan.size }

// Next returns the next record; io.EOF where the log ends, and a
// [CorruptError] where it is damaged in a way that hides what follows.
func (l *LogFile) Next() (LogRecord, error) {
	at := l.scan.offset
	rec, why, err := l.scan.next()
	l.why = why
	switch {
	case err != nil:
		return LogRecord{}, err
	case why == stopNone:
		return l.record(rec, false)
	case why == stopChecksum:
		return l.skip(at)
	case !why.damage():
		return LogRecord{}, io.EOF
	}
	return LogRecord{}, l.damaged(at, stopTexts[why], "What is before can be saved with: meerkat log recover "+l.path)
}

// Short tells whether Next failed because the file ends inside a record, so
// that nothing is hidden behind the damage.
func (l *LogFile) Short() bool { return l.why == stopShort }

// skip returns the record at an offset although its checksum is wrong.
func (l *LogFile) skip(at int64) (LogRecord, error) {
	head, err := l.scan.view(at, recordHead)
	if err != nil {
		return LogRecord{}, err
	}
	n := int(binary.BigEndian.Uint32(head[8:]))
	body, err := l.scan.view(at+recordHead, n)
	if err != nil {
		return LogRecord{}, err
	}
	rec := record{offset: at, entry: body}
	l.scan.offset = rec.end()
	return l.record(rec, true)
}

func (l *LogFile) record(rec record, bad bool) (LogRecord, error) {
	entry := rec.entry
	// The head may be outside of the window, and reading it moves the window.
	entry = append([]byte(nil), entry...)
	head, err := l.scan.view(rec.offset, recordHead)
	if err != nil {
		return LogRecord{}, err
	}
	return LogRecord{Offset: rec.offset, Sum: binary.BigEndian.Uint64(head), BadSum: bad, Entry: entry}, nil
}

func (l *LogFile) damaged(at int64, reason, remedy string) error {
	return &CorruptError{File: l.path, Offset: at, Reason: reason, Remedy: remedy}
}

// Close closes the file.
func (l *LogFile) Close() error { return l.file.Close() }

// LogCheck is what a look at one whole log file found.
type LogCheck struct {
	Txns                int // good records
	FirstZxid, LastZxid int64
	EndOffset           int64 // behind the last good record
	Backwards           int   // transactions with a zxid not above their predecessor's
	// Torn says, if it is not empty, what is wrong with the end that a crash
	// explains: nothing that was acknowledged is missing, and a server deals
	// with it when it starts.
	Torn string
}

// CheckLogFile reads a whole log file, decodes every transaction and judges
// how it ends, as recovery does. nextZxid is that of the first transaction in
// the file that follows, 0 if there is none. Damage is a [CorruptError].
func CheckLogFile(fsys vfs.FS, path string, nextZxid int64) (c LogCheck, err error) {
	file, err := fsys.Open(path)
	if err != nil {
		return LogCheck{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	l := &LogFile{path: path, file: file}
	if err := l.open(); err != nil {
		return LogCheck{}, err
	}
	why := l.why
	for why == stopNone {
		var rec record
		if rec, why, err = l.scan.next(); err != nil {
			return c, err
		}
		if why == stopNone {
			if err := c.add(rec); err != nil {
				return c, l.damaged(rec.offset, err.Error(), "It was written so: run the server that wrote it, or a later one.")
			}
		}
	}
	return c, c.judge(l, why, nextZxid)
}

func (c *LogCheck) add(rec record) error {
	e, err := proto.DecodeEntry(rec.entry)
	if err != nil {
		return err
	}
	zxid := e.Header.Zxid
	if c.Txns == 0 {
		c.FirstZxid = zxid
	} else if zxid <= c.LastZxid {
		c.Backwards++
	}
	c.Txns++
	c.LastZxid = max(c.LastZxid, zxid)
	c.EndOffset = rec.end()
	return nil
}

// judge decides about the end of the file.
func (c *LogCheck) judge(l *LogFile, why stop, nextZxid int64) error {
	t := &tail{
		path: l.path, why: why, end: max(c.EndOffset, fileHeadBytes), size: l.scan.size, ordered: l.scan.ordered,
		seen: c.LastZxid, lastZxid: c.LastZxid, nextZxid: nextZxid,
	}
	if why == stopHeader || why == stopMagic {
		t.end = 0
	}
	if err := t.survey(l.scan); err != nil {
		return err
	}
	switch v, reason := t.judge(); v {
	case verdictRefuse:
		return t.corrupt(reason)
	case verdictCut, verdictLeave:
		c.Torn = stopTexts[why] + ": " + reason
	}
	return nil
}

// LogSum returns the checksum that the record of an entry has.
func LogSum(entry []byte) uint64 { return uint64(adler32.Checksum(entry)) }

// LogFileWriter writes a log file for a tool, without padding.
type LogFileWriter struct {
	fs   vfs.FS
	path string
	file vfs.File
	buf  []byte
	off  int64 // of buf in the file
}

// logWriteBytes is how much a LogFileWriter collects before it writes.
const logWriteBytes = 1 << 20

// CreateLogFile starts a log file, in place of one that has its name. The
// database id is kept, but not the mark of a log with batches: what is written
// here has none.
func CreateLogFile(fsys vfs.FS, path string, dbid int64) (*LogFileWriter, error) {
	file, err := fsys.Create(path)
	if err != nil {
		return nil, err
	}
	if dbid == orderedID {
		dbid = 0
	}
	head := appendLogHeader(nil, false)
	binary.BigEndian.PutUint64(head[8:], uint64(dbid))
	return &LogFileWriter{fs: fsys, path: path, file: file, buf: head}, nil
}

// Append adds a record, with a checksum that need not be right.
func (w *LogFileWriter) Append(sum uint64, entry []byte) error {
	at := len(w.buf)
	w.buf = appendRecord(w.buf, entry)
	binary.BigEndian.PutUint64(w.buf[at:], sum)
	if len(w.buf) < logWriteBytes {
		return nil
	}
	return w.flush()
}

func (w *LogFileWriter) flush() error {
	_, err := w.file.WriteAt(w.buf, w.off)
	w.off += int64(len(w.buf))
	w.buf = w.buf[:0]
	return err
}

// Close makes the file durable and closes it.
func (w *LogFileWriter) Close() error {
	err := w.flush()
	if err == nil {
		err = w.file.Sync()
	}
	if err = errors.Join(err, w.file.Close()); err != nil {
		return err
	}
	return w.fs.SyncDir(filepath.Dir(w.path))
}

// Discard closes the file and removes it.
func (w *LogFileWriter) Discard() error { return errors.Join(w.file.Close(), w.fs.Remove(w.path)) }
