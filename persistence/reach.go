package persistence

import (
	"errors"
	"fmt"
)

// Reach is what the log holds around a learner's last zxid.
type Reach struct {
	// Complete says that every transaction above the learner's last, up to
	// the one asked for, is in the log, and that they are not too many.
	Complete bool
	Prev     int64 // the last zxid of this history at or below the learner's; -1 when it is not known
	Next     int64 // the first above it
	Bytes    int64 // of the records read
}

// Reach tells whether the log can bring a learner from its last zxid to upTo
// with records of at most limitBytes in all; zero is no limit.
//
// Apache compares the limit with the sizes of whole log files, the space that
// was allocated ahead included; here it is what has to be sent.
func (s *Store) Reach(learner, upTo, limitBytes int64) (Reach, error) {
	snapshots, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return Reach{}, err
	}
	files, err := s.durableLogs()
	if err != nil {
		return Reach{}, err
	}
	r := Reach{Prev: placeAt(snapshots, learner)}
	read := s.readFrom(files, learner)
	c := chain{snapshots: snapshots}
	for r.Next == 0 && read.Next() {
		if zxid := read.Zxid(); zxid <= learner {
			r.Prev = max(r.Prev, zxid)
		} else {
			r.Next = zxid
		}
	}
	c.last = r.Prev
	if r.Prev < 0 && uint32(learner) == 0 {
		c.last = learner // nothing to be found of an epoch that begins
	}
	for more := r.Next != 0; more && c.extend(read.Zxid()); more = read.Next() {
		r.Bytes += recordOverhead + int64(len(read.Entry()))
		if limitBytes > 0 && r.Bytes > limitBytes {
			break
		}
		if c.last >= upTo {
			r.Complete = c.last == upTo
			break
		}
	}
	if err := errors.Join(read.Err(), read.Close()); err != nil {
		return Reach{Prev: -1}, err
	}
	return r, nil
}

// ReadEntries calls yield for each durable transaction in (from, to], oldest
// first; the entry is valid during the call. Its error ends the reading. When
// some of them are no longer there it fails with [ErrPurged], maybe after it
// has yielded others.
func (s *Store) ReadEntries(from, to int64, yield func(zxid int64, entry []byte) error) error {
	snapshots, err := listSnapshots(s.fs, s.snapDir)
	if err != nil {
		return err
	}
	files, err := s.durableLogs()
	if err != nil {
		return err
	}
	read := s.readFrom(files, from+1)
	c := chain{last: from, snapshots: snapshots}
	for c.last < to && read.Next() {
		if read.Zxid() <= from {
			continue
		}
		if read.Zxid() > to || !c.extend(read.Zxid()) {
			break
		}
		if err := yield(read.Zxid(), read.Entry()); err != nil {
			return errors.Join(err, read.Close())
		}
	}
	err = errors.Join(read.Err(), read.Close())
	if err == nil && c.last != to {
		err = fmt.Errorf("%w: after 0x%x, up to 0x%x", ErrPurged, c.last, to)
	}
	return err
}

// SnapshotBytes returns the size of the newest snapshot file that looks whole,
// 0 when there is none.
func (s *Store) SnapshotBytes() (int64, error) {
	valid, err := s.validSnapshots(1)
	if err != nil || len(valid) == 0 {
		return 0, err
	}
	return valid[0].size, nil
}
