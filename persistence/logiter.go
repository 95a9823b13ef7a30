package persistence

import (
	"fmt"
	"io"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// logIter reads the records of several log files in order, and judges what it
// finds where a file ends.
type logIter struct {
	fs    vfs.FS         // set once
	log   zerolog.Logger // set once
	limit int            // set once: see logScanner

	files []dataFile // the current one and those to come
	file  vfs.File   // the current one, nil when there is none
	scan  *logScanner
	first *record // the current file's first record, when it was read ahead

	from    int64 // records below are passed over
	covered int64 // zxid up to which the snapshot has everything
	seen    int64 // highest zxid read

	// repair does what a verdict on one of the last files calls for; nil when
	// the files are only read.
	repair func(*tail, verdict) error
}

// next returns the next record, io.EOF after the last.
func (it *logIter) next() (record, error) {
	for {
		rec, why, err := it.step()
		switch {
		case err != nil:
			return record{}, err
		case why == stopNone:
			it.seen = max(it.seen, entryZxid(rec.entry))
			if entryZxid(rec.entry) >= it.from {
				return rec, nil
			}
		default:
			if err := it.advance(why); err != nil {
				return record{}, err
			}
		}
	}
}

func (it *logIter) step() (record, stop, error) {
	if it.first != nil {
		rec := *it.first
		it.first = nil
		return rec, stopNone, nil
	}
	if it.file != nil {
		return it.scan.next()
	}
	if len(it.files) == 0 {
		return record{}, stopNone, io.EOF
	}
	why, err := it.open()
	if why == stopNone && err == nil {
		return it.scan.next()
	}
	return record{}, why, err
}

// open opens the first of the files.
func (it *logIter) open() (why stop, err error) {
	f := it.files[0]
	it.file, err = it.fs.Open(f.path)
	if err != nil {
		return stopNone, err
	}
	it.scan, why, err = newLogScanner(it.file, f.size, it.limit)
	return why, err
}

// advance is called where the current file has no further record. It looks
// for the next file with one, and judges all files that it leaves behind.
func (it *logIter) advance(why stop) error {
	t := it.tail(why)
	if why.damage() {
		if err := t.survey(it.scan); err != nil {
			return err
		}
		if t.later != 0 && t.laterZxid <= it.covered+1 {
			it.log.Warn().Str("file", t.path).Int64("offset", t.end).Msg("log is damaged, where a snapshot covers it")
			it.scan.offset = t.later
			return nil
		}
	}
	var left []ended
	defer func() {
		for _, e := range left {
			_ = e.file.Close() // was only read
		}
	}()
	for {
		left = append(left, ended{t, it.scan, it.file})
		it.file, it.files = nil, it.files[1:]
		if len(it.files) == 0 {
			return it.settle(left, 0)
		}
		why, err := it.open()
		if err != nil {
			return err
		}
		if why == stopNone {
			var rec record
			if rec, why, err = it.scan.next(); err != nil {
				return err
			}
			if why == stopNone {
				it.first = &rec
				return it.settle(left, entryZxid(rec.entry))
			}
		}
		t = it.tail(why)
	}
}

// ended is a file that was read to where it has no further record.
type ended struct {
	tail *tail
	scan *logScanner
	file vfs.File
}

func (it *logIter) tail(why stop) *tail {
	t := &tail{path: it.files[0].path, why: why, size: it.files[0].size, seen: it.seen, lastZxid: max(it.seen, it.covered)}
	if why != stopHeader && why != stopMagic {
		t.end, t.ordered = it.scan.offset, it.scan.ordered
	}
	return t
}

// settle judges files, after which nextZxid follows, and acts on it.
func (it *logIter) settle(files []ended, nextZxid int64) error {
	for _, e := range files {
		t := e.tail
		t.nextZxid = nextZxid
		if nextZxid == 0 || t.why.damage() || nextZxid > t.lastZxid+1 {
			if err := t.survey(e.scan); err != nil {
				return err
			}
		}
		v, reason := t.judge()
		switch {
		case v == verdictRefuse:
			return t.corrupt(reason)
		case v == verdictLeave:
			it.log.Warn().Str("file", t.path).Int64("offset", t.end).Str("found", stopTexts[t.why]).Msg(reason)
		}
		if nextZxid == 0 && it.repair != nil {
			if err := it.repair(t, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tail) corrupt(reason string) error {
	return &CorruptError{
		File: t.path, Offset: t.end, Reason: stopTexts[t.why] + ", and " + reason,
		Remedy: fmt.Sprintf("Restore the file from a copy, or clear this server's data and let it copy another's; "+
			"or, to give up every transaction after 0x%x, move all later log files away and run: truncate -s %d %s "+
			"(meerkat fsck --repair does the same in a copy)",
			t.lastZxid, t.end, t.path),
	}
}

// close closes the current file.
func (it *logIter) close() error {
	if it.file == nil {
		return nil
	}
	err := it.file.Close()
	it.file = nil
	return err
}

// decode decodes a record of the current file. What passed its checksum and
// cannot be decoded was written so.
func (it *logIter) decode(rec record) (proto.Entry, error) {
	e, err := proto.DecodeEntry(rec.entry)
	if err == nil {
		return e, nil
	}
	return e, &CorruptError{
		File: it.files[0].path, Offset: rec.offset, Reason: err.Error(),
		Remedy: "It was written so: run the server that wrote it, or a later one.",
	}
}
