// Package bench generates load for any ZooKeeper server and measures it.
//
// It must cost far less than what it measures. A few locked threads each run
// an event loop over many connections: requests are patched into frames that
// were encoded ahead, replies are only scanned for their length, xid and
// error code, and a ready connection costs one read and one write call. The
// processor time that the generator itself took is part of every [Report].
//
// A closed loop keeps a fixed number of requests outstanding on every
// connection. With a rate, requests fall due on a fixed schedule instead, and
// a latency runs from the moment a request was due, sent or not: a server
// that stalls is charged for every request that had to wait.
//
// Every reply must arrive in the order of its request, or the run fails; a
// reply with an error code is counted under the code's name.
package bench
