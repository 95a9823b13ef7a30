package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

func TestGroup(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	one, two := alone(srv).connect(t), alone(srv).connect(t)
	group := recipes.NewGroup(one, "/workers")
	next, stop := iter.Pull2(recipes.NewGroup(two, "/workers").Watch(within(t)))
	defer stop()
	see := func(want string) {
		t.Helper()
		for {
			members, err, ok := next()
			if err != nil || !ok {
				t.Fatalf("the watch ended: %v", err)
			}
			if got := fmt.Sprintf("%s", members); got == want {
				return
			}
		}
	}
	see("map[]")
	a := get[*recipes.Claim](t)(group.Join(within(t), "a", []byte("1")))
	see("map[a:1]")
	if _, err := group.Join(within(t), "a", nil); !errors.Is(err, zk.ErrNodeExists) {
		t.Errorf("joining twice: %v", err)
	}
	if _, err := recipes.NewGroup(two, "/workers").Join(within(t), "a", nil); !errors.Is(err, zk.ErrNodeExists) {
		t.Errorf("joining as another: %v", err)
	}
	get[*recipes.Claim](t)(group.Join(within(t), "b", []byte("2")))
	see("map[a:1 b:2]")
	must(t, a.Release(within(t)))
	see("map[b:2]")
	again := get[*recipes.Claim](t)(group.Join(within(t), "a", []byte("3")))
	see("map[a:3 b:2]")
	if again.Token() <= a.Token() {
		t.Error("the token does not grow")
	}
	srv.ExpireSession(session(t, one))
	see("map[]")
}

func TestGroupAtEachStep(t *testing.T) {
	t.Parallel()
	atEachStep(t, func(t *testing.T, under, other *recipes.Client) {
		group := recipes.NewGroup(under, "/g")
		claim := get[*recipes.Claim](t)(group.Join(within(t), "a", []byte("1")))
		if got := fmt.Sprintf("%s", get[map[string][]byte](t)(recipes.NewGroup(other, "/g").Members(within(t)))); got != "map[a:1]" {
			t.Errorf("members %s", got)
		}
		if got := fmt.Sprintf("%s", get[map[string][]byte](t)(group.Members(within(t)))); got != "map[a:1]" {
			t.Errorf("members %s", got)
		}
		must(t, claim.Release(within(t)))
		waiting(t, other, "/g", "", 0)
	})
}

// TestWatchEnds looks at all ways in which a watch comes to its end.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	srv := zktest.Start(t)
	client := alone(srv).connect(t)
	for range recipes.NewGroup(client, "/g").Watch(within(t)) {
		break
	}
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	for _, err := range recipes.NewShared(client, "/v").Watch(ctx) {
		if err != nil {
			t.Errorf("after cancel: %v", err)
		}
		cancel()
	}
	first := true
	for _, err := range recipes.NewShared(client, "/v").Watch(within(t)) {
		if first {
			first = false
			srv.ExpireSession(session(t, client))
			continue
		}
		if !errors.Is(err, zk.ErrSessionExpired) {
			t.Errorf("after the expiry: %v", err)
		}
	}
}
