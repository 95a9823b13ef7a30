package replica

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/internal/memnet"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
	"github.com/meerkat-zk/meerkat/quorum"
	"github.com/meerkat-zk/meerkat/quorum/peer"
)

// ensemble is three servers of real peers over real stores, on disks in
// memory, which lose power at any operation.
type ensemble struct {
	t       *testing.T
	rng     *rand.Rand
	net     *memnet.Net
	members map[int64]*ensembleMember
	want    []quorum.Entry // what clients have seen, in order

	reads, reloads, installs, powerCuts int
}

type ensembleMember struct {
	*member
	peer  *peer.Peer
	reads atomic.Int64 // of the log, for learners

	mu    sync.Mutex
	left  int      // operations until power goes; negative is never
	after *vfs.Mem // mu: the disk as it is found afterwards
}

// poweredDisk counts how often a Disk reads the log for a learner, and reports
// nothing any more once the power is gone: what another goroutine's operation
// has taken it away from may seem to have been done.
type poweredDisk struct {
	*Disk
	m *ensembleMember
}

func (d poweredDisk) ReadLog(from, to int64, yield func(quorum.Entry) error) error {
	d.m.reads.Add(1)
	return d.Disk.ReadLog(from, to, yield)
}

func (d poweredDisk) Sync() error { return d.m.powered(d.Disk.Sync()) }

func (d poweredDisk) Truncate(zxid int64, rebuild bool) error {
	return d.m.powered(d.Disk.Truncate(zxid, rebuild))
}

func (d poweredDisk) Install(link quorum.Link, zxid int64) error {
	return d.m.powered(d.Disk.Install(link, zxid))
}

func (d poweredDisk) SetAcceptedEpoch(epoch int64) error {
	return d.m.powered(d.Disk.SetAcceptedEpoch(epoch))
}

func (d poweredDisk) SetCurrentEpoch(epoch int64) error {
	return d.m.powered(d.Disk.SetCurrentEpoch(epoch))
}

// powered is the outcome of an operation as far as it can still be told.
func (m *ensembleMember) powered(err error) error {
	if err == nil && m.dark() {
		return errPower
	}
	return err
}

var errPower = errors.New("no power")

// watch lets the power go before an operation that changes the disk.
func (m *ensembleMember) watch(fs *vfs.Mem, op vfs.Op, seed uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.after != nil {
		return errPower
	}
	if m.left < 0 || !op.Kind.Changes() {
		return nil
	}
	if m.left--; m.left >= 0 {
		return nil
	}
	m.after = fs.Crash(vfs.LoseSome, seed)
	return errPower
}

func (m *ensembleMember) arm(operations int) {
	m.mu.Lock()
	m.left = operations
	m.mu.Unlock()
}

func (m *ensembleMember) dark() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.after != nil
}

// start brings a server up on a disk. The power may go again meanwhile, and
// then it is tried again on what that leaves.
func (e *ensemble) start(id int64, fs *vfs.Mem, first bool) {
	e.t.Helper()
	for try := 0; ; try++ {
		m := &ensembleMember{left: -1}
		if try == 0 && e.rng.IntN(3) == 0 {
			m.left = e.rng.IntN(30)
		}
		seed := e.rng.Uint64()
		fs.Observe(func(op vfs.Op) error { return m.watch(fs, op, seed) })
		var err error
		cfg := storeConfig(fs)
		cfg.DBAutocreate = first
		if m.member, err = openMember(e.t, cfg, 3); err == nil {
			m.arm(-1)
		}
		if m.dark() {
			if err == nil {
				_ = m.store.Close() // has no power
			}
			fs = m.after
			continue
		}
		must(e.t, err)
		m.disk.cfg.Logged = func(int, int) error {
			if m.store.LogBytes()%5 == 0 {
				return m.store.Roll()
			}
			return nil
		}
		e.run(id, m)
		return
	}
}

func (e *ensemble) run(id int64, m *ensembleMember) {
	e.t.Helper()
	votes, packets := map[int64][]string{}, map[int64][]string{}
	for other := int64(1); other <= 3; other++ {
		votes[other], packets[other] = []string{fmt.Sprintf("e%d:1", other)}, []string{fmt.Sprintf("q%d:1", other)}
	}
	var err error
	m.peer, err = peer.Start(peer.Config{
		Core: quorum.Config{
			ID: id, Verifier: quorum.NewMajority(1, 2, 3), Tick: 2 * time.Second, InitTicks: 10, SyncTicks: 5,
			MinNotify: 200 * time.Millisecond, MaxNotify: time.Minute, Settle: 200 * time.Millisecond, CommitLogCount: 5,
		},
		Recovered: m.found, Disk: poweredDisk{m.disk, m}, Machine: m.toy, MaxDiskBytes: 1 << 20,
		Election: peer.ElectionConfig{
			ID: id, Addresses: votes[id], Peers: votes, Listeners: []net.Listener{e.net.Listen(votes[id][0])},
			Dial: e.net.Dial, DialTimeout: 5 * time.Second, HandshakeTimeout: 10 * time.Second, Log: zerolog.Nop(),
		},
		Links: peer.LinksConfig{
			Peers: packets, Listeners: []net.Listener{e.net.Listen(packets[id][0])}, Dial: e.net.Dial,
			DialTimeout: 5 * time.Second, FirstTimeout: 20 * time.Second, MaxPacketBytes: 1 << 20, MaxQueueBytes: 16 << 20, MaxLinks: 100,
			Log: zerolog.Nop(),
		},
	})
	must(e.t, err)
	e.members[id] = m
}

// kill ends a server whose power is gone, or takes it away. It returns what is
// found on its disk.
func (e *ensemble) kill(id int64) *vfs.Mem {
	e.t.Helper()
	m := e.members[id]
	m.arm(0)
	_, _ = m.fs.Create("/power") // the last operation
	err := m.peer.Close()
	if err != nil && !errors.Is(err, errPower) && !errors.Is(err, persistence.ErrLogFailed) {
		e.t.Errorf("server %d ended with %v", id, err)
	}
	_ = m.store.Close() // has no power
	e.see(m)
	if m.toy.open != 0 || len(m.disk.staged) != 0 {
		e.t.Errorf("server %d leaves %d snapshots open and %d staged", id, m.toy.open, len(m.disk.staged))
	}
	e.reads += int(m.reads.Load())
	e.reloads += m.toy.reloaded
	e.installs += m.toy.swapped
	delete(e.members, id)
	e.powerCuts++
	return m.after
}

// see notes what a server has shown to clients. Two servers never show
// different histories.
func (e *ensemble) see(m *ensembleMember) {
	e.t.Helper()
	m.toy.mu.Lock()
	defer m.toy.mu.Unlock()
	for _, c := range m.toy.committed {
		i := len(e.want)
		for i > 0 && e.want[i-1].Zxid >= c.Zxid {
			i--
		}
		switch {
		case i == len(e.want):
			e.want = append(e.want, c)
		case e.want[i].Zxid != c.Zxid || string(e.want[i].Data) != string(c.Data):
			e.t.Fatalf("0x%x was shown where another server showed 0x%x", c.Zxid, e.want[i].Zxid)
		}
	}
	m.toy.committed = nil
}

// leader returns a serving leader, nil if there is none within a minute or so.
func (e *ensemble) leader() *ensembleMember {
	for range 3000 {
		synctest.Wait()
		for _, id := range []int64{1, 2, 3} {
			m := e.members[id]
			if m == nil || m.dark() {
				continue
			}
			m.toy.mu.Lock()
			leads := m.toy.role.State == proto.Leading && m.toy.role.Phase == quorum.Broadcast
			m.toy.mu.Unlock()
			if leads {
				return m
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// propose hands some transactions to the leader.
func (e *ensemble) propose(who int32) {
	m := e.leader()
	if m == nil {
		return
	}
	m.toy.mu.Lock()
	zxid := max(m.toy.tree.last(), quorum.EpochStart(m.toy.role.Epoch))
	m.toy.mu.Unlock()
	var entries []quorum.Entry
	for range 1 + e.rng.IntN(6) {
		zxid++
		entries = append(entries, txn(zxid, who))
	}
	_ = m.peer.Propose(entries...) // refused when it just lost its power
}

// converge waits until all servers serve one history, which has all that any
// client has seen.
func (e *ensemble) converge() {
	e.t.Helper()
	for range 6000 {
		synctest.Wait()
		if e.agree() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	for id, m := range e.members {
		e.t.Logf("server %d: %+v, tree %d to 0x%x", id, m.toy.role, len(m.toy.tree.entries), m.toy.tree.last())
	}
	e.t.Fatalf("no agreement; clients have seen %d", len(e.want))
}

func (e *ensemble) agree() bool {
	var first []quorum.Entry
	for id := int64(1); id <= 3; id++ {
		m := e.members[id]
		m.toy.mu.Lock()
		entries, serving := m.toy.tree.entries, m.toy.role.Phase == quorum.Broadcast
		m.toy.mu.Unlock()
		if !serving || id > 1 && !sameEntries(entries, first) {
			return false
		}
		first = entries
	}
	for _, m := range e.members {
		e.see(m)
	}
	i := 0
	for _, seen := range e.want {
		for i < len(first) && first[i].Zxid < seen.Zxid {
			i++
		}
		if i == len(first) || first[i].Zxid != seen.Zxid || string(first[i].Data) != string(seen.Data) {
			e.t.Fatalf("0x%x was shown to clients and is lost", seen.Zxid)
		}
	}
	return true
}

// round lets the power of one server, now and then of two, go in the middle of
// writes, lets the others go on, and brings them back.
func (e *ensemble) round(who int32) {
	e.t.Helper()
	victims := e.rng.Perm(3)[:1+e.rng.IntN(5)/3]
	for _, v := range victims {
		e.members[int64(v+1)].arm(e.rng.IntN(25))
	}
	for range 2 + e.rng.IntN(4) {
		e.propose(who)
		if e.rng.IntN(3) == 0 {
			m := e.members[e.rng.Int64N(3)+1]
			if m.toy.save() == nil {
				_, err := m.store.Purge(persistence.MinRetain)
				if err != nil && !m.dark() {
					e.t.Error(err)
				}
			}
		}
		if e.rng.IntN(2) == 0 {
			synctest.Wait()
		}
	}
	disks := map[int64]*vfs.Mem{}
	for _, v := range victims {
		id := int64(v + 1)
		disks[id] = e.kill(id)
		if e.rng.IntN(12) == 0 && len(victims) == 1 {
			disks[id] = vfs.NewMem() // the disk itself is lost
		}
	}
	if len(victims) == 1 {
		for range e.rng.IntN(12) { // some rounds leave it far behind
			e.propose(who)
			synctest.Wait()
		}
	}
	for _, v := range victims {
		e.start(int64(v+1), disks[int64(v+1)], false)
	}
	e.converge()
}

// seeds are the one in MEERKAT_CRASH_SEED, or as many as MEERKAT_CRASH_SEEDS
// says, or the first few.
func seeds(t *testing.T, n uint64) (all []uint64) {
	number := func(key string) (uint64, bool) {
		v, err := strconv.ParseUint(os.Getenv(key), 10, 64)
		if os.Getenv(key) != "" && err != nil {
			t.Fatal(err)
		}
		return v, os.Getenv(key) != ""
	}
	if seed, ok := number("MEERKAT_CRASH_SEED"); ok {
		return []uint64{seed}
	}
	if many, ok := number("MEERKAT_CRASH_SEEDS"); ok {
		n = many
	}
	for seed := range n {
		all = append(all, seed)
	}
	return all
}

// TestEnsembleLosesPower: servers lose their power at any operation of their
// disks, come back and agree, and nothing that a client has seen is lost.
func TestEnsembleLosesPower(t *testing.T) {
	var total ensemble
	for _, seed := range seeds(t, 4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("replay: MEERKAT_CRASH_SEED=%d go test -run TestEnsembleLosesPower ./server/replica", seed)
				}
			}()
			synctest.Test(t, func(t *testing.T) {
				e := &ensemble{t: t, rng: rand.New(rand.NewPCG(seed, 5)), net: memnet.New(), members: map[int64]*ensembleMember{}}
				defer func() {
					for id := range e.members {
						e.kill(id)
					}
				}()
				for id := int64(1); id <= 3; id++ {
					e.start(id, vfs.NewMem(), true)
				}
				e.converge()
				for round := range int32(12) {
					e.round(round)
				}
				for id := range e.members {
					e.kill(id)
				}
				t.Logf("%d transactions seen; %d power cuts, %d reads of the log, %d reloads, %d installs", len(e.want), e.powerCuts, e.reads, e.reloads, e.installs)
				total.reads, total.reloads, total.installs = total.reads+e.reads, total.reloads+e.reloads, total.installs+e.installs
			})
		})
	}
	switch n := len(seeds(t, 4)); {
	case n >= 4 && (total.reads == 0 || total.installs == 0), n >= 60 && total.reloads == 0:
		t.Errorf("in %d runs the log was read %d times, the tree reloaded %d times, a snapshot installed %d times", n, total.reads, total.reloads, total.installs)
	}
}
