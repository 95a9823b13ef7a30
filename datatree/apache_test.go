package datatree

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// testdata/apache-3.9.5 was recorded from an Apache 3.9.5 server with extended
// types on: some 800 random requests of all write kinds by several clients,
// valid and not, with two restarts. snapshot.N is exact as of zxid N, for the
// server wrote it while it started.

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open("testdata/apache-3.9.5/" + name + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// loadRecorded decodes a snapshot file and checks the digest in its part 7.
func loadRecorded(t *testing.T, cfg Config, name string, zxid int64) *Tree {
	t.Helper()
	file := recorded(t, name)
	src := bufio.NewReader(bytes.NewReader(file[16:])) // behind the file header
	r := jute.NewReader(src, testMaxBytes)
	tree := New(cfg)
	if err := tree.Decode(r); err != nil {
		t.Fatal(err)
	}
	tree.SetLastZxid(zxid)
	r.Long() // checksum
	if end := r.String(); end != "/" {
		t.Fatalf("%s: %q behind the checksum", name, end)
	}
	if at, version, digest := r.Long(), r.Int(), r.Long(); r.Err() != nil {
		t.Fatal(r.Err())
	} else if at != 0 && (at != zxid || version != 2 || uint64(digest) != tree.Digest()) {
		t.Fatalf("%s: digest %d of zxid 0x%x, the tree has %d", name, digest, at, tree.Digest())
	}
	return tree
}

// replayRecorded applies a log file.
func replayRecorded(t *testing.T, tree *Tree, name string) {
	t.Helper()
	const header, recordHeader = 16, 12
	b := recorded(t, name)[header:]
	for len(b) > recordHeader {
		n := int(binary.BigEndian.Uint32(b[8:]))
		if n == 0 {
			return
		}
		e, err := proto.DecodeEntry(b[recordHeader : recordHeader+n])
		if err != nil {
			t.Fatal(err)
		}
		if e.HasDigest == (e.Header.Type == proto.OpError) { // Apache leaves it out of error transactions
			t.Fatalf("0x%x, %s: has a digest: %v", e.Header.Zxid, e.Header.Type, e.HasDigest)
		}
		tree.Apply(&e)
		b = b[recordHeader+n+1:]
	}
}

// Our tree goes the way of Apache's: the digest after every transaction, the
// state at each restart, the history of digests, the figures of mntr.
func TestApacheData(t *testing.T) {
	cfg := Config{Digest: true, ExtendedTypes: true, DigestMismatch: func(m Mismatch) { t.Errorf("%+v", m) }}
	tree := loadRecorded(t, cfg, "snapshot.0", 0)
	mustEqual(t, imageOf(t, New(cfg)), imageOf(t, tree))

	replayRecorded(t, tree, "log.1")
	second := loadRecorded(t, cfg, "snapshot.207", 0x207)
	mustEqual(t, imageOf(t, second), imageOf(t, tree))

	replayRecorded(t, tree, "log.208")
	replayRecorded(t, second, "log.208")
	third := loadRecorded(t, cfg, "snapshot.40b", 0x40b)
	mustEqual(t, imageOf(t, third), imageOf(t, tree))
	mustEqual(t, imageOf(t, third), imageOf(t, second))

	if tree.LastZxid() != 0x40b || tree.Nodes() != 129 || tree.EphemeralCount() != 34 {
		t.Errorf("zxid 0x%x, %d znodes, %d ephemerals", tree.LastZxid(), tree.Nodes(), tree.EphemeralCount())
	}
	// The text of the usage of a quota is not followed until the next start.
	if tree.DataSize() != 3154 || third.DataSize() != 3155 {
		t.Errorf("data sizes %d, %d; want 3154, 3155", tree.DataSize(), third.DataSize())
	}
	want := []ZxidDigest{
		{0x80, 51681487321}, {0x100, 114846161783}, {0x180, 139507340921}, {0x200, 171850328752},
		{0x280, 206876180739}, {0x300, 209157912354}, {0x380, 237611490927}, {0x400, 271077714741},
	}
	for i, d := range tree.DigestLog() {
		if i >= len(want) || d != want[i] {
			t.Errorf("digest %d: %+v", i, d)
		}
	}
	mustEqual(t, imageOf(t, third), imageOf(t, reloaded(t, cfg, snapshotBytes(t, third))))
}

// Without extended types the owner of a TTL znode reads as a session that
// does not exist.
func TestApacheDataWithoutExtendedTypes(t *testing.T) {
	with := loadRecorded(t, Config{Digest: true, ExtendedTypes: true}, "snapshot.40b", 0x40b)
	without := loadRecorded(t, Config{Digest: true}, "snapshot.40b", 0x40b)
	if n := len(with.owned.ttls); n == 0 || len(without.owned.ttls) != 0 || without.EphemeralCount() != with.EphemeralCount()+n {
		t.Errorf("%d TTL znodes; without extended types %d, %d ephemerals", n, len(without.owned.ttls), without.EphemeralCount())
	}
	if len(without.OrphanOwners()) == 0 || len(without.owned.containers) != len(with.owned.containers) {
		t.Error("the owners of TTL znodes are no orphans, or containers differ")
	}
}
