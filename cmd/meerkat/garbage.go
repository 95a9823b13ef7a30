package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// garbageFloor is how much garbage may gather before the Go runtime collects
// it. By itself the runtime allows as much as there is live data, and no less
// than 4 MB: a server with little data and many writes would collect fifty
// times a second, for a quarter of its processor time.
const garbageFloor = 32 << 20

// gcPercent returns the GOGC for a heap with so much live data.
func gcPercent(liveBytes uint64) int {
	const usual, most = 100, 800 // the runtime multiplies its 4 MB by it, too
	return int(max(usual, min(most, 100*garbageFloor/max(liveBytes, 1))))
}

// thrift decides when a server gives memory back: when it is idle after it
// has worked, and holds much more than is live.
type thrift struct {
	allocated uint64 // bytes ever, at the last look
	since     uint64 // of these, since memory was given back
}

// heap is a look at the memory of the Go runtime, in bytes.
type heap struct {
	allocated uint64 // ever
	live      uint64 // found by the last collection
	held      uint64 // taken from the system for the heap and not given back
}

const (
	thriftEvery = 500 * time.Millisecond // time between two looks
	idleBytes   = 256 << 10              // an idle server allocates no more between two looks
	worthBytes  = 8 << 20                // less than that is not worth a collection
)

// due tells whether to give memory back now.
func (t *thrift) due(h heap) bool {
	grown := h.allocated - t.allocated
	t.allocated = h.allocated
	t.since += grown
	// What the last collection found alive may be dead by now: as much again
	// has been allocated since.
	fresh := t.since < h.live
	if grown > idleBytes || t.since < worthBytes || fresh && h.held < h.live+max(worthBytes, h.live/10) {
		return false
	}
	t.since = 0
	return true
}

// manageGarbage tunes the collector of the process, unless the environment
// does, until the function that it returns is called.
func manageGarbage() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	stopping, stopped := make(chan struct{}), make(chan struct{})
	collected := make(chan struct{}, 1) // holds a token after each collection
	watchCollections(collected)
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(thriftEvery)
		defer ticker.Stop()
		var t thrift
		percent := 0
		for {
			var look bool
			select {
			case <-stopping:
				return
			case <-collected:
				watchCollections(collected)
			case <-ticker.C:
				look = true
			}
			metrics.Read(samples)
			value := func(i int) uint64 { return samples[i].Value.Uint64() }
			if p := gcPercent(value(1)); p > percent+percent/8 || p < percent-percent/8 {
				percent = p
				debug.SetGCPercent(p)
			}
			if look && t.due(heap{allocated: value(0), live: value(1), held: value(2) + value(3) + value(4)}) {
				debug.FreeOSMemory()
			}
		}
	}()
	return func() {
		close(stopping)
		<-stopped
	}
}

// watchCollections puts a token into the channel after the next collection.
func watchCollections(collected chan<- struct{}) {
	sentinel := new([16]byte)
	runtime.AddCleanup(sentinel, func(collected chan<- struct{}) {
		select {
		case collected <- struct{}{}:
		default:
		}
	}, collected)
}
