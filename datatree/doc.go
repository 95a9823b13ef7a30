// Package datatree is the replicated state of a ZooKeeper server: znodes, ACL
// lists, sessions, ephemerals, quotas, watches and the digest over all of it.
//
// A [Tree] changes by [Tree.Apply] alone, one committed transaction after the
// other, and two trees that applied the same transactions hold the same state.
// It takes the time from the transaction, opens no file and logs nothing: what
// an operator should hear goes to the functions in [Config].
//
// A Tree has no lock. Its owner keeps a gate, a read-write lock: whoever
// mutates holds the write side, whoever reads the read side. Two things may
// be used from several readers at once because they lock themselves: the
// watches and the cache of encoded children. What a method returns stays
// valid after the gate is left only where its comment says so.
//
// The effects of each transaction follow Apache ZooKeeper 3.9.5 (DataTree,
// DataNode, WatchManager, StatsTrack). Where replay over one of Apache's
// fuzzy snapshots could end in another state than the leader had, this package
// takes the leader's; the places say so.
package datatree
