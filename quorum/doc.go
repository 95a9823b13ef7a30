// Package quorum is the replication core of Meerkat: who is counted, what is
// committed, who leads, and how a server that fell behind is brought up to
// date, by the rules of Apache ZooKeeper's FastLeaderElection and Zab.
//
// It is pure: no socket, no file, no clock, no logger and no random source
// other than the one seeded by its configuration. Whoever calls it acts on
// what it decides.
//
// What is here so far: [Verifier] with its three rules, and [Commitment].
package quorum
