package server

import (
	"math/rand/v2"
	"testing"
)

// TestFifoAgainstSlice pushes and pops at random; the bodies must survive
// whatever happens to the memory they came from.
func TestFifoAgainstSlice(t *testing.T) {
	var f fifo
	var model []string
	rng := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 6000)
	for i := range 20_000 {
		if rng.IntN(5) < 3 && len(model) < 200 {
			body := buf[:rng.IntN(40)+1]
			if rng.IntN(100) == 0 {
				body = buf[:5000]
			}
			for j := range body {
				body[j] = byte(i)
			}
			f.push(pending{xid: int32(i), body: body})
			model = append(model, string(body))
			continue
		}
		if len(model) == 0 {
			continue
		}
		if got := string(f.front().body); got != model[0] {
			t.Fatalf("step %d: front %x, want %x", i, got, model[0])
		}
		f.pop()
		model = model[1:]
		if f.len() != len(model) || f.empty() != (len(model) == 0) {
			t.Fatalf("step %d: length %d, want %d", i, f.len(), len(model))
		}
	}
	if cap(f.items) > 1024 {
		t.Errorf("room for %d items after at most 200 at a time", cap(f.items))
	}
}
