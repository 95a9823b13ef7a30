package persistence

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// MinRetain is the smallest number of snapshots that a purge may leave.
const MinRetain = 3

// Purge removes the snapshots older than the keep newest valid ones, and the
// logs that none of those needs. It returns the paths it removed, also when
// it fails half-way. It may run beside everything else.
func (s *Store) Purge(keep int) (removed []string, err error) {
	s.purging.Lock()
	defer s.purging.Unlock()
	err = s.purge(keep, s.fs.Remove, func(f dataFile) { removed = append(removed, f.path) })
	return removed, err
}

// purge calls remove for each file that may go, and done for each that went.
// Another purge may run at the same time: what it removed first is no error.
func (s *Store) purge(keep int, remove func(path string) error, done func(dataFile)) error {
	files, err := s.obsolete(keep)
	if err != nil {
		return err
	}
	var errs []error
	some := false
	for _, f := range files {
		switch err := remove(f.path); {
		case err == nil:
			done(f)
			some = true
		case !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	if some {
		errs = append(errs, s.fs.SyncDir(s.logDir), s.fs.SyncDir(s.snapDir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("purge in %s: %w", filepath.Dir(s.snapDir), err)
	}
	return nil
}

// obsolete returns the files that a purge removes: logs, then snapshots, each
// oldest first.
func (s *Store) obsolete(keep int) ([]dataFile, error) {
	if keep < MinRetain {
		return nil, fmt.Errorf("purge: %d snapshots to keep, at least %d are allowed", keep, MinRetain)
	}
	valid, err := s.validSnapshots(keep)
	if err != nil || len(valid) == 0 {
		return nil, err
	}
	oldest := valid[len(valid)-1].zxid
	snapshots, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return nil, err
	}
	logs, err := listLogs(s.fs, s.logDir)
	if err != nil {
		return nil, err
	}
	// A log that starts before a snapshot may go on behind it: the last such
	// one stays.
	if needed := logsFrom(logs, oldest); len(needed) > 0 {
		logs = logs[:len(logs)-len(needed)]
	}
	var files []dataFile
	for _, f := range append(logs, snapshots...) {
		if f.zxid < oldest {
			files = append(files, f)
		}
	}
	return files, nil
}
