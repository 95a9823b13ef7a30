package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/meerkat-zk/meerkat/recipes"
	"github.com/meerkat-zk/meerkat/zktest"
)

// begin starts a server, and a client of it, for an example.
func begin() (ctx context.Context, srv *zktest.Server, client *recipes.Client, end func()) {
	host := &zktest.Host{}
	srv = zktest.Start(host)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	client, err := recipes.Connect(ctx, []string{srv.Addr(), srv.Addr(), srv.Addr()}, 10*time.Second)
	if err != nil {
		panic(err)
	}
	return ctx, srv, client, func() {
		client.Close()
		cancel()
		_ = host.Close()
	}
}

// A holder works for as long as its claim's context lasts.
func ExampleLock() {
	ctx, _, client, end := begin()
	defer end()

	claim, err := recipes.NewLock(client, "/locks/report").Acquire(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	work := func(ctx context.Context) error { return ctx.Err() }
	fmt.Println("work:", work(claim.Context()))
	fmt.Println("release:", claim.Release(ctx))
	fmt.Println("after that:", context.Cause(claim.Context()))
	// Output:
	// work: <nil>
	// release: <nil>
	// after that: recipes: the claim was released
}

// A lost connection ends the right to act, and Resume asks for it again. An
// expired session ends it for good.
func ExampleClaim_Resume() {
	ctx, srv, client, end := begin()
	defer end()

	claim, err := recipes.NewElection(client, "/master").Campaign(ctx, "host-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	srv.DropConnections()
	<-claim.Context().Done()
	fmt.Println(context.Cause(claim.Context()))
	fmt.Println("resume:", claim.Resume(ctx))

	srv.ExpireSession(claim.Conn().SessionID())
	<-claim.Context().Done()
	fmt.Println("resume:", claim.Resume(ctx))
	// Output:
	// zk: connection closed
	// resume: <nil>
	// resume: zk: session has been expired by the server
}

// A write that comes with the claim's guard is done only while the claim stands,
// whatever its sender believes.
func ExampleClaim_Guard() {
	ctx, _, client, end := begin()
	defer end()

	claim, err := recipes.NewLock(client, "/lock").Acquire(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	write := func(path string) error {
		_, err := claim.Conn().Multi(claim.Guard(), &zk.CreateRequest{Path: path, Acl: zk.WorldACL(zk.PermAll)})
		return err
	}
	fmt.Println(write("/first"))
	if err := claim.Release(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(write("/second"))
	// Output:
	// <nil>
	// zk: node does not exist
}

// An item is the consumer's until it is done, or the consumer is dead.
func ExampleQueue() {
	ctx, _, client, end := begin()
	defer end()

	queue := recipes.NewQueue(client, "/tasks")
	for _, task := range []string{"bake", "brew"} {
		if err := queue.Put(ctx, []byte(task)); err != nil {
			fmt.Println(err)
		}
	}
	for range 2 {
		item, err := queue.Take(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %v\n", item.Data, item.Done(ctx))
	}
	// Output:
	// bake: <nil>
	// brew: <nil>
}

// Watch ends with the loop.
func ExampleShared_Watch() {
	ctx, _, client, end := begin()
	defer end()

	config := recipes.NewShared(client, "/config")
	for value, err := range config.Watch(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("version %d: %q\n", value.Version, value.Data)
		if value.Version == 1 {
			break
		}
		if err := config.Set(ctx, []byte("verbose=true")); err != nil {
			fmt.Println(err)
		}
	}
	// Unordered output:
	// version -1: ""
	// version 1: "verbose=true"
}

// A cache is read without asking a server.
func ExampleCache() {
	ctx, srv, client, end := begin()
	defer end()

	cache, err := recipes.OpenCache(ctx, []string{srv.Addr()}, 10*time.Second, "/config")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()
	if err := recipes.NewShared(client, "/config/port").Set(ctx, []byte("8080")); err != nil {
		fmt.Println(err)
	}
	if err := cache.Sync(ctx); err != nil { // it was written by another session
		fmt.Println(err)
	}
	if node, ok := cache.Get("/config/port"); ok {
		fmt.Printf("%s=%s\n", node.Path, node.Data)
	}
	fmt.Println(cache.Children("/config"))
	// Output:
	// /config/port=8080
	// [port]
}

// Whoever proposes first decides.
func ExampleConsensus() {
	ctx, _, client, end := begin()
	defer end()

	question := recipes.NewConsensus(client, "/questions/colour")
	for _, colour := range []string{"red", "green"} {
		decided, err := question.Propose(ctx, []byte(colour))
		if err != nil && !errors.Is(err, zk.ErrSessionExpired) {
			fmt.Println(err)
		}
		fmt.Printf("proposed %s, decided %s\n", colour, decided)
	}
	// Output:
	// proposed red, decided red
	// proposed green, decided red
}
