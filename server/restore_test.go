package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// take takes a snapshot on command.
func take(t *testing.T, srv *Server) (data []byte, zxid int64) {
	t.Helper()
	s, err := srv.AdminView().TakeSnapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	data, err = io.ReadAll(s)
	if err := errors.Join(err, s.Close()); err != nil || int64(len(data)) != s.SizeBytes {
		t.Fatalf("%d bytes of %d: %v", len(data), s.SizeBytes, err)
	}
	return data, s.Zxid
}

func exists(c *testClient, path string) bool {
	return c.call(proto.OpExists, &proto.WatchableRequest{Path: path}).Err == proto.OK
}

// A restored server has the snapshot's state and nothing else, at once and
// after a restart; what is written afterwards is kept; its clients come back.
func TestRestore(t *testing.T) {
	for _, test := range []struct{ name, compression string }{{"plain", ""}, {"gzip", "gz"}, {"snappy", "snappy"}} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			srv := startIn(t, dir, func(c *conf.Config) { c.Storage.Compression = test.compression })
			c := connect(t, srv)
			c.create("/kept", "old", 0)
			c.create("/owned", "", 1)
			data, at := take(t, srv)
			if at != srv.lastZxid() {
				t.Errorf("the snapshot is as of %x, the tree as of %x", at, srv.lastZxid())
			}
			late := connect(t, srv)
			late.create("/lost", "", 0)
			late.must(proto.OpSetData, &proto.SetDataRequest{Path: "/kept", Data: []byte("new"), Version: -1})
			late.create("/ephemeral", "", 1)
			before := srv.lastZxid()

			zxid, err := srv.AdminView().Restore(context.Background(), bytes.NewReader(data))
			if err != nil || zxid != before+1 {
				t.Fatalf("zxid %x after %x: %v", zxid, before, err)
			}
			c.closed()
			late.closed()
			c = reconnect(t, srv, c) // its session is in the snapshot
			check := func(c *testClient) {
				t.Helper()
				if got, _ := c.must(proto.OpGetData, &proto.WatchableRequest{Path: "/kept"}).data(t); got != "old" {
					t.Errorf("/kept is %q", got)
				}
				if !exists(c, "/owned") || exists(c, "/lost") || exists(c, "/ephemeral") {
					t.Errorf("owned %v, lost %v, ephemeral %v", exists(c, "/owned"), exists(c, "/lost"), exists(c, "/ephemeral"))
				}
			}
			check(c)
			c.create("/after", "", 0)
			if got := srv.lastZxid(); got != zxid+1 {
				t.Errorf("the first write after %x is %x", zxid, got)
			}
			stop(t, srv)
			srv = startIn(t, dir, func(c *conf.Config) { c.Storage.Compression = test.compression })
			c = reconnect(t, srv, c)
			check(c)
			if !exists(c, "/after") {
				t.Error("what was written after the restore is lost")
			}
		})
	}
}

// A snapshot of a server that is ahead keeps its zxid.
func TestRestoreIntoANewServer(t *testing.T) {
	old := start(t)
	c := connect(t, old)
	for _, path := range []string{"/a", "/a/b", "/c"} {
		c.create(path, "x", 0)
	}
	data, at := take(t, old)
	dir := t.TempDir()
	srv := startIn(t, dir)
	zxid, err := srv.AdminView().Restore(context.Background(), bytes.NewReader(data))
	if err != nil || zxid != at {
		t.Fatalf("zxid %x, want %x: %v", zxid, at, err)
	}
	again, _ := take(t, srv)
	if !bytes.Equal(again, data) {
		t.Error("a snapshot of the restored server is not the one that it was restored from")
	}
	if s, known := srv.AdminView().LastSnapshot(); !known || s.Zxid != at {
		t.Errorf("last snapshot %+v, %v", s, known)
	}
}

// What is no whole snapshot changes nothing.
func TestRestoreRefusesDamage(t *testing.T) {
	srv := start(t)
	c := connect(t, srv)
	c.create("/kept", "value", 0)
	data, _ := take(t, srv)
	damaged := bytes.Replace(data, []byte("value"), []byte("valuf"), 1)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(data)
	_ = z.Close()
	for name, bad := range map[string][]byte{
		"empty": nil, "text": []byte("abc"), "cut": data[:len(data)-20], "damaged": damaged, "cut gzip": packed.Bytes()[:packed.Len()-12],
		"without its zxid": data[:len(data)-int(25)],
	} {
		if zxid, err := srv.AdminView().Restore(context.Background(), bytes.NewReader(bad)); err == nil {
			t.Errorf("%s: restored as %x", name, zxid)
		}
	}
	if !exists(c, "/kept") {
		t.Error("a refused restore has changed the state")
	}
	if _, err := srv.AdminView().Restore(context.Background(), bytes.NewReader(packed.Bytes())); err != nil {
		t.Errorf("a whole snapshot, compressed: %v", err)
	}
}

func TestShed(t *testing.T) {
	srv := start(t)
	clients := []*testClient{connect(t, srv), connect(t, srv), connect(t, srv)}
	if n := srv.AdminView().Shed(0); n != 0 {
		t.Errorf("0 %% of three are %d", n)
	}
	if n := srv.AdminView().Shed(100); n != 3 {
		t.Errorf("100 %% of three are %d", n)
	}
	for _, c := range clients {
		c.closed()
	}
}

func TestAdminViewBeforeStart(t *testing.T) {
	srv, err := New(testConfig(t.TempDir()), zerolog.Nop(), BuildInfo{})
	if err != nil {
		t.Fatal(err)
	}
	v := srv.AdminView()
	if v.Serving() || v.Mode() != "standalone" || v.Ensemble() != nil || !strings.HasPrefix(v.Version(), "3.9.5") {
		t.Errorf("serving %v, %s, %v, %s", v.Serving(), v.Mode(), v.Ensemble(), v.Version())
	}
}
