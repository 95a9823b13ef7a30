package replica

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/quorum"
	"github.com/meerkat-zk/meerkat/quorum/peer"
)

const epoch1 = 1 << 32

func (m *member) log(t testing.TB, entries ...quorum.Entry) {
	t.Helper()
	for _, e := range entries {
		must(t, m.disk.Append(e.Zxid, e.Data))
	}
	must(t, m.disk.Sync())
}

func txns(from, to int64, who int32) (entries []quorum.Entry) {
	for zxid := from; zxid <= to; zxid++ {
		entries = append(entries, txn(zxid, who))
	}
	return entries
}

// stream is a snapshot as it comes over a link.
func stream(entries []quorum.Entry, zxid int64) *jute.Reader {
	var b bytes.Buffer
	_, _ = (toySnapshot{toyTree: &toyTree{zxid, entries}}).WriteTo(&b)
	return jute.NewReader(bufio.NewReader(&b), 1<<20)
}

func TestDiskTruncates(t *testing.T) {
	cfg := storeConfig(vfs.NewMem())
	m := mustOpen(t, cfg, 0.33)
	must(t, m.disk.SetAcceptedEpoch(1))
	m.log(t, txns(epoch1|1, epoch1|9, 1)...)
	must(t, m.toy.Reload(m.store.Recover)) // what was logged is also applied
	must(t, m.disk.Truncate(epoch1|8, false))
	if m.toy.reloaded != 1 || len(m.toy.tree.entries) != 9 {
		t.Errorf("without rebuild: %d reloads, %d entries", m.toy.reloaded, len(m.toy.tree.entries))
	}
	must(t, m.disk.Truncate(epoch1|4, true))
	if m.toy.reloaded != 2 || !sameEntries(m.toy.tree.entries, txns(epoch1|1, epoch1|4, 1)) {
		t.Errorf("with rebuild: %d reloads, %d entries", m.toy.reloaded, len(m.toy.tree.entries))
	}
	m.log(t, txns(epoch1|5, epoch1|6, 2)...)
	if err := m.disk.Truncate(epoch1|7, true); !errors.Is(err, peer.ErrOutOfReach) {
		t.Errorf("Truncate to what is not there = %v", err)
	}
	m.log(t, txn(epoch1|7, 2)) // nothing happened
	must(t, m.store.Close())
	again := mustOpen(t, cfg, 0.33)
	want := append(txns(epoch1|1, epoch1|4, 1), txns(epoch1|5, epoch1|7, 2)...)
	if !sameEntries(again.toy.tree.entries, want) {
		t.Errorf("recovered %d entries to 0x%x", len(again.toy.tree.entries), again.toy.tree.last())
	}
}

func TestDiskInstalls(t *testing.T) {
	cfg := storeConfig(vfs.NewMem())
	m := mustOpen(t, cfg, 0.33)
	m.log(t, txns(epoch1|1, epoch1|9, 1)...)
	theirs := append(txns(epoch1|1, epoch1|3, 1), txns(2<<32|1, 2<<32|4, 2)...)
	must(t, m.disk.Stage(7, 2<<32|4, stream(theirs, 2<<32|4)))
	must(t, m.disk.Stage(8, 2<<32|4, stream(theirs, 2<<32|4)))
	m.disk.Unstage(8)
	for link, zxid := range map[quorum.Link]int64{8: 2<<32 | 4, 9: 0} {
		if err := m.disk.Install(link, zxid); !errors.Is(err, ErrStaged) {
			t.Errorf("Install of link %d = %v", link, err)
		}
	}
	cut := jute.NewReader(bufio.NewReader(strings.NewReader("\x00\x00\x00\x09")), 1<<20)
	if err := m.disk.Stage(9, 5, cut); err == nil {
		t.Error("half a snapshot was staged")
	}
	must(t, m.disk.Install(7, 2<<32|4))
	if m.toy.swapped != 1 || !sameEntries(m.toy.tree.entries, theirs) || m.toy.open != 0 {
		t.Errorf("%d swaps, %d entries, %d snapshots open", m.toy.swapped, len(m.toy.tree.entries), m.toy.open)
	}
	more := txns(2<<32|5, 2<<32|8, 2)
	m.log(t, more...)
	must(t, m.disk.SetAcceptedEpoch(3))
	must(t, m.disk.SetCurrentEpoch(2))
	must(t, m.store.Close())
	again := mustOpen(t, cfg, 0.33)
	if !sameEntries(again.toy.tree.entries, append(theirs, more...)) {
		t.Errorf("recovered %d entries to 0x%x", len(again.toy.tree.entries), again.toy.tree.last())
	}
	f := again.found
	if f.Zxid != 2<<32|8 || f.Applied != f.Zxid || f.AcceptedEpoch != 3 || f.CurrentEpoch != 2 || f.TailBase != 2<<32|4 || !sameEntries(f.Tail, more) {
		t.Errorf("recovered %+v", f)
	}
}

func TestDiskReads(t *testing.T) {
	for _, tc := range []struct {
		factor   float64
		learner  int64
		complete bool
	}{
		{0, epoch1 | 2, true}, {1000, epoch1 | 2, true}, {0.33, epoch1 | 2, false}, {0.33, epoch1 | 8, true}, {-1, epoch1 | 8, false},
	} {
		m := mustOpen(t, storeConfig(vfs.NewMem()), tc.factor)
		want := txns(epoch1|1, epoch1|9, 1)
		m.log(t, want...)
		must(t, m.toy.Reload(m.store.Recover))
		must(t, m.toy.save()) // some 2 KB
		q := quorum.LogQuery{Peer: tc.learner, UpTo: epoch1 | 9}
		got := m.disk.Reach(q)
		if got.Complete != tc.complete || got.UpTo != q.UpTo || got.Complete && (got.Prev != q.Peer || got.Next != q.Peer+1) {
			t.Errorf("factor %v, from 0x%x: %+v", tc.factor, tc.learner, got)
		}
		var read []quorum.Entry
		must(t, m.disk.ReadLog(epoch1|2, epoch1|7, func(e quorum.Entry) error {
			read = append(read, quorum.Entry{Zxid: e.Zxid, Data: bytes.Clone(e.Data)})
			return nil
		}))
		if !sameEntries(read, want[2:7]) {
			t.Errorf("read %d entries", len(read))
		}
	}
	m := mustOpen(t, storeConfig(vfs.NewMem()), 0)
	m.log(t, txns(epoch1|1, epoch1|9, 1)...)
	m.fs.Corrupt("/data/version-2/log.100000001", 90, 1)
	if got := m.disk.Reach(quorum.LogQuery{Peer: epoch1 | 1, UpTo: epoch1 | 9}); got != (quorum.LogReach{Prev: -1, UpTo: epoch1 | 9}) {
		t.Errorf("of a damaged log: %+v", got)
	}
}

func TestDiskTellsWhatIsLogged(t *testing.T) {
	m := mustOpen(t, storeConfig(vfs.NewMem()), 0)
	var calls, logged, bytes int
	m.disk.cfg.Logged = func(n, sizeBytes int) error {
		calls, logged, bytes = calls+1, logged+n, bytes+sizeBytes
		return m.store.Roll()
	}
	all := txns(epoch1|1, epoch1|5, 1)
	size := 0
	for _, e := range all {
		size += len(e.Data)
	}
	m.log(t, all[:3]...)
	m.log(t, all[3:]...)
	must(t, m.disk.Sync()) // of nothing
	if calls != 2 || logged != 5 || bytes != size {
		t.Errorf("%d calls: %d transactions of %d bytes", calls, logged, bytes)
	}
	_, logs, err := m.store.Files()
	must(t, err)
	if len(logs) != 2 {
		t.Errorf("%d logs", len(logs))
	}
	broken := errors.New("broken")
	m.disk.cfg.Logged = func(int, int) error { return broken }
	must(t, m.disk.Append(epoch1|6, txn(epoch1|6, 1).Data))
	if err := m.disk.Sync(); !errors.Is(err, broken) {
		t.Errorf("Sync = %v", err)
	}
}

// TestDiskIsFull: a learner writes as long as what was reserved lasts, then it
// stops and says why. With space it goes on.
func TestDiskIsFull(t *testing.T) {
	cfg := storeConfig(vfs.NewMem())
	m := mustOpen(t, cfg, 0)
	must(t, m.disk.SetAcceptedEpoch(1))
	m.fs.SetLimit(m.fs.Used())
	var err error
	zxid := int64(epoch1)
	for err == nil && zxid < epoch1+1000 {
		zxid++
		if err = m.disk.Append(zxid, txn(zxid, 1).Data); err == nil {
			err = m.disk.Sync()
		}
	}
	if !errors.Is(err, ErrFull) || !errors.Is(err, persistence.ErrLogFailed) {
		t.Fatalf("with a full disk: %v", err)
	}
	m.fs.SetLimit(-1)
	if err := m.disk.Sync(); !errors.Is(err, persistence.ErrLogFailed) {
		t.Errorf("Sync later = %v", err)
	}
	_ = m.store.Close() // says the same
	again := mustOpen(t, cfg, 0)
	if again.found.Zxid < zxid-1 {
		t.Errorf("recovered 0x%x, synced was 0x%x", again.found.Zxid, zxid-1)
	}
	last := again.found.Zxid
	again.log(t, txn(last+1, 1))
	// A snapshot that does not fit changes nothing.
	again.fs.SetLimit(again.fs.Used())
	must(t, again.disk.Stage(1, 5<<32, stream(txns(1, 200, 1), 5<<32)))
	if err := again.disk.Install(1, 5<<32); !errors.Is(err, ErrFull) {
		t.Errorf("Install = %v", err)
	}
	if again.toy.swapped != 0 || again.toy.open != 0 {
		t.Error("the tree was swapped")
	}
}

// TestRecoveredOfNothing is a member that may have lost its disk.
func TestRecoveredOfNothing(t *testing.T) {
	cfg := storeConfig(vfs.NewMem())
	cfg.DBAutocreate = false
	m := mustOpen(t, cfg, 0)
	if f := m.found; f.Zxid != -1 || f.Applied != -1 || f.TailBase != -1 || f.AcceptedEpoch != 0 || f.CurrentEpoch != 0 {
		t.Errorf("recovered %+v", f)
	}
	must(t, m.store.Close())
	cfg.DBAutocreate = true
	m = mustOpen(t, cfg, 0)
	if f := m.found; f.Zxid != 0 || f.TailBase != 0 {
		t.Errorf("recovered %+v", f)
	}
	must(t, m.store.SetAcceptedEpoch(1))
	m.log(t, txns(epoch1|1, epoch1|3, 1)...)
	must(t, m.store.Close())
	m = mustOpen(t, cfg, 0) // it died before the epoch's history was whole
	if f := m.found; f.Zxid != epoch1|3 || f.AcceptedEpoch != 1 || f.CurrentEpoch != 0 || f.TailBase != 0 || len(f.Tail) != 3 {
		t.Errorf("recovered %+v", f)
	}
	must(t, m.store.SetCurrentEpoch(2))
	must(t, m.store.Close())
	if _, err := openMember(t, cfg, 0); !errors.Is(err, persistence.ErrEpoch) {
		t.Errorf("with an epoch that was never accepted: %v", err)
	}
}
