package persistence

// chain is a row of transactions without holes, as far as zxids can tell.
//
// Within an epoch they are counted. Where a new epoch begins that says
// nothing; but who is brought up to date by a snapshot, as Apache's servers
// are that keep their old logs, has one named between the two.
type chain struct {
	last      int64
	snapshots []dataFile // oldest first
}

// extend makes zxid the last one, unless something is missing before it.
func (c *chain) extend(zxid int64) bool {
	if !c.continues(zxid) {
		return false
	}
	c.last = zxid
	return true
}

func (c *chain) continues(zxid int64) bool {
	if zxid == c.last+1 {
		return true
	}
	if epochOf(zxid) <= epochOf(c.last) || uint32(zxid) != 1 {
		return false
	}
	for _, f := range c.snapshots {
		if f.zxid > c.last && f.zxid < zxid {
			return false
		}
	}
	return true
}

// placeAt returns the highest snapshot at or below a zxid, -1 for none: its
// zxid is a transaction of this server's history although the log may not have
// it, or the beginning of an epoch.
func placeAt(snapshots []dataFile, zxid int64) int64 {
	place := int64(-1)
	for _, f := range snapshots {
		if f.zxid <= zxid {
			place = max(place, f.zxid)
		}
	}
	return place
}
