package replica

import (
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/persistence"
)

// Trees holds the server's tree. Swap and Reload are called by the log's
// goroutine, one at a time and while no client is served; what was handed to
// the machine to be applied before must have been applied, or be dropped, when
// they begin to change the tree.
//
// Both ask persistence.Store.History for what the new tree belongs to; its
// snapshots are saved with SaveSnapshotOf. So one that was begun before cannot
// bring back what was cut off.
type Trees interface {
	// Decode reads the snapshot behind a leader's SNAP packet: sessions, ACLs,
	// znodes and the end "/", with neither file header before nor seals
	// behind (parts 2 to 5 of a snapshot file). It builds a tree beside the
	// served one, and may run at any time, for several connections at once.
	//
	// The tree is exact as of zxid when the leader is a Meerkat. From an Apache
	// leader it is fuzzy: it has effects of transactions that come again behind
	// it, before NEWLEADER, so until then a digest that differs says nothing.
	Decode(zxid int64, r *jute.Reader) (Tree, error)
	// Swap makes a tree from Decode the served one, as of zxid. It is durable
	// by now.
	Swap(t Tree, zxid int64)
	// Reload makes what recover reads from the disk the served tree.
	Reload(recover func(persistence.State) (persistence.Recovered, error)) error
}

// Tree is a tree from [Trees.Decode].
type Tree interface {
	// Snapshot returns a snapshot of the tree as of the zxid of its Decode.
	// Nothing else uses the tree until that is closed.
	Snapshot() Snapshot
}

// Snapshot is a tree that is written once to the disk.
type Snapshot interface {
	persistence.Snapshot
	Close()
}
