// Package replica is one member's copy of what an ensemble replicates, as the
// quorum's loop sees it: a [Disk] over a persistence.Store that appends, cuts,
// installs and reads, while the tree itself stays the server's, behind
// [Trees].
//
// # Memory
//
// A snapshot from a leader is decoded into a tree beside the served one, as
// its bytes arrive and without any of them being kept, and written to the disk
// from there. From the first byte until it is swapped in, two trees stand in
// memory; nothing else grows with them. The old one is dropped before
// transactions are applied to the new one. What was staged for a connection
// that ends before is forgotten with it.
package replica
