package quorum

import "github.com/meerkat-zk/meerkat/jute/proto"

// LogReach is what a leader's disk holds around a learner's last zxid.
type LogReach struct {
	// Complete says that the log holds every transaction above the learner's
	// zxid, up to UpTo, and is small enough to be sent (snapshotSizeFactor).
	Complete bool
	Prev     int64 // the last zxid at or below the learner's; -1 when the log begins later
	Next     int64 // the first zxid above the learner's
	UpTo     int64 // as in the query
}

// SyncPlan says how a learner is brought up to date: one packet of type Mode
// with Zxid, then for DIFF and TRUNC the transactions on disk in (DiskFrom,
// DiskTo], then those in memory above From. With Mode 0 the disk has to be
// asked first.
type SyncPlan struct {
	Mode             proto.PacketType // PacketDiff, PacketTrunc, PacketSnap
	Zxid             int64
	DiskFrom, DiskTo int64 // equal: nothing from disk
	From             int64
}

// planSync decides how a learner whose last zxid is peer is brought up to
// date from a leader that holds window in memory, all committed, without holes
// and beginning after base; reach is nil while the disk has not been asked.
//
// A learner that ends with something the leader lacks is truncated only
// within its last epoch, or to the leader's very end: otherwise it is not
// certain that its log reaches the place where the two histories part.
// A peer zxid with counter 0 is no transaction: its owner had everything
// committed when that epoch began, and nothing later.
func planSync(peer, base int64, window []Entry, reach *LogReach, force bool) SyncPlan {
	end := base
	if n := len(window); n > 0 {
		end = window[n-1].Zxid
	}
	snap := SyncPlan{Mode: proto.PacketSnap}
	fresh := Counter(peer) == 0
	switch {
	case force || peer < 0:
		return snap
	case peer == end:
		return SyncPlan{Mode: proto.PacketDiff, Zxid: peer, From: peer}
	case peer > end && fresh:
		return snap
	case peer > end:
		return SyncPlan{Mode: proto.PacketTrunc, Zxid: end, From: end}
	case peer >= base:
		prev, next := base, int64(0)
		for _, e := range window {
			if e.Zxid > peer {
				next = e.Zxid
				break
			}
			prev = e.Zxid
		}
		return meet(peer, prev, next, end, fresh)
	case reach == nil:
		return SyncPlan{}
	case !reach.Complete:
		return snap
	}
	plan := meet(peer, reach.Prev, reach.Next, end, fresh)
	if plan.Mode != proto.PacketSnap {
		plan.DiskFrom, plan.DiskTo, plan.From = plan.From, base, base
	}
	return plan
}

// meet finds where the learner's history meets the leader's, whose zxids
// around the learner's last are prev (at or below it) and next.
func meet(peer, prev, next, end int64, fresh bool) SyncPlan {
	switch {
	case prev == peer || fresh:
		return SyncPlan{Mode: proto.PacketDiff, Zxid: end, From: peer}
	case Epoch(next) == Epoch(peer) && prev >= 0:
		return SyncPlan{Mode: proto.PacketTrunc, Zxid: prev, From: prev}
	}
	return SyncPlan{Mode: proto.PacketSnap}
}
