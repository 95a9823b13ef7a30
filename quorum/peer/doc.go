// Package peer is the shell around package quorum: the sockets that an
// ensemble's servers speak to each other over, in Apache ZooKeeper's own wire
// formats.
//
// [Election] carries the votes: one connection to each server, only the newest
// vote waiting on it.
//
// It dials through a [Dial] and listens on a net.Listener, so that a whole
// ensemble can run inside one process; that is also where TLS enters. What it
// hears it hands to a [Deliver], as inputs of a quorum.Core.
//
// What is not here yet: nothing owns a Core, the quorum connections between
// learner and leader are missing, and the server binary uses none of this.
package peer
