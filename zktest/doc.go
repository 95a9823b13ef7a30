// Package zktest runs ZooKeeper servers inside a Go test, and breaks them on
// demand. No Java, no container, no files, no fixed ports.
//
//	srv := zktest.Start(t)
//	conn, _, err := zk.Connect([]string{srv.Addr()}, 10*time.Second)
//
// [Start] returns a standalone server that serves, [StartEnsemble] an ensemble
// with a leader. Both are gone when the test ends, and any number of tests may
// run side by side: data is kept in memory, clients connect to a free port of
// the loopback interface, and the members of an ensemble reach each other
// without any port.
//
// Between a client and its server, and between any two members, stands a relay
// that a test controls: it can hold what passes (a partition, a frozen
// server), delay it, cut it off, or lose one chosen request or its answer
// ([Server.Intercept]). Below each server is a disk that can stall and that
// loses what was not synced when the power goes ([Server.CutPower]).
//
// A server has one address for all of its life: after [Server.Kill] and
// [Server.Restart] clients find it where it was.
//
// What a fault does is what the network or the disk would do. The one
// exception is [Server.Freeze]: goroutines cannot be stopped, so a frozen
// server neither sends nor receives nor writes, but its clock goes on. A
// leader that was frozen for longer than its followers wait has noticed by
// itself when it thaws.
package zktest
