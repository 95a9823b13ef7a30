package datadir

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
)

// checkSnapshots loads every snapshot and replays the transactions from each
// to the next, so that every transaction is applied once.
func (c *Checker) checkSnapshots() error {
	for i, f := range c.snapshots {
		img, wrong, err := loadChecked(c.FS, f.Path)
		name := filepath.Base(f.Path)
		var damage *persistence.CorruptError
		switch {
		case errors.As(err, &damage):
			c.say(name, "damaged at offset %d: %s", damage.Offset, damage.Reason)
			c.worse(Usable)
			continue
		case errors.Is(err, fs.ErrNotExist):
			c.say(name, "removed meanwhile")
			continue
		case err != nil:
			return err
		}
		c.good = append(c.good, f)
		v := img.verdict()
		if *wrong != nil {
			c.say(name, "%s", (*wrong).Error())
			c.worse(Broken)
			continue
		}
		if v.LostACLs > 0 {
			c.say(name, "%d znodes name an ACL that is not in the file", v.LostACLs)
			c.worse(Usable)
		}
		c.say(name, "ok, %s", v)
		until := int64(-1)
		if i+1 < len(c.snapshots) {
			until = c.snapshots[i+1].Zxid
		}
		if err := c.replay(name, img, wrong, until); err != nil {
			return err
		}
	}
	return nil
}

// replay applies the transactions behind a snapshot up to the zxid of the
// next, -1 for all there are. Behind a gap, which a full synchronisation with
// a leader leaves, nothing is compared.
func (c *Checker) replay(name string, img *Image, wrong **DigestError, until int64) error {
	entries, err := c.dir.EntriesAfter(img.Zxid)
	if err != nil {
		return err
	}
	defer entries.Close() // was only read
	last, txns, digests := img.Zxid, 0, 0
	for entries.Next() {
		e, err := entries.Decode()
		if err != nil {
			break // said where the log was checked
		}
		zxid := e.Header.Zxid
		if until >= 0 && (zxid > until || zxid > last+1 && zxid>>32 == last>>32) {
			break
		}
		if zxid > last+1 && zxid>>32 == last>>32 {
			c.say(name, "replay finds no transactions 0x%x to 0x%x: is a log file missing?", uint64(last+1), uint64(zxid-1))
			c.worse(Usable)
		}
		img.Tree.Apply(&e)
		last = max(last, zxid)
		txns++
		if e.HasDigest && zxid >= img.Trailer.DigestZxid {
			digests++ // before, an Apache snapshot may be between two states
		}
		if *wrong != nil {
			break
		}
	}
	if err := entries.Err(); err != nil && !errors.Is(err, persistence.ErrCorrupt) && !errors.Is(err, persistence.ErrPurged) {
		return err
	}
	if *wrong == nil && until < 0 {
		if end := img.Tree.EndRecovery(); end.UncoveredZxid != 0 {
			c.say(name, "was written until zxid 0x%x, and the log ends at 0x%x: transactions are lost whose effects are in the snapshot in part",
				uint64(end.UncoveredZxid), uint64(last))
			c.worse(Broken)
		}
	}
	if *wrong != nil {
		c.say(name, "replayed to 0x%x: %s", uint64(last), (*wrong).Error())
		c.worse(Broken)
	} else if txns > 0 {
		c.say(name, "replayed %s to 0x%x, %s", count(txns, "transaction"), uint64(last), agreed(digests))
	}
	return nil
}

// rehearsal is what a server would recover into.
type rehearsal struct{ tree *datatree.Tree }

func (r *rehearsal) Reset() { r.tree.Reset() }

func (r *rehearsal) DecodeSnapshot(stream *jute.Reader) error { return r.tree.Decode(stream) }

func (r *rehearsal) SnapshotDigest(int64, int32, uint64) {} // compared before

func (r *rehearsal) Replay(e *proto.Entry) error {
	r.tree.Apply(e)
	return nil
}

func (c *Checker) checkStart() error {
	r := &rehearsal{newTree(nil)}
	rec, err := c.dir.Recover(r)
	switch {
	case errors.Is(err, persistence.ErrCorrupt), errors.Is(err, persistence.ErrNoSnapshot):
		c.say("start", "a server refuses: %v", oneLine(err))
		c.worse(Broken)
		return nil
	case err != nil:
		return err
	}
	c.starts, c.lastZxid = true, rec.Zxid
	if rec.SnapshotZxid < 0 {
		c.say("start", "a server finds an empty database")
		return nil
	}
	c.say("start", "a server loads %s, replays %s and is at zxid 0x%x with %s and %s",
		filepath.Base(rec.SnapshotPath), count(rec.Txns, "transaction"), uint64(rec.Zxid), count(r.tree.Nodes(), "znode"), count(r.tree.SessionCount(), "session"))
	return nil
}
