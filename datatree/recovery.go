package datatree

// Replay over one of Apache's fuzzy snapshots meets states that no server was
// ever in. A snapshot can hold a znode and its children as they were created
// after the log deletes, in replay, the znode of the same path that was there
// before. The children stay where they are, without a parent, until the log
// creates the znode again, which then takes them over.

// Recovered says what was peculiar about a recovery.
type Recovered struct {
	LostACLs int // znodes closed to all but super users; see [Tree.LostACLs]
	Orphans  int // znodes removed because the log ended before their parent came back
	// UncoveredZxid is not 0 if the log ended before the zxid of the snapshot's
	// digest: the log has lost transactions whose effects may be in the
	// snapshot in part.
	UncoveredZxid int64
}

// EndRecovery is called once the log behind the decoded snapshot is replayed.
func (t *Tree) EndRecovery() Recovered {
	var r Recovered
	r.Orphans = t.dropOrphans()
	if t.adopted {
		t.measureQuotas()
		t.adopted = false
	}
	t.comparePending(t.lastZxid + 1)
	if t.check.hasPending {
		r.UncoveredZxid = t.check.pending.Zxid
		t.check.hasPending = false
	}
	r.LostACLs = t.LostACLs()
	return r
}

// abandon remembers that a deleted znode had children.
func (t *Tree) abandon(z *Znode) {
	if t.orphans == nil {
		t.orphans = make(map[string]int32)
	}
	t.orphans[z.Path()] = z.kids
}

// adopt returns how many children wait for the znode that is created at path.
func (t *Tree) adopt(path string) int32 {
	if len(t.orphans) == 0 {
		return 0
	}
	kids := t.orphans[path]
	delete(t.orphans, path)
	t.adopted = t.adopted || kids > 0
	return kids
}

// dropOrphans removes what hangs below znodes that are gone, and counts it.
// After a complete replay there is nothing of the kind; a log that breaks off
// can leave some. It would be found by path and by nothing else, and no server
// could load a snapshot that holds it.
func (t *Tree) dropOrphans() int {
	n := 0
	for path, kids := range t.orphans {
		absent := newZnode(path, nil)
		absent.kids = kids
		var below []*Znode
		t.descendants(absent, func(z *Znode) { below = append(below, z) })
		for i := len(below) - 1; i >= 0; i-- {
			parent := t.parentOf(below[i].Path())
			if parent == nil {
				parent = absent
			}
			t.remove(below[i], parent)
		}
		n += len(below)
	}
	t.orphans = nil
	return n
}
