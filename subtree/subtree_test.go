package subtree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meerkat-zk/meerkat/client"
	"github.com/meerkat-zk/meerkat/internal/testserver"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

const patience = 20 * time.Second

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// session is a client of a new server, with the identities of a super user if
// it is to be one.
func session(t *testing.T, srv *testserver.Server, super bool) *client.Client {
	t.Helper()
	cfg := client.Config{Servers: []string{srv.Addr}}
	if super {
		cfg.Auth = []client.Auth{{Scheme: "digest", Data: []byte(testserver.Super)}}
	}
	c := client.Open(cfg)
	t.Cleanup(c.Close)
	must(t, c.Connect(testContext(t)))
	return c
}

var guarded = []proto.ACL{{Perms: proto.PermRead, ID: proto.Anyone}, {Perms: proto.PermAll, ID: proto.ID{Scheme: "digest", ID: "ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM="}}}

// plant makes /src with many znodes of all kinds, and returns how many can be
// copied.
func plant(t *testing.T, ctx context.Context, zk *client.Client) int {
	t.Helper()
	count := 0
	create := func(path string, data []byte, acl []proto.ACL, flags int32) {
		_, err := zk.Create(ctx, path, data, acl, flags, 0)
		must(t, err)
		if flags == proto.FlagPersistent {
			count++
		}
	}
	create("/src", []byte("root"), proto.OpenACL, 0)
	create("/src/null", nil, proto.OpenACL, 0)
	create("/src/empty", []byte{}, proto.OpenACL, 0)
	create("/src/binary", []byte{0, 0xff, 0x80}, guarded, 0)
	create("/src/eph", []byte("mine"), proto.OpenACL, proto.FlagEphemeral)
	for i := range 30 {
		path := fmt.Sprintf("/src/d%02d", i)
		create(path, []byte(path), proto.OpenACL, 0)
		for j := range 20 {
			create(fmt.Sprintf("%s/n%d", path, j), bytes.Repeat([]byte("x"), j), proto.OpenACL, 0)
		}
	}
	return count
}

func differences(t *testing.T, a, b Place, openACL bool) (same int, list []string) {
	t.Helper()
	same, err := Compare(testContext(t), a, b, openACL, func(d Difference) { list = append(list, d.Path+" "+d.What) })
	must(t, err)
	return same, list
}

func TestCopyBetweenServers(t *testing.T) {
	ctx := testContext(t)
	a, b := session(t, testserver.Start(t), true), session(t, testserver.Start(t), true)
	n := plant(t, ctx, a)
	from, to := Place{a, "/src"}, Place{b, "/to/there"}
	if _, err := Copy(ctx, from, to, Options{}); !errors.Is(err, proto.ErrNoNode) {
		t.Errorf("without a parent: %v", err)
	}
	must(t, MakeParents(ctx, b, to.Root))
	counts, err := Copy(ctx, from, to, Options{DryRun: true})
	if err != nil || counts.Created != n || counts.Ephemerals != 1 {
		t.Errorf("dry: %+v, %v", counts, err)
	}
	told := 0
	counts, err = Copy(ctx, from, to, Options{Progress: func(c Counts) { told++ }})
	if err != nil || counts.Created != n || counts.Read != n+1 || told != (n+1)/progressEvery {
		t.Errorf("%+v, %v, progress %d times", counts, err, told)
	}
	if same, list := differences(t, from, to, false); same != n || list != nil {
		t.Errorf("%d are equal, and %q", same, list)
	}

	_, err = b.SetData(ctx, "/to/there/d07", []byte("changed"), -1)
	must(t, err)
	_, err = b.SetACL(ctx, "/to/there/null", guarded, -1)
	must(t, err)
	_, err = b.Create(ctx, "/to/there/more", nil, proto.OpenACL, 0, 0)
	must(t, err)
	must(t, b.Delete(ctx, "/to/there/empty", -1))
	_, list := differences(t, from, to, false)
	slices.Sort(list)
	if want := []string{"/d07 has other data, 7 bytes instead of 8", "/empty is missing", "/more is there and not in the source", "/null has another ACL"}; !slices.Equal(list, want) {
		t.Errorf("%q", list)
	}
	if _, err := Copy(ctx, from, to, Options{}); !errors.Is(err, ErrDiffers) {
		t.Errorf("over what differs: %v", err)
	}
	counts, err = Copy(ctx, from, to, Options{Overwrite: true})
	if err != nil || counts.Updated != 2 || counts.Created > 1 || counts.Same < n-3 {
		t.Errorf("overwrite: %+v, %v", counts, err)
	}
	if _, list := differences(t, from, to, false); !slices.Equal(list, []string{"/more is there and not in the source"}) {
		t.Errorf("%q", list)
	}
}

// TestMaskedACL refuses to copy an ACL that the server has not shown.
func TestMaskedACL(t *testing.T) {
	ctx, srv := testContext(t), testserver.Start(t)
	super, anyone := session(t, srv, true), session(t, srv, false)
	_, err := super.Create(ctx, "/src", nil, guarded, 0, 0)
	must(t, err)
	if _, err := Copy(ctx, Place{anyone, "/src"}, Place{anyone, "/dst"}, Options{}); !errors.Is(err, ErrMaskedACL) {
		t.Errorf("copy: %v", err)
	}
	if _, err := Export(ctx, Place{anyone, "/src"}, &bytes.Buffer{}, time.Now(), Options{}); !errors.Is(err, ErrMaskedACL) {
		t.Errorf("export: %v", err)
	}
	if counts, err := Copy(ctx, Place{anyone, "/src"}, Place{anyone, "/dst"}, Options{OpenACL: true}); err != nil || counts.Created != 1 {
		t.Errorf("with an open ACL: %+v, %v", counts, err)
	}
}

func TestMove(t *testing.T) {
	ctx, srv := testContext(t), testserver.Start(t)
	zk := session(t, srv, true)
	n := plant(t, ctx, zk)
	if _, err := Move(ctx, zk, "/src", "/dst"); err == nil || !strings.Contains(err.Error(), "/src/eph is an ephemeral") {
		t.Errorf("with an ephemeral: %v", err)
	}
	must(t, zk.Delete(ctx, "/src/eph", -1))
	for _, to := range []string{"/src", "/src/x"} {
		if _, err := Move(ctx, zk, "/src", to); !errors.Is(err, ErrInside) {
			t.Errorf("to %s: %v", to, err)
		}
	}
	if _, err := Move(ctx, zk, "/src", "/zookeeper"); !errors.Is(err, proto.ErrNodeExists) {
		t.Errorf("onto another: %v", err)
	}
	moved, err := Move(ctx, zk, "/src", "/dst")
	if err != nil || moved != n {
		t.Errorf("%d of %d moved, %v", moved, n, err)
	}
	if _, err := zk.Exists(ctx, "/src", false); !errors.Is(err, proto.ErrNoNode) {
		t.Errorf("the source: %v", err)
	}
	if acl, _, err := zk.ACL(ctx, "/dst/binary"); err != nil || !slices.Equal(acl, guarded) {
		t.Errorf("%v, %v", acl, err)
	}
	for i := range 3 {
		_, err := zk.Create(ctx, fmt.Sprintf("/dst/big%d", i), make([]byte, 400_000), proto.OpenACL, 0, 0)
		must(t, err)
	}
	if _, err := Move(ctx, zk, "/dst", "/src"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func TestExportImport(t *testing.T) {
	ctx, srv := testContext(t), testserver.Start(t)
	zk := session(t, srv, true)
	n := plant(t, ctx, zk)
	var file bytes.Buffer
	counts, err := Export(ctx, Place{zk, "/src"}, &file, time.Unix(0, 0), Options{})
	if err != nil || counts.Read != n+1 || counts.Ephemerals != 1 {
		t.Fatalf("%+v, %v", counts, err)
	}
	text := file.String()
	counts, err = Import(ctx, strings.NewReader(text), Place{zk, "/some/where/else"}, Options{})
	if err != nil || counts.Created != n {
		t.Errorf("%+v, %v", counts, err)
	}
	if same, list := differences(t, Place{zk, "/src"}, Place{zk, "/some/where/else"}, false); same != n || list != nil {
		t.Errorf("%d are equal, and %q", same, list)
	}
	counts, err = Import(ctx, strings.NewReader(text), Place{zk, ""}, Options{})
	if err != nil || counts.Same != n {
		t.Errorf("over the source: %+v, %v", counts, err)
	}
	for name, bad := range map[string]string{
		"cut":     text[:len(text)/2],
		"no end":  text[:len(text)-3],
		"format":  strings.Replace(text, exportFormat, "other", 1),
		"version": strings.Replace(text, `"version":1`, `"version":2`, 1),
		"path":    strings.Replace(text, `"/null"`, `"/null/"`, 1),
		"base64":  strings.Replace(text, `"AP+A"`, `"!"`, 1),
		"perms":   strings.Replace(text, `"cdrwa"`, `"xyz"`, 1),
		"empty":   "{}", "text": "hello", "nothing": "",
	} {
		if _, err := Import(ctx, strings.NewReader(bad), Place{zk, "/bad"}, Options{}); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestWalkRoot leaves the server's own znodes alone.
func TestWalkRoot(t *testing.T) {
	ctx, srv := testContext(t), testserver.Start(t)
	zk := session(t, srv, false)
	_, err := zk.Create(ctx, "/a", nil, proto.OpenACL, 0, 0)
	must(t, err)
	for root, want := range map[string][]string{"/": {"/", "/a"}, "/zookeeper": {"/zookeeper", "/zookeeper/config", "/zookeeper/quota"}} {
		var got []string
		must(t, Walk(ctx, zk, root, false, func(n Node) error { got = append(got, n.At(root)); return nil }))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", root, got)
		}
	}
}

// FuzzImport reads any file as an export.
func FuzzImport(f *testing.F) {
	f.Add(`{"format":"meerkat-znodes","version":1,"root":"/a","znodes":[{"path":"","data":"x"},{"path":"/b","data_base64":"AA==","acl":[{"scheme":"world","id":"anyone","perms":"cdrwa"}]}]}`)
	f.Add(`{"format":"meerkat-znodes","version":1,"znodes":[{"path":"x"}]}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, text string) {
		err := readExport(strings.NewReader(text), func(string) error { return nil }, func(n Node) error {
			if n.Path != "" && client.ValidatePath(n.Path, false) != nil {
				t.Errorf("path %q came through", n.Path)
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("error %v", err)
		}
	})
}
