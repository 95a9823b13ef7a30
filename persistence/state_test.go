package persistence

import (
	"bytes"
	"encoding/binary"
	"io"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// snapState is a State that keeps what it is given, in order, so that it can
// write the same snapshot again.
type snapState struct {
	sessions [][2]int64 // id, timeout
	acls     []aclEntry
	nodes    []nodeEntry
	txns     []proto.Entry
	resets   int

	hasDigest  bool
	digestZxid int64
	digest     uint64
}

type aclEntry struct {
	id   int64
	acls []proto.ACL
}

type nodeEntry struct {
	path string
	data []byte
	acl  int64
	stat [60]byte
}

func (s *snapState) Reset() { *s = snapState{resets: s.resets + 1} }

func (s *snapState) DecodeSnapshot(r *jute.Reader) error {
	for n := r.Int(); n > 0 && r.Err() == nil; n-- {
		s.sessions = append(s.sessions, [2]int64{r.Long(), int64(r.Int())})
	}
	for n := r.Int(); n > 0 && r.Err() == nil; n-- {
		e := aclEntry{id: r.Long()}
		for m := r.Length(); m > 0 && r.Err() == nil; m-- {
			e.acls = append(e.acls, proto.ACL{Perms: r.Int(), ID: proto.ID{Scheme: r.String(), ID: r.String()}})
		}
		s.acls = append(s.acls, e)
	}
	for r.Err() == nil {
		n := nodeEntry{path: r.String()}
		if n.path == "/" {
			return r.Err()
		}
		n.data, n.acl = r.Buffer(), r.Long()
		for i := range n.stat {
			n.stat[i] = r.Byte()
		}
		s.nodes = append(s.nodes, n)
	}
	return r.Err()
}

func (s *snapState) SnapshotDigest(zxid int64, _ int32, digest uint64) {
	s.hasDigest, s.digestZxid, s.digest = true, zxid, digest
}

func (s *snapState) Replay(e *proto.Entry) error {
	s.txns = append(s.txns, *e)
	return nil
}

func (s *snapState) WriteTo(w io.Writer) (int64, error) {
	b := jute.AppendInt(nil, int32(len(s.sessions)))
	for _, v := range s.sessions {
		b = jute.AppendInt(jute.AppendLong(b, v[0]), int32(v[1]))
	}
	b = jute.AppendInt(b, int32(len(s.acls)))
	for _, v := range s.acls {
		b = proto.AppendACLs(jute.AppendLong(b, v.id), v.acls)
	}
	for _, n := range s.nodes {
		b = jute.AppendLong(jute.AppendBuffer(jute.AppendString(b, n.path), n.data), n.acl)
		b = append(b, n.stat[:]...)
	}
	n, err := w.Write(jute.AppendString(b, "/"))
	return int64(n), err
}

// history is a State and a Snapshot of the plainest kind: what was applied,
// in order. Its snapshots keep each transaction as the data of a node.
type history struct {
	zxids   []int64
	entries [][]byte
	fail    error // of Replay
}

func (h *history) Reset() { *h = history{fail: h.fail} }

func (h *history) DecodeSnapshot(r *jute.Reader) error {
	var s snapState
	if err := s.DecodeSnapshot(r); err != nil {
		return err
	}
	for _, n := range s.nodes {
		if n.path != "" {
			h.add(n.data)
		}
	}
	return nil
}

func (h *history) SnapshotDigest(int64, int32, uint64) {}

func (h *history) Replay(e *proto.Entry) error {
	h.add(e.Append(nil))
	return h.fail
}

func (h *history) add(entry []byte) {
	h.zxids = append(h.zxids, entryZxid(entry))
	h.entries = append(h.entries, entry)
}

func (h *history) Zxid() int64 {
	if len(h.zxids) == 0 {
		return 0
	}
	return h.zxids[len(h.zxids)-1]
}

func (h *history) Digest() (uint64, bool) { return uint64(len(h.zxids)), true }

func (h *history) WriteTo(w io.Writer) (int64, error) {
	s := snapState{nodes: []nodeEntry{{path: ""}}}
	for i, entry := range h.entries {
		s.nodes = append(s.nodes, nodeEntry{path: "/" + string(rune('a'+i%26)), data: entry})
	}
	return s.WriteTo(w)
}

// at returns a snapshot of the first n transactions.
func (h *history) at(n int) *history { return &history{zxids: h.zxids[:n:n], entries: h.entries[:n:n]} }

// testEntry is a transaction of about so many bytes, which no other zxid's is
// equal to.
func testEntry(zxid int64, sizeBytes int) []byte {
	data := bytes.Repeat(binary.BigEndian.AppendUint64([]byte("\x01\x02\x03"), uint64(zxid)*0x9E3779B97F4A7C15), sizeBytes/11+1)[:sizeBytes]
	e := proto.Entry{
		Header: proto.TxnHeader{ClientID: 7, Cxid: int32(zxid), Zxid: zxid, TimeMs: 1_700_000_000_000 + zxid, Type: proto.OpSetData},
		Txn:    &proto.SetDataTxn{Path: "/a", Data: data, Version: int32(zxid)},
		Digest: proto.TxnDigest{Version: proto.DigestVersion, TreeDigest: uint64(zxid)}, HasDigest: true,
	}
	return e.Append(nil)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testConfig is a small store on a disk in memory.
func testConfig(disk vfs.FS) Config {
	return Config{
		FS: disk, DataDir: "/data", Autocreate: true, PreallocBytes: 64 << 10, ReserveBytes: 16 << 10, ForceSync: true,
		DBAutocreate: true, DigestEnabled: true, SerializeLastZxid: true, Log: zerolog.Nop(),
	}
}

// openRecovered opens a store, recovers it and, as a server does, saves a
// first snapshot if there is none.
func openRecovered(cfg Config, h *history) (*Store, Recovered, error) {
	s, err := Open(cfg)
	if err != nil {
		return nil, Recovered{}, err
	}
	rec, err := s.Recover(h)
	if err == nil && rec.NeedsSnapshot {
		_, err = s.SaveSnapshot(h)
	}
	if err != nil {
		_ = s.Close() // the error that counts is the first
		return nil, rec, err
	}
	return s, rec, nil
}

func openTest(t testing.TB, cfg Config) (*Store, *history, Recovered) {
	t.Helper()
	h := &history{}
	s, rec, err := openRecovered(cfg, h)
	must(t, err)
	return s, h, rec
}

// write appends and syncs transactions of about sizeBytes, as one batch.
func write(t testing.TB, s *Store, h *history, sizeBytes int, zxids ...int64) {
	t.Helper()
	for _, zxid := range zxids {
		entry := testEntry(zxid, sizeBytes)
		must(t, s.Append(zxid, entry))
		h.add(entry)
	}
	must(t, s.Sync())
}

func seq(from, to int64) []int64 {
	var zxids []int64
	for z := from; z <= to; z++ {
		zxids = append(zxids, z)
	}
	return zxids
}

// sameHistory compares what was recovered with what was written.
func sameHistory(t testing.TB, got, want *history) {
	t.Helper()
	if len(got.entries) != len(want.entries) {
		t.Fatalf("recovered %d transactions (to 0x%x), want %d (to 0x%x)", len(got.entries), got.Zxid(), len(want.entries), want.Zxid())
	}
	for i := range got.entries {
		if !bytes.Equal(got.entries[i], want.entries[i]) {
			t.Fatalf("transaction %d (0x%x) differs", i, want.zxids[i])
		}
	}
}

// copyDir puts the files of a folder on a disk in memory.
func copyDir(t testing.TB, disk *vfs.Mem, from, to string) {
	t.Helper()
	must(t, disk.MkdirAll(to))
	infos, err := vfs.OS{}.List(from)
	must(t, err)
	for _, info := range infos {
		data, err := vfs.ReadFile(vfs.OS{}, filepath.Join(from, info.Name), 1<<20)
		must(t, err)
		putFile(t, disk, filepath.Join(to, info.Name), data)
	}
}

func putFile(t testing.TB, disk vfs.FS, name string, data []byte) {
	t.Helper()
	f, err := disk.Create(name)
	must(t, err)
	if len(data) > 0 {
		_, err = f.WriteAt(data, 0)
		must(t, err)
	}
	must(t, f.Sync())
	must(t, f.Close())
	must(t, disk.SyncDir(filepath.Dir(name)))
}

func readFile(t testing.TB, disk vfs.FS, name string) []byte {
	t.Helper()
	data, err := vfs.ReadFile(disk, name, 1<<30)
	must(t, err)
	return data
}
