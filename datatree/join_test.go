package datatree

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// A tree that takes over path and data from Join is like one that copies them.
func TestJoined(t *testing.T) {
	copying, joining := newFeed(Config{Digest: true}), newFeed(Config{Digest: true})
	for _, data := range [][]byte{nil, {}, []byte("x"), bytes.Repeat([]byte("long"), 100)} {
		for _, name := range []string{"/a", "/a/b"} {
			suffix := []byte("-0000000001")
			if name == "/a" {
				suffix = nil
			}
			path, joined := Join(name, suffix, data)
			if path != name+string(suffix) || !bytes.Equal(joined, data) || (joined == nil) != (data == nil) {
				t.Fatalf("Join(%q, %q, %q) = %q, %q", name, suffix, data, path, joined)
			}
			create := proto.CreateTxn{Path: name + string(suffix), Data: data, ACL: proto.OpenACL, ParentCversion: -1}
			copying.apply(&create)
			create.Path, create.Data, create.Joined = path, joined, true
			joining.apply(&create)
		}
		for _, path := range []string{"/", "/a", "/a/b-0000000001"} {
			set := proto.SetDataTxn{Path: path, Data: data, Version: 1}
			copying.apply(&set)
			set.Path, set.Data = Join(path, nil, data)
			set.Joined = true
			joining.apply(&set)
			if got, want := joining.t.Lookup(path).Data(), copying.t.Lookup(path).Data(); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
				t.Fatalf("%s: data %q, want %q", path, got, want)
			}
		}
		if got, want := imageOf(t, joining.t), imageOf(t, copying.t); !reflect.DeepEqual(got, want) {
			t.Fatalf("data %q: the trees differ:\n%+v\n%+v", data, got, want)
		}
		for _, path := range []string{"/a/b-0000000001", "/a"} {
			copying.apply(&proto.DeleteTxn{Path: path})
			joining.apply(&proto.DeleteTxn{Path: path})
		}
	}
}
