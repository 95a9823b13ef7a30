// Package client is a ZooKeeper client for Meerkat's own tools: a session
// that survives the loss of a connection, every request of the protocol of
// Apache ZooKeeper 3.9, requests in flight side by side, and a table of
// watches with the rules of Apache's Java client (ZooKeeper, ClientCnxn,
// ZKWatchManager).
//
// Programs rather use one of the clients that others wrote. This one exists
// because those for Go lack requests that a shell must have: persistent
// watches and their removal, whoAmI, the ephemerals of a session, the number
// of descendants.
//
// A [Client] reports watch events and the states of its session to one
// function. A request that was in flight when the connection was lost fails
// with [proto.ErrConnectionLoss]; whether the server has done it is unknown,
// and nothing is sent twice.
package client
