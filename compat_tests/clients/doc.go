// Package clients runs the same small programs, written for the clients that
// people use (Apache's Java client, Curator, the C client and kazoo), against
// two servers and compares the transcripts that they print.
package clients
