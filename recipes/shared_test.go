package recipes_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// TestSharedTells changes a configuration and sees another client told.
func TestSharedTells(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	reader, writer := alone(srv).connect(t), alone(srv).connect(t)
	config := recipes.NewShared(writer, "/conf/app")
	const changes = 5
	seen, zxid := int32(-2), int64(-1)
	for value, err := range recipes.NewShared(reader, "/conf/app").Watch(within(t)) {
		must(t, err)
		if value.Version <= seen || value.Zxid <= zxid && value.Version > 0 {
			t.Errorf("version %d after %d, zxid 0x%x after 0x%x", value.Version, seen, value.Zxid, zxid)
		}
		seen, zxid = value.Version, value.Zxid
		if seen >= changes {
			break
		}
		must(t, config.Set(within(t), fmt.Append(nil, seen)))
	}
	must(t, config.Replace(within(t), []byte("x"), get[recipes.Value](t)(config.Get(within(t))).Version))
	if err := config.Replace(within(t), []byte("y"), 0); !errors.Is(err, zk.ErrBadVersion) {
		t.Errorf("replacing an old version: %v", err)
	}
}

func TestSharedAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		config := recipes.NewShared(under, "/conf/app")
		must(t, config.Set(within(t), []byte("a")))
		version := get[recipes.Value](t)(config.Get(within(t))).Version
		must(t, config.Replace(within(t), []byte("b"), version))
		value := get[recipes.Value](t)(recipes.NewShared(other, "/conf/app").Get(within(t)))
		if string(value.Data) != "b" || value.Version != version+1 {
			t.Errorf("value %q of version %d, wrote b over version %d", value.Data, value.Version, version)
		}
		waiting(t, other, "/conf/app", "", 0)
	})
}

func TestCounterAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		counter := recipes.NewCounter(under, "/n")
		for _, delta := range []int64{1, 10, -3} {
			get[int64](t)(counter.Add(within(t), delta))
			get[int64](t)(recipes.NewCounter(other, "/n").Add(within(t), 100))
		}
		if n := get[int64](t)(recipes.NewCounter(other, "/n").Get(within(t))); n != 308 {
			t.Errorf("the counter has %d, want 308", n)
		}
		waiting(t, other, "/n", "", 0)
	})
}

// TestCounterAddsUp has clients add at the same time.
func TestCounterAddsUp(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	const clients, rounds = 4, 10
	var all sync.WaitGroup
	for range clients {
		counter := recipes.NewCounter(alone(srv).connect(t), "/n")
		all.Go(func() {
			for range rounds {
				if _, err := counter.Add(within(t), 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	client := alone(srv).connect(t)
	if n := get[int64](t)(recipes.NewCounter(client, "/n").Get(within(t))); n != clients*rounds {
		t.Errorf("%d of %d", n, clients*rounds)
	}
	data, _, err := get[*zk.Conn](t)(client.Conn(within(t))).Get("/n")
	if want := binary.BigEndian.AppendUint64(nil, clients*rounds); err != nil || !bytes.Equal(data, want) {
		t.Errorf("the znode holds %x, %v", data, err)
	}
	must(t, recipes.NewShared(client, "/text").Set(within(t), []byte("text")))
	if _, err := recipes.NewCounter(client, "/text").Add(within(t), 1); !errors.Is(err, recipes.ErrNoNumber) {
		t.Errorf("adding to a text: %v", err)
	}
}

func TestConsensusAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		decided := make(chan []byte, 1)
		go func() {
			value, err := recipes.NewConsensus(under, "/questions/1").Decided(within(t))
			if err != nil {
				t.Error(err)
			}
			decided <- value
		}()
		values := make(chan []byte, 2)
		for name, c := range map[string]*recipes.Client{"under": under, "other": other} {
			go func() {
				value, err := recipes.NewConsensus(c, "/questions/1").Propose(within(t), []byte(name))
				if err != nil {
					t.Error(err)
				}
				values <- value
			}()
		}
		first, second := receive(t, "one answer", values), receive(t, "another", values)
		if got := receive(t, "the decision", decided); !bytes.Equal(first, second) || !bytes.Equal(first, got) || len(got) == 0 {
			t.Errorf("decided %q, %q and %q", first, second, got)
		}
	})
}
