package server

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/meerkat-zk/meerkat/jute/proto"
)

// BenchmarkPipeline sends bursts of 16 requests over 16 connections of this
// process: good for profiles and for comparing two versions, not for rates.
func BenchmarkPipeline(b *testing.B) {
	const conns, burst = 16, 16
	data := make([]byte, 100)
	for name, request := range map[string]func(c *testClient, i int) []byte{
		"read": func(c *testClient, i int) []byte {
			return c.request(proto.OpGetData, &proto.WatchableRequest{Path: fmt.Sprintf("/bench/%d", i%64)})
		},
		"write": func(c *testClient, i int) []byte {
			return c.request(proto.OpSetData, &proto.SetDataRequest{Path: fmt.Sprintf("/bench/%d", i%64), Data: data, Version: -1})
		},
		"create": func(c *testClient, _ int) []byte {
			return c.request(proto.OpCreate, createRequest("/bench/n-", string(data), proto.FlagPersistentSequential))
		},
	} {
		b.Run(name, func(b *testing.B) {
			srv := start(b)
			setup := connect(b, srv)
			setup.create("/bench", "", proto.FlagPersistent)
			for i := range 64 {
				setup.create(fmt.Sprintf("/bench/%d", i), string(data), proto.FlagPersistent)
			}
			var group sync.WaitGroup
			b.ResetTimer()
			for range conns {
				c := connect(b, srv)
				_ = c.nc.SetDeadline(noDeadline)
				var frames []byte
				for i := range burst {
					r := request(c, i)
					frames = append(binary.BigEndian.AppendUint32(frames, uint32(len(r))), r...)
				}
				group.Go(func() { c.bursts(frames, burst, b.N/conns/burst+1) })
			}
			group.Wait()
		})
	}
}

// bursts sends the same frames again and again and counts the replies.
func (c *testClient) bursts(frames []byte, burst, times int) {
	buf := make([]byte, 64<<10)
	var end int
	for range times {
		if _, err := c.nc.Write(frames); err != nil {
			c.t.Error(err)
			return
		}
		for left := burst; left > 0; {
			n, err := c.nc.Read(buf[end:])
			if err != nil && err != io.EOF || n == 0 {
				c.t.Error(err)
				return
			}
			end += n
			at := 0
			for end-at >= 4 && end-at >= 4+int(binary.BigEndian.Uint32(buf[at:])) {
				at += 4 + int(binary.BigEndian.Uint32(buf[at:]))
				left--
			}
			end = copy(buf, buf[at:end])
		}
	}
}
