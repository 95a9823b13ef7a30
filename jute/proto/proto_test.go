package proto

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
)

// recorded reads testdata/records.txt, which Apache's own record classes
// wrote (see testdata/Records.java).
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	f, err := os.Open("testdata/records.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records := map[string][]byte{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if records[name], err = hex.DecodeString(text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return records
}

type record interface {
	Append([]byte) []byte
}

// decode reads a record of the type of want, with the fields set that a
// caller sets before decoding.
func decode(want record, d *jute.Decoder) record {
	switch w := want.(type) {
	case *CreateRequest:
		r := &CreateRequest{HasTTL: w.HasTTL}
		r.Decode(d)
		return r
	case *SetWatchesRequest:
		r := &SetWatchesRequest{HasPersistent: w.HasPersistent}
		r.Decode(d)
		return r
	case Txn:
		r := reflect.New(reflect.TypeOf(w).Elem()).Interface().(Txn)
		r.decode(d)
		return r
	}
	r := reflect.New(reflect.TypeOf(want).Elem()).Interface()
	r.(interface{ Decode(*jute.Decoder) }).Decode(d)
	return r.(record)
}

var (
	testData = []byte{1, 2, 3}
	testACL  = []ACL{{PermAll, Anyone}, {PermRead, ID{"digest", "uä😀:h"}}}
	// What a Java reader, and so ours, makes of the surrogates that a Java
	// writer puts out for the character above U+FFFF.
	testACLRead = []ACL{{PermAll, Anyone}, {PermRead, ID{"digest", "uä\uFFFD\uFFFD:h"}}}
	testPaths   = []string{"/a", "/b/c"}
	testStat    = &Stat{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
)

func TestRecordsAreApaches(t *testing.T) {
	passwd := make([]byte, PasswdBytes)
	want := recorded(t)
	for _, c := range []struct {
		name string
		rec  record
	}{
		{"ConnectRequest", &ConnectRequest{0, 0x1122334455, 30000, 0x1000000000000001, passwd, true, true}},
		{"ConnectResponse", &ConnectResponse{0, 30000, 0x1000000000000001, passwd, false, true}},
		{"RequestHeader", &RequestHeader{7, OpGetData}},
		{"ReplyHeader", &ReplyHeader{7, 0x500000001, ErrNoNode}},
		{"CreateRequest", &CreateRequest{Path: "/a", Data: testData, ACL: testACL, Flags: 3}},
		{"CreateRequestNulls", &CreateRequest{Path: "/a"}},
		{"CreateTTLRequest", &CreateRequest{"/a", testData, testACL, 5, 60000, true}},
		{"DeleteRequest", &DeleteRequest{"/a", -1}},
		{"SetDataRequest", &SetDataRequest{"/a", testData, 4}},
		{"SetACLRequest", &SetACLRequest{"/a", testACL, 2}},
		{"GetDataRequest", &WatchableRequest{"/a", true}},
		{"SyncRequest", &PathRequest{"/a"}},
		{"GetEphemeralsRequest", &GetEphemeralsRequest{"/a"}},
		{"ReconfigRequest", &ReconfigRequest{"j", "l", "n", -1}},
		{"AuthPacket", &AuthPacket{0, "digest", testData}},
		{"GetSASLRequest", &SASLToken{testData}},
		{"WatcherEvent", &WatcherEvent{EventNodeDataChanged, StateSyncConnected, "/a"}},
		{"AddWatchRequest", &AddWatchRequest{"/a", WatchPersistentRecursive}},
		{"RemoveWatchesRequest", &WatcherKindRequest{"/a", WatcherAny}},
		{"SetWatches", &SetWatchesRequest{RelativeZxid: 5, Data: testPaths, Exist: testPaths, Child: testPaths}},
		{"SetWatches2", &SetWatchesRequest{5, testPaths, testPaths, testPaths, testPaths, testPaths, true}},
		{"Stat", testStat},
		{"TxnHeader", &TxnHeader{1, 2, 3, 4, 5}},
		{"CreateTxn", &CreateTxn{"/a", testData, testACL, true, 9, false}},
		{"CreateContainerTxn", &CreateContainerTxn{"/a", testData, testACL, 9}},
		{"CreateTTLTxn", &CreateTTLTxn{"/a", testData, testACL, 9, 60000}},
		{"DeleteTxn", &DeleteTxn{"/a"}},
		{"SetDataTxn", &SetDataTxn{"/a", testData, 9, false}},
		{"SetACLTxn", &SetACLTxn{"/a", testACL, 9}},
		{"CheckVersionTxn", &CheckVersionTxn{"/a", 9}},
		{"CreateSessionTxn", &CreateSessionTxn{30000}},
		{"CloseSessionTxn", &CloseSessionTxn{testPaths, true}},
		{"ErrorTxn", &ErrorTxn{ErrNoNode}},
		{"MultiTxn", &MultiTxn{[]SubTxn{
			{OpDelete, &DeleteTxn{"/a"}}, {OpError, &ErrorTxn{ErrRuntimeInconsistency}},
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, ok := want[c.name]
			if !ok {
				t.Fatal("not recorded")
			}
			if got := c.rec.Append(nil); !bytes.Equal(got, raw) {
				t.Errorf("Append = %x\nApache = %x", got, raw)
			}
			d := jute.NewDecoder(raw)
			got := decode(c.rec, &d)
			if d.Err() != nil || len(d.Rest()) > 0 {
				t.Fatalf("Decode: %v, %d bytes left", d.Err(), len(d.Rest()))
			}
			withReadACL(c.rec)
			if !reflect.DeepEqual(got, c.rec) {
				t.Errorf("Decode = %+v\nwant %+v", got, c.rec)
			}
			for n := range raw { // cut anywhere, a record is an error or shorter, never a panic
				short := jute.NewDecoder(raw[:n])
				decode(c.rec, &short)
			}
		})
	}
}

// withReadACL replaces the ACL that was written by the one that is read.
func withReadACL(r record) {
	field := reflect.ValueOf(r).Elem().FieldByName("ACL")
	if field.IsValid() && field.Len() > 0 {
		field.Set(reflect.ValueOf(testACLRead))
	}
}

func TestMultiIsApaches(t *testing.T) {
	want := recorded(t)
	create := CreateRequest{Path: "/a", Data: testData, ACL: testACL, Flags: FlagEphemeral}
	b := create.Append(MultiHeader{Op: OpCreate, Err: -1}.Append(nil))
	del := DeleteRequest{"/b", 3}
	b = del.Append(MultiHeader{Op: OpDelete, Err: -1}.Append(b))
	check := CheckVersionRequest{"/c", 1}
	b = check.Append(MultiHeader{Op: OpCheck, Err: -1}.Append(b))
	b = MultiEnd.Append(b)
	if !bytes.Equal(b, want["MultiRequest"]) {
		t.Errorf("request = %x\nApache  = %x", b, want["MultiRequest"])
	}
	b = jute.AppendString(MultiHeader{Op: OpCreate}.Append(nil), "/a")
	b = testStat.Append(jute.AppendString(MultiHeader{Op: OpCreate2}.Append(b), "/b"))
	b = testStat.Append(MultiHeader{Op: OpSetData}.Append(b))
	b = MultiHeader{Op: OpDelete}.Append(b)
	b = MultiHeader{Op: OpCheck}.Append(b)
	b = jute.AppendInt(MultiHeader{Op: OpError, Err: ErrNoNode}.Append(b), int32(ErrNoNode))
	b = MultiEnd.Append(b)
	if !bytes.Equal(b, want["MultiResponse"]) {
		t.Errorf("response = %x\nApache   = %x", b, want["MultiResponse"])
	}
}

func TestEntry(t *testing.T) {
	header := TxnHeader{ClientID: 1, Cxid: 2, Zxid: 3, TimeMs: 4}
	digest := TxnDigest{Version: DigestVersion, TreeDigest: 1 << 63}
	for _, c := range []struct {
		name  string
		entry Entry
	}{
		{"error without digest", Entry{header, &ErrorTxn{ErrNoAuth}, TxnDigest{}, false}},
		{"error with digest", Entry{header, &ErrorTxn{ErrNoAuth}, digest, true}},
		{"closeSession with list", Entry{header, &CloseSessionTxn{testPaths, true}, digest, true}},
		{"closeSession with empty list", Entry{header, &CloseSessionTxn{[]string{}, true}, digest, true}},
		{"closeSession without list", Entry{header, &CloseSessionTxn{}, digest, true}},
		{"closeSession alone", Entry{header, &CloseSessionTxn{}, TxnDigest{}, false}},
		{"multi", Entry{header, &MultiTxn{[]SubTxn{{OpCheck, &CheckVersionTxn{"/a", 2}}}}, digest, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := c.entry
			e.Header.Type = typeOf(e.Txn)
			got, err := DecodeEntry(e.Append(nil))
			if err != nil || !reflect.DeepEqual(got, e) {
				t.Errorf("DecodeEntry = %+v, %v\nwant %+v", got, err, e)
			}
		})
	}
}

func typeOf(txn Txn) Op {
	switch txn.(type) {
	case *ErrorTxn:
		return OpError
	case *CloseSessionTxn:
		return OpCloseSession
	}
	return OpMulti
}

// TestOldCreate reads the create of logs from before 3.4, which ends before
// the parent's cversion.
func TestOldCreate(t *testing.T) {
	raw := (&CreateTxn{Path: "/a", Data: testData, ACL: OpenACL, ParentCversion: 9}).Append(nil)
	d := jute.NewDecoder(raw[:len(raw)-4])
	var txn CreateTxn
	if txn.decode(&d); d.Err() != nil || txn.ParentCversion != -1 {
		t.Errorf("parent cversion %d, %v; want -1", txn.ParentCversion, d.Err())
	}
}

func TestOldConnectRequest(t *testing.T) {
	raw := recorded(t)["ConnectRequest"]
	d := jute.NewDecoder(raw[:len(raw)-1])
	var r ConnectRequest
	if r.Decode(&d); d.Err() != nil || r.HasReadOnly || r.ReadOnly {
		t.Errorf("%+v, %v", r, d.Err())
	}
}

func FuzzDecodeEntry(f *testing.F) {
	header := TxnHeader{ClientID: 1, Cxid: 2, Zxid: 3, TimeMs: 4}
	for name, raw := range recorded(f) {
		for _, op := range []Op{OpCreate, OpCreateTTL, OpCreateContainer, OpSetData, OpSetACL, OpMulti, OpCloseSession, OpError} {
			if strings.HasSuffix(name, "Txn") {
				header.Type = op
				f.Add(append(header.Append(nil), raw...))
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := DecodeEntry(raw)
		if err != nil {
			return
		}
		again, err := DecodeEntry(e.Append(nil))
		if err != nil {
			t.Fatalf("re-encoded entry: %v", err)
		}
		if !bytes.Equal(again.Append(nil), e.Append(nil)) {
			t.Fatal("the wire form does not settle")
		}
	})
}

// FuzzRequests decodes arbitrary bytes as every request.
func FuzzRequests(f *testing.F) {
	for _, raw := range recorded(f) {
		f.Add(raw)
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		for _, r := range []record{
			&ConnectRequest{}, &RequestHeader{}, &CreateRequest{}, &CreateRequest{HasTTL: true}, &DeleteRequest{},
			&DeleteContainerRequest{}, &SetDataRequest{}, &SetACLRequest{}, &WatchableRequest{}, &PathRequest{},
			&GetEphemeralsRequest{}, &ReconfigRequest{}, &AuthPacket{}, &SASLToken{}, &AddWatchRequest{},
			&WatcherKindRequest{}, &SetWatchesRequest{}, &SetWatchesRequest{HasPersistent: true},
		} {
			d := jute.NewDecoder(raw)
			decode(r, &d)
		}
	})
}

func TestOpenACLCostsNothing(t *testing.T) {
	raw := append(AppendACLs(nil, OpenACL), 42)
	allocations := testing.AllocsPerRun(100, func() {
		d := jute.NewDecoder(raw)
		if acl := DecodeACLs(&d); &acl[0] != &OpenACL[0] || d.Byte() != 42 {
			t.Fatal("not the shared list, or read too far")
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
	two := AppendACLs(nil, append(OpenACL[:1:1], ACL{PermRead, Anyone}))
	d := jute.NewDecoder(two)
	if acl := DecodeACLs(&d); len(acl) != 2 {
		t.Errorf("a list that begins alike: %v", acl)
	}
}
