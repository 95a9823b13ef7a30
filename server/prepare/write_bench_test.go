package prepare

import (
	"fmt"
	"testing"

	"github.com/meerkat-zk/meerkat/datatree"
	"github.com/meerkat-zk/meerkat/jute/proto"
	"github.com/meerkat-zk/meerkat/server/auth"
)

// BenchmarkWrite is what one write costs beside the network and the disk: it
// is prepared, and applied with a batch of others.
//
//	go test -run '^$' -bench Write -benchmem ./server/prepare
func BenchmarkWrite(b *testing.B) {
	const keys, batch = 10_000, 64
	data := make([]byte, 100)
	set := make([][]byte, keys)
	for i := range set {
		set[i] = (&proto.SetDataRequest{Path: fmt.Sprintf("/bench/%08d", i), Data: data, Version: -1}).Append(nil)
	}
	create := (&proto.CreateRequest{Path: "/bench/n-", Data: data, ACL: proto.OpenACL, Flags: proto.FlagPersistentSequential}).Append(nil)
	for name, next := range map[string]func(r *Request, i int){
		"set":    func(r *Request, i int) { r.Op, r.Body = proto.OpSetData, set[i*7919%keys] },
		"create": func(r *Request, _ int) { r.Op, r.Body = proto.OpCreate, create },
	} {
		b.Run(name, func(b *testing.B) {
			registry, err := auth.New(auth.Config{DigestEnabled: true})
			if err != nil {
				b.Fatal(err)
			}
			tree := datatree.New(datatree.Config{Digest: true})
			p := New(Config{Digest: true, MaxTxnBytes: 1 << 20}, tree, registry, fakeSessions{})
			var waiting []proto.Entry
			write := func(r *Request) {
				result := p.Prepare(r)
				if result.Malformed || result.Entry.Header.Type == proto.OpError {
					b.Fatalf("%+v", result)
				}
				waiting = append(waiting, result.Entry)
			}
			apply := func() {
				for i := range waiting {
					tree.Apply(&waiting[i])
				}
				clear(waiting)
				waiting = waiting[:0]
			}
			for i := -1; i < keys; i++ {
				path := fmt.Sprintf("/bench/%08d", i)
				if i < 0 {
					path = "/bench"
				}
				write(&Request{Session: me, Op: proto.OpCreate, Body: (&proto.CreateRequest{Path: path, Data: data, ACL: proto.OpenACL}).Append(nil)})
				apply()
			}
			b.ReportAllocs()
			b.ResetTimer()
			ids := []proto.ID{{Scheme: "ip", ID: "127.0.0.1"}}
			for i := range b.N {
				r := Request{Session: me, IDs: ids, TimeMs: int64(i)}
				next(&r, i)
				if write(&r); len(waiting) == batch {
					apply()
				}
			}
			apply()
			if n := tree.DigestMismatches(); n > 0 {
				b.Fatalf("%d digests were not as predicted", n)
			}
		})
	}
}
