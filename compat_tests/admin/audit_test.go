//go:build compat

package admin

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/compat_tests/rig"
	"github.com/meerkat-zk/meerkat/compat_tests/wire"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// logback lets Apache write its audit log as its sample configuration does.
const logback = `<configuration>
  <appender name="A" class="ch.qos.logback.core.FileAppender"><File>%s</File><encoder><pattern>%%d{ISO8601} %%p %%c{2}: %%m%%n</pattern></encoder></appender>
  <logger name="org.apache.zookeeper.audit.Slf4jAuditLogger" additivity="false" level="INFO"><appender-ref ref="A"/></logger>
  <root level="ERROR"/>
</configuration>`

// TestAuditLog compares the audit logs of two servers that have seen the same
// requests, line by line.
func TestAuditLog(t *testing.T) {
	var logs [2][]string
	for i, flavor := range []rig.Flavor{rig.Apache(rig.Reference), rig.Subject(t)} {
		dir := rig.TempDir(t)
		file, config := filepath.Join(dir, "audit.log"), filepath.Join(dir, "logback.xml")
		if err := os.WriteFile(config, fmt.Appendf(nil, logback, file), 0o600); err != nil {
			t.Fatal(err)
		}
		s := rig.Start(t, rig.Spec{
			Flavor: flavor, Cfg: map[string]string{"audit.enable": "true", "meerkat.auditFile": file, "extendedTypesEnabled": "true"},
			Props: map[string]string{"logback.configurationFile": config},
		})
		change(t, s.Addr())
		s.Stop()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		logs[i] = masked(string(data))
	}
	if !slices.Equal(logs[0], logs[1]) {
		t.Errorf("got\n%s\nApache\n%s", strings.Join(logs[1], "\n"), strings.Join(logs[0], "\n"))
	}
	if len(logs[0]) < 20 {
		t.Errorf("only %d lines", len(logs[0]))
	}
}

var (
	stamp   = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} `)
	session = regexp.MustCompile(`session=0x[0-9a-f]+`)
	users   = regexp.MustCompile(`user=(bob,127\.0\.0\.1|127\.0\.0\.1,bob)`) // a set, in Apache
)

func masked(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		line = stamp.ReplaceAllString(line, "TIME ")
		line = session.ReplaceAllString(line, "session=SESSION")
		lines = append(lines, users.ReplaceAllString(line, "user=bob,127.0.0.1"))
	}
	// The ephemerals of a session come in the order of a hash table.
	first := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "ephemeralZNode") })
	if first >= 0 {
		slices.Sort(lines[first : len(lines)-1]) // the last line is the server's end
	}
	return lines
}

// change makes requests of every kind that is logged, those that fail too,
// and some that are not.
func change(t *testing.T, addr string) {
	t.Helper()
	c, err := wire.Open(addr, 60*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	type record interface{ Append([]byte) []byte }
	call := func(op proto.Op, r record) { _, _ = c.Call(op, r) } // errors are logged, too
	create := func(path string, flags int32) *proto.CreateRequest {
		return &proto.CreateRequest{Path: path, Data: []byte("x"), ACL: proto.OpenACL, Flags: flags}
	}
	call(proto.OpCreate, create("/a", 0))
	call(proto.OpCreate, create("/a", 0))
	call(proto.OpCreate2, create("/a/s-", 2))
	call(proto.OpCreate, create("/a/e", 1))
	call(proto.OpCreate, create("/a/es-", 3))
	call(proto.OpCreateContainer, create("/c", 4))
	call(proto.OpCreateTTL, &proto.CreateRequest{Path: "/ttl", ACL: proto.OpenACL, Flags: 5, TTLMs: 100_000, HasTTL: true})
	call(proto.OpCreate, create("/none/x", 0))
	call(proto.OpAuth, &proto.AuthPacket{Scheme: "digest", Auth: []byte("bob:pw")})
	call(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Data: []byte("y"), Version: -1})
	call(proto.OpSetData, &proto.SetDataRequest{Path: "/none", Version: -1})
	call(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: 77})
	call(proto.OpSetACL, &proto.SetACLRequest{Path: "/a", Version: -1, ACL: []proto.ACL{
		{Perms: proto.PermAll, ID: proto.ID{Scheme: "auth", ID: ""}}, {Perms: proto.PermRead, ID: proto.Anyone},
	}})
	call(proto.OpSetACL, &proto.SetACLRequest{Path: "/a", Version: 9, ACL: proto.OpenACL})
	call(proto.OpDelete, &proto.DeleteRequest{Path: "/a", Version: -1})
	call(proto.OpGetData, &proto.WatchableRequest{Path: "/a"})
	call(proto.OpReconfig, &proto.ReconfigRequest{})
	call(proto.OpMulti, multi{
		{proto.OpCreate, create("/m", 0)}, {proto.OpCreate, create("/m/s-", 2)}, {proto.OpCheck, &proto.CheckVersionRequest{Path: "/m", Version: 0}},
		{proto.OpSetData, &proto.SetDataRequest{Path: "/m", Version: -1}}, {proto.OpCreate2, create("/m/d", 0)},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/m/d", Version: -1}},
	})
	call(proto.OpMulti, multi{{proto.OpCreate, create("/m2", 0)}, {proto.OpDelete, &proto.DeleteRequest{Path: "/nope", Version: -1}}})
	call(proto.OpDelete, &proto.DeleteRequest{Path: "/nope", Version: -1})
	call(proto.OpDelete, &proto.DeleteRequest{Path: "/c", Version: -1})
	call(proto.OpCloseSession, empty{})
	c.Close()
}

// multi is the request of that name.
type multi []struct {
	op     proto.Op
	record interface{ Append([]byte) []byte }
}

func (m multi) Append(b []byte) []byte {
	for _, part := range m {
		b = part.record.Append(proto.MultiHeader{Op: part.op, Err: -1}.Append(b))
	}
	return proto.MultiEnd.Append(b)
}

// empty is a record without fields.
type empty struct{}

func (empty) Append(b []byte) []byte { return b }
