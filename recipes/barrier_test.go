package recipes_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

func TestBarrierAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		barrier := recipes.NewBarrier(under, "/jobs/barrier")
		must(t, barrier.Wait(within(t))) // open as long as nobody has set it
		must(t, barrier.Set(within(t)))
		must(t, barrier.Set(within(t)))
		passed := make(chan error, 2)
		for _, c := range []*recipes.Client{under, other} {
			go func() { passed <- recipes.NewBarrier(c, "/jobs/barrier").Wait(within(t)) }()
		}
		select {
		case <-passed:
			t.Error("somebody passed a closed barrier")
		default:
		}
		must(t, barrier.Remove(within(t)))
		must(t, receive(t, "the first passes", passed))
		must(t, receive(t, "the second passes", passed))
		must(t, barrier.Remove(within(t)))
	})
}

// TestDoubleBarrier has members begin and end together, several times over.
func TestDoubleBarrier(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	const members = 4
	var entered, left atomic.Int64
	done := make(chan error, members)
	for range members {
		client := alone(srv).connect(t)
		go func() {
			entered.Add(1)
			member, err := recipes.NewDoubleBarrier(client, "/b", members).Enter(within(t))
			if err != nil {
				done <- err
				return
			}
			if n := entered.Load(); n != members {
				t.Errorf("one began when %d of %d had come", n, members)
			}
			left.Add(1)
			err = member.Leave(within(t))
			if n := left.Load(); n != members {
				t.Errorf("one ended when %d of %d had left", n, members)
			}
			done <- err
		}()
	}
	for range members {
		must(t, receive(t, "a member is through", done))
	}
	waiting(t, alone(srv).connect(t), "/b", "", 0)
}

func TestDoubleBarrierAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		done := make(chan error, 2)
		for _, c := range []*recipes.Client{under, other} {
			go func() {
				member, err := recipes.NewDoubleBarrier(c, "/b", 2).Enter(within(t))
				if err == nil {
					err = member.Leave(within(t))
				}
				done <- err
			}()
		}
		must(t, receive(t, "one is through", done))
		must(t, receive(t, "both are through", done))
		waiting(t, other, "/b", "", 0)
	})
}

// TestMemberExpires lets a member die inside: the others get out.
func TestMemberExpires(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	one, two := alone(srv).connect(t), alone(srv).connect(t)
	entered := make(chan *recipes.Member, 1)
	go func() {
		member, err := recipes.NewDoubleBarrier(one, "/b", 2).Enter(within(t))
		if err != nil {
			t.Error(err)
		}
		entered <- member
	}()
	member := get[*recipes.Member](t)(recipes.NewDoubleBarrier(two, "/b", 2).Enter(within(t)))
	dead := receive(t, "the other has entered", entered)
	srv.ExpireSession(session(t, one))
	must(t, member.Leave(within(t)))
	if err := dead.Leave(within(t)); !errors.Is(err, zk.ErrSessionExpired) {
		t.Errorf("the dead member leaves: %v", err)
	}
}
