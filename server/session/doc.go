// Package session knows which sessions are alive: it makes their ids and
// passwords, notices when one has been silent for too long, and tells which
// server connection a session belongs to.
//
// It does not write to the tree. A session that has expired is handed to a
// callback, whose owner proposes the closeSession transaction; what a
// transaction opens or closes is told to the [Tracker]. The rules are those
// of Apache ZooKeeper 3.9.5: SessionTrackerImpl, ExpiryQueue, and the session
// parts of ZooKeeperServer.
package session
