// Package wire is a ZooKeeper client for tests: frames as they are, sessions
// with their ids and passwords at hand, and one call for every request. It
// hides nothing and retries nothing: a lost connection is an error, and what
// became of the request is for the caller to find out.
package wire
