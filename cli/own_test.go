package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/internal/testserver"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// once runs one command per call, with a new session each time.
func once(t *testing.T, cfg Config, words ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	cfg.Out, cfg.Err, cfg.Timeout = &o, &e, patience
	s, err := New(cfg)
	must(t, err)
	code = s.Once(testContext(t), words)
	must(t, s.Close())
	return o.String(), e.String(), code
}

// TestOwnCommands runs in order; what is expected is standard output without
// what tells of the connection, or with an exit code standard error.
func TestOwnCommands(t *testing.T) {
	srv := testserver.Start(t)
	file := filepath.Join(t.TempDir(), "export.json")
	cfg := Config{Servers: srv.Addr, Edit: func(_ context.Context, path string) error {
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "broken") {
			return errors.New("the editor failed")
		}
		return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(text), "two", "2", 1)+"\n"), 0o600))
	}}
	for _, test := range []struct {
		line string
		code int
		want string
	}{
		{"create /app root", 0, ""},
		{"create /app/a 'one line'", 0, ""},
		{"create /app/a/deep x", 0, ""},
		{"create /app/b two", 0, ""},
		{"create /app/c broken", 0, ""},
		{"tree /app", 0, "/app\n├── a\n│   └── deep\n├── b\n└── c\n4 znodes\n"},
		{"tree -d 1 /app", 0, "/app\n├── a\n├── b\n└── c\n3 znodes\n"},
		{"tree -d 0 /app", 1, "-d 0: must be a number above 0\n"},
		{"tree /nope", 1, "Node does not exist: /nope\n"},
		{"find /app ^[ab]", 0, "/app\n/app/a\n/app/b\n"},
		{"find -i /app DEEP", 0, "/app/a/deep\n"},
		{"find -e /app .", 0, ""},
		{"find /app (", 1, "error parsing regexp: missing closing ): `(`\n"},
		{"find /app", 1, "find [-i] [-e] path regexp\n"},
		{"grep /app t", 0, "/app:1: root\n/app/b:1: two\n"},
		{"grep -il /app ONE", 0, "/app/a\n"},
		{"cp /app /copy", 1, "/app has 3 children: cp -r copies them, too\n"},
		{"cp -rn /app /copy", 0, "would be: 5 znodes read (22 bytes), 5 created, 0 updated, 0 unchanged, 0 ephemerals left out\n"},
		{"cp -r /app /copy", 0, "5 znodes read (22 bytes), 5 created, 0 updated, 0 unchanged, 0 ephemerals left out\n"},
		{"set /copy/b changed", 0, ""},
		{"cp /app/b /copy/b", 1, "/copy/b is there and differs (and is not overwritten)\n"},
		{"cp -f /app/b /copy/b", 0, "1 znodes read (3 bytes), 0 created, 1 updated, 0 unchanged, 0 ephemerals left out\n"},
		{"cp -r /app /app/in", 1, "/app to /app/in: a subtree cannot be put into itself\n"},
		{"cp /nope /x", 1, "Node does not exist: /nope\n"},
		{"mv /copy /app", 1, "Node already exists: /app\n"},
		{"mv /copy /moved", 0, "5 znodes moved\n"},
		{"export /moved " + file, 0, "5 znodes exported (22 bytes), 0 ephemerals left out\n"},
		{"export /moved " + file, 1, file + " exists: -f overwrites it\n"},
		{"export -f /moved " + file, 0, "5 znodes exported (22 bytes), 0 ephemerals left out\n"},
		{"export /nope " + file + "2", 1, "Node does not exist: /nope\n"},
		{"deleteall /moved", 0, ""},
		{"import " + file, 0, "5 znodes read (22 bytes), 5 created, 0 updated, 0 unchanged, 0 ephemerals left out\n"},
		{"import " + file + " /x/y", 0, "5 znodes read (22 bytes), 5 created, 0 updated, 0 unchanged, 0 ephemerals left out\n"},
		{"get /x/y/a/deep", 0, "x\n"},
		{"import /no/such/file", 1, "open /no/such/file: no such file or directory\n"},
		{"edit /app/b", 0, ""},
		{"get /app/b", 0, "2\n"},
		{"edit /app/b", 0, "nothing was changed\n"},
		{"edit /app/c", 1, "the editor failed: nothing was changed\n"},
		{"edit /nope", 1, "Node does not exist: /nope\n"},
		{"help cp", 0, "cp [-r] [-f] [-o] [-n] from to\n    copy a znode, or with -r all below it\n -f   overwrite what is there and differs\n" +
			" -n   change nothing, and say what would be done\n -o   open to everybody, instead of the ACLs of the source\n -r   everything below, too\n"},
		{"help nope", 127, "Command not found: Command not found nope\n"},
		{"delete -v x /app/b", 1, "For input string: \"x\"\n"},
		{"set -b /app/b @", 1, "the data is not in base64: illegal base64 data at input byte 0\n"},
	} {
		out, errOut, code := once(t, cfg, splitWords(test.line)...)
		_, out, _ = strings.Cut(out, "zxid: -1\n") // the connection
		got := out
		if test.code != 0 {
			got = errOut
		}
		if code != test.code || got != test.want {
			t.Errorf("%s: exit code %d, prints\n%s%s\nwant %d and\n%s", test.line, code, out, errOut, test.code, test.want)
		}
	}
}

// TestJSON prints one object for each answer and nothing else.
func TestJSON(t *testing.T) {
	srv := testserver.Start(t)
	cfg := Config{Servers: srv.Addr, JSON: true, Version: "1"}
	input := "create /a data\ncreate -e /a/b\nls /a\nget /a\nset /a x\nstat /a\ngetAcl /a\ngetEphemerals\nwhoami\nversion\nconfig\n" +
		"getAllChildrenNumber /a\nsync /a\ntree /a\nls -R /a\nfind /a b\ngrep /a x\ngrep -l /a x\nget -w /a\nset /a y\nsetquota -n 5 /a\nlistquota /a\n" +
		"cp /a/b /c\nexport /a/b\nmv /a /d\nsetAcl /a world:anyone:cdrwa\n"
	out, errOut, code := script(t, cfg, input)
	if code != 0 {
		t.Errorf("exit code %d: %s", code, errOut)
	}
	keys := []string{"created", "created", "children", "data", "stat", "stat", "acl", "ephemerals", "", "version", "config", "descendants", "synced",
		"name", "path", "path", "path", "line", "path", "data", "event", "stat", "limits", "read", "format", "stat"}
	d := json.NewDecoder(strings.NewReader(out))
	for i, key := range keys {
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatalf("answer %d: %v in\n%s", i, err, out)
		}
		object, _ := value.(map[string]any)
		if _, ok := object[key]; !ok && key != "" {
			t.Errorf("answer %d has no %q: %v", i, key, value)
		}
	}
	if d.More() {
		t.Errorf("more than %d answers:\n%s", len(keys), out)
	}
}

// TestIdentities takes them from the configuration, for every connection.
func TestIdentities(t *testing.T) {
	srv := testserver.Start(t)
	cfg := Config{Servers: srv.Addr, Auth: []client.Auth{{Scheme: "digest", Data: []byte("ann:secret")}}}
	out, _, code := script(t, cfg, "whoami\nconnect "+srv.Addr+"\nwhoami\n")
	if code != 0 || strings.Count(out, "digest: ann\n") != 2 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestNoServer(t *testing.T) {
	cfg := Config{Servers: "127.0.0.1:1"}
	if _, errOut, code := once(t, cfg, "ls", "/"); code != 1 || !strings.HasPrefix(errOut, "cannot connect to 127.0.0.1:1: dial tcp") || strings.Count(errOut, "\n") != 1 {
		t.Errorf("%d, %s", code, errOut)
	}
	cfg.Wait, cfg.Timeout, cfg.Out, cfg.Err = true, patience, new(bytes.Buffer), new(bytes.Buffer)
	if s, err := New(cfg); err == nil {
		t.Error("no error with -waitforconnection")
		_ = s.Close()
	}
	if _, err := New(Config{Servers: "a:b", Out: new(bytes.Buffer)}); err == nil || !strings.Contains(err.Error(), "is not a number from 1 to 65535") {
		t.Errorf("a bad list: %v", err)
	}
	out, errOut, code := script(t, Config{Servers: "127.0.0.1:1"}, "printwatches off\nversion\nls /\n")
	if code != 1 || !strings.Contains(errOut, "KeeperErrorCode = ConnectionLoss for /") || !strings.Contains(out, "(CONNECTING) 2] ") {
		t.Errorf("%d\n%s\n%s", code, out, errOut)
	}
}

// TestHexDump is what Netty prints.
func TestHexDump(t *testing.T) {
	if got := hexDump(nil); got != "" {
		t.Errorf("nothing: %q", got)
	}
	want := "         +-------------------------------------------------+\n" +
		"         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |\n" +
		"+--------+-------------------------------------------------+----------------+\n" +
		"|00000000| 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 |0123456789abcdef|\n" +
		"|00000010| 7e 7f                                           |~.              |\n" +
		"+--------+-------------------------------------------------+----------------+"
	if got := hexDump([]byte("0123456789abcdef~\x7f")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string]string{
		"a b": "a|b", "  a\tb  ": "a|b", `a "b c" 'd e'`: "a|b c|d e", `a "" ''`: "a||", `a b"c d"`: `a|b"c|d"`,
		`a "b'c" 'd"e'`: `a|b'c|d"e`, `"`: "", "": "",
	} {
		if got := strings.Join(splitWords(line), "|"); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	for _, word := range []string{"a", "a b", `a'b`, `a"b`, "a\tb"} {
		if got := splitWords("x " + quoteWord(word)); len(got) != 2 || got[1] != word {
			t.Errorf("%q is read back as %q", word, got)
		}
	}
}

// TestReconfigRefused has an empty path in its messages, where an ACL has
// null (recorded of Apache's shell on an ensemble).
func TestReconfigRefused(t *testing.T) {
	for code, want := range map[proto.ErrCode]string{
		proto.ErrBadVersion: "version No is not valid : ", proto.ErrBadArguments: "Arguments are not valid : ",
		proto.ErrReconfigDisabled: "KeeperErrorCode = Reconfig is disabled",
	} {
		if got := withoutPath(&client.Error{Code: code}).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestClientConnect(t *testing.T) {
	config := "server.2=b:1:2:participant;b:2181\nserver.1=a:1:2;2182\nserver.3=c:1:2\nversion=1f\n"
	if got := clientConnect(config); got != "1f 0.0.0.0:2182,b:2181" {
		t.Errorf("%q", got)
	}
}
