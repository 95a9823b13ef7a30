package quorum

import (
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// z makes a zxid.
func z(epoch, counter int64) int64 { return epoch<<32 | counter }

func entries(zxids ...int64) []Entry {
	var e []Entry
	for _, zxid := range zxids {
		e = append(e, Entry{Zxid: zxid})
	}
	return e
}

func TestPlanSync(t *testing.T) {
	const diff, trunc, snap = proto.PacketDiff, proto.PacketTrunc, proto.PacketSnap
	// The leader's memory: 3.4 and before are on disk only.
	base := z(3, 4)
	window := entries(z(3, 5), z(3, 6), z(5, 1), z(5, 2))
	end := z(5, 2)
	whole := func(prev, next int64) *LogReach {
		return &LogReach{Complete: true, Prev: prev, Next: next, UpTo: base}
	}
	tests := []struct {
		name   string
		peer   int64
		window []Entry
		reach  *LogReach
		force  bool
		want   SyncPlan
	}{
		{"forced", end, window, nil, true, SyncPlan{Mode: snap}},
		{"nothing on its disk", -1, window, nil, false, SyncPlan{Mode: snap}},
		{"up to date", end, window, nil, false, SyncPlan{Mode: diff, Zxid: end, From: end}},
		{"up to date, nothing in memory", base, nil, nil, false, SyncPlan{Mode: diff, Zxid: base, From: base}},
		{"ahead in the epoch", z(5, 9), window, nil, false, SyncPlan{Mode: trunc, Zxid: end, From: end}},
		{"ahead in a later epoch", z(6, 1), window, nil, false, SyncPlan{Mode: trunc, Zxid: end, From: end}},
		{"ahead by nothing but an epoch", z(6, 0), window, nil, false, SyncPlan{Mode: snap}},
		{"behind, in memory", z(3, 6), window, nil, false, SyncPlan{Mode: diff, Zxid: end, From: z(3, 6)}},
		{"behind, just before memory", base, window, nil, false, SyncPlan{Mode: diff, Zxid: end, From: base}},
		{"at the start of an epoch", z(5, 0), window, nil, false, SyncPlan{Mode: diff, Zxid: end, From: z(5, 0)}},
		{"at the start of an unknown epoch", z(4, 0), window, nil, false, SyncPlan{Mode: diff, Zxid: end, From: z(4, 0)}},
		{"ends in an epoch that went on without it", z(3, 7), window, nil, false, SyncPlan{Mode: snap}},
		{"ends in an epoch the leader never saw", z(4, 2), window, nil, false, SyncPlan{Mode: snap}},
		{"has what the leader lacks in between", z(5, 2), entries(z(3, 5), z(5, 1), z(5, 3)), nil, false,
			SyncPlan{Mode: trunc, Zxid: z(5, 1), From: z(5, 1)}},
		{"the same right after the base", z(3, 5), entries(z(3, 6)), nil, false,
			SyncPlan{Mode: trunc, Zxid: base, From: base}},

		{"behind memory: ask the disk", z(2, 7), window, nil, false, SyncPlan{}},
		{"log does not reach back", z(2, 7), window, &LogReach{Prev: -1, Next: z(3, 1), UpTo: base}, false, SyncPlan{Mode: snap}},
		{"found on disk", z(2, 7), window, whole(z(2, 7), z(3, 1)), false,
			SyncPlan{Mode: diff, Zxid: end, DiskFrom: z(2, 7), DiskTo: base, From: base}},
		{"from the very beginning", 0, window, whole(0, z(1, 1)), false,
			SyncPlan{Mode: diff, Zxid: end, DiskFrom: 0, DiskTo: base, From: base}},
		{"start of an epoch on disk", z(3, 0), window, whole(z(2, 9), z(3, 1)), false,
			SyncPlan{Mode: diff, Zxid: end, DiskFrom: z(3, 0), DiskTo: base, From: base}},
		{"not on disk, same epoch", z(3, 2), window, whole(z(3, 1), z(3, 3)), false,
			SyncPlan{Mode: trunc, Zxid: z(3, 1), DiskFrom: z(3, 1), DiskTo: base, From: base}},
		{"not on disk, log begins above", z(3, 2), window, whole(-1, z(3, 3)), false, SyncPlan{Mode: snap}},
		{"not on disk, other epoch", z(2, 8), window, whole(z(2, 7), z(3, 1)), false, SyncPlan{Mode: snap}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := planSync(tt.peer, base, tt.window, tt.reach, tt.force); got != tt.want {
				t.Errorf("planSync(0x%x) = %+v, want %+v", tt.peer, got, tt.want)
			}
		})
	}
}

func TestFollows(t *testing.T) {
	for _, tt := range []struct {
		last, next int64
		want       bool
	}{
		{0, z(1, 1), true}, {z(1, 1), z(1, 2), true}, {z(1, 7), z(2, 1), true}, {z(1, 7), z(9, 1), true},
		{z(2, 0), z(2, 1), true}, {z(1, 1), z(1, 3), false}, {z(1, 7), z(2, 2), false}, {z(2, 1), z(1, 1), false},
		{z(1, 1), z(1, 1), false}, {z(1, 7), z(2, 0), false},
	} {
		if follows(tt.last, tt.next) != tt.want {
			t.Errorf("follows(0x%x, 0x%x) = %v", tt.last, tt.next, !tt.want)
		}
	}
}

func TestHistory(t *testing.T) {
	h := newHistory(&Recovered{Zxid: z(1, 6), Applied: z(1, 2), TailBase: z(1, 1),
		Tail: entries(z(1, 2), z(1, 3), z(1, 4), z(1, 5), z(1, 6))})
	if got := h.commit(z(1, 4)); len(got) != 2 || got[0].Zxid != z(1, 3) || got[1].Zxid != z(1, 4) {
		t.Errorf("commit returned %v", got)
	}
	if h.truncate(z(1, 5)) {
		t.Error("the tree did not hold what was cut")
	}
	h.append(Entry{Zxid: z(2, 1)})
	if h.last() != z(2, 1) || h.holds(z(1, 6)) || !h.holds(z(2, 1)) || !h.holds(z(1, 1)) {
		t.Errorf("after the cut: last 0x%x", h.last())
	}
	if !h.truncate(z(1, 3)) || h.applied != z(1, 3) {
		t.Error("the tree held more than is left")
	}
	if !h.truncate(z(1, 0)) || h.last() != z(1, 0) || len(h.entries) != 0 {
		t.Errorf("cut below memory: last 0x%x", h.last())
	}
	h.reset(z(4, 4))
	if h.last() != z(4, 4) || h.committed != z(4, 4) || h.applied != z(4, 4) {
		t.Errorf("reset: %+v", h)
	}
}

// What was handed out stays as it is, though the history's memory is used again.
func TestNothingSharesHistory(t *testing.T) {
	c := benchLeader(t, 0)
	c.cfg.CommitLogCount = 1
	start := EpochStart(c.Role().Epoch)
	var logged, applied []Entry
	var all []Ready
	for i := range int64(50) {
		if err := c.Step(0, Propose{Entry: Entry{Zxid: start + i + 1}}); err != nil {
			t.Fatal(err)
		}
		all = append(all, c.Ready())
		_ = c.Step(0, Persisted{Op: c.ops})
		all = append(all, c.Ready())
	}
	for _, r := range all {
		for _, op := range r.Disk {
			logged = append(logged, op.Entries...)
		}
		applied = append(applied, r.Apply...)
	}
	for i := range int64(50) {
		if logged[i].Zxid != start+i+1 || applied[i].Zxid != start+i+1 {
			t.Fatalf("in place %d: logged 0x%x, applied 0x%x", i, logged[i].Zxid, applied[i].Zxid)
		}
	}
	if len(c.hist.entries) > 2 {
		t.Errorf("the history still has %d entries", len(c.hist.entries))
	}
}

func TestTrim(t *testing.T) {
	var h history
	for i := range int64(100) {
		h.append(Entry{Zxid: i + 1})
		h.commit(i + 1)
		h.trim(10, i-5)
	}
	if n := len(h.entries); n < 10 || n > 26 || h.base != 100-int64(n) || h.entries[0].Zxid != h.base+1 {
		t.Errorf("%d entries after 0x%x", n, h.base)
	}
	kept := len(h.entries)
	h.trim(10, h.base+3)
	if len(h.entries) != kept {
		t.Error("entries were forgotten before they were durable")
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{ID: 1, Verifier: NewMajority(1, 2, 3), Tick: 1, InitTicks: 1, SyncTicks: 1, MinNotify: 1, MaxNotify: 1, CommitLogCount: 1}
	rec := Recovered{Zxid: z(2, 1), Applied: z(2, 1), AcceptedEpoch: 2, CurrentEpoch: 2, TailBase: z(2, 1)}
	if _, err := New(0, good, rec); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config, *Recovered){
		"no id":               func(c *Config, _ *Recovered) { c.ID = 0 },
		"no voters":           func(c *Config, _ *Recovered) { c.Verifier = NewMajority() },
		"voting observer":     func(c *Config, _ *Recovered) { c.Observer = true },
		"no tick":             func(c *Config, _ *Recovered) { c.Tick = 0 },
		"no initLimit":        func(c *Config, _ *Recovered) { c.InitTicks = 0 },
		"no syncLimit":        func(c *Config, _ *Recovered) { c.SyncTicks = 0 },
		"no wait":             func(c *Config, _ *Recovered) { c.MinNotify = 0 },
		"shrinking wait":      func(c *Config, _ *Recovered) { c.MinNotify = 2 },
		"no commit log":       func(c *Config, _ *Recovered) { c.CommitLogCount = 0 },
		"epochs":              func(_ *Config, r *Recovered) { r.AcceptedEpoch = 1 },
		"zxid of the future":  func(_ *Config, r *Recovered) { r.Zxid = z(3, 1) },
		"applied too much":    func(_ *Config, r *Recovered) { r.Applied = z(2, 2) },
		"tail begins late":    func(_ *Config, r *Recovered) { r.Applied = z(2, 0) },
		"tail ends elsewhere": func(_ *Config, r *Recovered) { r.TailBase = z(2, 0) },
		"tail with a hole": func(_ *Config, r *Recovered) {
			r.TailBase, r.Applied, r.Zxid, r.Tail = z(1, 1), z(1, 1), z(2, 2), entries(z(2, 2))
		},
	} {
		c, r := good, rec
		spoil(&c, &r)
		if _, err := New(0, c, r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
