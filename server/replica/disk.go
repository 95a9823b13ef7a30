package replica

import (
	"errors"
	"fmt"
	"sync"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/quorum"
	"github.com/meerkat-zk/meerkat/quorum/peer"
)

// ErrFull means that a member could not write what its leader had committed
// because the disk is full. Unlike a leader, which refuses new writes as long
// as there is no room, a learner cannot choose: it stops, and comes back when
// it is started again on a disk with space.
var ErrFull = errors.New("the disk is full: free some space and start this server again")

// ErrStaged means that a snapshot is to be installed that was never received.
var ErrStaged = errors.New("no such snapshot was received")

// Config is what a Disk is told once.
type Config struct {
	Store *persistence.Store // recovered
	Trees Trees

	// SnapshotSizeFactor bounds what is read from the log to bring a learner
	// up to date, as a part of the newest snapshot's size: above it a
	// snapshot is sent (zookeeper.snapshotSizeFactor, 0.33). Negative never
	// reads the log; zero is without a bound, as in Apache.
	SnapshotSizeFactor float64

	// Logged is told, after each Sync, of the transactions that it made
	// durable and of their bytes, on the log's goroutine. It may let the log
	// roll. An error is final. nil is none. How long syncs take is told by
	// persistence.Config.OnSync.
	Logged func(txns, sizeBytes int) error

	// Volatile keeps nothing of the transactions on the disk, as an observer
	// may (zookeeper.observer.syncEnabled=false): when it starts again it has
	// what was there before, and is brought up to date from that.
	Volatile bool

	Log zerolog.Logger
}

// Disk implements peer.Disk. After an error of Append, Sync, Truncate or
// Install, other than peer.ErrOutOfReach, it must not be used any more.
type Disk struct {
	cfg Config // set once

	txns, bytes int // owned by the log's goroutine: appended since the last Sync

	mu     sync.Mutex
	staged map[quorum.Link]staged // mu
}

var _ peer.Disk = (*Disk)(nil)

// staged is a snapshot that has arrived.
type staged struct {
	tree Tree
	zxid int64
}

// NewDisk returns a disk over a store that was recovered.
func NewDisk(cfg Config) *Disk {
	return &Disk{cfg: cfg, staged: make(map[quorum.Link]staged)}
}

// Append adds an entry to the log, durable after the next Sync.
func (d *Disk) Append(zxid int64, entry []byte) error {
	if d.cfg.Volatile {
		return nil
	}
	d.txns++
	d.bytes += len(entry)
	return explain(d.cfg.Store.Append(zxid, entry))
}

// Sync makes durable what was appended.
func (d *Disk) Sync() error {
	if d.cfg.Volatile {
		return nil
	}
	if err := d.cfg.Store.Sync(); err != nil {
		return explain(err)
	}
	txns, bytes := d.txns, d.bytes
	d.txns, d.bytes = 0, 0
	if d.cfg.Logged == nil || txns == 0 {
		return nil
	}
	return d.cfg.Logged(txns, bytes)
}

// Truncate removes all above zxid, durably; with rebuild it loads the tree
// again from what is left. When the log does not reach back it changes nothing
// and fails with peer.ErrOutOfReach.
func (d *Disk) Truncate(zxid int64, rebuild bool) error {
	if d.cfg.Volatile {
		return fmt.Errorf("%w: there is none", peer.ErrOutOfReach)
	}
	err := d.cfg.Store.Truncate(zxid)
	switch {
	case errors.Is(err, persistence.ErrOutOfReach):
		d.cfg.Log.Warn().Err(err).Msg("the leader will be asked for a snapshot")
		return fmt.Errorf("%w: %w", peer.ErrOutOfReach, err)
	case err != nil:
		return explain(err)
	}
	d.cfg.Log.Info().Str("zxid", fmt.Sprintf("0x%x", zxid)).Msg("log truncated to where the leader's history goes on")
	if !rebuild {
		return nil
	}
	var found persistence.Recovered
	err = d.cfg.Trees.Reload(func(st persistence.State) (persistence.Recovered, error) {
		var err error
		found, err = d.cfg.Store.Recover(st)
		return found, err
	})
	if err == nil && found.Zxid != zxid {
		err = fmt.Errorf("it ends at 0x%x", found.Zxid)
	}
	if err != nil {
		return fmt.Errorf("load the tree after truncating to 0x%x: %w", zxid, err)
	}
	return nil
}

// Install replaces log, snapshots and tree by what was staged for a link.
func (d *Disk) Install(link quorum.Link, zxid int64) error {
	s, found := d.take(link)
	if !found || s.zxid != zxid {
		return fmt.Errorf("%w: 0x%x", ErrStaged, zxid)
	}
	if err := d.install(s.tree); err != nil {
		return err
	}
	d.cfg.Trees.Swap(s.tree, zxid)
	d.cfg.Log.Info().Str("zxid", fmt.Sprintf("0x%x", zxid)).Msg("the leader's snapshot has replaced all data")
	return nil
}

func (d *Disk) install(tree Tree) error {
	if d.cfg.Volatile {
		return nil
	}
	snapshot := tree.Snapshot()
	defer snapshot.Close()
	return explain(d.cfg.Store.Install(snapshot))
}

// SetAcceptedEpoch writes the acceptedEpoch file.
func (d *Disk) SetAcceptedEpoch(epoch int64) error {
	return explain(d.cfg.Store.SetAcceptedEpoch(epoch))
}

// SetCurrentEpoch writes the currentEpoch file.
func (d *Disk) SetCurrentEpoch(epoch int64) error { return explain(d.cfg.Store.SetCurrentEpoch(epoch)) }

// Stage reads the snapshot behind a SNAP packet, for Install.
func (d *Disk) Stage(link quorum.Link, zxid int64, r *jute.Reader) error {
	tree, err := d.cfg.Trees.Decode(zxid, r)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.staged[link] = staged{tree, zxid}
	return nil
}

// Unstage forgets what was staged for a link and not installed.
func (d *Disk) Unstage(link quorum.Link) { d.take(link) }

func (d *Disk) take(link quorum.Link) (staged, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, found := d.staged[link]
	delete(d.staged, link)
	return s, found
}

// Reach tells what the log holds. A log that cannot be read reaches nowhere:
// the learner gets a snapshot.
func (d *Disk) Reach(q quorum.LogQuery) quorum.LogReach {
	none := quorum.LogReach{Prev: -1, UpTo: q.UpTo}
	if d.cfg.SnapshotSizeFactor < 0 || d.cfg.Volatile {
		return none
	}
	snapshotBytes, err := d.cfg.Store.SnapshotBytes()
	var r persistence.Reach
	if err == nil {
		// A limit of zero is none, for Apache too.
		r, err = d.cfg.Store.Reach(q.Peer, q.UpTo, int64(float64(snapshotBytes)*d.cfg.SnapshotSizeFactor))
	}
	if err != nil {
		d.cfg.Log.Warn().Err(err).Msg("the log cannot be read for a learner")
		return none
	}
	return quorum.LogReach{Complete: r.Complete, Prev: r.Prev, Next: r.Next, UpTo: q.UpTo}
}

// ReadLog calls yield for every durable entry in (from, to], in order, and
// returns its error. The entry's bytes are valid during the call.
func (d *Disk) ReadLog(from, to int64, yield func(quorum.Entry) error) error {
	return d.cfg.Store.ReadEntries(from, to, func(zxid int64, entry []byte) error {
		return yield(quorum.Entry{Zxid: zxid, Data: entry})
	})
}

func explain(err error) error {
	if vfs.IsNoSpace(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
