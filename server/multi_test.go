package server

import (
	"bytes"
	"slices"
	"testing"

	"github.com/meerkat-zk/meerkat/jute"
	"github.com/meerkat-zk/meerkat/jute/proto"
)

// multi is the record of a multi or a multiRead.
type multi []subRequest

type subRequest struct {
	op     proto.Op
	record interface{ Append([]byte) []byte }
}

func (m multi) Append(b []byte) []byte {
	for _, sub := range m {
		b = sub.record.Append(proto.MultiHeader{Op: sub.op, Err: -1}.Append(b))
	}
	return proto.MultiEnd.Append(b)
}

// results decodes the headers of a multi's results, and hands the body of each
// to the function that stands for its type.
func (r reply) results(t testing.TB, bodies map[proto.Op]func(*jute.Decoder)) (headers []proto.MultiHeader) {
	t.Helper()
	d := jute.NewDecoder(r.body)
	for {
		var h proto.MultiHeader
		if h.Decode(&d); d.Err() != nil {
			t.Fatalf("results after %+v: %v", headers, d.Err())
		}
		if h.Done {
			if rest := d.Rest(); len(rest) > 0 {
				t.Errorf("%d bytes behind the results", len(rest))
			}
			return headers
		}
		if body := bodies[h.Op]; body != nil {
			body(&d)
		}
		headers = append(headers, h)
	}
}

// writeBodies skips the bodies of a multi's results; an error's code has to be
// that of its header.
func writeBodies(t testing.TB, codes *[]proto.ErrCode) map[proto.Op]func(*jute.Decoder) {
	stat := func(d *jute.Decoder) { var s proto.Stat; s.Decode(d) }
	return map[proto.Op]func(*jute.Decoder){
		proto.OpCreate:  func(d *jute.Decoder) { _ = d.String() },
		proto.OpCreate2: func(d *jute.Decoder) { _ = d.String(); stat(d) },
		proto.OpSetData: stat,
		proto.OpError:   func(d *jute.Decoder) { *codes = append(*codes, proto.ErrCode(d.Int())) },
	}
}

func resultOps(headers []proto.MultiHeader) (list []proto.Op) {
	for _, h := range headers {
		list = append(list, h.Op)
	}
	return list
}

func TestMulti(t *testing.T) {
	client := connect(t, start(t))
	ttl := createRequest("/m/ttl", "", proto.FlagPersistentTTL)
	ttl.HasTTL, ttl.TTLMs = true, 10_000
	request := multi{
		{proto.OpCreate, createRequest("/m", "1", proto.FlagPersistent)},
		{proto.OpCheck, &proto.CheckVersionRequest{Path: "/m", Version: 0}},
		{proto.OpSetData, &proto.SetDataRequest{Path: "/m", Data: []byte("2"), Version: 0}},
		{proto.OpCreate2, createRequest("/m/s-", "", proto.FlagEphemeralSequential)},
		{proto.OpCreateContainer, createRequest("/m/c", "", proto.FlagContainer)},
		{proto.OpCreateTTL, ttl},
		{proto.OpDelete, &proto.DeleteRequest{Path: "/m/s-0000000000", Version: -1}},
	}
	var codes []proto.ErrCode
	headers := client.must(proto.OpMulti, request).results(t, writeBodies(t, &codes))
	want := []proto.Op{proto.OpCreate, proto.OpCheck, proto.OpSetData, proto.OpCreate2, proto.OpCreate2, proto.OpCreate2, proto.OpDelete}
	if !slices.Equal(resultOps(headers), want) || codes != nil {
		t.Errorf("results %+v, %v", headers, codes)
	}
	data, stat := client.must(proto.OpGetData, &proto.WatchableRequest{Path: "/m"}).data(t)
	if data != "2" || stat.NumChildren != 2 || stat.Czxid != stat.Mzxid || stat.Czxid != stat.Pzxid || stat.Cversion != 4 {
		t.Errorf("%q, %+v", data, stat)
	}
	if r := client.must(proto.OpMulti, multi{}); !bytes.Equal(r.body, proto.MultiEnd.Append(nil)) {
		t.Errorf("an empty multi: %x", r.body)
	}
}

// TestMultiFails does nothing of a multi when one op fails; the header of the
// reply says OK all the same.
func TestMultiFails(t *testing.T) {
	client := connect(t, start(t))
	before := client.create("/before", "", proto.FlagPersistent)
	request := multi{
		{proto.OpCreate, createRequest("/m", "", proto.FlagPersistent)},
		{proto.OpDelete, &proto.DeleteRequest{Path: before, Version: 7}},
		{proto.OpCreate, createRequest("/n", "", proto.FlagPersistent)},
	}
	var codes []proto.ErrCode
	first := client.must(proto.OpMulti, request)
	headers := first.results(t, writeBodies(t, &codes))
	if want := []proto.ErrCode{proto.OK, proto.ErrBadVersion, proto.ErrRuntimeInconsistency}; !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
	for i, h := range headers {
		if h.Op != proto.OpError || h.Err != codes[i] {
			t.Errorf("header %+v of a result with %v", h, codes[i])
		}
	}
	if client.exists("/m") || client.exists("/n") {
		t.Error("something was done")
	}
	for name, bad := range map[string]multi{
		"read among writes": {{proto.OpGetData, &proto.WatchableRequest{Path: "/"}}},
		"nested":            {{proto.OpMulti, multi{}}},
		"deleteContainer":   {{proto.OpDeleteContainer, &proto.DeleteContainerRequest{Path: "/before"}}},
	} {
		if r := client.call(proto.OpMulti, bad); r.Err != proto.ErrMarshalling || len(r.body) > 0 {
			t.Errorf("%s: %+v", name, r.ReplyHeader)
		}
	}
}

// TestMultiRead answers each read on its own and arms no watch.
func TestMultiRead(t *testing.T) {
	client := connect(t, start(t))
	client.create("/m", "data", proto.FlagPersistent)
	client.create("/m/c", "", proto.FlagPersistent)
	request := multi{
		{proto.OpGetData, &proto.WatchableRequest{Path: "/m", Watch: true}},
		{proto.OpGetData, &proto.WatchableRequest{Path: "/none"}},
		{proto.OpGetChildren, &proto.WatchableRequest{Path: "/m", Watch: true}},
	}
	var data string
	var children []string
	var code proto.ErrCode
	headers := client.must(proto.OpMultiRead, request).results(t, map[proto.Op]func(*jute.Decoder){
		proto.OpGetData:     func(d *jute.Decoder) { data = string(d.Buffer()); var s proto.Stat; s.Decode(d) },
		proto.OpGetChildren: func(d *jute.Decoder) { children = d.Strings() },
		proto.OpError:       func(d *jute.Decoder) { code = proto.ErrCode(d.Int()) },
	})
	if want := []proto.Op{proto.OpGetData, proto.OpError, proto.OpGetChildren}; !slices.Equal(resultOps(headers), want) {
		t.Fatalf("results %+v", headers)
	}
	if data != "data" || code != proto.ErrNoNode || headers[1].Err != proto.ErrNoNode || !slices.Equal(children, []string{"c"}) {
		t.Errorf("%q, %v, %q", data, code, children)
	}
	client.must(proto.OpSetData, &proto.SetDataRequest{Path: "/m", Version: -1})
	client.quiet()
	bad := multi{{proto.OpCreate, createRequest("/x", "", proto.FlagPersistent)}}
	if r := client.call(proto.OpMultiRead, bad); r.Err != proto.ErrMarshalling {
		t.Errorf("a write among reads: %v", r.Err)
	}
}
