package server

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/conf"
	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
)

// addAuth authenticates and must succeed.
func (c *testClient) addAuth(scheme, data string) {
	c.t.Helper()
	c.write(authFrame(scheme, data))
	if r := c.readReply(); r.ReplyHeader != (proto.ReplyHeader{Xid: proto.XidAuth}) {
		c.t.Fatalf("auth: %+v", r.ReplyHeader)
	}
}

// acl decodes a getACL reply.
func (r reply) acl(t testing.TB) []proto.ACL {
	t.Helper()
	d := jute.NewDecoder(r.body)
	acl := proto.DecodeACLs(&d)
	if d.Err() != nil {
		t.Fatalf("reply with %v: %v", r.Err, d.Err())
	}
	return acl
}

func digestID(t testing.TB, userPassword string) proto.ID {
	t.Helper()
	id, err := auth.Digest("SHA1", userPassword)
	if err != nil {
		t.Fatal(err)
	}
	return proto.ID{Scheme: "digest", ID: id}
}

// TestACLs asks for each permission with and without the identity that has it.
func TestACLs(t *testing.T) {
	srv := start(t)
	owner, other, nobody := connect(t, srv), connect(t, srv), connect(t, srv)
	owner.addAuth("digest", "owner:secret")
	other.addAuth("digest", "other:secret")
	ownerID, otherID := digestID(t, "owner:secret"), digestID(t, "other:secret")
	owner.must(proto.OpCreate, &proto.CreateRequest{Path: "/a", ACL: []proto.ACL{
		{Perms: proto.PermAll, ID: proto.ID{Scheme: "auth"}}, {Perms: proto.PermRead, ID: otherID},
	}})
	path := &proto.PathRequest{Path: "/a"}
	want := []proto.ACL{{Perms: proto.PermAll, ID: ownerID}, {Perms: proto.PermRead, ID: otherID}}
	if got := owner.must(proto.OpGetACL, path).acl(t); !slices.Equal(got, want) {
		t.Errorf("ACL as its owner sees it: %v", got)
	}
	masked := slices.Clone(want)
	masked[0].ID.ID, masked[1].ID.ID = "owner:x", "other:x"
	if got := other.must(proto.OpGetACL, path).acl(t); !slices.Equal(got, masked) {
		t.Errorf("ACL as a reader sees it: %v", got)
	}
	type record = interface{ Append([]byte) []byte }
	for name, c := range map[string]struct {
		op     proto.Op
		record record
		other  proto.ErrCode
	}{
		"exists":   {proto.OpExists, &proto.WatchableRequest{Path: "/a"}, proto.OK},
		"read":     {proto.OpGetData, &proto.WatchableRequest{Path: "/a"}, proto.OK},
		"children": {proto.OpGetChildren2, &proto.WatchableRequest{Path: "/a"}, proto.OK},
		"count":    {proto.OpGetAllChildrenNumber, path, proto.OK},
		"getACL":   {proto.OpGetACL, path, proto.OK},
		"write":    {proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: -1}, proto.ErrNoAuth},
		"create":   {proto.OpCreate, createRequest("/a/b-", "", proto.FlagEphemeralSequential), proto.ErrNoAuth},
		"admin":    {proto.OpSetACL, &proto.SetACLRequest{Path: "/a", ACL: want, Version: -1}, proto.ErrNoAuth},
	} {
		owner.must(c.op, c.record)
		if r := other.call(c.op, c.record); r.Err != c.other {
			t.Errorf("%s by one who may only read: %v", name, r.Err)
		}
		if r := nobody.call(c.op, c.record); r.Err != proto.ErrNoAuth {
			t.Errorf("%s by nobody: %v", name, r.Err)
		}
	}
	if r := nobody.call(proto.OpSetACL, &proto.SetACLRequest{Path: "/", ACL: []proto.ACL{{Perms: 1, ID: proto.ID{Scheme: "auth"}}}}); r.Err != proto.ErrInvalidACL {
		t.Errorf("an ACL of nobody: %v", r.Err)
	}
}

// TestAuthInBurst authenticates between requests that are sent at once: each
// acts with what its client was when it came.
func TestAuthInBurst(t *testing.T) {
	srv := start(t)
	owner := connect(t, srv)
	owner.addAuth("digest", "u:p")
	owner.must(proto.OpCreate, &proto.CreateRequest{Path: "/a", ACL: []proto.ACL{{Perms: proto.PermAll, ID: proto.ID{Scheme: "auth"}}}})
	client := connect(t, srv)
	get := &proto.WatchableRequest{Path: "/a"}
	client.write(
		client.request(proto.OpSync, &proto.PathRequest{Path: "/"}),
		client.request(proto.OpSetData, &proto.SetDataRequest{Path: "/a", Version: -1}), // refused, and parks what follows
		client.request(proto.OpGetData, get),
		authFrame("digest", "u:p"),
		client.request(proto.OpGetData, get),
	)
	got := map[int32]proto.ErrCode{}
	for range 5 {
		r := client.readReply()
		got[r.Xid] = r.Err
	}
	want := map[int32]proto.ErrCode{1: proto.OK, 2: proto.ErrNoAuth, 3: proto.ErrNoAuth, proto.XidAuth: proto.OK, 4: proto.OK}
	for xid, code := range want {
		if got[xid] != code {
			t.Errorf("xid %d: %v, want %v", xid, got[xid], code)
		}
	}
	who := client.must(proto.OpWhoAmI, nil)
	users := proto.AppendIDs(nil, []proto.ID{{Scheme: "ip", ID: "127.0.0.1"}, {Scheme: "digest", ID: "u"}})
	if !bytes.Equal(who.body, users) {
		t.Errorf("who am I: %q, want %q", who.body, users)
	}
}

// TestEnforceAuth lets only those in who have authenticated.
func TestEnforceAuth(t *testing.T) {
	srv := start(t, func(c *conf.Config) { c.Auth.Enforce, c.Auth.EnforceSchemes = true, []string{"digest"} })
	for _, op := range []proto.Op{proto.OpPing, proto.OpGetData, proto.OpCreate, proto.OpCloseSession, 99} {
		client := connect(t, srv)
		if r := client.call(op, nil); r.Err != proto.ErrSASLAuthRequired || r.Zxid != 0 {
			t.Errorf("%s without an identity: %+v", op, r.ReplyHeader)
		}
		client.closed()
	}
	client := connect(t, srv)
	client.addAuth("digest", "u:p")
	client.create("/a", "", proto.FlagPersistent)
}

// TestSuper may do everything.
func TestSuper(t *testing.T) {
	srv := start(t, func(c *conf.Config) { c.Auth.SuperDigest = digestID(t, "super:secret").ID })
	client := connect(t, srv)
	client.must(proto.OpCreate, &proto.CreateRequest{Path: "/a", ACL: []proto.ACL{{Perms: proto.PermAll, ID: digestID(t, "u:p")}}})
	if r := client.call(proto.OpGetData, &proto.WatchableRequest{Path: "/a"}); r.Err != proto.ErrNoAuth {
		t.Errorf("as nobody: %v", r.Err)
	}
	client.addAuth("digest", "super:secret")
	client.must(proto.OpGetData, &proto.WatchableRequest{Path: "/a"})
	client.must(proto.OpSetACL, &proto.SetACLRequest{Path: "/a", ACL: proto.OpenACL, Version: -1})
}

// TestTooManyIdentities bounds what one connection can make the server keep.
func TestTooManyIdentities(t *testing.T) {
	client := connect(t, start(t))
	var frames [][]byte
	for i := range auth.DefaultMaxIDs {
		frames = append(frames, authFrame("digest", fmt.Sprintf("user%d:p", i)))
	}
	client.write(frames...)
	for range auth.DefaultMaxIDs - 1 { // one is the address
		if r := client.readReply(); r.Err != proto.OK {
			t.Fatalf("auth: %v", r.Err)
		}
	}
	if r := client.readReply(); r.Err != proto.ErrAuthFailed {
		t.Errorf("one identity too many: %v", r.Err)
	}
	client.closed()
}

// TestNullSASLToken costs its sender the connection, as in Apache.
func TestNullSASLToken(t *testing.T) {
	client := connect(t, start(t))
	client.write(client.request(proto.OpSASL, &proto.SASLToken{}))
	client.closed()
}
