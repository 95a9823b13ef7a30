package persistence

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Truncate removes every transaction above a zxid from the disk: from the
// logs, and with the snapshots that have them. It returns the zxid of the
// last transaction that is left. Recover must follow.
//
// Unlike Apache it never keeps a transaction above the zxid, and no snapshot
// that would bring one back. Whatever it is interrupted at, what is left on
// the disk is a prefix of what was there.
func (s *Store) Truncate(zxid int64) (last int64, err error) {
	if s.writer.err != nil {
		return 0, s.writer.err
	}
	if err := s.writer.finish(); err != nil {
		return 0, err
	}
	s.writer.recovered = false
	s.spares.trim() // so that it comes before what is cut here
	last, err = s.truncate(zxid)
	if err != nil {
		return 0, fmt.Errorf("truncate to 0x%x: %w", zxid, err)
	}
	return last, nil
}

func (s *Store) truncate(zxid int64) (int64, error) {
	snapshots, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return 0, err
	}
	valid, err := s.validSnapshots(len(snapshots))
	if err != nil {
		return 0, err
	}
	base := slices.IndexFunc(valid, func(f dataFile) bool { return f.zxid <= zxid })
	if base < 0 {
		return 0, fmt.Errorf("%w: none at or below it", ErrNoSnapshot)
	}
	logs, err := listLogs(s.fs, s.logDir)
	if err != nil {
		return 0, err
	}
	file, cut, last, err := s.cutPoint(logs, zxid)
	if err != nil {
		return 0, err
	}
	// Newest first, and each removal durable before the next: a crash leaves
	// no hole.
	for _, f := range slices.Backward(snapshots) {
		if f.zxid > zxid {
			if err := s.removeDurably(f.path, s.snapDir); err != nil {
				return 0, err
			}
		}
	}
	for i := len(logs) - 1; i > file; i-- {
		if err := s.removeDurably(logs[i].path, s.logDir); err != nil {
			return 0, err
		}
	}
	if file >= 0 {
		if err := s.cutFile(logs[file].path, cut); err != nil {
			return 0, err
		}
	}
	return max(last, valid[base].zxid), nil
}

// cutPoint returns the index of the last file with a record at or below the
// zxid, -1 for none, the offset behind the last such record, and its zxid.
func (s *Store) cutPoint(logs []dataFile, zxid int64) (file int, cut, last int64, err error) {
	it := logIter{fs: s.fs, log: s.log, limit: s.cfg.MaxEntryBytes, files: logsFrom(logs, zxid)}
	if len(it.files) == 0 || it.files[0].zxid > zxid {
		return -1, 0, 0, nil
	}
	it.files = it.files[:1]
	file = slices.IndexFunc(logs, func(f dataFile) bool { return f.path == it.files[0].path })
	cut = fileHeadBytes
	for {
		rec, err := it.next()
		if errors.Is(err, io.EOF) {
			return file, cut, last, nil
		}
		if err != nil {
			return 0, 0, 0, errors.Join(err, it.close())
		}
		if entryZxid(rec.entry) > zxid {
			return file, cut, last, it.close()
		}
		cut, last = rec.end(), entryZxid(rec.entry)
	}
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
