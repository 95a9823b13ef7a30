package persistence

import (
	"errors"
	"fmt"
	"path/filepath"
)

// MinRetain is the smallest number of snapshots that a purge may leave.
const MinRetain = 3

// Purge removes the snapshots older than the keep newest valid ones, and the
// logs that none of those needs. It returns the paths it removed, also when
// it fails half-way. It may run beside everything else.
func (s *Store) Purge(keep int) (removed []string, err error) {
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
	var errs []error
	for _, f := range append(logs, snapshots...) {
		if f.zxid >= oldest {
			continue
		}
		if err := s.fs.Remove(f.path); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, f.path)
	}
	if len(removed) > 0 {
		errs = append(errs, s.fs.SyncDir(s.logDir), s.fs.SyncDir(s.snapDir))
	}
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("purge in %s: %w", filepath.Dir(s.snapDir), err)
	}
	return removed, nil
}
