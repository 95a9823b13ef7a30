// Package prepare turns what a client asks for into the transaction that
// every server will apply. It checks a write against the committed tree plus
// the changes that are on their way but not yet applied, gives it a zxid, and
// predicts the digest of the tree after it. A write that fails its checks
// becomes an error transaction: it has a zxid and a place in the log like any
// other.
//
// The package decides and does nothing else: no I/O, no clock, no goroutine.
// The order of the checks is that of Apache's PrepRequestProcessor, since it
// decides which of two errors a client sees.
package prepare
