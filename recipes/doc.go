// Package recipes has the coordination primitives that ZooKeeper's users build
// on it, over the client github.com/go-zookeeper/zk: lock, read/write lock,
// semaphore, leader election, group membership, queues, barriers, shared
// configuration, counter, consensus; and a cache of a subtree.
//
//	client, err := recipes.Connect(ctx, []string{"localhost:2181"}, 10*time.Second)
//	lock := recipes.NewLock(client, "/locks/report")
//	claim, err := lock.Acquire(ctx)
//	... work for as long as claim.Context() is not done ...
//	err = claim.Release(ctx)
//
// # What a lost connection means
//
// A request whose answer does not come has been carried out or not; the client
// cannot tell, and the library answers zk.ErrConnectionClosed. The functions
// here do not pass that on: they wait until the session has a connection again,
// find out what happened and go on. What creates a znode gives it a name that
// nobody else gives ("_c_", a UUID, "-"), so that it is recognised and not
// created twice. They end early only with their context.
//
// For who holds something it is different. While there is no connection the
// session may expire at any moment, and somebody else gets what it held. So
// [Claim.Context] ends at once, with the cause zk.ErrConnectionClosed, and the
// holder stops acting. The claim may still stand: [Claim.Resume] waits for the
// connection, looks, and gives it a new context.
//
// # What an expired session means
//
// Everything that the session held is gone. Claims end with the cause
// zk.ErrSessionExpired and do not come back; functions that were waiting
// return it. Who wants to go on calls the recipe again, and that opens another
// session: nothing here does so behind the caller's back. The library itself
// would go on with a new session under the same connection, and would even send
// it requests that were meant for the old one; so each session has a connection
// of its own here.
//
// # What a claim does not protect from
//
// A process that is paused for longer than its session lives acts on until it
// notices. Who guards something of value has it check [Claim.Token], which
// grows with every new holder (a fencing token), and makes its own writes to
// ZooKeeper depend on [Claim.Guard].
//
// # Other clients
//
// Paths and data are those of Apache Curator where it has the recipe, so that
// both can take part side by side; each type says which.
//
// # Goroutines and watches
//
// No recipe leaves a goroutine behind that outlives its request:
// [Client.Close] waits for those. (The library's own end within a few seconds
// of an expiry or Close.) The library cannot withdraw a watch: one that
// is no longer wanted stays until its znode changes or the session ends.
package recipes
