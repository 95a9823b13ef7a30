// Package throttle protects a server from too much at once: connections
// ([Caps]), new sessions ([Blue]), memory in large requests ([Large]) and
// requests in process ([Requests]).
//
// Each type stands alone, decides from numbers, and takes its clock from the
// configuration. The rules and defaults are those of Apache ZooKeeper 3.9.5:
// ServerCnxnFactory, BlueThrottle, RequestThrottler and ZooKeeperServer.
package throttle
