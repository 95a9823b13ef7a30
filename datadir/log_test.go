package datadir

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

func recordedLog(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile(recorded + "log.1")
	must(t, err)
	return raw
}

// damagedLog is the recorded log with two transactions changed, which still
// are transactions.
func damagedLog(t testing.TB) []byte { return change(change(recordedLog(t), 127, 1), 2021, 2) }

// offsets returns where the records of a log begin, and where the last ends.
func offsets(t testing.TB, raw []byte) []int64 {
	t.Helper()
	disk := vfs.NewMem()
	put(t, disk, "/log", raw)
	l, err := persistence.OpenLogFile(disk, "/log")
	must(t, err)
	var all []int64
	for {
		all = append(all, l.Offset())
		if _, err := l.Next(); err != nil {
			return all
		}
	}
}

func TestDumpLog(t *testing.T) {
	var b strings.Builder
	must(t, DumpLog(vfs.OS{}, recorded+"log.1", &b, time.UTC))
	same(t, b.String(), apache(t, "log.txt"))

	disk := vfs.NewMem()
	put(t, disk, "/log.1", damagedLog(t))
	b.Reset()
	err := DumpLog(disk, "/log.1", &b, time.UTC)
	same(t, b.String(), apache(t, "log-crc.txt"))
	var damage *persistence.CorruptError
	if !errors.As(err, &damage) || damage.Offset != offsets(t, damagedLog(t))[1] {
		t.Errorf("checksum: %v", err)
	}
}

// TestDumpDamaged is about damage that Apache's tool answers with a stack
// trace: here it is one line, with what is before printed all the same.
func TestDumpDamaged(t *testing.T) {
	raw := recordedLog(t)
	at := offsets(t, raw)
	unknown := change(raw, int(at[5])+12+31, 99^2)
	for _, test := range []struct {
		name   string
		raw    []byte
		offset int64
		ends   string // how the output ends
	}{
		{"torn", raw[:at[30]+20], at[30], "EOF reached after 30 txns.\n"},
		{"length", change(raw, int(at[10])+8, 0x7f), at[10], "],5\n"},
		{"no end", change(raw, int(at[11])-1, 1), at[10], "],5\n"},
		{"unknown type", unknown, at[5], "EOF reached after 35 txns.\n"},
		{"no log", change(raw, 0, 1), 0, ""},
		{"empty", nil, 0, ""},
	} {
		disk := vfs.NewMem()
		put(t, disk, "/log.1", test.raw)
		var b strings.Builder
		err := DumpLog(disk, "/log.1", &b, time.UTC)
		var damage *persistence.CorruptError
		if !errors.As(err, &damage) || damage.Offset != test.offset || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want it at %d", test.name, err, test.offset)
		}
		if !strings.HasSuffix(b.String(), test.ends) || test.ends == "" && b.Len() > 0 {
			t.Errorf("%s: the output ends with %q", test.name, b.String()[max(0, b.Len()-60):])
		}
	}
}

func TestRecoverLog(t *testing.T) {
	answers := []bool{false, true}
	for _, test := range []struct {
		file string
		opt  RecoverOptions
		bad  int // checksums that stay wrong
	}{
		{"recover-yes.txt", RecoverOptions{}, 0},
		{"recover-verbose.txt", RecoverOptions{Verbose: true}, 0},
		{"recover-asked.txt", RecoverOptions{}, 1},
	} {
		disk := vfs.NewMem()
		put(t, disk, "/log.1", damagedLog(t))
		var b strings.Builder
		if test.bad > 0 {
			prompts := []string{"Would you like to fix it (Yes/No/Abort) ? Would you like to fix it (Yes/No/Abort) ? ", "Would you like to fix it (Yes/No/Abort) ? "}
			test.opt.Fix = func() (bool, error) {
				b.WriteString(prompts[0])
				answer := answers[0]
				prompts, answers = prompts[1:], answers[1:]
				return answer, nil
			}
		}
		must(t, RecoverLog(disk, "/log.1", &b, time.UTC, test.opt))
		same(t, strings.ReplaceAll(b.String(), "/log.1.fixed", "log.1.fixed"), apache(t, test.file))
		fixed, orig := get(t, disk, "/log.1.fixed"), damagedLog(t)
		if len(fixed) != int(offsets(t, orig)[35]) {
			t.Errorf("%s: %d bytes", test.file, len(fixed))
		}
		differ := 0
		for i := range fixed {
			if fixed[i] != orig[i] {
				differ++
			}
		}
		// Each change of one bit changes the two halves of the sum in two bytes or three.
		if wrong := 2 - test.bad; differ < 2*wrong || differ > 4*wrong {
			t.Errorf("%s: %d bytes differ", test.file, differ)
		}
		bad := 0
		l, err := persistence.OpenLogFile(disk, "/log.1.fixed")
		must(t, err)
		for {
			rec, err := l.Next()
			if err != nil {
				break
			}
			if rec.BadSum {
				bad++
			}
		}
		if bad != test.bad {
			t.Errorf("%s: %d wrong checksums in the copy", test.file, bad)
		}
		if err := RecoverLog(disk, "/log.1", &b, time.UTC, test.opt); !errors.Is(err, ErrExists) {
			t.Errorf("overwriting: %v", err)
		}
	}
}

// TestRecoverDamaged saves what is before damage that hides the rest.
func TestRecoverDamaged(t *testing.T) {
	raw := recordedLog(t)
	at := offsets(t, raw)
	for _, test := range []struct {
		name string
		raw  []byte
		txns int
		torn bool
	}{
		{"torn", raw[:at[30]+20], 30, true},
		{"length", change(raw, int(at[10])+8, 0x7f), 10, false},
		{"unknown type", change(raw, int(at[5])+12+31, 99^2), 5, false},
	} {
		disk := vfs.NewMem()
		put(t, disk, "/log.1", test.raw)
		var b strings.Builder
		err := RecoverLog(disk, "/log.1", &b, time.UTC, RecoverOptions{})
		var damage *persistence.CorruptError
		if !errors.As(err, &damage) || errors.Is(err, ErrTorn) != test.torn || damage.Offset != at[test.txns] {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := get(t, disk, "/log.1.fixed"); !bytes.Equal(got, raw[:at[test.txns]]) {
			t.Errorf("%s: the copy has %d bytes", test.name, len(got))
		}
	}
	disk := vfs.NewMem()
	put(t, disk, "/log.1", damagedLog(t))
	abort := RecoverOptions{Fix: func() (bool, error) { return false, ErrAborted }}
	if err := RecoverLog(disk, "/log.1", &strings.Builder{}, time.UTC, abort); !errors.Is(err, ErrAborted) {
		t.Errorf("abort: %v", err)
	}
	if infos, _ := disk.List("/"); len(infos) != 1 {
		t.Errorf("an aborted recovery leaves %v", infos)
	}
}

func TestChopLog(t *testing.T) {
	raw := recordedLog(t)
	at := offsets(t, raw)
	disk := vfs.NewMem()
	put(t, disk, "/log.1", raw)
	var b strings.Builder
	target, err := ChopLog(disk, "/log.1", 0x10, &b, false)
	if err != nil || target != "/log.1.chopped16" || !bytes.Equal(get(t, disk, target), raw[:at[16]]) {
		t.Errorf("chopped to %s, %v", target, err)
	}
	same(t, b.String(), apache(t, "chop.txt"))
	if _, err := ChopLog(disk, "/log.1", 0x10, &b, false); !errors.Is(err, ErrExists) {
		t.Errorf("overwriting: %v", err)
	}
	if _, err := ChopLog(disk, "/log.1", 0x10, &b, true); err != nil {
		t.Errorf("overwriting with force: %v", err)
	}
	for _, zxid := range []int64{0x23, 0x99} {
		if _, err := ChopLog(disk, "/log.1", zxid, &b, false); !errors.Is(err, ErrNotChopped) {
			t.Errorf("0x%x: %v", zxid, err)
		}
	}
	if infos, _ := disk.List("/"); len(infos) != 2 {
		t.Errorf("failures leave files: %v", infos)
	}
	// Damage behind the zxid is what one chops off; before it, it is an error.
	put(t, disk, "/log.2", change(raw, int(at[20])+8, 0x7f))
	if target, err := ChopLog(disk, "/log.2", 20, &b, false); err != nil || len(get(t, disk, target)) != int(at[20]) {
		t.Errorf("damage behind: %v", err)
	}
	var damage *persistence.CorruptError
	if _, err := ChopLog(disk, "/log.2", 21, &b, false); !errors.As(err, &damage) || damage.Offset != at[20] {
		t.Errorf("damage before: %v", err)
	}
}

func TestChopGaps(t *testing.T) {
	disk := vfs.NewMem()
	w, err := persistence.CreateLogFile(disk, "/log.1", 0)
	must(t, err)
	for _, zxid := range []int64{1, 2, 4, 1<<32 | 1, 2<<32 | 7, 2<<32 | 8} {
		e := proto.Entry{Header: proto.TxnHeader{Zxid: zxid, Type: proto.OpDelete}, Txn: &proto.DeleteTxn{Path: "/a"}}
		entry := e.Append(nil)
		must(t, w.Append(persistence.LogSum(entry), entry))
	}
	must(t, w.Close())
	var b strings.Builder
	_, err = ChopLog(disk, "/log.1", 2<<32|7, &b, false)
	must(t, err)
	same(t, b.String(), "ZooKeeper Transactional Log File with dbid 0 txnlog format version 2\n"+
		"There is intra-epoch gap between 2 and 4\nThere is inter-epoch gap between 100000001 and 200000007\n"+
		"Chopping at 200000007 new log has 5 records\n")
	if _, err := ChopLog(disk, "/log.1", 3, &b, false); !errors.Is(err, ErrNotChopped) || !strings.HasSuffix(b.String(), "This log does not contain zxid 3\n") {
		t.Errorf("a zxid in a gap: %v, %s", err, b.String())
	}
}

// TestTxnText covers what the recorded log does not have.
func TestTxnText(t *testing.T) {
	for _, test := range []struct {
		txn  proto.Txn
		want string
	}{
		{&proto.CreateTxn{Path: "/a", Data: []byte("\xff,x")}, "/a,\ufffd,x,null,false,0"},
		{&proto.DeleteTxn{Path: "/a,b}c%d\n\r\x00"}, "'/a%2Cb%7Dc%25d%0A%0D%00\n"},
		{&proto.CloseSessionTxn{}, ""},
		{&proto.CloseSessionTxn{HasPaths: true, Paths: []string{"/a", "/b"}}, "v{'/a,'/b}\n"},
		{&proto.CloseSessionTxn{HasPaths: true}, "v{}\n"},
		{&proto.SetDataTxn{Path: "/zookeeper/config", Data: []byte("v"), Version: -1}, "/zookeeper/config,v,-1"},
		{&proto.SetACLTxn{Path: "/a", Version: 3}, "'/a,v{},3\n"},
	} {
		if got := txnText(test.txn); got != test.want {
			t.Errorf("%T: %q, want %q", test.txn, got, test.want)
		}
	}
}

func FuzzDumpLog(f *testing.F) {
	raw := recordedLog(f)
	f.Add(raw[:2000])
	f.Add(damagedLog(f)[:2100])
	f.Fuzz(dumpAndRecover)
}

// TestDumpChanged runs the same over seeded changes of the recorded log.
func TestDumpChanged(t *testing.T) {
	raw := recordedLog(t)[:3000]
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		changed := bytes.Clone(raw[:1+random.IntN(len(raw))])
		for range 1 + random.IntN(4) {
			changed[random.IntN(len(changed))] ^= byte(1 + random.IntN(255))
		}
		dumpAndRecover(t, changed)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// dumpAndRecover dumps and recovers any bytes. What is recovered is whole.
func dumpAndRecover(t *testing.T, raw []byte) {
	disk := vfs.NewMem()
	put(t, disk, "/log.1", raw)
	var b, c strings.Builder
	if err := DumpLog(disk, "/log.1", &b, time.UTC); err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("more than a line: %v", err)
	}
	_ = RecoverLog(disk, "/log.1", &c, time.UTC, RecoverOptions{}) // may fail, and leaves what is whole
	if _, err := disk.Stat("/log.1.fixed"); err != nil {
		return
	}
	if err := DumpLog(disk, "/log.1.fixed", &c, time.UTC); err != nil {
		t.Errorf("a recovered log: %v", err)
	}
	if _, err := persistence.CheckLogFile(disk, "/log.1.fixed", 0); err != nil {
		t.Errorf("a recovered log: %v", err)
	}
}
