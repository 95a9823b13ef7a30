package peer

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/quorum"
)

// storeDisk is a data directory on a disk that can crash, below a memServer's
// tree. Its only snapshot is the empty one, so the log is the whole history.
type storeDisk struct {
	*memServer
	fs    *vfs.Mem
	store *persistence.Store
}

// openStore recovers what the disk holds.
func openStore(t *testing.T, fs *vfs.Mem) (*storeDisk, quorum.Recovered) {
	t.Helper()
	store, err := persistence.Open(persistence.Config{
		FS: fs, DataDir: "/data", Autocreate: true, ForceSync: true, DBAutocreate: true, ReserveBytes: -1, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &storeDisk{memServer: newMemServer(), fs: fs, store: store}
	found, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	epochs, err := store.LoadEpochs(found.Zxid)
	if err != nil {
		t.Fatal(err)
	}
	return d, quorum.Recovered{
		Zxid: found.Zxid, Applied: found.Zxid, TailBase: found.Zxid, AcceptedEpoch: epochs.Accepted, CurrentEpoch: epochs.Current,
	}
}

func (d *storeDisk) load() (persistence.Recovered, error) {
	d.tree = nil
	found, err := d.store.Recover(d)
	if err == nil && found.NeedsSnapshot {
		_, err = d.store.SaveSnapshot(emptyTree{})
	}
	d.hist = append([]quorum.Entry(nil), d.tree...)
	return found, err
}

// emptyTree is the snapshot that every new database begins with.
type emptyTree struct{}

func (emptyTree) Zxid() int64                       { return 0 }
func (emptyTree) Digest() (digest uint64, has bool) { return 0, false }

func (emptyTree) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(jute.AppendString(make([]byte, 8), "/")) // no sessions, no ACLs, no nodes
	return int64(n), err
}

func (d *storeDisk) Reset() { d.tree = nil }

func (d *storeDisk) DecodeSnapshot(r *jute.Reader) error {
	if r.Long() != 0 || r.String() != "/" { // two counts, then the end
		return errors.New("not the empty tree")
	}
	return r.Err()
}

func (d *storeDisk) SnapshotDigest(int64, int32, uint64) {}

func (d *storeDisk) Replay(e *proto.Entry) error {
	d.tree = append(d.tree, quorum.Entry{Zxid: e.Header.Zxid, Data: e.Append(nil)})
	return nil
}

func (d *storeDisk) Append(zxid int64, entry []byte) error {
	if err := d.store.Append(zxid, entry); err != nil {
		return err
	}
	return d.memServer.Append(zxid, entry)
}

func (d *storeDisk) Sync() error {
	if err := d.store.Sync(); err != nil {
		return err
	}
	return d.memServer.Sync()
}

func (d *storeDisk) Truncate(zxid int64, _ bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.truncated++
	if err := d.store.Truncate(zxid); err != nil {
		return err
	}
	_, err := d.load()
	return err
}

func (d *storeDisk) Install(quorum.Link, int64) error {
	return errors.New("a snapshot was not called for")
}

func (d *storeDisk) SetAcceptedEpoch(epoch int64) error { return d.store.SetAcceptedEpoch(epoch) }
func (d *storeDisk) SetCurrentEpoch(epoch int64) error  { return d.store.SetCurrentEpoch(epoch) }

// openAll opens the stores of an ensemble and starts it; the power may have
// gone before.
func (e *ensemble) openAll(disks map[int64]*vfs.Mem) map[int64]*storeDisk {
	open := map[int64]*storeDisk{}
	for _, id := range e.voters {
		d, found := openStore(e.t, disks[id])
		open[id], e.servers[id] = d, d.memServer
		e.startWith(id, found, d)
	}
	return open
}

// storeValues makes transactions as the log holds them.
func storeValues(first int64, n int) []quorum.Entry {
	var entries []quorum.Entry
	for zxid := first; zxid < first+int64(n); zxid++ {
		txn := proto.Entry{Header: proto.TxnHeader{Zxid: zxid, Type: proto.OpError}, Txn: &proto.ErrorTxn{Err: -101}}
		entries = append(entries, quorum.Entry{Zxid: zxid, Data: txn.Append(nil)})
	}
	return entries
}

// Power goes on all servers at once, again and again, with what was not synced
// lost in part: what every server showed is there, and nothing else.
func TestEnsembleOverStoresLosesPower(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inEnsemble(t, 3, func(e *ensemble) {
				disks := map[int64]*vfs.Mem{1: vfs.NewMem(), 2: vfs.NewMem(), 3: vfs.NewMem()}
				for round := range uint64(4) {
					open := e.openAll(disks)
					leader, _ := e.leader()
					e.converge()
					entries := storeValues(quorum.EpochStart(e.servers[leader].role.Epoch)+1, 20)
					if err := e.peers[leader].Propose(entries...); err != nil {
						t.Fatal(err)
					}
					e.want = append(e.want, entries...)
					e.converge()
					for id, d := range open {
						disks[id] = d.fs.Crash(vfs.LoseSome, 100*seed+10*round+uint64(id))
					}
					for id, d := range open {
						e.stop(id)
						if err := d.store.Close(); err != nil {
							t.Error(err)
						}
					}
				}
			})
		})
	}
}

// A log on a real format is cut where the leader's ends.
func TestEnsembleOverStoresTruncates(t *testing.T) {
	inEnsemble(t, 3, func(e *ensemble) {
		disks := map[int64]*vfs.Mem{1: vfs.NewMem(), 2: vfs.NewMem(), 3: vfs.NewMem()}
		open := e.openAll(disks)
		leader, _ := e.leader()
		e.want = storeValues(quorum.EpochStart(e.servers[leader].role.Epoch)+1, 20)
		if err := e.peers[leader].Propose(e.want...); err != nil {
			t.Fatal(err)
		}
		e.converge()
		for id, d := range open {
			e.stop(id)
			if id == 1 { // logged, and acknowledged by nobody else
				extra := storeValues(lastOf(e.want)+1, 3)
				for _, x := range extra {
					if err := d.store.Append(x.Zxid, x.Data); err != nil {
						t.Fatal(err)
					}
				}
				if err := d.store.Sync(); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.store.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []int64{2, 3, 1} {
			if id == 1 {
				e.leader()
			}
			d, found := openStore(t, disks[id])
			defer func() { _ = d.store.Close() }()
			e.servers[id] = d.memServer
			e.startWith(id, found, d)
		}
		e.converge()
		e.check(1, 1, 0)
	})
}
