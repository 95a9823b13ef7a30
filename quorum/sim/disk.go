package sim

import (
	"sort"
	"time"

	"github.com/meerkat-zk/meerkat/quorum"
)

// rec is a transaction as the simulation sees it.
type rec struct {
	zxid  int64
	value uint64
}

// image is what a disk holds durably. A history is kept whole, though the log
// reaches back only to logFrom: what is below comes from a snapshot.
type image struct {
	hist     []rec
	logFrom  int64
	wiped    bool // nothing at all, not even a first snapshot
	accepted int64
	current  int64
}

func (im *image) last() int64 {
	switch {
	case im.wiped:
		return -1
	case len(im.hist) == 0:
		return 0
	}
	return im.hist[len(im.hist)-1].zxid
}

// search returns the position of the first record at or above zxid.
func search(hist []rec, zxid int64) int {
	return sort.Search(len(hist), func(i int) bool { return hist[i].zxid >= zxid })
}

func has(hist []rec, r rec) bool {
	at := search(hist, r.zxid)
	return at < len(hist) && hist[at] == r
}

// upTo returns the records up to zxid, in a slice that an append copies.
func upTo(hist []rec, zxid int64) []rec {
	n := search(hist, zxid+1)
	return hist[:n:n]
}

// disk executes operations in order, many per sync.
type disk struct {
	image
	queue  []quorum.DiskOp
	busy   bool
	broken bool                  // a truncation failed: log operations are left out
	staged map[quorum.Link][]rec // snapshots that arrived for OpInstall
	extra  time.Duration         // added to each sync while the disk is slow
	fail   bool                  // the next sync fails
	lost   func(removed []rec)   // told when records leave the disk
}

// do makes one operation durable. For part >= 0 only so many entries of an
// append are: a crash came in between. It returns false when a truncation
// finds that the log does not reach back.
func (d *disk) do(op *quorum.DiskOp, part int) bool {
	switch op.Kind {
	case quorum.OpAppend:
		if d.broken {
			return true
		}
		for i, e := range op.Entries {
			if i == part {
				break
			}
			d.hist = append(d.hist, record(e))
		}
	case quorum.OpTruncate:
		if d.broken {
			return true
		}
		if op.Zxid < d.logFrom {
			d.broken = true
			return false
		}
		d.replace(upTo(d.hist, op.Zxid))
	case quorum.OpInstall:
		d.broken, d.wiped = false, false
		d.logFrom = op.Zxid
		d.replace(d.staged[op.Link])
		delete(d.staged, op.Link)
	case quorum.OpAcceptedEpoch:
		d.accepted = op.Epoch
	case quorum.OpCurrentEpoch:
		d.current = op.Epoch
	}
	return true
}

func (d *disk) replace(hist []rec) {
	var removed []rec
	for _, r := range d.hist {
		if !has(hist, r) {
			removed = append(removed, r)
		}
	}
	d.hist = hist
	d.lost(removed)
}

// record reads what the client put into a transaction.
func record(e quorum.Entry) rec {
	var v uint64
	for _, b := range e.Data {
		v = v<<8 | uint64(b)
	}
	return rec{zxid: e.Zxid, value: v}
}

func entry(r rec) quorum.Entry {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(r.value >> (56 - 8*i))
	}
	return quorum.Entry{Zxid: r.zxid, Data: b}
}
