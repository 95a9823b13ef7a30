package persistence

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// maxInstallBytes bounds the file that describes an install.
const maxInstallBytes = 16 << 20

// Install replaces all logs and snapshots by one snapshot, which came from a
// leader; the log then goes on after its zxid. A crash finds the old files or
// the new one. Recover need not follow.
//
// An error before anything was replaced, as on a full disk, leaves all as it
// was and the store usable. A later one is final, as in Sync; the next Open
// brings it to its end.
func (s *Store) Install(snap Snapshot) error {
	zxid := snap.Zxid()
	if zxid < 0 {
		return fmt.Errorf("install: there is no zxid %d", zxid)
	}
	if err := s.writer.pause(); err != nil {
		return err
	}
	done, changed := s.replaceHistory(-1), false
	defer func() { done(changed) }()
	name := s.snapshotName(zxid)
	staged := filepath.Join(s.snapDir, stagedPrefix+"."+name)
	if _, err := s.replaceFile(staged, func(w io.Writer) error { return s.compressTo(w, snap) }); err != nil {
		return fmt.Errorf("install snapshot 0x%x: %w", zxid, err)
	}
	var err error
	if changed, err = s.announceInstall(name); err != nil {
		err = fmt.Errorf("install snapshot 0x%x: %w", zxid, err)
		if changed {
			return s.writer.fail(err)
		}
		return errors.Join(err, s.fs.Remove(staged))
	}
	if err := s.finishInstall(name); err != nil {
		return s.writer.fail(fmt.Errorf("install snapshot 0x%x: %w", zxid, err))
	}
	s.hasSnapshot.Store(true)
	s.writer.ready(zxid)
	return s.writer.fail(s.consumeMarker())
}

// announceInstall writes the file from which on the install happens. begun
// tells whether that file may be there after an error.
func (s *Store) announceInstall(name string) (begun bool, err error) {
	files, err := s.fingerprints()
	if err != nil {
		return false, err
	}
	announce := filepath.Join(s.snapDir, installName)
	_, err = s.replaceFile(announce, func(w io.Writer) error {
		_, err := io.WriteString(w, name+"\n"+strings.Join(files, ""))
		return err
	})
	if err == nil {
		return true, nil
	}
	_, statErr := s.fs.Stat(announce)
	return !errors.Is(statErr, fs.ErrNotExist), err
}

// fingerprints returns a line for each snapshot and log: its name, and for a
// log also how it begins, which no other log of that name has in common.
func (s *Store) fingerprints() ([]string, error) {
	snapshots, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, f := range snapshots {
		lines = append(lines, filepath.Base(f.path)+"\n")
	}
	logs, err := listLogs(s.fs, s.logDir)
	if err != nil {
		return nil, err
	}
	for _, f := range logs {
		line, err := s.logFingerprint(f)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (s *Store) logFingerprint(f dataFile) (string, error) {
	file, err := s.fs.Open(f.path)
	if err != nil {
		return "", err
	}
	head := make([]byte, min(f.size, fileHeadBytes+recordHead))
	_, err = io.ReadFull(io.NewSectionReader(file, 0, f.size), head)
	return filepath.Base(f.path) + " " + hex.EncodeToString(head) + "\n", errors.Join(err, file.Close())
}

// resumeInstall ends an install that a crash interrupted, if there is one.
func (s *Store) resumeInstall() error {
	announce := filepath.Join(s.snapDir, installName)
	text, err := vfs.ReadFile(s.fs, announce, maxInstallBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	name, known, _ := strings.Cut(string(text), "\n")
	if err := s.checkInstall(name, known); err != nil {
		s.log.Warn().Err(err).Str("file", announce).Msg("a snapshot that was to replace all data is given up")
		return s.removeDurably(announce, s.snapDir)
	}
	s.log.Info().Str("snapshot", name).Msg("replacing all data by a snapshot, as was begun before the server stopped")
	return s.finishInstall(name)
}

// finishInstall does what an announced install has left to do. The order is
// such that at each moment the snapshots and logs are, to a server that knows
// of no install, a beginning of the old history or the new snapshot.
func (s *Store) finishInstall(name string) error {
	logs, err := listLogs(s.fs, s.logDir)
	if err != nil {
		return err
	}
	if err := s.removeNewestFirst(logs, s.logDir); err != nil {
		return err
	}
	target := filepath.Join(s.snapDir, name)
	err = s.fs.Rename(filepath.Join(s.snapDir, stagedPrefix+"."+name), target)
	if err == nil {
		err = s.fs.SyncDir(s.snapDir)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil // it was done before the crash
	}
	if err != nil {
		return err
	}
	snapshots, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return err
	}
	snapshots = slices.DeleteFunc(snapshots, func(f dataFile) bool { return f.path == target })
	if err := s.removeNewestFirst(snapshots, s.snapDir); err != nil {
		return err
	}
	return s.removeDurably(filepath.Join(s.snapDir, installName), s.snapDir)
}

// checkInstall refuses to remove what was written after the install was
// announced: another server, one that knows of no installs, has run on the
// directory and may have acknowledged transactions.
func (s *Store) checkInstall(name, known string) error {
	if _, _, ok := parseName(name, snapshotPrefix); !ok || filepath.Base(name) != name {
		return fmt.Errorf("%q is no snapshot's name", name)
	}
	_, staged := s.fs.Stat(filepath.Join(s.snapDir, stagedPrefix+"."+name))
	_, done := s.fs.Stat(filepath.Join(s.snapDir, name))
	if staged != nil && done != nil {
		return fmt.Errorf("%s is missing", name)
	}
	files, err := s.fingerprints()
	if err != nil {
		return err
	}
	old := strings.SplitAfter(known, "\n")
	for _, line := range files {
		if line != name+"\n" && !slices.Contains(old, line) {
			file, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			return fmt.Errorf("%s was written later", file)
		}
	}
	return nil
}
