// Package peer is the shell around package quorum: the sockets that an
// ensemble's servers speak to each other over, in Apache ZooKeeper's own wire
// formats.
//
// [Election] carries the votes: one connection to each server, only the newest
// vote waiting on it. [Links] are the quorum connections between a leader and
// its learners: packets in order, with snapshots and parts of the log streamed
// between them, and a peer that cannot keep up dropped as a whole.
//
// Both dial through a [Dial] and listen on net.Listeners, so that a whole
// ensemble can run inside one process; that is also where TLS enters. What they
// hear they hand to a [Deliver], as inputs of a quorum.Core.
//
// What is not here yet: nothing owns a Core and connects it to these and to a
// disk; SASL between servers; and the server binary uses none of this.
package peer
