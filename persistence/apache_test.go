package persistence

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/persistence/vfs"
)

// apacheVersions are the servers whose files are in testdata, see
// testdata/record.
var apacheVersions = []string{"3.5.10", "3.8.6", "3.9.5"}

func apacheFiles(t *testing.T, prefix string) []string {
	t.Helper()
	var names []string
	for _, version := range apacheVersions {
		found, err := filepath.Glob(filepath.Join("testdata", version, prefix+".*"))
		must(t, err)
		if len(found) < 4 {
			t.Fatalf("testdata/%s has only %q", version, found)
		}
		names = append(names, found...)
	}
	return names
}

// TestApacheLogs reads every record of logs that Apache wrote, and writes the
// same bytes again.
func TestApacheLogs(t *testing.T) {
	seen := map[proto.Op]bool{}
	for _, name := range apacheFiles(t, logPrefix) {
		t.Run(name, func(t *testing.T) {
			want := readFile(t, vfs.OS{}, name)
			file, err := vfs.OS{}.Open(name)
			must(t, err)
			defer file.Close()
			scan, why, err := newLogScanner(file, int64(len(want)), defaultMaxEntryBytes)
			if why != stopNone || err != nil || scan.ordered {
				t.Fatalf("header: %s, %v, ordered %t", stopTexts[why], err, scan.ordered)
			}
			got := appendLogHeader(nil, false)
			records := 0
			for {
				rec, why, err := scan.next()
				must(t, err)
				if why != stopNone {
					if why != stopPadding {
						t.Fatalf("log ends with: %s", stopTexts[why])
					}
					break
				}
				e, err := proto.DecodeEntry(rec.entry)
				must(t, err)
				// A write that failed has no digest, but a multi has.
				if want := !strings.Contains(name, "3.5") && e.Header.Type != proto.OpError; e.HasDigest != want {
					t.Errorf("0x%x: digest %t", e.Header.Zxid, e.HasDigest)
				}
				seen[e.Header.Type] = true
				got = appendRecord(got, e.Append(nil))
				records++
			}
			if records == 0 {
				t.Fatal("no records")
			}
			if rest := want[min(len(got), len(want)):]; !bytes.HasPrefix(want, got) || !allZero(rest) {
				t.Errorf("%d records re-encode to other bytes", records)
			}
		})
	}
	for _, op := range []proto.Op{
		proto.OpCreate, proto.OpCreateContainer, proto.OpCreateTTL, proto.OpDelete, proto.OpSetData,
		proto.OpSetACL, proto.OpCreateSession, proto.OpCloseSession, proto.OpError, proto.OpMulti,
	} {
		if !seen[op] {
			t.Errorf("no %s among the recorded transactions", op)
		}
	}
}

// TestApacheSnapshots reads snapshots that Apache wrote, and writes the same
// bytes again, before compression.
func TestApacheSnapshots(t *testing.T) {
	for _, name := range apacheFiles(t, snapshotPrefix) {
		t.Run(name, func(t *testing.T) {
			raw := readFile(t, vfs.OS{}, name)
			src, err := decompress(bytes.NewReader(raw), compressionOf(name))
			must(t, err)
			want, err := io.ReadAll(src)
			must(t, err)
			var st snapState
			trailer, err := readSnapshot(bytes.NewReader(want), minDecodeLimit, st.DecodeSnapshot)
			must(t, err)
			if has := !strings.Contains(name, "3.5"); trailer.hasDigest != has {
				t.Errorf("digest %t", trailer.hasDigest)
			}
			if has := strings.Contains(name, "3.9"); trailer.hasZxid != has {
				t.Errorf("last zxid %t", trailer.hasZxid)
			}
			var got bytes.Buffer
			must(t, writeSnapshot(&got, &st, trailer))
			if !bytes.Equal(got.Bytes(), want) {
				t.Error("the snapshot re-encodes to other bytes")
			}
			file, err := vfs.OS{}.Open(name)
			must(t, err)
			defer file.Close()
			if ok, err := looksValidFile(file, dataFile{path: name, size: int64(len(raw))}); !ok || err != nil {
				t.Errorf("looksValid = %t, %v", ok, err)
			}
		})
	}
}

// TestApacheDirectory recovers whole directories, from each snapshot in turn,
// and finds the same end.
func TestApacheDirectory(t *testing.T) {
	for _, version := range apacheVersions {
		t.Run(version, func(t *testing.T) {
			disk := vfs.NewMem()
			copyDir(t, disk, filepath.Join("testdata", version), "/data/version-2")
			for wantTxns := 0; ; {
				st := &snapState{}
				s, err := Open(testConfig(disk))
				must(t, err)
				rec, err := s.Recover(st)
				if errors.Is(err, ErrNoSnapshot) {
					break // all of them were tried
				}
				must(t, err)
				must(t, s.Close())
				if rec.Zxid != 0x28 || rec.Txns != len(st.txns) || rec.Zxid-rec.SnapshotZxid != int64(rec.Txns) || rec.Txns <= wantTxns {
					t.Fatalf("recovered %+v, after %d transactions with the newer snapshot", rec, wantTxns)
				}
				checkApacheState(t, st, rec)
				wantTxns = rec.Txns
				must(t, disk.Remove(rec.SnapshotPath))
			}
		})
	}
}

func checkApacheState(t *testing.T, st *snapState, rec Recovered) {
	t.Helper()
	has := func(path string) bool {
		return slices.ContainsFunc(st.nodes, func(n nodeEntry) bool { return n.path == path })
	}
	if rec.SnapshotZxid == 0 {
		if len(st.nodes) != 4 || has("/plain") {
			t.Errorf("the first snapshot has %d nodes", len(st.nodes))
		}
		return
	}
	for _, path := range []string{"", "/plain/ünïcödé-日本", "/ephemeral", "/container/child", "/ttl", "/acl/auth", "/multi/child", "/zookeeper/quota/plain/zookeeper_limits"} {
		if !has(path) {
			t.Errorf("%q is missing", path)
		}
	}
	for _, path := range []string{"/gone", "/multi/never", "/guest"} {
		if has(path) {
			t.Errorf("%q is there", path)
		}
	}
	if len(st.sessions) == 0 || len(st.acls) != 4 {
		t.Errorf("%d sessions, %d ACLs", len(st.sessions), len(st.acls))
	}
}
