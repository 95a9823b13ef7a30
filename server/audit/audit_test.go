package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// The lines are those that Apache ZooKeeper 3.9.5 wrote for such requests.
func TestEventLines(t *testing.T) {
	const session = 0x1000136f0140000
	for _, test := range []struct {
		event Event
		want  string
	}{
		{Event{User: "root", Operation: ServerStart, Result: Success}, "user=root|operation=serverStart|result=success"},
		{
			Event{Session: session, User: "127.0.0.1", IP: "127.0.0.1", Operation: "create", Znode: "/a/es0000000002", ZnodeType: "ephemeral_sequential", Result: Success},
			"session=0x1000136f0140000|user=127.0.0.1|ip=127.0.0.1|operation=create|znode=/a/es0000000002|znode_type=ephemeral_sequential|result=success",
		},
		{
			Event{Session: session, User: "bob,127.0.0.1", IP: "127.0.0.1", Operation: "setAcl", Znode: "/a", ACL: "digest:bob:x:cdrwaworld:anyone:r", Result: Success},
			"session=0x1000136f0140000|user=bob,127.0.0.1|ip=127.0.0.1|operation=setAcl|znode=/a|acl=digest:bob:x:cdrwaworld:anyone:r|result=success",
		},
		{
			Event{Session: session, User: "root", Operation: EphemeralEnded, Znode: "/a/e", Result: Success},
			"session=0x1000136f0140000|user=root|operation=ephemeralZNodeDeletionOnSessionCloseOrExpire|znode=/a/e|result=success",
		},
		{
			Event{Session: -1, User: "a\tresult=success\n", Operation: "create", Znode: "/é\u0085\u2028", Result: Failure},
			`session=0xffffffffffffffff|user=a\u0009result=success\u000a|operation=create|znode=/é\u0085\u2028|result=failure`,
		},
	} {
		if got := strings.ReplaceAll(test.event.String(), "\t", "|"); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestRead(t *testing.T) {
	acl := []proto.ACL{{Perms: proto.PermAll, ID: proto.ID{Scheme: "digest", ID: "bob:x"}}, {Perms: proto.PermRead, ID: proto.Anyone}}
	multi := func(parts ...[]byte) []byte { return append(bytes.Join(parts, nil), proto.MultiEnd.Append(nil)...) }
	part := func(op proto.Op, r interface{ Append([]byte) []byte }) []byte {
		return r.Append(proto.MultiHeader{Op: op, Err: -1}.Append(nil))
	}
	create := func(path string, flags int32) *proto.CreateRequest {
		return &proto.CreateRequest{Path: path, ACL: acl, Flags: flags}
	}
	for _, test := range []struct {
		op   proto.Op
		body []byte
		want *Subject
	}{
		{proto.OpCreate, create("/a", 0).Append(nil), &Subject{Operation: "create", Path: "/a", Mode: "persistent"}},
		{proto.OpCreate2, create("/a", 3).Append(nil), &Subject{Operation: "create", Path: "/a", Mode: "ephemeral_sequential"}},
		{proto.OpCreateContainer, create("/a", 4).Append(nil), &Subject{Operation: "create", Path: "/a", Mode: "container"}},
		{proto.OpCreateTTL, (&proto.CreateRequest{Path: "/a", ACL: acl, Flags: 6, TTLMs: 9, HasTTL: true}).Append(nil), &Subject{Operation: "create", Path: "/a", Mode: "persistent_sequential_with_ttl"}},
		{proto.OpCreate, create("/a", 99).Append(nil), &Subject{Operation: "create", Path: "/a"}},
		{proto.OpDelete, (&proto.DeleteRequest{Path: "/a"}).Append(nil), &Subject{Operation: "delete", Path: "/a"}},
		{proto.OpSetData, (&proto.SetDataRequest{Path: "/a"}).Append(nil), &Subject{Operation: "setData", Path: "/a"}},
		{proto.OpSetACL, (&proto.SetACLRequest{Path: "/a", ACL: acl}).Append(nil), &Subject{Operation: "setAcl", Path: "/a", ACL: "digest:bob:x:cdrwaworld:anyone:r"}},
		{proto.OpReconfig, nil, &Subject{Operation: "reconfig"}},
		{proto.OpMulti, multi(part(proto.OpCreate, create("/m", 0)), part(proto.OpCheck, &proto.CheckVersionRequest{Path: "/m"}), part(proto.OpCreateTTL, &proto.CreateRequest{Path: "/t", Flags: 5, TTLMs: 1, HasTTL: true}), part(proto.OpCreate2, create("/n", 1))),
			&Subject{Operation: "multiOperation", Modes: map[string]string{"/m": "persistent", "/n": "ephemeral"}}},
		{proto.OpGetData, jute.AppendString(nil, "/a"), nil},
		{proto.OpCloseSession, nil, nil},
		{proto.OpCreate, []byte{0, 0, 0, 9}, nil},
	} {
		got := Read(test.op, test.body)
		if (got == nil) != (test.want == nil) {
			t.Errorf("%v: %+v, want %+v", test.op, got, test.want)
			continue
		}
		if got == nil {
			continue
		}
		same := got.Operation == test.want.Operation && got.Path == test.want.Path && got.Mode == test.want.Mode && got.ACL == test.want.ACL && len(got.Modes) == len(test.want.Modes)
		for path, mode := range test.want.Modes {
			same = same && got.Modes[path] == mode
		}
		if !same {
			t.Errorf("%v: %+v, want %+v", test.op, got, test.want)
		}
	}
}

// What clients send is read within bounds. A byte that is not UTF-8 becomes the
// three of U+FFFD.
func FuzzRead(f *testing.F) {
	f.Add(int32(proto.OpCreate), (&proto.CreateRequest{Path: "/a", ACL: proto.OpenACL}).Append(nil))
	f.Add(int32(proto.OpDelete), (&proto.DeleteRequest{Path: "/\xff\xfe\xff\xfe\xff\xfe"}).Append(nil))
	f.Add(int32(proto.OpMulti), (&proto.DeleteRequest{Path: "/a"}).Append(proto.MultiHeader{Op: proto.OpDelete, Err: -1}.Append(nil)))
	f.Fuzz(func(t *testing.T, op int32, body []byte) {
		if s := Read(proto.Op(op), body); s != nil && len(s.Path) > 3*len(body) {
			t.Errorf("a path of %d bytes from %d", len(s.Path), len(body))
		}
	})
}

func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	for _, operation := range []string{"create", "delete"} {
		l, err := Open(path, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		l.Report(Event{User: "u", Operation: operation, Result: Success})
		l.Report(Event{User: "u", Operation: operation, Result: Failure})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l.Report(Event{User: "late", Result: Success})
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const line = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} `
	want := regexp.MustCompile("^" +
		line + "INFO o\\.a\\.z\\.a\\.Slf4jAuditLogger: user=u\toperation=create\tresult=success\n" +
		line + "ERROR o\\.a\\.z\\.a\\.Slf4jAuditLogger: user=u\toperation=create\tresult=failure\n" +
		line + "INFO o\\.a\\.z\\.a\\.Slf4jAuditLogger: user=u\toperation=delete\tresult=success\n" +
		line + "ERROR o\\.a\\.z\\.a\\.Slf4jAuditLogger: user=u\toperation=delete\tresult=failure\n$")
	if !want.Match(data) {
		t.Errorf("the file has\n%s", data)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if _, err := Open(filepath.Join(path, "none"), zerolog.Nop()); err == nil {
		t.Error("a file below a file was opened")
	}
}

func TestLogEntries(t *testing.T) {
	var out bytes.Buffer
	l, err := Open("", zerolog.New(&out))
	if err != nil {
		t.Fatal(err)
	}
	l.Report(Event{User: "u", Result: Success})
	l.Report(Event{User: "u", Result: Failure})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"level":"info","log":"audit","message":"user=u\tresult=success"}` + "\n" + `{"level":"error","log":"audit","message":"user=u\tresult=failure"}` + "\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
