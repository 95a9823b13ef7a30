// Package peer is the shell around package quorum: what turns the decisions of
// a quorum.Core into sockets and disk operations, in Apache ZooKeeper's own
// wire formats.
//
// A [Peer] owns a Core and steps it on one goroutine. Its inbox is bounded, and
// whoever fills it waits; the loop itself waits for nobody but for a disk that
// is far behind. What is to be made durable is done in order, and many
// operations with one sync, against the [Disk]; what is committed goes to the
// [Machine].
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
// What belongs to sessions passes through: what learners ask for comes in order
// at the leader's [Machine], whose server puts it, with the transactions that
// it leads to, into one order for [Peer.Submit].
//
// Observers connect to the leader, or, where followers serve them, to one after
// another of these; what a follower passes on for them is its server's business
// too. [Peer.Stats] and [Peer.Learners] show what goes on, [Listen] binds ports
// that another process is about to free.
//
// What is not here yet: SASL between servers.
package peer
