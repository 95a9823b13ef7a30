// Package subtree reads, copies, compares, exports and imports subtrees of
// znodes through the client protocol, with many requests in flight.
//
// What it reads is no snapshot: a znode that changes while a subtree is read
// may be seen as it was before or after. What a client cannot see is lost: a
// container or a znode with a TTL becomes a plain persistent one, and versions,
// zxids and times begin anew. Ephemerals belong to a session and are left out,
// and counted.
package subtree
