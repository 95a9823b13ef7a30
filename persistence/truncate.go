package persistence

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Truncate removes every transaction above a zxid from the disk: from the
// logs, and with the snapshots that hold some of them, Apache's fuzzy ones
// included. The log then goes on after the zxid; Recover need not follow,
// unless the tree holds what was removed. It fails with [ErrOutOfReach], and
// changes nothing, when log and snapshots do not lead to the zxid without a
// hole. An error in the middle is final, as in Sync.
//
// Whatever it is interrupted at, what is left on the disk is a beginning of
// what was there, and reaches to the zxid at least.
func (s *Store) Truncate(zxid int64) error {
	if err := s.writer.pause(); err != nil {
		return err
	}
	done := s.replaceHistory(zxid)
	c, err := s.planCut(zxid)
	defer func() { done(err == nil) }()
	if err != nil {
		return fmt.Errorf("truncate to 0x%x: %w", zxid, err)
	}
	if err := s.cut(c); err != nil { // changed all the same
		return s.writer.fail(fmt.Errorf("truncate to 0x%x: %w", zxid, err))
	}
	s.writer.ready(zxid)
	return nil
}

// cut says what a truncation removes.
type cut struct {
	snapshots, logs []dataFile // to be removed, oldest first
	file            string     // then to be cut; empty for none
	at              int64      // offset in file
}

// planCut finds the snapshot to stay, and from there the place in the log.
func (s *Store) planCut(zxid int64) (cut, error) {
	snapshots, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return cut{}, err
	}
	base := len(snapshots) - 1
	for base >= 0 && !s.endsBy(snapshots[base], zxid) {
		base--
	}
	if base < 0 {
		return cut{}, fmt.Errorf("%w: there is no snapshot to start from", ErrOutOfReach)
	}
	logs, err := listLogs(s.fs, s.logDir)
	if err != nil {
		return cut{}, err
	}
	from := snapshots[base].zxid
	it := &logIter{fs: s.fs, log: s.log, limit: s.cfg.MaxEntryBytes, files: logsFrom(logs, from+1), from: from + 1, covered: from}
	above, err := seekAbove(it, chain{last: from, snapshots: snapshots[:base+1]}, zxid)
	if above == nil {
		return cut{snapshots: snapshots[base+1:]}, errors.Join(outOfReach(err), it.close())
	}
	c := cut{snapshots: snapshots[base+1:], file: it.files[0].path, at: above.offset}
	first := slices.IndexFunc(logs, func(f dataFile) bool { return f.path == c.file })
	if c.at > fileHeadBytes {
		first++
	} else {
		c.file = ""
	}
	c.logs = logs[first:]
	return c, it.close()
}

// outOfReach makes a damaged log one that ends before the damage.
func outOfReach(err error) error {
	if errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("%w: %w", ErrOutOfReach, err)
	}
	return err
}

// seekAbove reads on to the first record above a zxid, which must be where the
// chain of records has come to by then. It returns nil when there is none.
func seekAbove(it *logIter, c chain, zxid int64) (*record, error) {
	for {
		rec, err := it.next()
		end := errors.Is(err, io.EOF)
		switch {
		case err != nil && !end:
			return nil, err
		case (end || entryZxid(rec.entry) > zxid) && c.last != zxid:
			return nil, fmt.Errorf("%w: the log has 0x%x, but not 0x%x", ErrOutOfReach, c.last, zxid)
		case end:
			return nil, nil
		case entryZxid(rec.entry) > zxid:
			return &rec, nil
		case !c.extend(entryZxid(rec.entry)):
			return nil, fmt.Errorf("%w: nothing is known of what comes between 0x%x and 0x%x", ErrOutOfReach, c.last, entryZxid(rec.entry))
		}
	}
}

// endsBy tells whether a snapshot is whole and has nothing above a zxid. A
// fuzzy one goes on changing while it is written; what it ends with tells how
// far that went. Where that is missing, as in those before Apache 3.6, only
// the one made before the first transaction is certain.
//
// Older snapshots than the first that passes need no such look: what a server
// began to write later was finished later, so they end below its zxid.
func (s *Store) endsBy(f dataFile, zxid int64) bool {
	if f.zxid > zxid {
		return false
	}
	t, err := s.checkSnapshot(f)
	if err != nil {
		s.log.Warn().Err(err).Str("file", f.path).Msg("snapshot is damaged")
		return false
	}
	if !t.hasZxid && !t.hasDigest {
		return f.zxid == 0
	}
	return t.zxid <= zxid && t.digestZxid <= zxid
}

// cut removes, newest first, and each removal is durable before the next: a
// crash leaves no hole.
func (s *Store) cut(c cut) error {
	if err := s.removeNewestFirst(c.snapshots, s.snapDir); err != nil {
		return err
	}
	if err := s.removeNewestFirst(c.logs, s.logDir); err != nil {
		return err
	}
	if c.file == "" {
		return nil
	}
	return s.cutFile(c.file, c.at)
}

func (s *Store) removeNewestFirst(files []dataFile, dir string) error {
	for _, f := range slices.Backward(files) {
		if err := s.removeDurably(f.path, dir); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) removeDurably(path, dir string) error {
	if err := s.fs.Remove(path); err != nil {
		return err
	}
	return s.fs.SyncDir(dir)
}

func (s *Store) cutFile(path string, sizeBytes int64) error {
	file, err := s.fs.OpenWrite(path)
	if err != nil {
		return err
	}
	err = file.Truncate(sizeBytes)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
