package persistence

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// crashTest runs a workload on a disk in memory and, before each operation
// that could matter, looks at what a power loss at that moment would leave:
// every acknowledged transaction, nothing that was not written, nothing half.
type crashTest struct {
	seed uint64
	rng  *rand.Rand
	cfg  Config

	disk    *vfs.Mem
	store   *Store
	history history // appended; grows in the test's goroutine only
	synced  atomic.Int64

	mu     sync.Mutex
	clones []crashClone
}

// crashClone is a disk after a crash, and what it must hold.
type crashClone struct {
	disk  *vfs.Mem
	what  string
	least int // acknowledged before the crash
	most  int // written before the crash
}

func newCrashTest(seed uint64) *crashTest {
	c := &crashTest{seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), disk: vfs.NewMem()}
	c.cfg = testConfig(c.disk)
	c.cfg.PreallocBytes, c.cfg.ReserveBytes = 8<<10, 4<<10
	c.cfg.Compression = []string{CompressNone, CompressGzip, CompressSnappy}[seed%3]
	return c
}

// observe takes clones before an operation.
func (c *crashTest) observe(op vfs.Op) error {
	if !op.Kind.Changes() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	what := fmt.Sprintf("seed %d, before operation %d (%s %s)", c.seed, op.Index, op.Kind, op.Path)
	least, most := int(c.synced.Load()), len(c.history.entries)
	add := func(loss vfs.Loss, name string, seed uint64) {
		c.clones = append(c.clones, crashClone{c.disk.Crash(loss, seed), what + ", losing " + name, least, most})
	}
	// All ways of losing at every operation take too long; over the seeds
	// each is tried everywhere.
	add(vfs.LoseSome, "some", uint64(op.Index))
	switch (uint64(op.Index) + c.seed) % 4 {
	case 0:
		add(vfs.LoseAll, "all", 0)
	case 1:
		add(vfs.LoseNothing, "nothing", 0)
	default:
		add(vfs.LoseSome, "some otherwise", uint64(op.Index)+1<<32)
	}
	return nil
}

// run does a few dozen batches with rolls, snapshots, purges and restarts in
// between, and checks the clones after each.
func (c *crashTest) run(t *testing.T, settle func()) {
	var err error
	c.store, _, err = openRecovered(c.cfg, &history{})
	must(t, err)
	t.Cleanup(func() { _ = c.store.Close() }) // when the test has failed
	c.disk.Observe(c.observe)
	zxid := int64(0)
	for range 20 {
		for range 1 + c.rng.IntN(5) {
			zxid++
			entry := testEntry(zxid, c.rng.IntN(1500))
			c.mu.Lock()
			c.history.add(entry)
			c.mu.Unlock()
			must(t, c.store.Append(zxid, entry))
		}
		must(t, c.store.Sync())
		c.synced.Store(zxid)
		settle()
		c.between(t)
		c.check(t)
	}
	must(t, c.store.Close())
	c.disk.Observe(nil)
	c.check(t)
}

// between does what happens beside writes.
func (c *crashTest) between(t *testing.T) {
	switch c.rng.IntN(8) {
	case 0:
		must(t, c.store.Roll())
	case 1:
		_, err := c.store.SaveSnapshot(c.history.at(len(c.history.entries)))
		must(t, err)
	case 2:
		_, err := c.store.Purge(MinRetain)
		must(t, err)
	case 3:
		must(t, c.store.Close())
		got := &history{}
		var err error
		c.store, _, err = openRecovered(c.cfg, got)
		must(t, err)
		sameHistory(t, got, &c.history)
	case 4:
		must(t, c.store.SetCurrentEpoch(c.rng.Int64N(9)))
	}
}

func (c *crashTest) check(t *testing.T) {
	c.mu.Lock()
	clones := c.clones
	c.clones = nil
	c.mu.Unlock()
	for _, clone := range clones {
		if err := c.checkClone(clone); err != nil {
			t.Fatalf("%s: %v\nreplay: MEERKAT_CRASH_SEED=%d go test -run %s ./persistence", clone.what, err, c.seed, t.Name())
		}
	}
}

// checkClone recovers a disk, writes on, and recovers it again: what the first
// recovery cut must not come back.
func (c *crashTest) checkClone(clone crashClone) error {
	cfg := c.cfg
	cfg.FS = clone.disk
	got := &history{}
	s, rec, err := openRecovered(cfg, got)
	if err != nil {
		return err
	}
	n := len(got.entries)
	if n < clone.least || n > clone.most {
		_ = s.Close()
		return fmt.Errorf("recovered %d transactions (%+v), acknowledged were %d, written %d", n, rec, clone.least, clone.most)
	}
	if err := prefixOf(got, &c.history); err != nil {
		_ = s.Close()
		return err
	}
	for zxid := got.Zxid() + 1; zxid <= int64(n)+3; zxid++ {
		entry := testEntry(zxid, 700) // another than was there before
		got.add(entry)
		if err := s.Append(zxid, entry); err != nil {
			return err
		}
	}
	if err := s.Sync(); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	again := &history{}
	s, _, err = openRecovered(cfg, again)
	if err != nil {
		return fmt.Errorf("second recovery: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	if len(again.entries) != len(got.entries) {
		return fmt.Errorf("second recovery: %d transactions, not %d", len(again.entries), len(got.entries))
	}
	return prefixOf(again, got)
}

func prefixOf(got, want *history) error {
	for i, entry := range got.entries {
		if string(entry) != string(want.entries[i]) {
			return fmt.Errorf("transaction %d (0x%x) is not what was written", i, got.zxids[i])
		}
	}
	return nil
}

// crashSeeds are the seeds to run: the one in MEERKAT_CRASH_SEED, or as many
// as MEERKAT_CRASH_SEEDS says, or the first few.
func crashSeeds(t *testing.T, n uint64) []uint64 {
	number := func(key string) (uint64, bool) {
		text := os.Getenv(key)
		if text == "" {
			return 0, false
		}
		v, err := strconv.ParseUint(text, 10, 64)
		must(t, err)
		return v, true
	}
	if seed, ok := number("MEERKAT_CRASH_SEED"); ok {
		return []uint64{seed}
	}
	if many, ok := number("MEERKAT_CRASH_SEEDS"); ok {
		n = many
	}
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	return seeds
}

// TestCrashAnywhere crashes at every operation of the writer while the space
// for the next file is prepared between batches.
func TestCrashAnywhere(t *testing.T) {
	for _, seed := range crashSeeds(t, 2) {
		synctest.Test(t, func(t *testing.T) { newCrashTest(seed).run(t, synctest.Wait) })
	}
}

// TestCrashWhilePreparing does the same while space is prepared beside the
// batches.
func TestCrashWhilePreparing(t *testing.T) {
	for _, seed := range crashSeeds(t, 1) {
		newCrashTest(seed).run(t, func() {})
	}
}
