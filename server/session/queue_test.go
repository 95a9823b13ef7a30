package session

import (
	"context"
	"fmt"
	"math/rand"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// model is the plain form of the queue: every touch files at once.
type model struct {
	width, next int64
	due         map[int]int64
}

func (m *model) touch(k int, now int64, timeout int32) {
	m.due[k] = ((now+int64(timeout))/m.width + 1) * m.width
}

func (m *model) poll(now int64) []int {
	var out []int
	for ; m.next <= now; m.next += m.width {
		for k, due := range m.due {
			if due <= m.next {
				out = append(out, k)
				delete(m.due, k)
			}
		}
	}
	return out
}

// TestQueueAgainstModel plays random histories, in which timeouts also get
// shorter and the clock that a caller has read may lag behind.
func TestQueueAgainstModel(t *testing.T) {
	for seed := range int64(40) {
		random := rand.New(rand.NewSource(seed))
		now := random.Int63n(100_000)
		width := 1 + random.Int63n(50)
		q := NewQueue[int](width, now)
		m := &model{width: width, next: (now/width + 1) * width, due: map[int]int64{}}
		items := map[int]*Item[int]{}
		for step := range 500 {
			switch k := random.Intn(20); random.Intn(6) {
			case 0:
				if items[k] == nil {
					items[k] = &Item[int]{Value: k}
					timeout := random.Int31n(300)
					q.Add(items[k], now, timeout)
					m.touch(k, now, timeout)
				}
			case 1, 2:
				seen := max(now-random.Int63n(3), 0)
				timeout := random.Int31n(300)
				_, alive := m.due[k]
				if alive {
					m.touch(k, seen, timeout)
				}
				if items[k] != nil && q.Touch(items[k], seen, timeout) != alive {
					t.Fatalf("seed %d step %d: touch of %d differs from %v", seed, step, k, alive)
				}
			case 3:
				_, alive := m.due[k]
				if items[k] != nil && q.End(items[k]) != alive {
					t.Fatalf("seed %d step %d: end of %d differs from %v", seed, step, k, alive)
				}
				delete(m.due, k)
				delete(items, k)
			default:
				now += random.Int63n(2 * width)
				got, want := q.Poll(now), m.poll(now)
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Fatalf("seed %d step %d: expired %v, want %v", seed, step, got, want)
				}
				for _, k := range want {
					if !items[k].Ended() {
						t.Fatalf("seed %d step %d: %d expired but has not ended", seed, step, k)
					}
					delete(items, k)
				}
			}
			checkBuckets(t, q, m)
		}
	}
}

func checkBuckets(t *testing.T, q *Queue[int], m *model) {
	t.Helper()
	want := map[int64][]int{}
	for k, due := range m.due {
		want[due] = append(want[due], k)
	}
	got, last := map[int64][]int{}, int64(-1)
	for _, b := range q.Buckets() {
		if b.DueMs <= last {
			t.Fatalf("buckets out of order: %v", q.Buckets())
		}
		got[b.DueMs], last = b.Values, b.DueMs
	}
	for _, sets := range []map[int64][]int{want, got} {
		for _, s := range sets {
			slices.Sort(s)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("buckets %v, want %v", got, want)
	}
}

// TestQueueConcurrently: whoever is touched in time never expires, and of the
// others each is either ended or reported, never both and never neither.
func TestQueueConcurrently(t *testing.T) {
	const kept, left, timeMs, timeout = 8, 2000, 3000, 100
	q := NewQueue[int](10, 0)
	var now atomic.Int64
	items := make([]*Item[int], kept+left)
	for i := range items {
		items[i] = &Item[int]{Value: i}
		q.Add(items[i], 0, timeout+int32(i))
	}
	var busy sync.WaitGroup
	var touched [kept]atomic.Int64 // the time at which each was last touched
	for i := range kept {
		busy.Go(func() {
			for n := int32(0); touched[i].Load() < timeMs; n++ {
				at := now.Load()
				if !q.Touch(items[i], at, timeout+n%7*10) {
					t.Errorf("item %d expired at %d", i, now.Load())
					touched[i].Store(timeMs)
					return
				}
				touched[i].Store(at)
				runtime.Gosched()
			}
		})
	}
	outcomes := make([]int, len(items)) // by the ender
	busy.Go(func() {
		for i := len(items) - 1; i >= kept; i-- {
			if q.End(items[i]) {
				outcomes[i]++
			}
			runtime.Gosched()
		}
	})
	reports := make([]int, len(items))
	for now.Load() < timeMs {
		for i := range kept { // the clock may not run ahead of those who touch
			for touched[i].Load() < now.Load()-timeout/2 {
				runtime.Gosched()
			}
		}
		for _, v := range q.Poll(now.Add(1)) {
			reports[v]++
		}
	}
	busy.Wait()
	for i := range items {
		if want := map[bool]int{true: 0, false: 1}[i < kept]; outcomes[i]+reports[i] != want {
			t.Errorf("item %d ended %d times, expired %d times", i, outcomes[i], reports[i])
		}
	}
}

// TestQueueAfterStandstill stops the process for longer than every timeout.
// What is heard of right after it lives on, what is not expires a bucket later.
func TestQueueAfterStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const width, timeout = 1000, 3000
		start := time.Now()
		var standstillMs atomic.Int64
		now := func() int64 { return time.Since(start).Milliseconds() + standstillMs.Load() }
		q := NewQueue[string](width, now())
		heard, silent := &Item[string]{Value: "heard"}, &Item[string]{Value: "silent"}
		q.Add(heard, now(), timeout)
		q.Add(silent, now(), timeout)
		ctx, cancel := context.WithCancel(t.Context())
		var expired []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			q.Run(ctx, now, func(v string) { expired = append(expired, v) })
		}()
		time.Sleep(1500 * time.Millisecond)
		standstillMs.Store(10 * timeout)
		time.Sleep(600 * time.Millisecond) // it has woken up, and looks at nothing yet
		if !q.Touch(heard, now(), timeout) {
			t.Fatal("a session that was heard of after the standstill had expired")
		}
		time.Sleep(width * time.Millisecond)
		cancel()
		<-done
		if !slices.Equal(expired, []string{"silent"}) {
			t.Errorf("%v expired, expected the silent one alone", expired)
		}
	})
}
